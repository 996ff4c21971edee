// Two machines with real keys, one per end; packets are numbers with a phase. Cannot see: packets, timers, handshakes.
#include "quic/state/KeyPhases.h"

#include <gtest/gtest.h>

#include "cpp/api/FakeHandshake.h"
#include "quic/QuicConstants.h"
#include "quic/tls/OpenSslTls.h"

namespace quic::test {
namespace {

constexpr TimePoint kNow{1h};
constexpr TimePoint kLater{2h};

struct End {
  explicit End(Role role = Role::Server) : crypto(makeOpenSslCryptoFactory()) {
    const Role other = role == Role::Server ? Role::Client : Role::Server;
    const TrafficSecret readSecret = fakeSecret(EncryptionLevel::OneRtt, other, CipherSuite::AES_128_GCM_SHA256);
    const TrafficSecret writeSecret = fakeSecret(EncryptionLevel::OneRtt, role, CipherSuite::AES_128_GCM_SHA256);
    read = crypto->protection(kQuicVersion1, readSecret);
    write = crypto->protection(kQuicVersion1, writeSecret);
    phases.setReadSecret(readSecret);
    phases.setWriteSecret(writeSecret);
    phases.prepare(*crypto, kQuicVersion1);
  }
  KeyPhases::Current current() { return {read, write}; }
  Result<> opened(KeyPhase phase, PacketNum number) { return phases.onOpened(phase, number, current(), kLater); }
  Result<> opened(bool bit, PacketNum number) { return opened(phases.phaseOf(bit, number), number); }
  /// One that the peer could be waiting for.
  void report() { phases.onSealed(nextNumber++, true); }
  /// The peer's own update, with packet `number`, and everything made ready for another one.
  void follow(PacketNum number) {
    ASSERT_TRUE(opened(!phases.bit(), number));
    phases.prepare(*crypto, kQuicVersion1);
    report();
  }

  std::unique_ptr<CryptoFactory> crypto;
  PacketProtection read;
  PacketProtection write;
  KeyPhases phases;
  PacketNum nextNumber = 0;
};

TEST(KeyPhases, ThePeersNextPhaseMovesBothDirections) {
  // covers RFC 9001 §6.2
  End end;
  const Aead* const firstRead = end.read.aead.get();
  const Aead* const firstWrite = end.write.aead.get();
  const PacketNumberCipher* const readHeader = end.read.headerCipher.get();
  const PacketNumberCipher* const writeHeader = end.write.headerCipher.get();
  const Aead* const next = end.phases.readKey(KeyPhase::Next);
  ASSERT_TRUE(end.opened(false, 0));
  EXPECT_EQ(end.phases.phaseOf(true, 1), KeyPhase::Next);
  ASSERT_TRUE(end.opened(true, 1));
  EXPECT_TRUE(end.phases.bit());
  EXPECT_EQ(end.phases.generation(), 1u);
  EXPECT_EQ(end.read.aead.get(), next);
  EXPECT_NE(end.write.aead.get(), firstWrite);
  EXPECT_EQ(end.phases.readKey(KeyPhase::Previous), firstRead);
  // covers RFC 9001 §6.1: header protection keeps its key
  EXPECT_EQ(end.read.headerCipher.get(), readHeader);
  EXPECT_EQ(end.write.headerCipher.get(), writeHeader);
}

TEST(KeyPhases, BothEndsMakeTheSameKeysInEveryGeneration) {
  End client(Role::Client);
  End server(Role::Server);
  for (uint64_t generation = 0; generation < 5; ++generation) {
    ByteVector packet(40);
    ASSERT_TRUE(client.write.aead->seal(generation, {}, packet));
    EXPECT_TRUE(server.read.aead->open(generation, {}, packet)) << generation;
    client.phases.update(client.current());
    server.phases.update(server.current());
    client.phases.prepare(*client.crypto, kQuicVersion1);
    server.phases.prepare(*server.crypto, kQuicVersion1);
  }
}

TEST(KeyPhases, APacketNumberTellsThePreviousPhaseFromTheNext) {
  // covers RFC 9001 §6.5
  End end;
  ASSERT_TRUE(end.opened(false, 10));
  end.follow(20);
  EXPECT_EQ(end.phases.phaseOf(false, 19), KeyPhase::Previous);
  EXPECT_EQ(end.phases.phaseOf(false, 21), KeyPhase::Next);
  ASSERT_TRUE(end.opened(true, 15));
  EXPECT_EQ(end.phases.phaseOf(false, 16), KeyPhase::Next);
  EXPECT_EQ(end.phases.phaseOf(false, 14), KeyPhase::Previous);
}

TEST(KeyPhases, WhileAnUpdateOfOursIsUnansweredEverythingElseIsOlder) {
  End end;
  ASSERT_TRUE(end.opened(false, 10));
  end.phases.update(end.current());
  end.phases.prepare(*end.crypto, kQuicVersion1);
  EXPECT_EQ(end.phases.phaseOf(false, 5), KeyPhase::Previous);
  EXPECT_EQ(end.phases.phaseOf(false, 5000), KeyPhase::Previous);
  ASSERT_TRUE(end.opened(false, 5000));
  // covers RFC 9001 §6.1: old keys stay until a packet came under the new ones
  EXPECT_FALSE(end.phases.forgetPreviousAt().has_value());
  ASSERT_TRUE(end.opened(true, 5001));
  EXPECT_EQ(end.phases.forgetPreviousAt(), kLater);
  end.phases.forgetPrevious();
  EXPECT_EQ(end.phases.readKey(KeyPhase::Previous), nullptr);
  EXPECT_FALSE(end.phases.forgetPreviousAt().has_value());
}

TEST(KeyPhases, OldKeysAfterNewerOnesAreAnError) {
  // covers RFC 9001 §6.4
  {
    End end;  // an old packet was opened, then a newer phase turns out to have begun before it
    ASSERT_TRUE(end.opened(false, 0));
    end.follow(20);
    ASSERT_TRUE(end.opened(false, 15));
    ASSERT_TRUE(end.opened(true, 16));
    const Result<> late = end.opened(true, 14);
    ASSERT_FALSE(late);
    EXPECT_EQ(wireCode(late.error().code), static_cast<uint64_t>(TransportErrorCode::KEY_UPDATE_ERROR));
  }
  {
    End end;  // the next phase begins below what the current one has reached
    ASSERT_TRUE(end.opened(false, 10));
    const Result<> late = end.opened(KeyPhase::Next, 9);
    ASSERT_FALSE(late);
    EXPECT_EQ(wireCode(late.error().code), static_cast<uint64_t>(TransportErrorCode::KEY_UPDATE_ERROR));
  }
}

TEST(KeyPhases, AnUpdateUponAnUpdateThatWasNotReportedIsAnError) {
  // covers RFC 9001 §6.2
  End end;
  ASSERT_TRUE(end.opened(true, 1));
  end.phases.prepare(*end.crypto, kQuicVersion1);
  end.phases.onSealed(0, false);  // no ACK in it
  const Result<> hasty = end.opened(false, 2);
  ASSERT_FALSE(hasty);
  EXPECT_EQ(wireCode(hasty.error().code), static_cast<uint64_t>(TransportErrorCode::KEY_UPDATE_ERROR));

  End patient;
  patient.follow(1);
  EXPECT_TRUE(patient.opened(false, 2));
  EXPECT_EQ(patient.phases.generation(), 2u);
}

TEST(KeyPhases, AnAcknowledgmentUnderOldKeysOfWhatNewOnesSealedIsAnError) {
  // covers RFC 9001 §6.2
  End end;
  end.phases.onSealed(0, false);
  end.phases.update(end.current());
  EXPECT_TRUE(end.phases.onAck(KeyPhase::Previous, 0, kLater)) << "nothing is sealed with the new keys yet";
  end.phases.onSealed(1, false);
  EXPECT_TRUE(end.phases.onAck(KeyPhase::Previous, 0, kLater));
  const Result<> behind = end.phases.onAck(KeyPhase::Previous, 1, kLater);
  ASSERT_FALSE(behind);
  EXPECT_EQ(wireCode(behind.error().code), static_cast<uint64_t>(TransportErrorCode::KEY_UPDATE_ERROR));
  EXPECT_TRUE(end.phases.onAck(KeyPhase::Current, 1, kLater));
}

TEST(KeyPhases, TheNextUpdateWaitsForAnAcknowledgmentAndSomeTime) {
  // covers RFC 9001 §6.1, §6.5
  End end;
  EXPECT_TRUE(end.phases.mayUpdate(kNow)) << "the first update need not wait";
  end.phases.update(end.current());
  end.phases.prepare(*end.crypto, kQuicVersion1);
  EXPECT_FALSE(end.phases.mayUpdate(kLater)) << "nothing sent";
  end.phases.onSealed(8, false);
  EXPECT_FALSE(end.phases.mayUpdate(kLater)) << "nothing acknowledged";
  ASSERT_TRUE(end.phases.onAck(KeyPhase::Current, 7, kNow));
  EXPECT_FALSE(end.phases.mayUpdate(kLater)) << "only what was sent before";
  ASSERT_TRUE(end.phases.onAck(KeyPhase::Current, 8, kLater));
  EXPECT_FALSE(end.phases.mayUpdate(kNow));
  ASSERT_TRUE(end.phases.onAck(KeyPhase::Current, 8, kLater + 1h)) << "a later one postpones nothing";
  EXPECT_TRUE(end.phases.mayUpdate(kLater));
}

TEST(KeyPhases, CountsWhatEachKeySeals) {
  End end;
  for (PacketNum number = 0; number < 5; ++number) end.phases.onSealed(number, false);
  EXPECT_EQ(end.phases.sealed(), 5u);
  end.phases.update(end.current());
  EXPECT_EQ(end.phases.sealed(), 0u);
}

TEST(KeyPhases, WithoutKeysMadeAheadThereIsNoUpdate) {
  End end;
  end.phases.update(end.current());
  EXPECT_EQ(end.phases.readKey(KeyPhase::Next), nullptr);
  end.phases.onSealed(1, false);
  ASSERT_TRUE(end.phases.onAck(KeyPhase::Current, 1, kNow));
  EXPECT_FALSE(end.phases.mayUpdate(kLater));
  end.phases.prepare(*end.crypto, kQuicVersion1);
  EXPECT_TRUE(end.phases.mayUpdate(kLater));
}

}  // namespace
}  // namespace quic::test
