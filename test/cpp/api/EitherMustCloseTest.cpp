// What an end must close, wherever the sentence of the RFC speaks of "an endpoint": the rows that the project's security cases
// list for one end only, at the other one too, and at every level where the frame or packet may come. Bytes in, the code of the
// CONNECTION_CLOSE out. A row's id is that of its twin with the end, or level, behind it: c a client, h a Handshake packet,
// i an Initial packet. Their list is test/rfc/must-close.txt.
#include <gtest/gtest.h>

#include "cpp/api/PeerRows.h"

namespace quic::test {
namespace {

using enum TransportErrorCode;

const std::string kOtherToken = "ff0102030405060708090a0b0c0d0e0f";
const std::string kFar = varintHex(kMaxVarint);
const std::string kOver60 = varintHex((uint64_t{1} << 60) + 1);

/// Up to the level, so that the end can open packets of it and its own are on their way.
std::unique_ptr<MisbehavingPeer> at(Role role, EncryptionLevel level) {
  PeerSettings settings = MisbehavingPeer::against(role);
  settings.end.streams.connectionWindow = 3000;
  settings.end.streams.streamWindow = 2000;
  settings.end.streams.bidirectionalStreams = 10;
  settings.end.streams.unidirectionalStreams = 5;
  auto peer = std::make_unique<MisbehavingPeer>(settings);
  if (level == kI) peer->begin();
  if (level == kH) peer->reachHandshakeLevel();
  if (level == k1) peer->connect();
  return peer;
}

// ---------------------------------------------------------------- frames in packets that must not have them, at a client
struct ForbiddenRow {
  const char* initial;
  const char* handshake;
  const char* frame;
  Code code = PROTOCOL_VIOLATION;
};

// covers RFC 9000 §12.4, §12.5, §17.2.4
TEST(EitherMustClose, FramesInPacketsOfAServerThatMustNotHaveThem) {
  const ForbiddenRow rows[] = {
      {"N01c", "N01hc", "04 00 00 00"},
      {"N02c", "N02hc", "05 00 00"},
      {"N03c", "N03hc", "07 01 aa"},
      {"N04c", "N04hc", "08 00 61"},
      {"N05c", "N05hc", "10 05"},
      {"N06c", "N06hc", "11 00 05"},
      {"N07c", "N07hc", "12 05"},
      {"N08c", "N08hc", "14 05"},
      {"N09c", "N09hc", "15 00 05"},
      {"N10c", "N10hc", "16 05"},
      {"N11c", "N11hc", "18 01 00 04 aabbccdd 000102030405060708090a0b0c0d0e0f"},
      {"N12c", "N12hc", "19 00"},
      {"N13c", "N13hc", "1a 0102030405060708"},
      {"N14c", "N14hc", "1b 0102030405060708"},
      {"N15c", "N15hc", "1d 00 00"},
      {"N16c", "N16hc", "1e"},
      {"N17c", "N17hc", "31 01 61"},
      {"N30c", "N30hc", "3f", FRAME_ENCODING_ERROR},
  };
  for (const ForbiddenRow& row : rows) {
    for (const EncryptionLevel level : {kI, kH}) {
      const auto peer = at(Role::Client, level);
      peer->send(level, hex(row.frame));
      EXPECT_EQ(nameOfCode(peer->closeCode()), expectedName(row.code)) << (level == kI ? row.initial : row.handshake);
    }
  }
}

// ---------------------------------------------------------------- frames that are wrong at every level
struct LevelRow {
  const char* initial;
  const char* handshake;
  std::string frame;
  Code code;
};

// covers RFC 9000 §12.4, §13.1, §19.3.1, §19.6, §7.5
TEST(EitherMustClose, FramesThatAreWrongAtEveryLevel) {
  const LevelRow rows[] = {
      {"F05i", "F05h", "4001", PROTOCOL_VIOLATION},
      {"F07i", "F07h", "06 80", FRAME_ENCODING_ERROR},
      {"F08i", "F08h", "06 00 7fff aa", FRAME_ENCODING_ERROR},
      {"F09i", "F09h", "1c 00 00 7fff 61", FRAME_ENCODING_ERROR},
      {"F10i", "F10h", "02 00 00 00 01", FRAME_ENCODING_ERROR},
      {"F11i", "F11h", "02 05 00 01 00 09 00", FRAME_ENCODING_ERROR},
      {"F12i", "F12h", "02 80010000 00 00 00", PROTOCOL_VIOLATION},
      {"F31i", "F31h", "06" + kFar + "01 61", FRAME_ENCODING_ERROR},
      {"F33i", "F33h", "06" + varintHex(4 << 20) + "01 61", CRYPTO_BUFFER_EXCEEDED},
  };
  for (const Role role : {Role::Client, Role::Server}) {
    for (const LevelRow& row : rows) {
      for (const EncryptionLevel level : {kI, kH}) {
        const auto peer = at(role, level);
        ASSERT_FALSE(peer->end().isClosing());
        // Alone in its datagram, and with nothing behind it that could complete it.
        ByteVector packet = peer->seal(level, hex(row.frame));
        packet.resize(std::max<size_t>(packet.size(), 1200));
        peer->deliver(packet);
        EXPECT_EQ(nameOfCode(peer->closeCode()), expectedName(row.code))
            << (level == kI ? row.initial : row.handshake) << (role == Role::Client ? " client" : " server");
      }
    }
  }
}

// P10, P12, P16 at every level and end. covers RFC 9000 §17.2, §17.3.1, §12.4
TEST(EitherMustClose, PacketsThatAreWrongAtEveryLevel) {
  struct Row {
    EncryptionLevel level;
    const char* bits;
    const char* empty;
    std::vector<uint8_t> reserved;
  };
  const Row rows[] = {{kI, "P10i", "P16i", {0x04, 0x08, 0x0c}},
                      {kH, "P10h", "P16h", {0x04, 0x08, 0x0c}},
                      {k1, "P12c", "P16c", {0x08, 0x10, 0x18}}};
  for (const Role role : {Role::Client, Role::Server}) {
    for (const Row& row : rows) {
      const auto codeOf = [&](const ByteVector& frames, uint8_t bits) {
        const auto peer = at(role, row.level);
        PacketOptions options;
        options.setBits = bits;
        ByteVector packet = peer->seal(row.level, frames, options);
        if (row.level != k1) packet.resize(std::max<size_t>(packet.size(), 1200));
        peer->deliver(packet);
        return nameOfCode(peer->closeCode());
      };
      for (const uint8_t bits : row.reserved) {
        EXPECT_EQ(codeOf(hex("010000"), bits), expectedName(PROTOCOL_VIOLATION)) << row.bits;
      }
      EXPECT_EQ(codeOf(hex("010000"), 0), "lives") << row.bits;
      EXPECT_EQ(codeOf({}, 0), expectedName(PROTOCOL_VIOLATION)) << row.empty;
    }
  }
}

// ---------------------------------------------------------------- frames of a connected server
struct ConnectedRow {
  const char* id;
  std::vector<std::string> packets;
  Code code;
};

/// Stream 0 is the client's own, and open; 1 and 3 are the first of the server's.
std::vector<ConnectedRow> rowsOfAServer() {
  std::vector<std::string> tooManyIds;
  for (uint64_t i = 1; i <= kAdvertisedActiveConnectionIdLimit; ++i) {
    tooManyIds.push_back("18" + varintHex(i) + "00 08 a1a1a1a1a1a1a1" + toHex(ByteVector{static_cast<uint8_t>(i)}) +
                         kToken);
  }
  const std::vector<std::string> allowedIds(tooManyIds.begin(), tooManyIds.end() - 1);
  const std::string newId1 = "18 01 00 08 a1a1a1a1a1a1a1a1" + kToken;
  return {
      {"F04c", {"ffffffffffffffff"}, FRAME_ENCODING_ERROR},
      {"F05c", {"4001"}, PROTOCOL_VIOLATION},
      {"F08c", {"06 00 44 00 aa"}, FRAME_ENCODING_ERROR},
      {"F09c", {"1c 00 00 44 00 61"}, FRAME_ENCODING_ERROR},
      {"F10c", {"02 00 00 00 01"}, FRAME_ENCODING_ERROR},
      {"F11c", {"02 05 00 01 00 09 00"}, FRAME_ENCODING_ERROR},
      {"F12c", {"02 80010000 00 00 00"}, PROTOCOL_VIOLATION},
      {"F15c", {"04 02 00 00"}, STREAM_STATE_ERROR},
      {"F17c STOP_SENDING, not opened", {"05 4190 00"}, STREAM_STATE_ERROR},
      {"F20c MAX_STREAM_DATA, receive-only", {"11 03 44 00"}, STREAM_STATE_ERROR},
      {"F21c", {streamHex(41, 0, 1)}, STREAM_LIMIT_ERROR},
      {"F21c last allowed", {streamHex(37, 0, 1)}, kLives},
      {"F22c", {streamHex(23, 0, 1)}, STREAM_LIMIT_ERROR},
      {"F22c last allowed", {streamHex(19, 0, 1)}, kLives},
      {"F23c", {"04 29 00 00"}, STREAM_LIMIT_ERROR},
      {"F24c", {"05 29 00"}, STREAM_LIMIT_ERROR},
      {"F25c MAX_STREAM_DATA past the limit", {"11 29 05"}, STREAM_LIMIT_ERROR},
      {"F26c STREAM_DATA_BLOCKED past the limit", {"15 29 05"}, STREAM_LIMIT_ERROR},
      {"F29c", {streamHex(1, 1999, 1), streamHex(5, 1000, 1)}, FLOW_CONTROL_ERROR},
      {"F29c own stream", {streamHex(0, 1999, 1), streamHex(3, 1000, 1)}, FLOW_CONTROL_ERROR},
      {"F30c", {"0e 00" + kFar + "01 61"}, FRAME_ENCODING_ERROR},
      {"F31c", {"06" + kFar + "01 61"}, FRAME_ENCODING_ERROR},
      {"F34c", {streamHex(1, 0, 5, true), streamHex(1, 5, 1)}, FINAL_SIZE_ERROR},
      {"F34c own stream", {streamHex(0, 0, 5, true), streamHex(0, 5, 1)}, FINAL_SIZE_ERROR},
      {"F35c", {streamHex(0, 0, 5, true), streamHex(0, 6, 0, true)}, FINAL_SIZE_ERROR},
      {"F36c", {streamHex(0, 0, 5), streamHex(0, 0, 4, true)}, FINAL_SIZE_ERROR},
      {"F37c", {streamHex(0, 0, 5), "04 00 00 04"}, FINAL_SIZE_ERROR},
      {"F38c", {streamHex(0, 0, 5, true), "04 00 00 06"}, FINAL_SIZE_ERROR},
      {"F39c", {"04 00 00" + varintHex(2001)}, FLOW_CONTROL_ERROR},
      {"F39c connection", {streamHex(1, 1999, 1), "04 00 00" + varintHex(1001)}, FLOW_CONTROL_ERROR},
      {"F40c", {"12" + kOver60}, FRAME_ENCODING_ERROR},
      {"F41c", {"13" + kOver60}, FRAME_ENCODING_ERROR},
      {"F42c", {"16" + kOver60}, FRAME_ENCODING_ERROR},
      {"F42c uni", {"17" + kOver60}, FRAME_ENCODING_ERROR},
      {"F43c", {"10 00", "11 00 00", "12 00", "13 00"}, kLives},
      {"F45c zero", {"18 01 00 00" + kToken}, FRAME_ENCODING_ERROR},
      {"F47c", {newId1, "18 01 00 08 b1b1b1b1b1b1b1b1" + kToken}, PROTOCOL_VIOLATION},
      {"F48c", {newId1, "18 02 00 08 a1a1a1a1a1a1a1a1" + kToken}, PROTOCOL_VIOLATION},
      {"F49c another token", {newId1, "18 01 00 08 a1a1a1a1a1a1a1a1" + kOtherToken}, PROTOCOL_VIOLATION},
      {"F50c", {newId1, newId1}, kLives},
      {"F51c", tooManyIds, CONNECTION_ID_LIMIT_ERROR},
      {"F51c allowed", allowedIds, kLives},
      {"F53c own", {"19 00"}, PROTOCOL_VIOLATION},
      {"F56c", {"1b 0102030405060708"}, kLives},
      {"F61c", {"06 00 04 63 00 00 00"}, cryptoError(10)},
      {"F65c", {"0a 01 00"}, kLives},
      {"S01 other bytes at the same place", {"0e 00 00 01 61", "0e 00 00 01 62"}, kLives},
  };
}

// covers RFC 9000 §3, §4, §5.1.1, §19
TEST(EitherMustClose, FramesOfAConnectedServer) {
  for (const ConnectedRow& row : rowsOfAServer()) {
    const auto peer = at(Role::Client, k1);
    ASSERT_TRUE(peer->end().openStream(false).hasValue());
    for (const std::string& packet : row.packets) peer->send(hex(packet));
    EXPECT_EQ(nameOfCode(peer->closeCode()), expectedName(row.code)) << row.id;
    if (!row.code) {
      EXPECT_TRUE(peer->lives()) << row.id;
    }
  }
}

// covers RFC 9000 §4.6, §19.15: those that only the RFC has
TEST(EitherMustClose, FurtherFramesOfAConnectedClient) {
  const std::string newId1 = "18 01 00 08 a1a1a1a1a1a1a1a1" + kToken;
  const ConnectedRow rows[] = {
      {"F25", {"11 28 05"}, STREAM_LIMIT_ERROR},
      {"F26", {"15 28 05"}, STREAM_LIMIT_ERROR},
      {"F26 uni", {"15 16 05"}, STREAM_LIMIT_ERROR},
      {"F39 connection", {streamHex(0, 1999, 1), "04 04 00" + varintHex(1001)}, FLOW_CONTROL_ERROR},
      {"F49", {newId1, "18 01 00 08 a1a1a1a1a1a1a1a1" + kOtherToken}, PROTOCOL_VIOLATION},
      {"S01", {"0e 00 00 01 61", "0e 00 00 01 62"}, kLives},
      {"S02 RESET_STREAM_AT that was not offered", {"24 00 00 00 00"}, FRAME_ENCODING_ERROR},
  };
  for (const ConnectedRow& row : rows) {
    const auto peer = at(Role::Server, k1);
    for (const std::string& packet : row.packets) peer->send(hex(packet));
    EXPECT_EQ(nameOfCode(peer->closeCode()), expectedName(row.code)) << row.id;
    if (!row.code) {
      EXPECT_TRUE(peer->lives()) << row.id;
    }
  }
}

// ---------------------------------------------------------------- transport parameters of a server
// covers RFC 9000 §7.4, §18.2
TEST(EitherMustClose, TransportParametersOfAServer) {
  struct Row {
    const char* id;
    std::string extra;
    Code code;
    size_t sourceIdSize = 8;
  };
  const std::string addresses = "0a000001 1151" + toHex(ByteVector(18));
  const Row rows[] = {
      {"T05c", "03 02 44af", TRANSPORT_PARAMETER_ERROR},
      {"T05c least", "03 02 44b0", kLives},
      {"T10bc", "01 03 050000", TRANSPORT_PARAMETER_ERROR},
      {"T10cc", "01 00", TRANSPORT_PARAMETER_ERROR},
      {"T11c", "0c 01 00", TRANSPORT_PARAMETER_ERROR},
      {"T11c empty", "0c 00", kLives},
      {"T12c twice", "01 01 05 01 01 05", TRANSPORT_PARAMETER_ERROR},
      {"PA1 preferred_address with an empty ID", "0d 29" + addresses + "00" + kToken, TRANSPORT_PARAMETER_ERROR},
      {"PA2 preferred_address with an ID of 21 bytes", "0d 3e" + addresses + "15" + toHex(ByteVector(21)) + kToken,
       TRANSPORT_PARAMETER_ERROR},
      {"PA3 preferred_address cut short", "0d 30" + addresses + "08 0102030405060708" + toHex(ByteVector(15)),
       TRANSPORT_PARAMETER_ERROR},
      {"PA4 preferred_address of a server without IDs", "0d 31" + addresses + "08 0102030405060708" + kToken,
       TRANSPORT_PARAMETER_ERROR, 0},
      {"PA4 preferred_address", "0d 31" + addresses + "08 0102030405060708" + kToken, kLives},
  };
  for (const Row& row : rows) {
    PeerSettings settings = MisbehavingPeer::againstClient();
    settings.rawParameters = hex(row.extra);
    settings.appendRaw = true;
    settings.sourceIdSize = row.sourceIdSize;
    MisbehavingPeer peer(settings);
    peer.reachHandshakeLevel();
    peer.send(kH, peer.encryptedFrames());
    EXPECT_EQ(nameOfCode(peer.closeCode()), expectedName(row.code)) << row.id;
  }
  const auto codeFor = [](auto&& change) {
    PeerSettings settings = MisbehavingPeer::againstClient();
    change(settings.parameters);
    MisbehavingPeer peer(settings);
    peer.reachHandshakeLevel();
    peer.send(kH, peer.encryptedFrames());
    return nameOfCode(peer.closeCode());
  };
  const std::string refused = expectedName(TRANSPORT_PARAMETER_ERROR);
  EXPECT_EQ(codeFor([](TransportParameters& p) { p.activeConnectionIdLimit = 1; }), refused) << "T08c";
  EXPECT_EQ(codeFor([](TransportParameters& p) { p.initialMaxStreamsUni = (uint64_t{1} << 60) + 1; }), refused)
      << "T09c";
}

}  // namespace
}  // namespace quic::test
