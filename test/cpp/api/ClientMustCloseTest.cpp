// What a client must close, ignore and survive: the project's security cases §3.2, by their ids. Rows about TLS itself are in
// test/cpp/tls, those about key updates in KeyUpdateTest.cpp; Retry has no rows yet.
#include <gtest/gtest.h>

#include "cpp/api/PeerRows.h"
#include "quic/codec/QuicPacketHeaders.h"

namespace quic::test {
namespace {

using enum TransportErrorCode;

// ---------------------------------------------------------------- transport parameters
struct ParameterRow {
  const char* id;
  std::string extra;
  Code code;
};

TEST(ClientMustClose, TransportParametersOfAServer) {
  const ParameterRow rows[] = {
      {"CT06", "10 08 0102030405060708", TRANSPORT_PARAMETER_ERROR},
      {"CT08", "0a 01 15", TRANSPORT_PARAMETER_ERROR},
      {"CT09", "0b 04 80004000", TRANSPORT_PARAMETER_ERROR},
      {"CT12", "02 0f" + toHex(ByteVector(15)), TRANSPORT_PARAMETER_ERROR},
      {"CT16", "01 08 05", TRANSPORT_PARAMETER_ERROR},
      {"CT18", "405b 03 010203", kLives},
      {"migration without an offer", "4064 01 01", TRANSPORT_PARAMETER_ERROR},
  };
  for (const ParameterRow& row : rows) {
    PeerSettings settings = MisbehavingPeer::againstClient();
    settings.rawParameters = fromHex(row.extra);
    settings.appendRaw = true;
    MisbehavingPeer peer(settings);
    peer.reachHandshakeLevel();
    peer.send(kH, peer.encryptedFrames());
    EXPECT_EQ(nameOfCode(peer.closeCode()), expectedName(row.code)) << row.id;
  }
}

// covers RFC 9000 §7.3
TEST(ClientMustClose, ConnectionIdsOfTheHandshakeThatDoNotMatch) {
  const ConnectionId wrong(fromHex("0102030405060708"));
  struct Row {
    const char* id;
    bool original;
    bool source;
    bool wrongOriginal;
    bool wrongSource;
  };
  const Row rows[] = {{"CT02", false, true, false, false},
                      {"CT03", true, true, true, false},
                      {"CT04", true, false, false, false},
                      {"CT05", true, true, false, true}};
  for (const Row& row : rows) {
    PeerSettings settings = MisbehavingPeer::againstClient();
    settings.fillIds = false;
    MisbehavingPeer peer(settings);
    peer.begin();
    TransportParameters parameters = MisbehavingPeer::usualParameters();
    if (row.original)
      parameters.originalDestinationConnectionId = row.wrongOriginal ? wrong : peer.originalDestinationId();
    if (row.source) parameters.initialSourceConnectionId = row.wrongSource ? wrong : peer.ownId();
    peer.send(kI, FrameBytes().ack(0, 0).raw(peer.helloFrames()));
    const ByteVector message = fakeMessage(FakeMessage::EncryptedExtensions, encodeTransportParameters(parameters));
    peer.send(kH, FrameBytes().add(CryptoFrame{0, message}));
    EXPECT_EQ(nameOfCode(peer.closeCode()), expectedName(TRANSPORT_PARAMETER_ERROR)) << row.id;
  }
}

TEST(ClientMustClose, LimitsAmongTransportParameters) {
  PeerSettings settings = MisbehavingPeer::againstClient();
  settings.parameters.initialMaxStreamsBidi = (uint64_t{1} << 60) + 1;
  MisbehavingPeer peer(settings);
  peer.reachHandshakeLevel();
  peer.send(kH, peer.encryptedFrames());
  EXPECT_EQ(nameOfCode(peer.closeCode()), expectedName(TRANSPORT_PARAMETER_ERROR)) << "CT11";
}

// CT29. covers RFC 9001 §6
TEST(ClientMustClose, LateHandshakeMessages) {
  MisbehavingPeer peer(MisbehavingPeer::againstClient());
  peer.connect();
  peer.send(FrameBytes().add(CryptoFrame{0, fakeMessage(FakeMessage::KeyUpdate, ByteVector(1))}));
  EXPECT_EQ(nameOfCode(peer.closeCode()), nameOfCode(0x10a));
}

// ---------------------------------------------------------------- before the server was heard
void deliverVersions(MisbehavingPeer& peer, ByteSpan destination, ByteSpan source, uint32_t version) {
  ByteVector packet(100);
  const std::array<uint32_t, 2> versions = {0x1a2a3a4a, version};
  packet.resize(writeVersionNegotiation(packet, 0x55, destination, source, versions));
  peer.deliver(packet);
}

// CV01 to CV04. covers RFC 9000 §6.2
TEST(ClientMustClose, VersionNegotiationIsBelievedOnlyWhenItMayBeTrue) {
  const ConnectionId wrong(fromHex("0102030405060708"));
  const auto isAbandoned = [&](auto&& act) {
    MisbehavingPeer peer(MisbehavingPeer::againstClient());
    peer.begin();
    act(peer);
    const uint64_t before = peer.datagramsHeard;
    peer.advance(5s);
    EXPECT_EQ(peer.end().isClosing(), peer.datagramsHeard == before);
    return peer.end().isClosing();
  };
  EXPECT_FALSE(isAbandoned([](MisbehavingPeer& p) {
    deliverVersions(p, p.endId().bytes(), p.originalDestinationId().bytes(), kQuicVersion1);
  })) << "CV01";
  EXPECT_TRUE(isAbandoned([](MisbehavingPeer& p) {
    deliverVersions(p, p.endId().bytes(), p.originalDestinationId().bytes(), 0x2a2a2a2a);
  })) << "CV02";
  EXPECT_FALSE(isAbandoned([&](MisbehavingPeer& p) {
    deliverVersions(p, p.endId().bytes(), wrong.bytes(), 0x2a2a2a2a);
  })) << "CV03";
  EXPECT_FALSE(isAbandoned([&](MisbehavingPeer& p) {
    deliverVersions(p, wrong.bytes(), p.originalDestinationId().bytes(), 0x2a2a2a2a);
  })) << "CV03";
  EXPECT_FALSE(isAbandoned([](MisbehavingPeer& p) {
    p.send(kI, FrameBytes().ack(0, 0));
    deliverVersions(p, p.endId().bytes(), p.originalDestinationId().bytes(), 0x2a2a2a2a);
  })) << "CV04";
}

// CI01. covers RFC 9000 §14.1, §7.2, §18.2
TEST(ClientMustClose, ItsFirstFlightIsAsItMustBe) {
  MisbehavingPeer peer(MisbehavingPeer::againstClient());
  peer.begin();
  ASSERT_FALSE(peer.heard.empty());
  for (const HeardPacket& packet : peer.heard) EXPECT_GE(packet.datagramSize, 1200u);
  EXPECT_GE(peer.originalDestinationId().size(), 8u);
  ASSERT_TRUE(peer.endParameters().has_value()) << "decoding refuses server-only parameters";
  EXPECT_EQ(peer.endParameters()->initialSourceConnectionId, peer.endId());
}

// CI02. covers RFC 9002 §6.2
TEST(ClientMustClose, ASilentServerIsAskedAgainWithGrowingGaps) {
  PeerSettings settings = MisbehavingPeer::againstClient();
  settings.end.handshakeTimeout = 60s;
  settings.end.idleTimeout = 60s;
  MisbehavingPeer peer(settings);
  peer.begin();
  peer.advance(20s);
  std::vector<TimePoint> at;
  for (const HeardPacket& packet : peer.heard) {
    EXPECT_GE(packet.datagramSize, 1200u);
    if (at.empty() || packet.at > at.back()) at.push_back(packet.at);
  }
  ASSERT_GE(at.size(), 4u);
  EXPECT_NEAR(static_cast<double>((at[1] - at[0]).count()), 1e6, 1e4);
  for (size_t i = 2; i < at.size(); ++i) EXPECT_EQ((at[i] - at[i - 1]), 2 * (at[i - 1] - at[i - 2])) << i;
}

// CI03. covers RFC 9000 §17.2.2
TEST(ClientMustClose, AnInitialWithATokenIsDropped) {
  MisbehavingPeer peer(MisbehavingPeer::againstClient());
  peer.begin();
  PacketOptions options;
  options.token = ByteVector(4, 1);
  peer.send(kI, peer.helloFrames(), options);
  EXPECT_EQ(peer.end().stats().packetsReceived, 0u);
  EXPECT_FALSE(peer.end().isClosing());
}

// CI04. covers RFC 9000 §7.2
TEST(ClientMustClose, AServerThatChangesItsIdIsNotHeard) {
  MisbehavingPeer peer(MisbehavingPeer::againstClient());
  peer.begin();
  peer.send(kI, FrameBytes().ack(0, 0));
  PacketOptions options;
  options.sourceId = ConnectionId(fromHex("0102030405060708"));
  peer.send(kI, peer.helloFrames(), options);
  EXPECT_EQ(peer.end().stats().packetsReceived, 1u);
  EXPECT_FALSE(peer.end().isClosing());
}

// CI08. covers RFC 9000 §12.4
TEST(ClientMustClose, NewTokenInAnInitialPacket) {
  MisbehavingPeer peer(MisbehavingPeer::againstClient());
  peer.begin();
  peer.send(kI, hex("07 01 aa"));
  EXPECT_EQ(nameOfCode(peer.closeCode()), expectedName(PROTOCOL_VIOLATION));
}

// CI09. covers RFC 9001 §4.9.1
TEST(ClientMustClose, AForgedInitialCloseAfterTheHandshakeIsIgnored) {
  MisbehavingPeer peer(MisbehavingPeer::againstClient());
  peer.connect();
  peer.send(kI, hex("1c 00 00 00"));
  EXPECT_TRUE(peer.lives());
}

// CVE-2025-59530 of T-25. covers RFC 9001 §4.1.2, §5.7
TEST(ClientMustClose, AnEarlyHandshakeDoneIsNotReadBeforeTheHandshakeIsComplete) {
  MisbehavingPeer peer(MisbehavingPeer::againstClient());
  peer.reachHandshakeLevel();
  peer.send(hex("1e"));
  EXPECT_FALSE(peer.end().isHandshakeConfirmed());
  peer.send(kH, peer.encryptedFrames());
  EXPECT_TRUE(peer.end().isHandshakeConfirmed()) << "it has waited";
  peer.send(hex("1e"));
  EXPECT_TRUE(peer.lives());
  EXPECT_EQ(peer.count<HandshakeConfirmed>(), 1u);
}

// ---------------------------------------------------------------- frames of a connected server
struct ConnectedRow {
  const char* id;
  std::vector<std::string> packets;
  Code code;
};

std::vector<ConnectedRow> connectedRows() {
  return {
      {"CF01", {"3f"}, FRAME_ENCODING_ERROR},
      {"CF04", {"0a 02 01 61"}, STREAM_STATE_ERROR},
      {"CF05 own bidirectional, not opened", {"0a 4190 01 61"}, STREAM_STATE_ERROR},
      {"CF06", {"04 4190 00 00"}, STREAM_STATE_ERROR},
      {"CF07", {"05 03 00"}, STREAM_STATE_ERROR},
      {"CF09", {"11 4190 05"}, STREAM_STATE_ERROR},
      {"CF11", {"15 02 05"}, STREAM_STATE_ERROR},
      {"CF14", {"0e 01" + varintHex(kMaxVarint - 5) + "01 61"}, FLOW_CONTROL_ERROR},
      {"CF15", {"0e 00" + varintHex(2000) + "01 61"}, FLOW_CONTROL_ERROR},
      {"CF15 last byte", {"0e 00" + varintHex(1999) + "01 61"}, kLives},
      {"CF18", {"18 01 00 15 000102030405060708090a0b0c0d0e0f1011121314" + kToken}, FRAME_ENCODING_ERROR},
      {"CF19", {"18 01 02 08 a1a1a1a1a1a1a1a1" + kToken}, FRAME_ENCODING_ERROR},
      {"CF21", {"19 32"}, PROTOCOL_VIOLATION},
      {"CF23", {"06" + varintHex(4 << 20) + "01 61"}, CRYPTO_BUFFER_EXCEEDED},
      {"CF25", {"10 80"}, FRAME_ENCODING_ERROR},
      {"CF26", {"31 01 61"}, PROTOCOL_VIOLATION},
      {"NEW_TOKEN", {"07 01 aa"}, kLives},
      {"empty NEW_TOKEN", {"07 00"}, FRAME_ENCODING_ERROR},
      {"server-opened streams", {"0a 01 01 61", "0a 03 01 61"}, kLives},
      {"SERVER_MIGRATION not negotiated", {"32" + toHex(ByteVector(24))}, PROTOCOL_VIOLATION},
      {"SERVER_MIGRATED not negotiated", {"33"}, PROTOCOL_VIOLATION},
      {"POOL_MIGRATION_ADDRESS not negotiated", {"34" + toHex(ByteVector(24))}, PROTOCOL_VIOLATION},
  };
}

TEST(ClientMustClose, FramesOfAConnectedServer) {
  for (const ConnectedRow& row : connectedRows()) {
    PeerSettings settings = MisbehavingPeer::againstClient();
    settings.end.streams.streamWindow = 2000;
    settings.end.streams.connectionWindow = 3000;
    MisbehavingPeer peer(settings);
    peer.connect();
    ASSERT_TRUE(peer.end().openStream(false).hasValue());
    for (const std::string& packet : row.packets) peer.send(hex(packet));
    EXPECT_EQ(nameOfCode(peer.closeCode()), expectedName(row.code)) << row.id;
    if (!row.code) {
      EXPECT_TRUE(peer.lives()) << row.id;
    }
  }
}

// CF02. covers RFC 9000 §17.3.1
TEST(ClientMustClose, ReservedBits) {
  MisbehavingPeer peer(MisbehavingPeer::againstClient());
  peer.connect();
  PacketOptions options;
  options.setBits = 0x18;
  peer.send(EncryptionLevel::OneRtt, hex("01"), options);
  EXPECT_EQ(nameOfCode(peer.closeCode()), expectedName(PROTOCOL_VIOLATION));
}

// CF28. covers RFC 9000 §5.1.2
TEST(ClientMustClose, RetirePriorToMovesTheClientToTheNewId) {
  MisbehavingPeer peer(MisbehavingPeer::againstClient());
  peer.connect();
  peer.forget();
  peer.send(hex("18 01 01 08 a1a1a1a1a1a1a1a1" + kToken));
  EXPECT_TRUE(peer.lives());
  ASSERT_FALSE(peer.all<RetireConnectionIdFrame>().empty());
  for (const RetireConnectionIdFrame& frame : peer.all<RetireConnectionIdFrame>()) EXPECT_EQ(frame.sequence, 0u);
  EXPECT_EQ(peer.heard.back().destinationId, ConnectionId(hex("a1a1a1a1a1a1a1a1")));
}

// CS01. covers RFC 9000 §10.3.1
TEST(ClientMustClose, AStatelessResetEndsItAtOnce) {
  PeerSettings settings = MisbehavingPeer::againstClient();
  StatelessResetToken token{};
  token.fill(0x5a);
  settings.parameters.statelessResetToken = token;
  MisbehavingPeer peer(settings);
  peer.connect();

  Seeded random(3);
  const auto reset = [&](const StatelessResetToken& ending, size_t size) {
    ByteVector bytes = randomBytes(random, size);
    bytes[0] = static_cast<uint8_t>(0x40 | (bytes[0] & 0x3f));
    std::copy(ending.begin(), ending.end(), bytes.end() - 16);
    return bytes;
  };
  StatelessResetToken wrong = token;
  wrong[15] ^= 1;
  peer.deliver(reset(wrong, 43));
  EXPECT_TRUE(peer.lives());
  peer.deliver(reset(token, 43), {peer.path().local, SocketAddress::v4({10, 9, 9, 9}, 4433)});
  EXPECT_TRUE(peer.lives()) << "a token counts only from the address it belongs to";

  const uint64_t before = peer.datagramsHeard;
  peer.deliver(reset(token, 43));
  EXPECT_TRUE(peer.end().isClosing());
  for (int i = 0; i < 5; ++i) peer.send(hex("01"));
  EXPECT_EQ(peer.datagramsHeard, before) << "not a packet more";
  EXPECT_EQ(peer.count<ConnectionClosed>(), 1u);
}

// covers RFC 9000 §10.3.1: only tokens of IDs that are in use
TEST(ClientMustClose, ATokenOfAnIdThatIsNotInUseResetsNothing) {
  MisbehavingPeer peer(MisbehavingPeer::againstClient());
  peer.connect();
  peer.send(hex("18 01 00 08 a1a1a1a1a1a1a1a1" + kToken));
  ByteVector bytes(43, 0x41);
  const ByteVector token = hex(kToken);
  std::copy(token.begin(), token.end(), bytes.end() - 16);
  peer.deliver(bytes);
  EXPECT_TRUE(peer.lives());
}

// CS03. covers RFC 9000 §10.2.2
TEST(ClientMustClose, AServersCloseIsMetWithSilence) {
  MisbehavingPeer peer(MisbehavingPeer::againstClient());
  peer.connect();
  const uint64_t before = peer.datagramsHeard;
  peer.send(hex("1c 00 00 00"));
  for (int i = 0; i < 5; ++i) peer.send(hex("01"));
  EXPECT_EQ(peer.datagramsHeard, before);
  EXPECT_TRUE(peer.end().isClosing());
}

// CS04. covers RFC 9000 §4.1
TEST(ClientMustClose, CreditGrowsAsTheApplicationReads) {
  PeerSettings settings = MisbehavingPeer::againstClient();
  settings.end.streams.streamWindow = 20000;
  settings.end.streams.connectionWindow = 30000;
  MisbehavingPeer peer(settings);
  peer.connect();
  const auto id = peer.end().openStream(false);
  ASSERT_TRUE(id.hasValue());
  ByteVector room(5000);
  uint64_t got = 0;
  const ByteVector data(1000, 'x');
  for (uint64_t offset = 0; offset < 1000000; offset += data.size()) {
    StreamFrame frame;
    frame.id = *id;
    frame.offset = offset;
    frame.data = data;
    peer.send(FrameBytes().add(frame));
    ASSERT_FALSE(peer.end().isClosing()) << offset << " " << nameOfCode(peer.closeCode());
    const auto read = peer.end().readStream(*id, room);
    ASSERT_TRUE(read.hasValue());
    got += read->size;
    peer.advance(1ms);
    peer.ackEverything(EncryptionLevel::OneRtt);
    peer.forget();
  }
  EXPECT_EQ(got, 1000000u);
}

// CR03, CR04 in part: Retry is not spoken; the packet is dropped and the handshake goes on.
TEST(ClientMustClose, ARetryThatIsNotAuthenticIsDropped) {
  MisbehavingPeer peer(MisbehavingPeer::againstClient());
  peer.begin();
  ByteVector packet(200);
  ByteWriter writer(packet);
  const ByteVector token(10, 7);
  writeRetryWithoutTag(writer, {PacketType::Retry, kQuicVersion1, peer.endId(), peer.ownId(), token}, 0);
  writer.writeZeros(16);
  packet.resize(writer.offset());
  peer.deliver(packet);
  peer.connect();
  EXPECT_TRUE(peer.lives());
}

// X36. covers RFC 9000 §5.1
TEST(ClientMustClose, AServerWithoutConnectionIdsWorks) {
  PeerSettings settings = MisbehavingPeer::againstClient();
  settings.sourceIdSize = 0;
  MisbehavingPeer peer(settings);
  peer.connect();
  EXPECT_TRUE(peer.lives());
  EXPECT_TRUE(peer.all<RetireConnectionIdFrame>().empty());
  peer.send(hex("18 01 00 08 a1a1a1a1a1a1a1a1" + kToken));
  EXPECT_EQ(nameOfCode(peer.closeCode()), expectedName(PROTOCOL_VIOLATION));
}

}  // namespace
}  // namespace quic::test
