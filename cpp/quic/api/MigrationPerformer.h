// Carries out what the tables of servermigration/ want done, in order, tells the application, and counts. It decides nothing.
#pragma once

#include "quic/api/QuicConnectionState.h"

namespace quic {

void tell(QuicConnectionState& state, MigrationEvent event);
void perform(QuicConnectionState& state, const MigrationSteps& steps);

}  // namespace quic
