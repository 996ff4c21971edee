// Agreement on protocols by transport parameter 0x64. Spec §1.3, §1.4.
#pragma once

#include <optional>

#include "quic/servermigration/ServerMigrationTypes.h"

namespace quic {

/// The server's answer: the protocols in common, possibly none. nullopt: do not send the parameter (support is off, or
/// the client did not offer). Error: TRANSPORT_PARAMETER_ERROR for an offer of 0.
Result<std::optional<ServerMigrationProtocols>> answerServerMigrationOffer(std::optional<uint64_t> offered,
                                                                           ServerMigrationProtocols supported);
/// The client's check of the answer. Absent or 0: an empty set. Error: TRANSPORT_PARAMETER_ERROR for an unsolicited
/// answer or a bit that was not offered.
Result<ServerMigrationProtocols> checkServerMigrationAnswer(std::optional<uint64_t> answered,
                                                            ServerMigrationProtocols offered);

}  // namespace quic
