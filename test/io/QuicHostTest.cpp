// Server and clients over loopback, on threads and on a given loop. Timing is the kernel's: what needs a lossy or slow
// network is tested in the simulator.
#include <gtest/gtest.h>

#include "HostTesting.h"

namespace quic {
namespace {

using testing::address;
using testing::EchoNet;
using testing::Record;

std::string text(size_t size) {
  std::string made(size, ' ');
  for (size_t i = 0; i < size; ++i) made[i] = static_cast<char>('a' + i % 26 + i / 1000 % 3);
  return made;
}

struct Mode {
  size_t workers;
  bool threadedClient;
};
class EveryMode : public ::testing::TestWithParam<Mode> {
 protected:
  void SetUp() override {
    net.listen(GetParam().workers);
    net.startClients(GetParam().threadedClient);
  }
  EchoNet net;
};
INSTANTIATE_TEST_SUITE_P(Hosts, EveryMode,
                         ::testing::Values(Mode{0, false}, Mode{0, true}, Mode{1, false}, Mode{4, true}),
                         [](const auto& info) {
                           return "Workers" + std::to_string(info.param.workers) +
                                  (info.param.threadedClient ? "ClientThread" : "ClientLoop");
                         });

TEST_P(EveryMode, EchoesSmallAndLargeStreams) {
  for (ConnectionHandle connection = 1; connection <= 4; ++connection) net.connect(connection);
  ASSERT_TRUE(net.untilConfirmed(4));
  const std::string large = text(1'500'000);
  for (ConnectionHandle connection = 1; connection <= 4; ++connection) {
    net.write(connection, 0, "hello", true);
    net.write(connection, 4, large, true);
  }
  ASSERT_TRUE(net.until([&] { return net.clientSide.finished == 8; }));
  for (ConnectionHandle connection = 1; connection <= 4; ++connection) {
    EXPECT_EQ((net.clientSide.received[{connection, 0}]), "hello");
    EXPECT_EQ((net.clientSide.received[{connection, 4}]), large);
  }
  EXPECT_EQ(net.server->serverStats().accepted, 4u);
}

TEST_P(EveryMode, EndsWithEveryConnectionClosedAndHostClosedLast) {
  net.connect(1);
  net.connect(2);
  ASSERT_TRUE(net.untilConfirmed(2));
  net.server->close();
  ASSERT_TRUE(net.until([&] { return net.serverSide.has(RecordKind::HostClosed); }));
  EXPECT_EQ(net.serverSide.records.back().kind, RecordKind::HostClosed);
  EXPECT_EQ(net.serverSide.count(RecordKind::ConnectionClosed), 2u);
  for (const Record& closed : net.serverSide.of(RecordKind::ConnectionClosed)) {
    EXPECT_NE(closed.bytes.find("SERVER_CLOSED"), std::string::npos) << closed.bytes;
  }
  ASSERT_TRUE(net.until([&] { return net.clientSide.count(RecordKind::ConnectionClosed) == 2; }));
  EXPECT_NE(net.clientSide.of(RecordKind::ConnectionClosed)[0].bytes.find("NO_ERROR"), std::string::npos);
  net.client->close();
  ASSERT_TRUE(net.until([&] { return net.clientSide.has(RecordKind::HostClosed); }));
  EXPECT_EQ(net.clientSide.records.back().kind, RecordKind::HostClosed);
}

TEST_P(EveryMode, MayBeDestroyedWhileConnectionsAreOpen) {
  net.connect(1);
  ASSERT_TRUE(net.untilConfirmed(1));
  net.write(1, 0, text(300'000), false);
  net.server.reset();
  ASSERT_TRUE(net.until([&] { return net.clientSide.has(RecordKind::ConnectionClosed); }));
  net.client.reset();
}

TEST_P(EveryMode, TellsAnApplicationsCodeToThePeer) {
  net.connect(1);
  ASSERT_TRUE(net.untilConfirmed(1));
  net.client->closeConnection(1, true, 77, "enough");
  ASSERT_TRUE(net.until([&] { return net.serverSide.has(RecordKind::ConnectionClosed); }));
  const std::string closed = net.serverSide.of(RecordKind::ConnectionClosed)[0].bytes;
  EXPECT_EQ(closed,
            R"({"kind":"application","name":"APPLICATION","wireCode":"77","reason":"enough","initiator":"remote"})");
}

TEST_P(EveryMode, AnswersStats) {
  net.connect(1);
  ASSERT_TRUE(net.untilConfirmed(1));
  net.client->stats(1, 4711);
  ASSERT_TRUE(net.until([&] { return net.clientSide.has(RecordKind::Stats); }));
  const Record stats = net.clientSide.of(RecordKind::Stats)[0];
  EXPECT_EQ(stats.flag, 4711u);
  EXPECT_NE(stats.bytes.find("\"smoothedRtt\":"), std::string::npos);
}

TEST_P(EveryMode, AnswersStatsOfTheWholeServer) {
  net.connect(1);
  ASSERT_TRUE(net.untilConfirmed(1));
  net.server->stats(0, 12);
  ASSERT_TRUE(net.until([&] { return net.serverSide.has(RecordKind::Stats); }));
  const Record stats = net.serverSide.of(RecordKind::Stats)[0];
  EXPECT_EQ(stats.connection, 0u);
  EXPECT_EQ(stats.flag, 12u);
  EXPECT_NE(stats.bytes.find("\"connections\":1,\"accepted\":1"), std::string::npos) << stats.bytes;
}

TEST_P(EveryMode, WaitsForAHostThatDoesNotTakeItsBatches) {
  for (ConnectionHandle connection = 1; connection <= 4; ++connection) net.connect(connection);
  ASSERT_TRUE(net.untilConfirmed(4));
  const std::string large = text(1'000'000);
  for (ConnectionHandle connection = 1; connection <= 4; ++connection) {
    for (uint64_t stream = 0; stream < 8; ++stream) net.write(connection, stream * 4, large, true);
  }
  // The server's host is busy with something else for some time; then everything comes, nothing twice.
  for (int i = 0; i < 500; ++i) {
    uv_run(&net.loop, UV_RUN_NOWAIT);
    net.clientSide.collect(*net.client);
  }
  ASSERT_TRUE(net.until([&] { return net.clientSide.finished == 32; }));
  for (const auto& [stream, bytes] : net.clientSide.received) EXPECT_EQ(bytes, large);
}

TEST_P(EveryMode, ReadsAStreamNoFurtherThanItsHostDoes) {
  net.serverSide.echoes = false;
  net.serverSide.consumes = false;
  net.connect(1);
  ASSERT_TRUE(net.untilConfirmed(1));
  const std::string large = text(2'000'000);
  net.write(1, 0, large, true);
  const auto received = [&]() -> std::string& { return net.serverSide.received.begin()->second; };
  ASSERT_TRUE(net.until(
      [&] { return !net.serverSide.received.empty() && received().size() >= ConnectionBridge::kStreamCredit; }));
  for (int i = 0; i < 200; ++i) net.turn();
  EXPECT_EQ(received().size(), ConnectionBridge::kStreamCredit);
  // As a reader that takes what is there, again and again.
  const ConnectionHandle connection = net.serverSide.received.begin()->first.first;
  size_t consumed = 0;
  ASSERT_TRUE(net.until([&] {
    const size_t waiting = received().size() - consumed;
    consumed += waiting;
    if (waiting > 0) net.server->streamConsume(connection, StreamId{0}, waiting);
    return net.serverSide.finished == 1;
  }));
  EXPECT_EQ(received(), large);
}

TEST_P(EveryMode, RefusesNewConnectionsWhenAsked) {
  net.server->refuse(true);
  net.connect(1);
  ASSERT_TRUE(net.until([&] { return net.clientSide.has(RecordKind::ConnectionClosed); }));
  EXPECT_NE(net.clientSide.of(RecordKind::ConnectionClosed)[0].bytes.find("CONNECTION_REFUSED"), std::string::npos);
  net.server->refuse(false);
  net.connect(2);
  EXPECT_TRUE(net.untilConfirmed(1));
}

TEST(QuicClient, SaysThatNobodyListens) {
  EchoNet net;
  net.startClients(false);
  SocketAddress closed;
  {
    UdpSocket gone = testing::mustOpen("127.0.0.1:0");
    closed = gone.localAddress();
  }
  const TimePoint start = systemNow();
  net.connectTo(closed, 1);
  ASSERT_TRUE(net.until([&] { return net.clientSide.has(RecordKind::ConnectionClosed); }));
  EXPECT_LT(systemNow() - start, 2s);
  EXPECT_NE(net.clientSide.of(RecordKind::ConnectionClosed)[0].bytes.find("PEER_UNREACHABLE"), std::string::npos);
}

TEST(QuicClient, TellsAnAddressThatCannotBeBoundAsTheEndOfTheConnection) {
  EchoNet net;
  net.startClients(false);
  ClientConnectOptions options;
  options.peer = address("127.0.0.1:4433");
  options.local = address("192.0.2.200:0");
  options.serverName = "localhost";
  options.tls.caPem = {testing::readPem("ca.pem")};
  options.tls.alpn = {"echo"};
  ASSERT_TRUE(net.client->connect(9, options));
  ASSERT_TRUE(net.until([&] { return net.clientSide.has(RecordKind::ConnectionClosed); }));
  const Record closed = net.clientSide.of(RecordKind::ConnectionClosed)[0];
  EXPECT_EQ(closed.connection, 9u);
  EXPECT_NE(closed.bytes.find("\"name\":\"BIND_FAILED\""), std::string::npos) << closed.bytes;
  EXPECT_NE(closed.bytes.find("EADDRNOTAVAIL"), std::string::npos) << closed.bytes;
}

TEST(QuicServer, SaysWhyItCannotListen) {
  testing::Side side;
  ServerOptions options;
  options.address = address("127.0.0.1:0");
  const auto noTls = QuicServer::listen(options, side);
  ASSERT_FALSE(noTls);
  UdpSocket stranger = testing::mustOpen("127.0.0.1:0");
  options.address = stranger.localAddress();
  options.tls.certificatePem = testing::readPem("server.pem");
  options.tls.privateKeyPem = testing::readPem("server.key");
  options.tls.alpn = {"echo"};
  const auto taken = QuicServer::listen(options, side);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().systemError, EADDRINUSE);
}

}  // namespace
}  // namespace quic
