// Negotiation and the three frames on the wire, one real end against a peer that writes what it likes: when they leave, how
// often, and what their loss and their acknowledgment do. The tables alone are in test/cpp/servermigration.
#include <gtest/gtest.h>

#include <algorithm>

#include "cpp/api/MisbehavingPeer.h"
#include "cpp/servermigration/MigrationTesting.h"

namespace quic::test {
namespace {

using namespace migrationtesting;
using enum ServerMigrationProtocol;
using enum TransportErrorCode;
using Protocols = ServerMigrationProtocols;

constexpr EncryptionLevel k1 = EncryptionLevel::OneRtt;
const SocketAddress kNewHome = SocketAddress::v4({10, 0, 0, 2}, 4433);
const SocketAddress kSpare = SocketAddress::v4({10, 0, 0, 3}, 4433);

std::string nameOf(TransportErrorCode code) { return nameOfCode(static_cast<uint64_t>(code)); }

/// A server, and a client that offers `offered`.
PeerSettings server(Protocols supported, const std::optional<uint64_t>& offered) {
  PeerSettings settings = MisbehavingPeer::againstServer();
  settings.end.serverMigration = supported;
  settings.parameters.serverMigrationSuite = offered;
  return settings;
}

/// A client that offers `offered`, and a server that answers `answered`.
PeerSettings client(Protocols offered, const std::optional<uint64_t>& answered) {
  PeerSettings settings = MisbehavingPeer::againstClient();
  settings.end.clientMigration.protocols = offered;
  settings.parameters.serverMigrationSuite = answered;
  return settings;
}

std::optional<Protocols> toldAtTheHandshake(const MisbehavingPeer& peer) {
  for (const TransportEvent& event : peer.events) {
    if (const auto* finished = std::get_if<HandshakeFinished>(&event)) return finished->serverMigration;
  }
  return std::nullopt;
}

std::string told(const MisbehavingPeer& peer) {
  std::string text;
  for (const TransportEvent& event : peer.events) {
    const auto* migration = std::get_if<MigrationEvent>(&event);
    if (migration != nullptr) text += (text.empty() ? "" : ", ") + std::visit(EventText{}, *migration);
  }
  return text;
}

// ---------------------------------------------------------------- negotiation

TEST(MigrationNegotiation, AServerAnswersWithWhatIsCommonAndOnlyToAnOffer) {
  // covers SM-01, SM-02
  struct Row {
    Protocols supported;
    std::optional<uint64_t> offered;
    std::optional<uint64_t> answered;
  };
  const Row rows[] = {
      {{EXPLICIT}, 7, 1},     {{EXPLICIT, SYMMETRIC}, 7, 5},
      {Protocols(0xf), 7, 7}, {{SYNCHRONIZED_SYMMETRIC}, 7, 0},
      {{EXPLICIT}, 0x41, 1},  {{EXPLICIT}, std::nullopt, std::nullopt},
      {{}, 7, std::nullopt},  {{}, std::nullopt, std::nullopt},
  };
  for (const Row& row : rows) {
    MisbehavingPeer peer(server(row.supported, row.offered));
    peer.connect();
    ASSERT_TRUE(peer.endParameters());
    EXPECT_EQ(peer.endParameters()->serverMigrationSuite, row.answered);
    EXPECT_EQ(peer.server().negotiatedMigration(), Protocols(row.answered.value_or(0)));
    EXPECT_EQ(toldAtTheHandshake(peer), Protocols(row.answered.value_or(0)));
    EXPECT_TRUE(peer.lives());
  }
}

TEST(MigrationNegotiation, AnOfferOfNothingOrNoNumberAtAllIsATransportParameterErrorOnTheWire) {
  // covers SM-02
  for (const char* offer : {"4064 01 00", "4064 00", "4064 01 40"}) {
    PeerSettings settings = server({EXPLICIT}, std::nullopt);
    settings.rawParameters = fromHex(offer);
    settings.appendRaw = true;
    MisbehavingPeer peer(settings);
    peer.begin();
    EXPECT_EQ(nameOfCode(peer.closeCode()), nameOf(TRANSPORT_PARAMETER_ERROR)) << offer;
  }
}

TEST(MigrationNegotiation, AClientOffersExactlyWhatItsSettingsSay) {
  // covers SM-02
  for (uint64_t bits = 0; bits < 16; ++bits) {
    MisbehavingPeer peer(client(Protocols(bits), std::nullopt));
    peer.begin();
    ASSERT_TRUE(peer.endParameters()) << bits;
    EXPECT_EQ(peer.endParameters()->serverMigrationSuite, bits == 0 ? std::nullopt : std::optional(bits));
  }
}

TEST(MigrationNegotiation, AClientTakesAnyPartOfItsOfferAndNothingElse) {
  // covers SM-03
  constexpr Protocols kOffer{EXPLICIT, POOL_OF_ADDRESSES, SYMMETRIC};
  for (const std::optional<uint64_t> answered : {std::optional<uint64_t>(), {0}, {1}, {3}, {7}, {8}, {9}, {16}, {64}}) {
    MisbehavingPeer peer(client(kOffer, answered));
    peer.reachHandshakeLevel();
    peer.send(EncryptionLevel::Handshake, peer.encryptedFrames());
    const bool isFine = (answered.value_or(0) & ~kOffer.bits()) == 0;
    EXPECT_EQ(nameOfCode(peer.closeCode()), isFine ? "lives" : nameOf(TRANSPORT_PARAMETER_ERROR));
    if (isFine) {
      EXPECT_EQ(toldAtTheHandshake(peer), Protocols(answered.value_or(0)));
    }
  }
}

// ---------------------------------------------------------------- the frames of a server

/// A connected server, its client able to do everything (but a pool, unless there is one), and nothing on its way.
struct Announcer {
  explicit Announcer(Protocols offered = {EXPLICIT, SYMMETRIC, SYNCHRONIZED_SYMMETRIC},
                     const std::vector<SocketAddress>& pool = {}, Protocols supported = Protocols(0xf))
      : peer(settingsFor(offered, supported, pool)) {
    peer.connect();
  }
  static PeerSettings settingsFor(Protocols offered, Protocols supported, const std::vector<SocketAddress>& pool) {
    PeerSettings settings = server(supported, offered.bits());
    if (offered.empty()) settings.parameters.serverMigrationSuite.reset();
    for (const SocketAddress& address : pool) settings.end.migrationPool.push_back(QuicIPAddress::from(address));
    return settings;
  }
  void prepare(ServerMigrationProtocol protocol, const std::optional<SocketAddress>& address = std::nullopt) {
    const auto announced = address ? std::optional(QuicIPAddress::from(*address)) : std::nullopt;
    peer.server().onImminentServerMigration(peer.now(), protocol, announced);
    peer.poll();
  }
  /// Everything that was heard is lost on its way, as four packets after it show.
  void loseWhatWasHeard() {
    std::vector<PacketNum> lost;
    for (const HeardPacket& packet : peer.heard) {
      if (packet.level == k1) lost.push_back(packet.number);
    }
    peer.forget();
    for (uint8_t i = 0; i < 4; ++i) peer.send(FrameBytes().add(PathChallengeFrame{{9, i}}));
    std::vector<PacketNum> later;
    for (const HeardPacket& packet : peer.heard) {
      if (std::find(lost.begin(), lost.end(), packet.number) == lost.end()) later.push_back(packet.number);
    }
    peer.forget();
    for (const PacketNum number : later) peer.send(FrameBytes().ack(number, number));
  }
  template <class Frame>
  [[nodiscard]] size_t count() const {
    return peer.all<Frame>().size();
  }

  MisbehavingPeer peer;
};

TEST(MigrationFrames, AnAnnouncementLeavesOnceAndIsReadyWhenItIsAcknowledged) {
  // covers SM-52
  for (const ServerMigrationProtocol kind : {EXPLICIT, SYNCHRONIZED_SYMMETRIC}) {
    Announcer end;
    end.peer.forget();
    end.prepare(kind, kind == EXPLICIT ? std::optional(kNewHome) : std::nullopt);
    end.peer.poll();
    const auto sent = end.peer.all<ServerMigrationFrame>();
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(sent[0].address, kind == EXPLICIT ? QuicIPAddress::from(kNewHome) : kNowhere);
    EXPECT_EQ(told(end.peer), "");
    end.peer.ackEverything(k1);
    end.peer.ackEverything(k1);
    EXPECT_EQ(told(end.peer), "ready");
    end.peer.advance(5s);
    EXPECT_EQ(end.count<ServerMigrationFrame>(), 1u);
  }
}

TEST(MigrationFrames, ALostAnnouncementIsMadeAgain) {
  // covers SM-85
  Announcer end;
  end.peer.forget();
  end.prepare(EXPLICIT, kNewHome);
  end.loseWhatWasHeard();
  ASSERT_EQ(end.count<ServerMigrationFrame>(), 1u);
  end.peer.ackEverything(k1);
  EXPECT_EQ(told(end.peer), "ready");
}

TEST(MigrationFrames, ALostAnnouncementThatWasCalledOffIsNot) {
  // covers SM-85
  Announcer end;
  end.peer.forget();
  end.prepare(EXPLICIT, kNewHome);
  end.peer.server().cancelServerMigration();
  end.loseWhatWasHeard();
  end.peer.advance(2s);
  EXPECT_EQ(end.count<ServerMigrationFrame>(), 0u);
}

TEST(MigrationFrames, ServerMigratedIsTheFirstWordOfAServerWithNothingElseToSayAndIsNeverRepeated) {
  // covers SM-56
  for (const ServerMigrationProtocol kind : {SYMMETRIC, SYNCHRONIZED_SYMMETRIC}) {
    Announcer end;
    end.prepare(kind);
    end.peer.ackEverything(k1);
    end.peer.advance(50ms);
    end.peer.forget();
    end.peer.server().onNetworkSwitch(end.peer.now(), kNewHome);
    end.peer.poll();
    ASSERT_EQ(end.count<ServerMigratedFrame>(), 1u);
    for (const HeardPacket& packet : end.peer.heard) EXPECT_EQ(packet.path.local, kNewHome);
    end.loseWhatWasHeard();
    end.peer.advance(200ms);
    EXPECT_EQ(end.count<ServerMigratedFrame>(), 0u);
  }
}

TEST(MigrationFrames, AServerWithSomethingToSaySaysThatInstead) {
  // covers SM-56
  Announcer end;
  end.prepare(SYMMETRIC);
  end.peer.ackEverything(k1);
  end.peer.forget();
  const auto id = end.peer.server().openStream(true);
  ASSERT_TRUE(id);
  ASSERT_TRUE(end.peer.server().writeStream(*id, OwnedBytes::copyOf(ByteVector(10)), true));
  end.peer.server().onNetworkSwitch(end.peer.now(), kNewHome);
  end.peer.poll();
  EXPECT_EQ(end.count<ServerMigratedFrame>(), 0u);
  ASSERT_EQ(end.count<StreamFrame>(), 1u);
  EXPECT_EQ(end.peer.heard.front().path.local, kNewHome);
}

TEST(MigrationFrames, UnderTheOtherProtocolsAServerThatMovesAnswersFromWhereItIsAndNeverSaysServerMigrated) {
  Announcer end;
  end.prepare(EXPLICIT, kNewHome);
  end.peer.ackEverything(k1);
  end.peer.advance(50ms);
  end.peer.forget();
  end.peer.server().onNetworkSwitch(end.peer.now(), kNewHome);
  end.peer.poll();
  EXPECT_EQ(end.count<ServerMigratedFrame>(), 0u);
  EXPECT_EQ(end.count<StreamFrame>(), 0u);
  end.peer.sendFrom({kNewHome, end.peer.path().peer}, FrameBytes().add(PingFrame{}));
  end.peer.advance(30ms);
  ASSERT_FALSE(end.peer.heard.empty());
  for (const HeardPacket& packet : end.peer.heard) EXPECT_EQ(packet.path.local, kNewHome);
}

// ---------------------------------------------------------------- the pool of a server

TEST(MigrationFrames, APoolIsSentAfterTheHandshakeEachAddressOnce) {
  Announcer end({POOL_OF_ADDRESSES}, {kNewHome, kSpare});
  EXPECT_EQ(end.count<PoolMigrationAddressFrame>(), 2u);
  std::vector<QuicIPAddress> sent;
  for (const auto& frame : end.peer.all<PoolMigrationAddressFrame>()) sent.push_back(frame.address);
  std::sort(sent.begin(), sent.end());
  EXPECT_EQ(sent, (std::vector{QuicIPAddress::from(kNewHome), QuicIPAddress::from(kSpare)}));
  EXPECT_EQ(told(end.peer), "pool-acknowledged");
  end.peer.ackEverything(k1);
  end.peer.advance(5s);
  EXPECT_EQ(end.count<PoolMigrationAddressFrame>(), 2u);
  EXPECT_EQ(told(end.peer), "pool-acknowledged");
}

TEST(MigrationFrames, APoolIsSentAsFarAsItsClientCanUseIt) {
  // covers SM-07
  QuicIPAddress both = QuicIPAddress::from(kSpare);
  both.ipv6[15] = both.ipv6Port = 1;
  QuicIPAddress half = both;
  half.ipv4Port = 0;
  PeerSettings settings = server(Protocols(0xf), Protocols{POOL_OF_ADDRESSES}.bits());
  const QuicIPAddress home = QuicIPAddress::from(kNewHome);
  const QuicIPAddress six = QuicIPAddress::from(*SocketAddress::parse("[2001:db8::1]:4433"));
  settings.end.migrationPool = {home, six, kNowhere, half, both, home};
  MisbehavingPeer peer(settings);
  peer.connect();
  std::vector<QuicIPAddress> sent;
  for (const auto& frame : peer.all<PoolMigrationAddressFrame>()) sent.push_back(frame.address);
  std::sort(sent.begin(), sent.end());
  EXPECT_EQ(sent, (std::vector{home, both}));
  EXPECT_EQ(told(peer), "pool-acknowledged");
}

TEST(MigrationFrames, ALostPoolAddressIsSentAgain) {
  PeerSettings settings = Announcer::settingsFor({POOL_OF_ADDRESSES}, Protocols(0xf), {kNewHome});
  MisbehavingPeer peer(settings);
  peer.reachHandshakeLevel();
  const ByteVector finished = fakeMessage(FakeMessage::Finished);
  peer.send(EncryptionLevel::Handshake, FrameBytes().add(CryptoFrame{0, finished}));
  ASSERT_EQ(peer.all<PoolMigrationAddressFrame>().size(), 1u);
  peer.forget();
  peer.advance(2s);  // nothing was acknowledged: probes
  const size_t repeated = peer.all<PoolMigrationAddressFrame>().size();
  EXPECT_GE(repeated, 1u);
  peer.ackEverything(k1);
  EXPECT_EQ(told(peer), "pool-acknowledged");
}

TEST(MigrationFrames, APoolStaysAtHomeUnlessItWasNegotiated) {
  const std::vector<SocketAddress> pool{kNewHome, kSpare};
  const Announcer cases[] = {
      Announcer({EXPLICIT}, pool),                              // another protocol in common
      Announcer({POOL_OF_ADDRESSES}, pool, {EXPLICIT}),         // nothing in common
      Announcer({}, pool),                                      // a client that does not know of it
      Announcer({POOL_OF_ADDRESSES}, pool, Protocols{}),        // a server that has it off
      Announcer({POOL_OF_ADDRESSES}, {}, {POOL_OF_ADDRESSES}),  // no pool
  };
  for (const Announcer& end : cases) EXPECT_EQ(end.count<PoolMigrationAddressFrame>(), 0u);
}

// ---------------------------------------------------------------- acknowledgments

TEST(MigrationFrames, AcknowledgmentsOfWhatIsOverChangeNothing) {
  // covers SM-53
  Announcer end;
  end.prepare(EXPLICIT, kNewHome);
  std::vector<PacketNum> announcing;
  for (const HeardPacket& packet : end.peer.heard) announcing.push_back(packet.number);
  end.peer.server().cancelServerMigration();
  end.peer.forget();
  for (const PacketNum number : announcing) end.peer.send(FrameBytes().ack(number, number));
  EXPECT_EQ(told(end.peer), "");
  EXPECT_EQ(end.peer.server().migrationState(), ServerMigrationServer::State::Idle);
  end.prepare(EXPLICIT, kNewHome);
  end.peer.server().onNetworkSwitch(end.peer.now(), kNewHome);  // too early: it fails, and lives
  end.peer.poll();
  end.peer.ackEverything(k1);
  EXPECT_EQ(told(end.peer), "failed INVALID_STATE");
  EXPECT_FALSE(end.peer.end().isClosing());
}

TEST(MigrationFrames, AnAcknowledgedServerMigratedIsNoEvent) {
  for (const ServerMigrationProtocol kind : {SYMMETRIC, SYNCHRONIZED_SYMMETRIC}) {
    Announcer end;
    end.prepare(kind);
    end.peer.ackEverything(k1);
    end.peer.server().onNetworkSwitch(end.peer.now(), kNewHome);
    end.peer.poll();
    ASSERT_EQ(end.count<ServerMigratedFrame>(), 1u);
    end.peer.ackEverything(k1);
    end.peer.ackEverything(k1);
    EXPECT_EQ(told(end.peer), "ready");
    EXPECT_EQ(end.peer.server().migrationState(), ServerMigrationServer::State::Switching);
    EXPECT_FALSE(end.peer.end().isClosing());
  }
}

// ---------------------------------------------------------------- what a client does with them

TEST(MigrationFrames, AClientTakesPoolAddressesFromOnePacketFromSeveralAndInAnyOrder) {
  const auto entry = [](const SocketAddress& address) {
    return PoolMigrationAddressFrame{QuicIPAddress::from(address)};
  };
  for (const bool areApart : {false, true}) {
    for (const bool areSwapped : {false, true}) {
      MisbehavingPeer peer(client({POOL_OF_ADDRESSES}, 2));
      peer.connect();
      const PacketNum next = peer.nextNumber(k1);
      if (areApart) {
        const std::array numbers{areSwapped ? next + 1 : next, areSwapped ? next : next + 1};
        peer.send(k1, FrameBytes().add(entry(kTarget)), {.number = numbers[0]});
        peer.send(k1, FrameBytes().add(entry(kOther)), {.number = numbers[1]});
      } else {
        const FrameBytes frames = areSwapped ? FrameBytes().add(entry(kOther)).add(entry(kTarget))
                                             : FrameBytes().add(entry(kTarget)).add(entry(kOther));
        peer.send(frames);
      }
      const std::string heard = told(peer);
      EXPECT_NE(heard.find("pool-address target"), std::string::npos) << heard;
      EXPECT_NE(heard.find("pool-address other"), std::string::npos) << heard;
      peer.send(FrameBytes().add(entry(kTarget)).add(entry(kOther)));  // copies
      EXPECT_EQ(told(peer), heard);
      EXPECT_TRUE(peer.lives());
    }
  }
}

TEST(MigrationFrames, AClientWithoutTheFamilyInAnAnnouncementClosesWhicheverFamilyItIs) {
  // covers SM-07
  const QuicIPAddress six = QuicIPAddress::from(*SocketAddress::parse("[2001:db8::1]:4433"));
  for (const bool isPool : {false, true}) {
    MisbehavingPeer peer(client(isPool ? Protocols{POOL_OF_ADDRESSES} : Protocols{EXPLICIT}, isPool ? 2 : 1));
    peer.connect();
    peer.send(isPool ? FrameBytes().add(PoolMigrationAddressFrame{six}) : FrameBytes().add(ServerMigrationFrame{six}));
    EXPECT_EQ(nameOfCode(peer.closeCode()), nameOf(PROTOCOL_VIOLATION));
  }
}

TEST(MigrationFrames, AServerIsNeverToldThatItMoves) {
  for (const char* frame : {"32", "33", "34"}) {
    for (const std::optional<uint64_t> offered : {std::optional<uint64_t>(), {15}}) {
      MisbehavingPeer peer(server(Protocols(0xf), offered));
      peer.connect();
      FrameBytes bytes;
      bytes.hex(frame);
      if (std::string_view(frame) != "33") bytes.padding(24);
      peer.send(bytes);
      EXPECT_EQ(nameOfCode(peer.closeCode()), nameOf(PROTOCOL_VIOLATION)) << frame;
    }
  }
}

}  // namespace
}  // namespace quic::test
