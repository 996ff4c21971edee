// A connection seen from the client: version negotiation, the handshake's start, and what a client does when its
// server moves.
#pragma once

#include "quic/api/QuicTransportBase.h"
#include "quic/api/StatelessReset.h"
#include "quic/common/Random.h"
#include "quic/handshake/HandshakeLayer.h"
#include "quic/state/ConnectionIdGenerator.h"

namespace quic {

/// What a connection needs from outside; all of it outlives the connection, but for `handshake`, which it owns.
struct ClientDependencies {
  const CryptoFactory& crypto;
  Random& random;
  ConnectionIdGenerator& connectionIds;
  std::unique_ptr<HandshakeLayer> handshake;
};

/// A client's connection IDs: random bytes, as RFC 9000 §5.1 asks, so that nothing can be read off them.
class RandomConnectionIds final : public ConnectionIdGenerator {
 public:
  /// `key`, when there is one, makes the reset tokens and outlives it; else they are random and good for nothing.
  RandomConnectionIds(Random& random, size_t size, const StatelessResetKey* key = nullptr)
      : random_(random), size_(size), key_(key) {}
  GeneratedConnectionId make() override;
  [[nodiscard]] size_t size() const { return size_; }

 private:
  Random& random_;
  size_t size_;
  const StatelessResetKey* key_;
};

class QuicClientTransport final : public QuicTransportBase {
 public:
  /// The first flight is ready for pollTransmit on return. `path.local` may be unspecified.
  QuicClientTransport(TimePoint now, const FourTuple& path, const TransportSettings& settings,
                      ClientDependencies dependencies);

  /// RFC 9000 §9.2: goes on from `local` once the server answers there (PathChanged), or stays (PathFailed). The caller sends
  /// from where Transmit.path.local says, until LocalAddressReleased. Before the handshake is confirmed it waits for that.
  /// Errors: see ConnectionMigrationDriver.h.
  Result<> migrate(TimePoint now, const SocketAddress& local);
  /// The socket was replaced: goes on from `local` at once.
  Result<> rebind(TimePoint now, const SocketAddress& local);
  /// ExplicitProbing::Manual: begin to probe the announced address. Error: MIGRATION_INVALID_STATE.
  Result<> startProbing(TimePoint now);
  [[nodiscard]] ServerMigrationClient::State migrationState() const;
};

}  // namespace quic
