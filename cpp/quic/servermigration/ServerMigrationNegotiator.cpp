#include "quic/servermigration/ServerMigrationNegotiator.h"

namespace quic {

Result<std::optional<ServerMigrationProtocols>> answerServerMigrationOffer(std::optional<uint64_t> offered,
                                                                           ServerMigrationProtocols supported) {
  using Answer = std::optional<ServerMigrationProtocols>;
  if (supported.empty() || !offered) return Answer{};  // SM-01
  if (*offered == 0) return fail(TransportErrorCode::TRANSPORT_PARAMETER_ERROR, "no server migration protocol offered");
  // SM-02: bits that we do not know are a later version's; they are left out, not refused.
  return Answer{ServerMigrationProtocols(*offered).intersect(supported)};
}

Result<ServerMigrationProtocols> checkServerMigrationAnswer(std::optional<uint64_t> answered,
                                                            ServerMigrationProtocols offered) {
  if (!answered) return ServerMigrationProtocols{};
  if (offered.empty()) {
    return fail(TransportErrorCode::TRANSPORT_PARAMETER_ERROR, "server migration was not offered");
  }
  if ((*answered & ~offered.bits()) != 0) {  // SM-03
    return fail(TransportErrorCode::TRANSPORT_PARAMETER_ERROR, "server migration protocol that was not offered");
  }
  return ServerMigrationProtocols(*answered);
}

}  // namespace quic
