// The tables of cpp/quic/servermigration/README.md, made by the machines themselves: every fact in every state. When a
// block differs, the failure prints what the machine does; either the machine or the README is wrong.
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <sstream>

#include "cpp/servermigration/MigrationTesting.h"
#include "quic/servermigration/ServerMigrationClient.h"
#include "quic/servermigration/ServerMigrationServer.h"

#ifndef NODE_MVFST_SOURCE_DIR
#define NODE_MVFST_SOURCE_DIR NODE_MVFST_TEST_DIR "/.."
#endif

namespace quic {
namespace {

using namespace migrationtesting;
using Protocol = ServerMigrationProtocol;
using enum ServerMigrationProtocol;

constexpr TimePoint kStart = TimePoint{} + 1s;
constexpr PacketNum kPacket = 100;

std::string name(ServerMigrationClient::State state) {
  constexpr std::array kNames{"Idle", "Announced", "Probing", "Validating"};
  return kNames[static_cast<size_t>(state)];
}
std::string name(ServerMigrationServer::State state) {
  constexpr std::array kNames{"Idle", "Announcing", "Ready", "Switching"};
  return kNames[static_cast<size_t>(state)];
}

/// One row of a table: what happens to a machine in each column.
template <class Machine>
struct Row {
  std::string name;
  std::function<MigrationSteps(Machine&)> fact;
  ExplicitProbing probing = ExplicitProbing::Reactive;
};
template <class Machine>
struct Column {
  std::string name;
  std::function<Machine(ExplicitProbing)> make;
};

template <class Machine>
std::string cell(const Row<Machine>& row, const Column<Machine>& column) {
  Machine machine = column.make(row.probing);
  const auto before = machine.state();
  std::string text = describe(row.fact(machine));
  if (machine.state() != before) text += (text.empty() ? "→ " : " → ") + name(machine.state());
  return text.empty() ? "-" : text;
}

template <class Machine>
std::string table(const std::vector<Column<Machine>>& columns, const std::vector<Row<Machine>>& rows) {
  std::string text = "| fact |";
  std::string rule = "|---|";
  for (const auto& column : columns) text += " " + column.name + " |", rule += "---|";
  text += "\n" + rule + "\n";
  for (const auto& row : rows) {
    text += "| " + row.name + " |";
    for (const auto& column : columns) text += " " + cell(row, column) + " |";
    text += "\n";
  }
  return text;
}

/// What stands between `<!-- table: name -->` and `<!-- end -->`.
std::string fromReadme(const std::string& blockName) {
  std::ifstream file(NODE_MVFST_SOURCE_DIR "/cpp/quic/servermigration/README.md");
  std::stringstream buffer;
  buffer << file.rdbuf();
  const std::string text = buffer.str();
  const std::string begin = "<!-- table: " + blockName + " -->\n";
  const size_t from = text.find(begin);
  if (from == std::string::npos) return "README.md has no block '" + blockName + "'";
  const size_t to = text.find("<!-- end -->", from);
  return text.substr(from + begin.size(), to - from - begin.size());
}

void expectAsInReadme(const std::string& blockName, const std::string& made) {
  EXPECT_TRUE(fromReadme(blockName) == made) << "README block: " << blockName << "\n" << made;
}

// ---- the client

ServerMigrationClient client(ServerMigrationProtocols protocols, ExplicitProbing probing) {
  ServerMigrationClientSettings settings;
  settings.protocols = protocols;
  settings.explicitProbing = probing;
  ServerMigrationClient made(settings, kOld);
  made.onNegotiated(protocols);
  made.onPacket(kPacket);
  return made;
}

ServerMigrationClient idle(ExplicitProbing probing) {
  return client({EXPLICIT, SYMMETRIC, SYNCHRONIZED_SYMMETRIC}, probing);
}
ServerMigrationClient announced(ExplicitProbing probing) {
  ServerMigrationClient made = idle(probing);
  (void)made.onServerMigration(kStart, announce(kTarget));
  return made;
}
ServerMigrationClient announcedEmpty(ExplicitProbing probing) {
  ServerMigrationClient made = idle(probing);
  (void)made.onServerMigration(kStart, {kNowhere});
  return made;
}
ServerMigrationClient probingTarget(ExplicitProbing probing) {
  ServerMigrationClient made = announced(probing);
  switch (probing) {
    case ExplicitProbing::Reactive: (void)made.onProbeTimeout(); break;
    case ExplicitProbing::Proactive: (void)made.onAnnouncementAckSent(); break;
    case ExplicitProbing::Manual: (void)made.startProbing(); break;
  }
  return made;
}
ServerMigrationClient movedSymmetric(ExplicitProbing probing) {
  ServerMigrationClient made = idle(probing);
  (void)made.onLatestNonProbingPacket(kMoved);
  return made;
}
ServerMigrationClient movedSynchronized(ExplicitProbing probing) {
  ServerMigrationClient made = announcedEmpty(probing);
  (void)made.onLatestNonProbingPacket(kMoved);
  return made;
}

using ClientRow = Row<ServerMigrationClient>;
using ClientColumn = Column<ServerMigrationClient>;

MigrationSteps start(ServerMigrationClient& c) {
  Result<MigrationSteps> result = c.startProbing();
  return result ? *result : MigrationSteps{};
}
SocketAddress onTrial(const ServerMigrationClient& c) {
  return c.state() == ServerMigrationClient::State::Validating ? kMoved : kTarget;
}

std::vector<ClientRow> frameRows() {
  return {
      {"SERVER_MIGRATION(target)", [](auto& c) { return c.onServerMigration(kStart, announce(kTarget)); }},
      {"SERVER_MIGRATION(other)", [](auto& c) { return c.onServerMigration(kStart, announce(kOther)); }},
      {"SERVER_MIGRATION(refused address)", [](auto& c) { return c.onServerMigration(kStart, announce(kRefused)); }},
      {"SERVER_MIGRATION(active address)",
       [](auto& c) {
         return c.onServerMigration(kStart,
                                    announce(c.state() == ServerMigrationClient::State::Validating ? kMoved : kOld));
       }},
      {"SERVER_MIGRATION(no address of the family in use)",
       [](auto& c) { return c.onServerMigration(kStart, announce(*SocketAddress::parse("[2001:db8::1]:4433"))); }},
      {"SERVER_MIGRATION(∅)", [](auto& c) { return c.onServerMigration(kStart, {kNowhere}); }},
      {"POOL_MIGRATION_ADDRESS", [](auto& c) { return c.onPoolMigrationAddress(poolEntry(kThird)); }},
      {"SERVER_MIGRATED from the active address",
       [](auto& c) {
         return c.onServerMigrated(c.state() == ServerMigrationClient::State::Validating ? kMoved : kOld, true);
       }},
      {"SERVER_MIGRATED from elsewhere, latest packet", [](auto& c) { return c.onServerMigrated(kThird, true); }},
      {"SERVER_MIGRATED from elsewhere, late packet", [](auto& c) { return c.onServerMigrated(kThird, false); }},
  };
}

std::vector<ClientRow> otherRows() {
  using enum ExplicitProbing;
  const auto ackSent = [](auto& c) { return c.onAnnouncementAckSent(); };
  const auto silence = [](auto& c) { return c.onProbeTimeout(); };
  const auto heard = [](auto& c) {
    return c.onLatestNonProbingPacket(c.state() == ServerMigrationClient::State::Validating ? kMoved : kOld);
  };
  return {
      {"own ack of the announcement has left, *proactive*", ackSent, Proactive},
      {"own ack of the announcement has left, *reactive*, *manual*", ackSent, Manual},
      {"`startProbing()`, *manual* (else an error)", start, Manual},
      {"silence, *reactive*", silence, Reactive},
      {"silence, *proactive*", silence, Proactive},
      {"silence, *manual*", silence, Manual},
      {"H from the active address, *reactive*", heard, Reactive},
      {"H from the active address, *proactive*, *manual*", heard, Proactive},
      {"H from the target", [](auto& c) { return c.onLatestNonProbingPacket(kTarget); }},
      {"H from elsewhere", [](auto& c) { return c.onLatestNonProbingPacket(kThird); }},
      {"H from a refused address", [](auto& c) { return c.onLatestNonProbingPacket(kRefused); }},
      {"H from old, the last validated address", [](auto& c) { return c.onLatestNonProbingPacket(kOld); }},
      {"PATH_RESPONSE ok, of the path on trial", [](auto& c) { return c.onPathValidated(onTrial(c)); }},
      {"PATH_RESPONSE ok, of another path", [](auto& c) { return c.onPathValidated(kThird); }},
      {"the path on trial gave up", [](auto& c) { return c.onPathFailed(onTrial(c)); }},
      {"another path gave up", [](auto& c) { return c.onPathFailed(kThird); }},
      {"the announcement's lifetime is over",
       [](auto& c) { return c.onTimeout(kStart + kDefaultAnnouncementLifetime); }},
  };
}

TEST(ServerMigrationTables, TheClientsTableIsTheOneOfTheReadme) {
  // covers SM-20
  const std::vector<ClientColumn> columns{{"Idle", idle},
                                          {"Announced (Explicit)", announced},
                                          {"Announced (Synchronized)", announcedEmpty},
                                          {"Probing (Explicit)", probingTarget},
                                          {"Validating (Symmetric)", movedSymmetric},
                                          {"Validating (Synchronized)", movedSynchronized}};
  std::vector<ClientRow> rows = frameRows();
  for (ClientRow& row : otherRows()) rows.push_back(std::move(row));
  expectAsInReadme("client", table(columns, rows));
}

TEST(ServerMigrationTables, AFrameOfAnOldPacketChangesNothingAnywhere) {
  // covers SM-11
  for (const auto make : {announced, announcedEmpty, probingTarget, movedSymmetric, movedSynchronized}) {
    for (const ClientRow& row : frameRows()) {
      if (!row.name.starts_with("SERVER_MIGRATION(")) continue;
      ServerMigrationClient machine = make(ExplicitProbing::Reactive);
      machine.onPacket(kPacket - 1);
      ServerMigrationClient before = machine;
      EXPECT_EQ(describe(row.fact(machine)), "") << row.name;
      EXPECT_TRUE(machine == before) << row.name;
    }
  }
}

// ---- the client, Pool of Addresses

ServerMigrationClient poolIdle(ExplicitProbing probing) {
  ServerMigrationClient made = client({EXPLICIT, POOL_OF_ADDRESSES, SYMMETRIC, SYNCHRONIZED_SYMMETRIC}, probing);
  (void)made.onPoolMigrationAddress(poolEntry(kTarget));
  (void)made.onPoolMigrationAddress(poolEntry(kOther));
  return made;
}
ServerMigrationClient poolProbing(ExplicitProbing probing) {
  ServerMigrationClient made = poolIdle(probing);
  (void)made.onProbeTimeout();
  return made;
}
ServerMigrationClient poolProbingLast(ExplicitProbing probing) {
  ServerMigrationClient made = poolProbing(probing);
  (void)made.onProbeTimeout();
  return made;
}
ServerMigrationClient poolMoved(ExplicitProbing probing) {
  ServerMigrationClient made = poolProbing(probing);
  (void)made.onPathValidated(kTarget);
  return made;
}

TEST(ServerMigrationTables, TheClientsTableForPoolOfAddressesIsTheOneOfTheReadme) {
  // covers SM-04, SM-30
  const std::vector<ClientColumn> columns{{"Idle", poolIdle},
                                          {"Probing (target)", poolProbing},
                                          {"Probing (other)", poolProbingLast},
                                          {"Idle, moved to target", poolMoved}};
  const std::vector<ClientRow> rows{
      {"SERVER_MIGRATION(any)", [](auto& c) { return c.onServerMigration(kStart, announce(kThird)); }},
      {"SERVER_MIGRATION(∅)", [](auto& c) { return c.onServerMigration(kStart, {kNowhere}); }},
      {"POOL_MIGRATION_ADDRESS(third)", [](auto& c) { return c.onPoolMigrationAddress(poolEntry(kThird)); }},
      {"POOL_MIGRATION_ADDRESS(known)", [](auto& c) { return c.onPoolMigrationAddress(poolEntry(kOther)); }},
      {"POOL_MIGRATION_ADDRESS(refused address)",
       [](auto& c) { return c.onPoolMigrationAddress(poolEntry(kRefused)); }},
      {"POOL_MIGRATION_ADDRESS(no address of the family in use)",
       [](auto& c) { return c.onPoolMigrationAddress(poolEntry(*SocketAddress::parse("[2001:db8::1]:4433"))); }},
      {"SERVER_MIGRATED from elsewhere, latest packet", [](auto& c) { return c.onServerMigrated(kThird, true); }},
      {"SERVER_MIGRATED from elsewhere, late packet", [](auto& c) { return c.onServerMigrated(kThird, false); }},
      {"own ack of an announcement has left", [](auto& c) { return c.onAnnouncementAckSent(); }},
      {"silence", [](auto& c) { return c.onProbeTimeout(); }},
      {"H from old", [](auto& c) { return c.onLatestNonProbingPacket(kOld); }},
      {"H from target", [](auto& c) { return c.onLatestNonProbingPacket(kTarget); }},
      {"H from other", [](auto& c) { return c.onLatestNonProbingPacket(kOther); }},
      {"H from outside the pool", [](auto& c) { return c.onLatestNonProbingPacket(kThird); }},
      {"PATH_RESPONSE ok, of target", [](auto& c) { return c.onPathValidated(kTarget); }},
      {"PATH_RESPONSE ok, of other", [](auto& c) { return c.onPathValidated(kOther); }},
      {"the path to target gave up", [](auto& c) { return c.onPathFailed(kTarget); }},
      {"the path to other gave up", [](auto& c) { return c.onPathFailed(kOther); }},
      {"time passes", [](auto& c) { return c.onTimeout(kStart + 1h); }},
  };
  expectAsInReadme("client-pool", table(columns, rows));
}

// ---- what was not negotiated

TEST(ServerMigrationTables, WhatIsNotNegotiatedIsAsTheReadmeSays) {
  // covers SM-04, SM-05
  const auto with = [](ServerMigrationProtocols protocols) {
    return [protocols](ExplicitProbing probing) { return client(protocols, probing); };
  };
  const std::vector<ClientColumn> columns{{"nothing", with({})},
                                          {"Explicit", with({EXPLICIT})},
                                          {"Pool", with({POOL_OF_ADDRESSES})},
                                          {"Symmetric", with({SYMMETRIC})},
                                          {"Synchronized", with({SYNCHRONIZED_SYMMETRIC})},
                                          {"all four", with(ServerMigrationProtocols(0xf))}};
  std::vector<ClientRow> rows;
  for (ClientRow& row : frameRows()) {
    if (row.name != "SERVER_MIGRATION(other)") rows.push_back(std::move(row));
  }
  rows.push_back({"H from the active address", [](auto& c) { return c.onLatestNonProbingPacket(kOld); }});
  rows.push_back({"H from elsewhere", [](auto& c) { return c.onLatestNonProbingPacket(kThird); }});
  rows.push_back({"silence", [](auto& c) { return c.onProbeTimeout(); }});
  expectAsInReadme("client-negotiated", table(columns, rows));
}

// ---- the server

const FourTuple kPath{kOld, kClient};

using ServerRow = Row<ServerMigrationServer>;
using ServerColumn = Column<ServerMigrationServer>;

std::optional<QuicIPAddress> planned(Protocol protocol) {
  return protocol == EXPLICIT ? std::optional(QuicIPAddress::from(kTarget)) : std::nullopt;
}

ServerMigrationServer server(Protocol protocol) {
  ServerMigrationServer made;
  const bool pool = protocol == POOL_OF_ADDRESSES;
  made.onNegotiated(
      pool ? ServerMigrationProtocols(0xf) : ServerMigrationProtocols{EXPLICIT, SYMMETRIC, SYNCHRONIZED_SYMMETRIC},
      pool ? 1 : 0);
  made.onHandshakeConfirmed();
  return made;
}
ServerMigrationServer prepared(Protocol protocol) {
  ServerMigrationServer made = server(protocol);
  (void)made.prepare(protocol, planned(protocol), kPath);
  return made;
}
ServerMigrationServer readied(Protocol protocol) {
  ServerMigrationServer made = prepared(protocol);
  (void)made.onAnnouncementAcked(1);
  (void)made.onPoolAddressAcked(0);
  return made;
}
ServerMigrationServer switched(Protocol protocol) {
  ServerMigrationServer made = readied(protocol);
  (void)made.onNetworkSwitched(true);
  return made;
}

std::vector<ServerColumn> serverColumns(Protocol protocol) {
  const auto with = [protocol](ServerMigrationServer (*make)(Protocol)) {
    return [protocol, make](ExplicitProbing) { return make(protocol); };
  };
  if (protocol == SYMMETRIC) return {{"Idle", with(server)}, {"Ready", with(prepared)}, {"Switching", with(switched)}};
  return {
      {"Idle", with(server)}, {"Announcing", with(prepared)}, {"Ready", with(readied)}, {"Switching", with(switched)}};
}

std::vector<ServerRow> serverRows(Protocol protocol) {
  std::vector<ServerRow> rows{
      {"`prepare`", [=](auto& s) { return s.prepare(protocol, planned(protocol), kPath); }},
      {"ack of the frame of this epoch", [](auto& s) { return s.onAnnouncementAcked(1); }},
      {"ack of the frame of an older epoch", [](auto& s) { return s.onAnnouncementAcked(0); }},
      {"ack of the last pool address", [](auto& s) { return s.onPoolAddressAcked(0); }},
      {"network switched, something to send", [](auto& s) { return s.onNetworkSwitched(true); }},
      {"network switched, nothing to send", [](auto& s) { return s.onNetworkSwitched(false); }},
      {"client has arrived", [](auto& s) { return s.onClientArrived(kClient); }},
      {"`cancel`, deadline", [](auto& s) { return s.cancel(), MigrationSteps{}; }},
  };
  return rows;
}

TEST(ServerMigrationTables, TheServersTablesAreThoseOfTheReadme) {
  // covers SM-51, SM-52, SM-53, SM-54, SM-55, SM-56, SM-57
  expectAsInReadme("server-explicit", table(serverColumns(EXPLICIT), serverRows(EXPLICIT)));
  expectAsInReadme("server-synchronized",
                   table(serverColumns(SYNCHRONIZED_SYMMETRIC), serverRows(SYNCHRONIZED_SYMMETRIC)));
  expectAsInReadme("server-symmetric", table(serverColumns(SYMMETRIC), serverRows(SYMMETRIC)));
  expectAsInReadme("server-pool", table(serverColumns(POOL_OF_ADDRESSES), serverRows(POOL_OF_ADDRESSES)));
}

}  // namespace
}  // namespace quic
