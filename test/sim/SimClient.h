// A client host with one connection: transfers that must come back byte for byte, numbered requests that must be answered
// once, streams of one direction by their hashes, and a record of what it heard.
#pragma once

#include <map>
#include <set>
#include <string>

#include "quic/client/QuicClientEndpoint.h"
#include "quic/tls/OpenSslTls.h"
#include "sim/SimNode.h"

namespace quic::test {

class SimClient final : public SimNode<QuicClientEndpoint> {
 public:
  SimClient(const SimWorld& world, const SocketAddress& address);

  void connect(const SocketAddress& server, const TransportSettings& settings,
               std::unique_ptr<HandshakeLayer> handshake);
  /// `size` bytes of a pattern on a stream of their own; the server sends them back.
  void transfer(uint64_t size);
  /// `size` bytes that the server swallows, on a stream of their own. After the handshake.
  void upload(uint64_t size);
  /// A request of `size` bytes on a stream of its own; its answer has as many.
  void request(uint64_t size = 8);
  /// Requests every `interval`, `count` of them.
  void requestEvery(Duration interval, uint64_t count);
  void close();
  /// To another address of this host: asked first, or at once and with the old socket closed.
  Result<> migrate(const SocketAddress& local);
  Result<> rebindSocket(const SocketAddress& local);
  /// ExplicitProbing::Manual.
  Result<> startProbing();

  /// Everything that was asked for came back whole.
  [[nodiscard]] bool isDone() const { return isFinished && openTransfers == 0 && answered == asked && planned == 0; }
  [[nodiscard]] QuicClientTransport* connection() { return endpoint_.find(kHandle); }

  QuicClientEndpoint& endpoint() override { return endpoint_; }
  void onEvent(ConnectionHandle connection, const TransportEvent& event) override;

  bool mayUseEarlyData = false;
  bool isFinished = false;  // the handshake
  std::optional<HandshakeFinished> handshake;
  bool isConfirmed = false;
  std::optional<QuicError> closeError;
  std::string closeReason;
  uint64_t openTransfers = 0;
  uint64_t asked = 0;
  uint64_t answered = 0;
  uint64_t wrong = 0;  // bytes, lengths or numbers that are not what was sent
  std::vector<std::string> migrationEvents;
  std::vector<FourTuple> pathChanges;
  std::vector<FourTuple> pathFailures;
  std::vector<SocketAddress> released;
  std::optional<Duration> downtime;
  Duration worstLatency{0};
  std::multiset<uint64_t> uploadedHashes;    // of streams of one direction, ours
  std::multiset<uint64_t> downloadedHashes;  // and complete ones of the server
  std::optional<Duration> lastLatency;       // of a request
  std::vector<AddressToken> addressTokens;
  std::string qlog;
  std::vector<ByteVector> sessions;
  std::optional<TimePoint> finishedAt;
  std::optional<TimePoint> lastDoneAt;

 private:
  static constexpr ConnectionHandle kHandle = 1;
  struct Exchange {
    uint64_t seed = 0;
    uint64_t size = 0;
    uint64_t received = 0;
    bool isRequest = false;
    TimePoint startedAt{};
  };
  struct Wanted {
    uint64_t size;
    bool isRequest;
    TimePoint at;
  };
  void start();
  void open(const Wanted& wanted);
  void read(StreamId id);
  void download(StreamId id);
  void hear(const MigrationEvent& event);

  QuicClientEndpoint endpoint_;
  std::map<StreamId, Exchange> exchanges_;
  std::map<StreamId, uint64_t> downloads_;  // hashes of what has come so far
  std::deque<Wanted> waiting_;              // for the handshake, or for a stream
  uint64_t planned = 0;                     // requests that are still to be made
};

}  // namespace quic::test
