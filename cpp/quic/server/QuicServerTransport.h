// A connection seen from the server: the fork's per-connection verbs of server migration live here.
#pragma once

#include "quic/api/QuicTransportBase.h"
#include "quic/common/Random.h"
#include "quic/handshake/HandshakeLayer.h"
#include "quic/servermigration/ServerMigrationServer.h"
#include "quic/state/ConnectionIdGenerator.h"

namespace quic {

struct ServerDependencies {
  const CryptoFactory& crypto;
  Random& random;
  ConnectionIdGenerator& connectionIds;
  std::unique_ptr<HandshakeLayer> handshake;
};

/// What the first Initial said.
struct ServerAccept {
  FourTuple path;
  uint32_t version = 0;
  ConnectionId
      clientDestinationId;  // chosen by the client, or for it by a Retry: keys the Initial packets (RFC 9001 §5.2)
  ConnectionId clientSourceId;
  std::optional<ConnectionId> originalDestinationId{};  // after a Retry: what came before it (RFC 9000 §7.3)
  bool isAddressValidated = false;                      // by a token (RFC 9000 §8.1)
};

class QuicServerTransport final : public QuicTransportBase {
 public:
  QuicServerTransport(TimePoint now, const ServerAccept& accept, const TransportSettings& settings,
                      ServerDependencies dependencies);

  /// Step 1 of a move. The answer comes as an event: Ready or Failed.
  void onImminentServerMigration(TimePoint now, ServerMigrationProtocol protocol,
                                 const std::optional<QuicIPAddress>& address);
  /// Step 2: the socket is bound to `local` now (unspecified address: it was kept). Completion comes as an event.
  void onNetworkSwitch(TimePoint now, const SocketAddress& local);
  void cancelServerMigration();
  [[nodiscard]] ServerMigrationServer::State migrationState() const;
  [[nodiscard]] ServerMigrationProtocols negotiatedMigration() const;
  /// The client's address is proved and it has no token from there yet (RFC 9000 §8.1.3): see offerAddressToken().
  [[nodiscard]] bool wantsAddressToken() const;
  /// For the client's next connection; opaque here. Sent in a NEW_TOKEN frame. Harmless after the end.
  void offerAddressToken(ByteVector&& token);
  [[nodiscard]] const ConnectionId& originalConnectionId() const;  // the first one we issued; stable
};

}  // namespace quic
