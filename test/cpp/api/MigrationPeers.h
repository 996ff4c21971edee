// A scripted peer of an end that can move, or follow.
#pragma once

#include <string>

#include "cpp/api/MisbehavingPeer.h"
#include "cpp/servermigration/MigrationTesting.h"

namespace quic::test {

/// The end is a client that follows by these protocols, the peer a server that moves by them.
inline PeerSettings againstFollower(ServerMigrationProtocols protocols,
                                    ExplicitProbing probing = ExplicitProbing::Reactive) {
  PeerSettings settings = MisbehavingPeer::againstClient();
  settings.end.clientMigration.protocols = protocols;
  settings.end.clientMigration.explicitProbing = probing;
  settings.parameters.serverMigrationSuite = protocols.bits();
  return settings;
}

/// The end is a server that can move by these protocols, the peer a client that follows by them.
inline PeerSettings againstMover(ServerMigrationProtocols protocols) {
  PeerSettings settings = MisbehavingPeer::againstServer();
  settings.end.serverMigration = protocols;
  settings.parameters.serverMigrationSuite = protocols.bits();
  return settings;
}

/// What the end has told of migration, in order.
inline std::string told(const MisbehavingPeer& peer) {
  std::string text;
  for (const TransportEvent& event : peer.events) {
    const auto* migration = std::get_if<MigrationEvent>(&event);
    if (migration == nullptr) continue;
    text += (text.empty() ? "" : ", ") + std::visit(migrationtesting::EventText{}, *migration);
  }
  return text;
}

}  // namespace quic::test
