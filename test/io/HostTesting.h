// Servers and clients as a binding would use them, without one: records decoded, an echo application, a loop in Node's place.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>
#include <thread>

#include "IoTesting.h"
#include "io/QuicClient.h"
#include "io/QuicServer.h"

namespace quic::testing {

struct Record {
  RecordKind kind;
  ConnectionHandle connection;
  uint64_t value;
  uint32_t flag;
  std::string bytes;
  uint64_t code;  // words 5 and 6 as one number
};

inline bool hasBytes(RecordKind kind) {
  switch (kind) {
    case RecordKind::HandshakeConfirmed:
    case RecordKind::StreamOpened:
    case RecordKind::StreamReset:
    case RecordKind::StreamStopped:
    case RecordKind::StreamWritable:
    case RecordKind::StreamSendComplete:
    case RecordKind::StreamClosed:
    case RecordKind::StreamsAvailable:
    case RecordKind::HostClosed: return false;
    default: return true;
  }
}

inline Record decode(const HostBatch& batch, size_t index) {
  const uint32_t* word = batch.words.data() + index * kRecordWords;
  const auto wide = [&](size_t at) { return uint64_t{word[at]} | uint64_t{word[at + 1]} << 32; };
  Record record{static_cast<RecordKind>(word[0]), wide(1), wide(3), word[7], {}, wide(5)};
  if (hasBytes(record.kind)) record.bytes = asText(ByteSpan(batch.bytes).subspan(word[5], word[6]));
  return record;
}

inline std::string readPem(const std::string& name) {
  std::ifstream file(std::string(NODE_MVFST_TEST_CERTS "/") + name);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

/// A host and what it has told so far.
class Side : public HostSink {
 public:
  void onBatchReady() override { ready_.store(true); }

  void collect(QuicHost& host) {
    HostBatch batch;
    while (host.takeBatch(batch)) {
      for (size_t i = 0; i < batch.records(); ++i) onRecord(host, decode(batch, i));
    }
    host.flush();
  }
  [[nodiscard]] size_t count(RecordKind kind) const { return of(kind).size(); }
  [[nodiscard]] std::vector<Record> of(RecordKind kind) const {
    std::vector<Record> found;
    for (const Record& record : records) {
      if (record.kind == kind) found.push_back(record);
    }
    return found;
  }
  [[nodiscard]] bool has(RecordKind kind) const { return count(kind) > 0; }

  std::vector<Record> records;  // StreamData only as sums in `received`
  std::map<std::pair<ConnectionHandle, uint64_t>, std::string> received;
  size_t finished = 0;  // streams that ended
  bool echoes = false;  // writes back what it gets
  bool consumes = true;

 private:
  void onRecord(QuicHost& host, Record&& record) {
    if (record.kind != RecordKind::StreamData) {
      records.push_back(std::move(record));
      return;
    }
    received[{record.connection, record.value}] += record.bytes;
    finished += record.flag;
    const StreamId stream{record.value};
    if (consumes) host.streamConsume(record.connection, stream, record.bytes.size());
    if (echoes)
      host.streamWrite(record.connection, stream, OwnedBytes::copyOf(asBytes(record.bytes)), record.flag == 1);
  }

  std::atomic<bool> ready_{false};
};

inline constexpr StatelessResetSecret kResetSecret = {1, 2, 3};

/// One server that echoes, one environment of clients; `loop` is Node's when one of them asks for it.
class EchoNet {
 public:
  EchoNet() {
    uv_loop_init(&loop);
    serverSide.echoes = true;
  }
  ~EchoNet() {
    client.reset();
    server.reset();
    uv_run(&loop, UV_RUN_DEFAULT);
    EXPECT_EQ(uv_loop_close(&loop), 0) << "a handle was left open";
  }

  void listen(size_t workers, bool steer = true, const ConnectionIdSettings& connectionIds = {}) {
    ServerOptions options;
    options.address = address("127.0.0.1:0");
    options.workers = workers;
    options.loop = &loop;
    options.steer = steer;
    options.endpoint.connectionIds = connectionIds;
    options.endpoint.resetSecret = kResetSecret;
    options.tls.certificatePem = readPem("server.pem");
    options.tls.privateKeyPem = readPem("server.key");
    options.tls.alpn = {"echo"};
    options.endpoint.transport.serverMigration = ServerMigrationProtocols(ServerMigrationProtocols::kKnownBits);
    options.endpoint.transport.migrationPool = pool;
    auto made = QuicServer::listen(options, serverSide);
    ASSERT_TRUE(made) << made.error().error.reason << " " << made.error().detail;
    server = std::move(*made);
  }
  void startClients(bool threaded) {
    auto made = QuicClient::make(threaded ? nullptr : &loop, clientSide);
    ASSERT_TRUE(made);
    client = std::move(*made);
  }
  void connect(ConnectionHandle connection, ServerMigrationProtocols protocols = {}) {
    connectTo(server->address(), connection, protocols);
  }
  void connectTo(const SocketAddress& peer, ConnectionHandle connection, ServerMigrationProtocols protocols = {}) {
    ClientConnectOptions options;
    options.peer = peer;
    // A socket for each connection, so that the kernel may hand them to different workers.
    options.local = SocketAddress::v4({127, 0, 1, static_cast<uint8_t>(connection)}, 0);
    options.serverName = "localhost";
    options.tls.caPem = {readPem("ca.pem")};
    options.tls.alpn = {"echo"};
    options.settings.clientMigration.protocols = protocols;
    ASSERT_TRUE(client->connect(connection, options));
  }
  void write(ConnectionHandle connection, uint64_t stream, std::string_view bytes, bool fin) {
    client->streamWrite(connection, StreamId{stream}, OwnedBytes::copyOf(asBytes(bytes)), fin);
  }

  void turn() {
    uv_run(&loop, UV_RUN_NOWAIT);
    if (server) serverSide.collect(*server);
    if (client) clientSide.collect(*client);
    std::this_thread::yield();
  }
  template <class Done>
  [[nodiscard]] bool until(Done&& done) {
    return waitFor(done, [&] { turn(); });
  }
  [[nodiscard]] bool untilConfirmed(size_t connections) {
    return until([&] {
      return clientSide.count(RecordKind::HandshakeConfirmed) >= connections &&
             serverSide.count(RecordKind::HandshakeConfirmed) >= connections;
    });
  }
  /// Whether `text` came back on the stream.
  [[nodiscard]] bool untilEchoed(ConnectionHandle connection, uint64_t stream, const std::string& text) {
    return until([&] { return clientSide.received[{connection, stream}] == text; });
  }

  std::vector<QuicIPAddress> pool;  // of the server; to be set before it listens
  uv_loop_t loop;
  Side serverSide;
  Side clientSide;
  std::unique_ptr<QuicServer> server;
  std::unique_ptr<QuicClient> client;
};

}  // namespace quic::testing
