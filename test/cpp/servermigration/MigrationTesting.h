// Addresses with names, and steps as text, for the tests of server migration.
#pragma once

#include <string>

#include "quic/servermigration/ServerMigrationTypes.h"

namespace quic::migrationtesting {

inline SocketAddress host(uint8_t last) { return SocketAddress::v4({192, 0, 2, last}, 4433); }
inline const SocketAddress kOld = host(1);
inline const SocketAddress kTarget = host(10);  // also the first of the pool
inline const SocketAddress kOther = host(11);   // also the second of the pool
inline const SocketAddress kThird = host(12);
inline const SocketAddress kMoved = host(20);  // where a symmetric move went
inline const SocketAddress kClient = SocketAddress::v4({198, 51, 100, 7}, 50000);
inline const SocketAddress kRefused = SocketAddress::v4({127, 0, 0, 1}, 4433);
inline const QuicIPAddress kNowhere{};

inline TimePoint at(Duration since) { return TimePoint{} + since; }
inline ServerMigrationFrame announce(const SocketAddress& address) { return {QuicIPAddress::from(address)}; }
inline PoolMigrationAddressFrame poolEntry(const SocketAddress& address) { return {QuicIPAddress::from(address)}; }

inline std::string nameOf(const SocketAddress& address) {
  if (address == kOld) return "old";
  if (address == kTarget) return "target";
  if (address == kOther) return "other";
  if (address == kThird) return "third";
  if (address == kMoved) return "moved";
  if (address == kClient) return "client";
  return address.toString();
}

inline std::string nameOf(const std::optional<SocketAddress>& address) { return address ? nameOf(*address) : ""; }

struct ActionText {
  std::string operator()(const migration::SendAnnouncement& a) const {
    return std::string("Send SERVER_MIGRATION(") + (a.address.isAllZero() ? "∅" : "target") + ")";
  }
  std::string operator()(const migration::SendServerMigrated&) const { return "Send SERVER_MIGRATED"; }
  std::string operator()(const migration::ProbePath& a) const { return "ProbePath(" + nameOf(a.peer) + ")"; }
  std::string operator()(const migration::MoveToPath& a) const { return "MoveToPath(" + nameOf(a.peer) + ")"; }
  std::string operator()(const migration::DropPath& a) const { return "DropPath(" + nameOf(a.peer) + ")"; }
  std::string operator()(const migration::Fail& a) const {
    if (std::holds_alternative<LocalErrorCode>(a.error.code)) return "Fail(refused)";
    return "violation";
  }
};

struct EventText {
  std::string operator()(const migration::PoolAddressReceived& e) const { return "pool-address " + nameOf(e.address); }
  std::string operator()(const migration::Announced&) const { return "announced"; }
  std::string operator()(const migration::ProbingStarted& e) const { return "probing " + nameOf(e.address); }
  std::string operator()(const migration::Reverted& e) const { return "reverted " + nameOf(e.address); }
  std::string operator()(const migration::Expired&) const { return "expired"; }
  std::string operator()(const migration::Detected& e) const { return "detected " + nameOf(e.address); }
  std::string operator()(const migration::Ready&) const { return "ready"; }
  std::string operator()(const migration::Completed& e) const { return "completed " + nameOf(e.peer); }
  std::string operator()(const migration::Failed& e) const {
    return "failed " + std::string(serverMigrationErrorToString(e.error));
  }
  std::string operator()(const migration::PoolAcknowledged&) const { return "pool-acknowledged"; }
};

/// "DropPath(target), ProbePath(other), *probing other*"; empty when nothing was done.
inline std::string describe(const MigrationSteps& steps) {
  std::string text = steps.discard ? "discard" : "";
  const auto append = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  for (const MigrationAction& action : steps.actions) append(std::visit(ActionText{}, action));
  for (const MigrationEvent& event : steps.events) append("*" + std::visit(EventText{}, event) + "*");
  return text;
}

}  // namespace quic::migrationtesting
