// What a server must close, ignore and survive: the project's security cases §3.1, by their ids. Bytes in, the code of the
// CONNECTION_CLOSE out. Rows about TLS itself are in test/cpp/tls, those about key
// updates in KeyUpdateTest.cpp; Retry and 0-RTT have no rows yet.
#include <gtest/gtest.h>

#include "cpp/api/PeerRows.h"
#include "quic/codec/QuicPacketHeaders.h"

namespace quic::test {
namespace {

using enum TransportErrorCode;

// ---------------------------------------------------------------- frames in packets that must not have them
struct ForbiddenRow {
  const char* id;
  EncryptionLevel level;
  const char* frame;
  Code code = PROTOCOL_VIOLATION;
};

// covers RFC 9000 §12.4, §12.5; T-25 of the security cases
const ForbiddenRow kForbidden[] = {
    {"N01", kI, "04 00 00 00"},
    {"N01h", kH, "04 00 00 00"},
    {"N02", kI, "05 00 00"},
    {"N02h", kH, "05 00 00"},
    {"N03", kI, "07 01 aa"},
    {"N03h", kH, "07 01 aa"},
    {"N04", kI, "08 00 61"},
    {"N04h", kH, "08 00 61"},
    {"N05", kI, "10 05"},
    {"N05h", kH, "10 05"},
    {"N06", kI, "11 00 05"},
    {"N06h", kH, "11 00 05"},
    {"N07", kI, "12 05"},
    {"N07h", kH, "13 05"},
    {"N08", kI, "14 05"},
    {"N08h", kH, "14 05"},
    {"N09", kI, "15 00 05"},
    {"N09h", kH, "15 00 05"},
    {"N10", kI, "16 05"},
    {"N10h", kH, "17 05"},
    {"N11", kI, "18 01 00 04 aabbccdd 000102030405060708090a0b0c0d0e0f"},
    {"N11h", kH, "18 01 00 04 aabbccdd 000102030405060708090a0b0c0d0e0f"},
    {"N12", kI, "19 00"},
    {"N12h", kH, "19 00"},
    {"N13", kI, "1a 0102030405060708"},
    {"N13h", kH, "1a 0102030405060708"},
    {"N14", kI, "1b 0102030405060708"},
    {"N14h", kH, "1b 0102030405060708"},
    {"N15", kI, "1d 00 00"},
    {"N15h", kH, "1d 00 00"},
    {"N16", kI, "1e"},
    {"N16h", kH, "1e"},
    {"N17", kI, "31 01 61"},
    {"N17h", kH, "31 01 61"},
    {"N18 migration", kI, "33"},
    {"N18h migration", kH, "33"},
    {"N30", kI, "3f", FRAME_ENCODING_ERROR},
    {"N30h", kH, "3f", FRAME_ENCODING_ERROR},
};

TEST(ServerMustClose, FramesInPacketsThatMustNotHaveThem) {
  for (const ForbiddenRow& row : kForbidden) {
    MisbehavingPeer peer(MisbehavingPeer::againstServer());
    peer.reachHandshakeLevel();
    ASSERT_FALSE(peer.end().isClosing());
    peer.send(row.level, hex(row.frame));
    EXPECT_EQ(nameOfCode(peer.closeCode()), expectedName(row.code)) << row.id;
  }
}

TEST(ServerMustClose, ForbiddenFramesInTheVeryFirstInitial) {
  for (const ForbiddenRow& row : kForbidden) {
    if (row.level != kI) continue;
    MisbehavingPeer peer(MisbehavingPeer::againstServer());
    peer.send(kI, hex(row.frame));
    EXPECT_EQ(nameOfCode(peer.closeCode()), expectedName(row.code)) << row.id;
  }
}

// ---------------------------------------------------------------- frames of a connected client
struct ConnectedRow {
  const char* id;
  std::vector<std::string> packets;  // one 1-RTT packet each
  Code code;
};

StreamSettings smallStreams() {
  StreamSettings settings;
  settings.connectionWindow = 3000;
  settings.streamWindow = 2000;
  settings.bidirectionalStreams = 10;
  settings.unidirectionalStreams = 5;
  return settings;
}

std::vector<ConnectedRow> connectedRows() {
  const std::string newId1 = "18 01 00 08 a1a1a1a1a1a1a1a1" + kToken;
  const std::string newId2 = "18 02 00 08 a2a2a2a2a2a2a2a2" + kToken;
  std::vector<std::string> tooManyIds;
  for (uint64_t i = 1; i <= kAdvertisedActiveConnectionIdLimit; ++i) {
    tooManyIds.push_back("18" + varintHex(i) + "00 08 a1a1a1a1a1a1a1" + toHex(ByteVector{static_cast<uint8_t>(i)}) +
                         kToken);
  }
  const std::vector<std::string> allowedIds(tooManyIds.begin(), tooManyIds.end() - 1);
  const std::string over60 = varintHex((uint64_t{1} << 60) + 1);
  const std::string far = varintHex(kMaxVarint);
  return {
      {"F01", {"1e"}, PROTOCOL_VIOLATION},
      {"F02", {"07 01 aa"}, PROTOCOL_VIOLATION},
      {"F03", {"3f"}, FRAME_ENCODING_ERROR},
      {"F04", {"ffffffffffffffff"}, FRAME_ENCODING_ERROR},
      {"F05", {"4001"}, PROTOCOL_VIOLATION},
      {"F07", {"10 80"}, FRAME_ENCODING_ERROR},
      {"F08", {"06 00 44 00 aa"}, FRAME_ENCODING_ERROR},
      {"F09", {"1c 00 00 44 00 61"}, FRAME_ENCODING_ERROR},
      {"F10", {"02 00 00 00 01"}, FRAME_ENCODING_ERROR},
      {"F11", {"02 05 00 01 00 09 00"}, FRAME_ENCODING_ERROR},
      {"F12", {"02 80010000 00 00 00"}, PROTOCOL_VIOLATION},
      {"F12 far", {"02" + far + "00 00 00"}, PROTOCOL_VIOLATION},
      {"F13", {streamHex(1, 0, 1)}, STREAM_STATE_ERROR},
      {"F14", {streamHex(3, 0, 1)}, STREAM_STATE_ERROR},
      {"F15", {"04 03 00 00"}, STREAM_STATE_ERROR},
      {"F16", {"05 02 00"}, STREAM_STATE_ERROR},
      {"F17 STOP_SENDING, not created", {"05 01 00"}, STREAM_STATE_ERROR},
      {"F19", {"11 01 44 00"}, STREAM_STATE_ERROR},
      {"F20 MAX_STREAM_DATA, receive-only", {"11 02 44 00"}, STREAM_STATE_ERROR},
      {"F20 STREAM_DATA_BLOCKED, send-only", {"15 03 05"}, STREAM_STATE_ERROR},
      {"F21", {streamHex(40, 0, 1)}, STREAM_LIMIT_ERROR},
      {"F21 last allowed", {streamHex(36, 0, 1)}, kLives},
      {"F22", {streamHex(22, 0, 1)}, STREAM_LIMIT_ERROR},
      {"F22 last allowed", {streamHex(18, 0, 1)}, kLives},
      {"F23", {"04 28 00 00"}, STREAM_LIMIT_ERROR},
      {"F24", {"05 28 00"}, STREAM_LIMIT_ERROR},
      {"F27", {streamHex(0, 2000, 1)}, FLOW_CONTROL_ERROR},
      {"F27 last byte", {streamHex(0, 1999, 1)}, kLives},
      {"F28", {streamHex(0, kMaxVarint - 10, 1)}, FLOW_CONTROL_ERROR},
      {"F29", {streamHex(0, 1999, 1), streamHex(4, 1000, 1)}, FLOW_CONTROL_ERROR},
      {"F29 within", {streamHex(0, 1999, 1), streamHex(4, 999, 1)}, kLives},
      {"F30 STREAM past 2^62-1", {"0e 00" + far + "01 61"}, FRAME_ENCODING_ERROR},
      {"F31", {"06" + far + "01 61"}, FRAME_ENCODING_ERROR},
      {"F32", {"06" + varintHex(4 << 20) + "01 61"}, CRYPTO_BUFFER_EXCEEDED},
      {"F34", {streamHex(0, 0, 5, true), streamHex(0, 5, 1)}, FINAL_SIZE_ERROR},
      {"F35", {streamHex(0, 0, 5, true), streamHex(0, 6, 0, true)}, FINAL_SIZE_ERROR},
      {"F36", {streamHex(0, 0, 5), streamHex(0, 0, 4, true)}, FINAL_SIZE_ERROR},
      {"F37", {streamHex(0, 0, 5), "04 00 00 04"}, FINAL_SIZE_ERROR},
      {"F38", {streamHex(0, 0, 5, true), "04 00 00 06"}, FINAL_SIZE_ERROR},
      {"F39", {"04 00 00" + varintHex(2001)}, FLOW_CONTROL_ERROR},
      {"F40", {"12" + over60}, FRAME_ENCODING_ERROR},
      {"F41", {"13" + over60}, FRAME_ENCODING_ERROR},
      {"F42", {"16" + over60}, FRAME_ENCODING_ERROR},
      {"F42 uni", {"17" + over60}, FRAME_ENCODING_ERROR},
      {"F43", {streamHex(0, 0, 1), "10 00", "11 00 00", "12 00", "13 00"}, kLives},
      {"F45", {"18 01 00 15 000102030405060708090a0b0c0d0e0f1011121314" + kToken}, FRAME_ENCODING_ERROR},
      {"F45 zero", {"18 01 00 00" + kToken}, FRAME_ENCODING_ERROR},
      {"F46 retire above sequence", {"18 01 02 08 a1a1a1a1a1a1a1a1" + kToken}, FRAME_ENCODING_ERROR},
      {"F47", {newId1, "18 01 00 08 b1b1b1b1b1b1b1b1" + kToken}, PROTOCOL_VIOLATION},
      {"F48", {newId1, "18 02 00 08 a1a1a1a1a1a1a1a1" + kToken}, PROTOCOL_VIOLATION},
      {"F50", {newId1, newId1, newId2, newId1}, kLives},
      {"F51", tooManyIds, CONNECTION_ID_LIMIT_ERROR},
      {"F51b", allowedIds, kLives},
      {"F53", {"19 32"}, PROTOCOL_VIOLATION},
      {"F53 own", {"19 00"}, PROTOCOL_VIOLATION},
      {"F56", {"1b 0102030405060708"}, kLives},
      {"F58", {"31 01 61"}, PROTOCOL_VIOLATION},
      {"F58 to the end", {"30 61"}, PROTOCOL_VIOLATION},
      {"F60", {"06 00 05 18 00 00 01 00"}, cryptoError(10)},
      {"F61", {"06 00 04 63 00 00 00"}, cryptoError(10)},
      {"F65", {"0a 00 00"}, kLives},
      {"F70 SERVER_MIGRATION to a server", {"32" + toHex(ByteVector(24))}, PROTOCOL_VIOLATION},
      {"F70 SERVER_MIGRATED to a server", {"33"}, PROTOCOL_VIOLATION},
      {"F70 POOL_MIGRATION_ADDRESS to a server", {"34" + toHex(ByteVector(24))}, PROTOCOL_VIOLATION},
      {"padding alone", {"00"}, kLives},
  };
}

TEST(ServerMustClose, FramesOfAConnectedClient) {
  for (const ConnectedRow& row : connectedRows()) {
    PeerSettings settings = MisbehavingPeer::againstServer();
    settings.end.streams = smallStreams();
    MisbehavingPeer peer(settings);
    peer.connect();
    for (const std::string& packet : row.packets) peer.send(hex(packet));
    EXPECT_EQ(nameOfCode(peer.closeCode()), expectedName(row.code)) << row.id;
    if (!row.code) {
      EXPECT_TRUE(peer.lives()) << row.id;
    }
  }
}

// F52. covers RFC 9000 §19.15
TEST(ServerMustClose, NewConnectionIdsFromAClientThatUsesNone) {
  PeerSettings settings = MisbehavingPeer::againstServer();
  settings.sourceIdSize = 0;
  MisbehavingPeer peer(settings);
  peer.connect();
  EXPECT_TRUE(peer.lives());
  peer.send(hex("18 01 00 08 a1a1a1a1a1a1a1a1" + kToken));
  EXPECT_EQ(nameOfCode(peer.closeCode()), expectedName(PROTOCOL_VIOLATION));
}

// F12i. covers RFC 9000 §13.1
TEST(ServerMustClose, AnAcknowledgmentOfAnInitialPacketNeverSent) {
  MisbehavingPeer peer(MisbehavingPeer::againstServer());
  peer.reachHandshakeLevel();
  peer.send(kI, FrameBytes().ack(50, 50));
  EXPECT_EQ(nameOfCode(peer.closeCode()), expectedName(PROTOCOL_VIOLATION));
}

// F33. covers RFC 9000 §7.5
TEST(ServerMustClose, InitialCryptoFarAhead) {
  MisbehavingPeer peer(MisbehavingPeer::againstServer());
  peer.send(kI, hex("06" + varintHex(4 << 20) + "01 61"));
  EXPECT_EQ(nameOfCode(peer.closeCode()), expectedName(CRYPTO_BUFFER_EXCEEDED));
}

// F55. covers RFC 9000 §5.1.2
TEST(ServerMustClose, RetirePriorToMovesTheServerToTheNewId) {
  MisbehavingPeer peer(MisbehavingPeer::againstServer());
  peer.connect();
  const ByteVector id = hex("a1a1a1a1a1a1a1a1");
  peer.forget();
  peer.send(hex("18 01 01 08 a1a1a1a1a1a1a1a1" + kToken));
  EXPECT_TRUE(peer.lives());
  const auto retired = peer.all<RetireConnectionIdFrame>();
  ASSERT_FALSE(retired.empty());
  for (const RetireConnectionIdFrame& frame : retired) EXPECT_EQ(frame.sequence, 0u);
  EXPECT_EQ(peer.heard.back().destinationId, ConnectionId(id));
}

// ---------------------------------------------------------------- packets
struct PacketRow {
  const char* id;
  PacketOptions options;
  std::string frames;
  Code code;
};

std::vector<PacketRow> packetRows() {
  const auto with = [](auto&& change) {
    PacketOptions options;
    change(options);
    return options;
  };
  return {
      {"P09", with([](PacketOptions& o) { o.clearBits = 0x40; }), "01", kLives},
      {"P12", with([](PacketOptions& o) { o.setBits = 0x08; }), "01", PROTOCOL_VIOLATION},
      {"P12 other bit", with([](PacketOptions& o) { o.setBits = 0x10; }), "01", PROTOCOL_VIOLATION},
      {"P13", with([](PacketOptions& o) { o.breakTag = true; }), "01", kLives},
      {"P13 reserved bits in what is not authentic",
       with([](PacketOptions& o) { o.breakTag = true, o.setBits = 0x18; }), "01", kLives},
      {"P16", {}, "", PROTOCOL_VIOLATION},
      {"P28", with([](PacketOptions& o) { o.number = 70000; }), "01", kLives},
      {"spin bit", with([](PacketOptions& o) { o.setBits = 0x20; }), "01", kLives},
      {"K04", with([](PacketOptions& o) { o.setBits = 0x04, o.breakTag = true; }), "01", kLives},
  };
}

TEST(ServerMustClose, PacketsOfAConnectedClient) {
  for (const PacketRow& row : packetRows()) {
    MisbehavingPeer peer(MisbehavingPeer::againstServer());
    peer.connect();
    peer.send(EncryptionLevel::OneRtt, hex(row.frames), row.options);
    EXPECT_EQ(nameOfCode(peer.closeCode()), expectedName(row.code)) << row.id;
    if (!row.code) {
      EXPECT_TRUE(peer.lives()) << row.id;
    }
  }
}

// P28. covers RFC 9000 §17.1
TEST(ServerMustClose, ShortPacketNumbersAreReadBesideTheLargest) {
  MisbehavingPeer peer(MisbehavingPeer::againstServer());
  peer.connect();
  PacketOptions far;
  far.number = 70000;
  peer.send(EncryptionLevel::OneRtt, hex("01"), far);
  PacketOptions near;
  near.numberSize = 2;
  for (int i = 0; i < 5; ++i) peer.send(EncryptionLevel::OneRtt, hex("010000"), near);
  peer.advance(100ms);
  for (PacketNum number = 70000; number <= 70005; ++number) {
    EXPECT_TRUE(peer.hasAcked(EncryptionLevel::OneRtt, number)) << number;
  }
}

// P10b. covers RFC 9000 §17.2
TEST(ServerMustClose, ReservedBitsInASecondInitial) {
  for (const uint8_t bits : {0x04, 0x08, 0x0c}) {
    MisbehavingPeer peer(MisbehavingPeer::againstServer());
    peer.reachHandshakeLevel();
    PacketOptions options;
    options.setBits = bits;
    peer.send(kI, hex("01"), options);
    EXPECT_EQ(nameOfCode(peer.closeCode()), expectedName(PROTOCOL_VIOLATION));
  }
}

// P14. covers RFC 9000 §12.3
TEST(ServerMustClose, AReplayedPacketIsProcessedOnce) {
  MisbehavingPeer peer(MisbehavingPeer::againstServer());
  peer.connect();
  const ByteVector packet = peer.seal(EncryptionLevel::OneRtt, hex(streamHex(0, 0, 5, true)));
  for (int i = 0; i < 20; ++i) peer.deliver(packet);
  EXPECT_TRUE(peer.lives());
  size_t opened = 0;
  for (const TransportEvent& event : peer.events) {
    const auto* stream = std::get_if<StreamEvent>(&event);
    opened += stream != nullptr && std::holds_alternative<StreamOpened>(*stream) ? 1 : 0;
  }
  EXPECT_EQ(opened, 1u);
}

// P15. covers RFC 9000 §12.2
TEST(ServerMustClose, ACoalescedPacketForAnotherIdIsIgnored) {
  MisbehavingPeer peer(MisbehavingPeer::againstServer());
  peer.reachHandshakeLevel();
  PacketOptions elsewhere;
  elsewhere.destinationId = ConnectionId(hex("0102030405060708"));
  ByteVector datagram = peer.seal(kI, FrameBytes().add(PingFrame{}).padding(1200));
  const ByteVector bad = peer.seal(kH, hex("1e"), elsewhere);
  datagram.insert(datagram.end(), bad.begin(), bad.end());
  peer.deliver(datagram);
  EXPECT_FALSE(peer.end().isClosing());
}

// P20, T-23. covers RFC 9000 §5.2
TEST(ServerMustClose, JunkOfEverySizeIsDropped) {
  MisbehavingPeer peer(MisbehavingPeer::againstServer());
  peer.connect();
  Seeded random(7);
  const uint64_t before = peer.bytesHeard;
  for (size_t size = 0; size < 300; ++size) {
    for (const int form : {0x00, 0x40, 0x80, 0xc0, 0xe0, 0xf0}) {
      ByteVector junk = randomBytes(random, size);
      if (!junk.empty()) junk[0] = static_cast<uint8_t>(form | (junk[0] & 0x0f));
      peer.deliver(junk);
    }
  }
  EXPECT_EQ(peer.bytesHeard, before) << "nothing answers junk";
  EXPECT_TRUE(peer.lives());
}

// P24. covers RFC 9000 §6.2
TEST(ServerMustClose, AVersionNegotiationPacketIsIgnored) {
  MisbehavingPeer peer(MisbehavingPeer::againstServer());
  peer.connect();
  ByteVector packet(100);
  const std::array<uint32_t, 1> versions = {0x1a2a3a4a};
  packet.resize(writeVersionNegotiation(packet, 0x55, peer.endId().bytes(), peer.ownId().bytes(), versions));
  peer.deliver(packet);
  EXPECT_TRUE(peer.lives());
}

// P25. covers RFC 9001 §4.9.1
TEST(ServerMustClose, AnInitialPacketAfterItsKeysAreGoneIsIgnored) {
  MisbehavingPeer peer(MisbehavingPeer::againstServer());
  peer.connect();
  peer.send(kI, hex("1c 00 00 00"));
  EXPECT_TRUE(peer.lives());
}

// P31. covers RFC 9000 §17.2
TEST(ServerMustClose, TheLongestSourceIdWorks) {
  PeerSettings settings = MisbehavingPeer::againstServer();
  settings.sourceIdSize = 20;
  MisbehavingPeer peer(settings);
  peer.connect();
  EXPECT_TRUE(peer.lives());
}

// ---------------------------------------------------------------- transport parameters
struct ParameterRow {
  const char* id;
  std::string extra;  // after good ones
  Code code;
};

TEST(ServerMustClose, TransportParametersOfAClient) {
  const ParameterRow rows[] = {
      {"T02a", "00 08 0102030405060708", TRANSPORT_PARAMETER_ERROR},
      {"T02b", "02 10" + kToken, TRANSPORT_PARAMETER_ERROR},
      {"T02c", "10 00", TRANSPORT_PARAMETER_ERROR},
      {"T02d preferred_address", "0d 29" + toHex(ByteVector(41)), TRANSPORT_PARAMETER_ERROR},
      {"T05", "03 02 44af", TRANSPORT_PARAMETER_ERROR},
      {"T05 least", "03 02 44b0", kLives},
      {"T06", "0a 01 15", TRANSPORT_PARAMETER_ERROR},
      {"T06 largest", "0a 01 14", kLives},
      {"T07", "0b 04 80004000", TRANSPORT_PARAMETER_ERROR},
      {"T07 largest", "0b 02 7fff", kLives},
      {"T10b", "01 03 050000", TRANSPORT_PARAMETER_ERROR},
      {"T10c", "01 00", TRANSPORT_PARAMETER_ERROR},
      {"T11", "0c 01 00", TRANSPORT_PARAMETER_ERROR},
      {"T11 empty", "0c 00", kLives},
      {"T12d", "4001 4004 80007530", kLives},
      {"T12 twice", "01 01 05 01 01 05", TRANSPORT_PARAMETER_ERROR},
      {"T16 past the end", "01 08 05", TRANSPORT_PARAMETER_ERROR},
      {"T27", "20 01 00", kLives},
      {"T27 large", "20 04 8000ffff", kLives},
      {"unknown", "405b 03 010203", kLives},
  };
  for (const ParameterRow& row : rows) {
    PeerSettings settings = MisbehavingPeer::againstServer();
    settings.rawParameters = fromHex(row.extra);
    settings.appendRaw = true;
    MisbehavingPeer peer(settings);
    peer.begin();
    EXPECT_EQ(nameOfCode(peer.closeCode()), expectedName(row.code)) << row.id;
  }
}

TEST(ServerMustClose, LimitsAmongTransportParameters) {
  const auto codeFor = [](auto&& change) {
    PeerSettings settings = MisbehavingPeer::againstServer();
    change(settings);
    MisbehavingPeer peer(settings);
    peer.begin();
    return nameOfCode(peer.closeCode());
  };
  const std::string refused = expectedName(TRANSPORT_PARAMETER_ERROR);
  EXPECT_EQ(codeFor([](PeerSettings& s) { s.parameters.activeConnectionIdLimit = 1; }), refused) << "T08";
  EXPECT_EQ(codeFor([](PeerSettings& s) { s.parameters.initialMaxStreamsBidi = (uint64_t{1} << 60) + 1; }), refused)
      << "T09a";
  EXPECT_EQ(codeFor([](PeerSettings& s) { s.parameters.initialMaxStreamsUni = (uint64_t{1} << 60) + 1; }), refused)
      << "T09b";
  EXPECT_EQ(codeFor([](PeerSettings& s) { s.fillIds = false; }), refused) << "T03";
  EXPECT_EQ(codeFor([](PeerSettings& s) {
              s.fillIds = false;
              s.parameters.initialSourceConnectionId = ConnectionId(fromHex("0102030405060708"));
            }),
            refused)
      << "T04";
}

// T19, T24. covers RFC 9001 §4.1.3
TEST(ServerMustClose, HandshakeMessagesThatDoNotBelong) {
  MisbehavingPeer badFinished(MisbehavingPeer::againstServer());
  badFinished.reachHandshakeLevel();
  badFinished.send(kH, FrameBytes().add(CryptoFrame{0, fakeMessage(FakeMessage::Finished, ByteVector(1))}));
  EXPECT_EQ(nameOfCode(badFinished.closeCode()), nameOfCode(0x133));

  MisbehavingPeer second(MisbehavingPeer::againstServer());
  second.reachHandshakeLevel();
  const ByteVector hello = fakeMessage(FakeMessage::ClientHello, second.peerParameterBytes());
  second.send(kI, FrameBytes().add(CryptoFrame{hello.size(), hello}));
  EXPECT_EQ(nameOfCode(second.closeCode()), expectedName(PROTOCOL_VIOLATION));
}

// T23. covers RFC 9000 §7
TEST(ServerMustClose, AClientHelloInReversedScrapsIsUnderstood) {
  MisbehavingPeer peer(MisbehavingPeer::againstServer());
  const ByteVector hello = fakeMessage(FakeMessage::ClientHello, peer.peerParameterBytes());
  std::vector<CryptoFrame> scraps;
  for (size_t at = 0; at < hello.size(); at += 7) {
    scraps.push_back({at, ByteSpan(hello).subspan(at, std::min<size_t>(7, hello.size() - at))});
  }
  FrameBytes first;
  FrameBytes second;
  for (size_t i = 0; i < scraps.size(); ++i)
    (i < scraps.size() / 2 ? second : first).add(scraps[scraps.size() - 1 - i]);
  peer.send(kI, second);
  EXPECT_EQ(peer.all<CryptoFrame>(kH).size(), 0u);
  peer.send(kI, first);
  EXPECT_GT(peer.all<CryptoFrame>(kH).size(), 0u);
  EXPECT_FALSE(peer.end().isClosing());
}

// ---------------------------------------------------------------- closing
// F64. covers RFC 9000 §10.2.1
TEST(ServerMustClose, ItsCloseIsRepeatedEverMoreRarely) {
  MisbehavingPeer peer(MisbehavingPeer::againstServer());
  peer.connect();
  peer.send(hex("1e"));
  peer.forget();
  const uint64_t before = peer.datagramsHeard;
  for (int i = 0; i < 50; ++i) peer.send(hex("01"));
  const uint64_t answers = peer.datagramsHeard - before;
  EXPECT_GE(answers, 1u);
  EXPECT_LE(answers, 8u);
  EXPECT_EQ(peer.all<ConnectionCloseFrame>().size(), answers);
  peer.advance(10s);
  EXPECT_TRUE(peer.end().isDrained());
  EXPECT_EQ(peer.count<ConnectionClosed>(), 1u);
  const uint64_t atEnd = peer.datagramsHeard;
  peer.send(hex("01"));
  EXPECT_EQ(peer.datagramsHeard, atEnd);
}

// covers RFC 9000 §10.2.2
TEST(ServerMustClose, APeersCloseIsMetWithSilence) {
  for (const char* close : {"1c 0a 00 00", "1d 05 02 6f6b"}) {
    MisbehavingPeer peer(MisbehavingPeer::againstServer());
    peer.connect();
    const uint64_t before = peer.datagramsHeard;
    peer.send(hex(close));
    for (int i = 0; i < 10; ++i) peer.send(hex("01"));
    EXPECT_EQ(peer.datagramsHeard, before);
    EXPECT_TRUE(peer.end().isClosing());
    peer.advance(10s);
    EXPECT_TRUE(peer.end().isDrained());
    EXPECT_EQ(peer.count<ConnectionClosed>(), 1u);
  }
}

// B17. covers RFC 9000 §10.2.3
TEST(ServerMustClose, ACloseInAHandshakePacketIsActedUpon) {
  MisbehavingPeer peer(MisbehavingPeer::againstServer());
  peer.reachHandshakeLevel();
  peer.send(kH, hex("1c 0c 00 00"));
  EXPECT_TRUE(peer.end().isClosing());
}

// covers RFC 9000 §10.2.3: an application's code does not travel in packets that anybody can read
TEST(ServerMustClose, AnApplicationsCloseDuringTheHandshakeHidesItsWords) {
  MisbehavingPeer peer(MisbehavingPeer::againstServer());
  peer.reachHandshakeLevel();
  peer.end().close(peer.now(), static_cast<ApplicationErrorCode>(77), "private");
  peer.deliver({0x00});
  for (const EncryptionLevel level : {kI, kH}) {
    for (const ConnectionCloseFrame& close : peer.all<ConnectionCloseFrame>(level)) {
      EXPECT_FALSE(close.isApplication);
      EXPECT_EQ(close.errorCode, static_cast<uint64_t>(APPLICATION_ERROR));
      EXPECT_TRUE(close.reason.empty());
    }
    EXPECT_EQ(peer.all<ConnectionCloseFrame>(level).size(), 1u);
  }
}

}  // namespace
}  // namespace quic::test
