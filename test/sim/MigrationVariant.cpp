#include "sim/MigrationVariant.h"

namespace quic::test {
namespace {

struct Row {
  MigrationVariant variant;
  std::string_view name;
  ServerMigrationProtocol protocol;
  ExplicitProbing probing = ExplicitProbing::Reactive;
};

constexpr std::array kRows = {
    Row{MigrationVariant::ExplicitReactive, "explicit-reactive", ServerMigrationProtocol::EXPLICIT},
    Row{MigrationVariant::ExplicitProactive, "explicit-proactive", ServerMigrationProtocol::EXPLICIT,
        ExplicitProbing::Proactive},
    Row{MigrationVariant::Pool, "pool", ServerMigrationProtocol::POOL_OF_ADDRESSES},
    Row{MigrationVariant::Symmetric, "symmetric", ServerMigrationProtocol::SYMMETRIC},
    Row{MigrationVariant::Synchronized, "synchronized", ServerMigrationProtocol::SYNCHRONIZED_SYMMETRIC},
    Row{MigrationVariant::ExplicitManual, "explicit-manual", ServerMigrationProtocol::EXPLICIT,
        ExplicitProbing::Manual},
};

const Row& rowOf(MigrationVariant variant) { return kRows[static_cast<size_t>(variant)]; }

}  // namespace

std::string_view nameOf(MigrationVariant variant) { return rowOf(variant).name; }

std::optional<MigrationVariant> variantNamed(std::string_view name) {
  if (name == "explicit") return MigrationVariant::ExplicitReactive;
  if (name == "synchronized-symmetric") return MigrationVariant::Synchronized;
  for (const Row& row : kRows) {
    if (row.name == name) return row.variant;
  }
  return std::nullopt;
}

ServerMigrationProtocol protocolOf(MigrationVariant variant) { return rowOf(variant).protocol; }

ServerMigrationClientSettings clientMigrationOf(MigrationVariant variant) {
  ServerMigrationClientSettings settings;
  settings.protocols = {rowOf(variant).protocol};
  settings.explicitProbing = rowOf(variant).probing;
  return settings;
}

std::vector<std::optional<MigrationVariant>> mixedFleet() {
  std::vector<std::optional<MigrationVariant>> all(kMigrationVariants.begin(), kMigrationVariants.end());
  all.emplace_back(MigrationVariant::ExplicitManual);
  all.emplace_back(std::nullopt);
  return all;
}

}  // namespace quic::test
