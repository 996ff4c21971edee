// The ways in which a client may follow its server: the protocols, and Explicit in its three modes.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "quic/api/TransportSettings.h"

namespace quic::test {

enum class MigrationVariant : uint8_t {
  ExplicitReactive,
  ExplicitProactive,
  Pool,
  Symmetric,
  Synchronized,
  ExplicitManual,
};

/// All but manual Explicit, which needs an application that says when.
inline constexpr std::array kMigrationVariants = {MigrationVariant::ExplicitReactive,
                                                  MigrationVariant::ExplicitProactive, MigrationVariant::Pool,
                                                  MigrationVariant::Symmetric, MigrationVariant::Synchronized};

/// "explicit-reactive", "explicit-proactive", "explicit-manual", "pool", "symmetric", "synchronized".
std::string_view nameOf(MigrationVariant variant);
/// Also "explicit", which is reactive, and "synchronized-symmetric".
std::optional<MigrationVariant> variantNamed(std::string_view name);
ServerMigrationProtocol protocolOf(MigrationVariant variant);
/// Of a client that offers this variant and no other.
ServerMigrationClientSettings clientMigrationOf(MigrationVariant variant);

/// Clients that each follow in another way, and one without the extension.
std::vector<std::optional<MigrationVariant>> mixedFleet();

inline bool isExplicit(MigrationVariant variant) { return protocolOf(variant) == ServerMigrationProtocol::EXPLICIT; }
inline bool isSymmetricKind(MigrationVariant variant) {
  return variant == MigrationVariant::Symmetric || variant == MigrationVariant::Synchronized;
}

}  // namespace quic::test
