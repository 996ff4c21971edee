// CryptoStream alone: one sends, one receives, and what the network in between might do to the frames.
#include "quic/state/CryptoStream.h"

#include <gtest/gtest.h>

#include "cpp/support/TestBytes.h"
#include "quic/QuicConstants.h"
#include "quic/codec/QuicFrameCodec.h"

namespace quic::test {
namespace {

struct CryptoPacket {
  ByteVector bytes;
  SentFrames records;
};

CryptoPacket writePacket(CryptoStream& stream, size_t size) {
  CryptoPacket packet;
  packet.bytes.resize(size);
  ByteWriter writer(packet.bytes);
  stream.writeFrames(writer, packet.records);
  packet.bytes.resize(writer.offset());
  return packet;
}

std::vector<CryptoFrame> framesOf(const CryptoPacket& packet) {
  std::vector<CryptoFrame> frames;
  ByteReader reader(packet.bytes);
  while (!reader.atEnd()) {
    const auto frame = parseFrame(reader);
    if (!frame || !std::holds_alternative<CryptoFrame>(*frame)) {
      ADD_FAILURE() << "not a CRYPTO frame";
      break;
    }
    frames.push_back(std::get<CryptoFrame>(*frame));
  }
  return frames;
}

ByteVector readAll(CryptoStream& stream) {
  ByteVector all;
  for (ByteSpan bytes = stream.read(); !bytes.empty(); bytes = stream.read())
    all.insert(all.end(), bytes.begin(), bytes.end());
  return all;
}

void forEachRecord(const CryptoPacket& packet, CryptoStream& stream, void (CryptoStream::*fate)(const SentCrypto&)) {
  for (const SentFrame& record : packet.records) (stream.*fate)(std::get<SentCrypto>(record));
}

TEST(CryptoStream, SaysNothingUntilSomethingIsAppended) {
  CryptoStream stream;
  EXPECT_FALSE(stream.hasToSend());
  EXPECT_TRUE(writePacket(stream, 100).bytes.empty());
  stream.resendUnacked();
  EXPECT_FALSE(stream.hasToSend());
}

TEST(CryptoStream, CutsWhatItSendsToTheRoomThereIs) {
  Seeded random(1);
  const ByteVector message = randomBytes(random, 3000);
  CryptoStream sender;
  CryptoStream receiver;
  sender.append(message);
  int packets = 0;
  while (sender.hasToSend()) {
    const CryptoPacket packet = writePacket(sender, 1000);
    ASSERT_LE(packet.bytes.size(), 1000u);
    for (const CryptoFrame& frame : framesOf(packet)) EXPECT_TRUE(receiver.onFrame(frame).hasValue());
    ++packets;
  }
  EXPECT_EQ(packets, 4);
  EXPECT_EQ(readAll(receiver), message);
}

TEST(CryptoStream, WritesNothingWhereNoByteOfDataFits) {
  CryptoStream stream;
  stream.append(ByteVector(10));
  for (size_t room = 0; room <= 3; ++room) EXPECT_TRUE(writePacket(stream, room).bytes.empty()) << room;
  EXPECT_EQ(framesOf(writePacket(stream, 4)).at(0).data.size(), 1u);
}

// covers RFC 9000 §13.3
TEST(CryptoStream, SendsLostBytesBeforeNewOnes) {
  CryptoStream stream(PacketNumberSpace::Handshake);
  stream.append(ByteVector(200, 7));
  const CryptoPacket first = writePacket(stream, 100);
  forEachRecord(first, stream, &CryptoStream::onLost);
  EXPECT_EQ(std::get<SentCrypto>(first.records[0]).space, PacketNumberSpace::Handshake);
  const auto again = framesOf(writePacket(stream, 1000));
  ASSERT_EQ(again.size(), 2u);
  EXPECT_EQ(again[0].offset, 0u);
  EXPECT_EQ(again[1].offset, again[0].data.size());
  EXPECT_FALSE(stream.hasToSend());
}

TEST(CryptoStream, DoesNotRepeatWhatWasAcknowledged) {
  CryptoStream stream;
  stream.append(ByteVector(300));
  const CryptoPacket a = writePacket(stream, 100);
  const CryptoPacket b = writePacket(stream, 100);
  const CryptoPacket c = writePacket(stream, 200);
  forEachRecord(b, stream, &CryptoStream::onAcked);
  stream.resendUnacked();
  forEachRecord(b, stream, &CryptoStream::onLost);
  const auto frames = framesOf(writePacket(stream, 1000));
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[0].data.size() + frames[1].data.size() + framesOf(b)[0].data.size(), 300u);
  forEachRecord(a, stream, &CryptoStream::onAcked);
  forEachRecord(c, stream, &CryptoStream::onAcked);
  stream.resendUnacked();
  EXPECT_FALSE(stream.hasToSend());
}

// covers RFC 9000 §7.5
TEST(CryptoStream, RefusesWhatLiesBeyondTheBound) {
  struct Row {
    uint64_t offset;
    size_t size;
    bool isAccepted;
  };
  const Row rows[] = {
      {0, 1, true},
      {kMaxCryptoBuffer - 1, 1, true},
      {kMaxCryptoBuffer, 1, false},
      {kMaxCryptoBuffer - 10, 11, false},
      {4 << 20, 1, false},
      {kMaxVarint - 1, 1, false},
  };
  for (const Row& row : rows) {
    CryptoStream stream;
    const ByteVector data(row.size);
    const Result<> result = stream.onFrame({row.offset, data});
    EXPECT_EQ(result.hasValue(), row.isAccepted) << row.offset;
    if (result) continue;
    EXPECT_EQ(result.error().code, QuicErrorCode(TransportErrorCode::CRYPTO_BUFFER_EXCEEDED));
  }
}

// covers RFC 9000 §7.5: the bound is of what waits, not of what ever came
TEST(CryptoStream, TheBoundMovesWithWhatWasRead) {
  CryptoStream stream;
  const ByteVector chunk(1000, 1);
  for (uint64_t offset = 0; offset < 10 * kMaxCryptoBuffer; offset += chunk.size()) {
    ASSERT_TRUE(stream.onFrame({offset, chunk}).hasValue()) << offset;
    ASSERT_EQ(stream.read().size(), chunk.size());
    ASSERT_TRUE(stream.read().empty());
  }
  EXPECT_FALSE(stream.hasUnread());
}

TEST(CryptoStream, EmptyFramesChangeNothing) {
  CryptoStream stream;
  EXPECT_TRUE(stream.onFrame({0, {}}).hasValue());
  EXPECT_TRUE(stream.onFrame({kMaxVarint, {}}).hasValue());
  EXPECT_FALSE(stream.hasUnread());
  EXPECT_FALSE(stream.isRepeated({0, {}}));
}

TEST(CryptoStream, KnowsWhatItHasReadBefore) {
  CryptoStream stream;
  const ByteVector data(10);
  ASSERT_TRUE(stream.onFrame({0, data}).hasValue());
  EXPECT_FALSE(stream.isRepeated({0, data}));
  stream.read();
  EXPECT_TRUE(stream.isRepeated({0, data}));
  EXPECT_TRUE(stream.isRepeated({5, ByteSpan(data).first(5)}));
  EXPECT_FALSE(stream.isRepeated({5, data}));
}

/// Random cuts, losses, repeats and disorder: what is read is what was appended.
TEST(CryptoStream, SurvivesAnyFateOfItsFrames) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    Seeded random(seed);
    const ByteVector message = randomBytes(random, 1 + below(random, 20000));
    CryptoStream sender;
    CryptoStream receiver;
    ByteVector got;
    size_t appended = 0;
    std::vector<CryptoPacket> inFlight;
    for (int step = 0; got.size() < message.size(); ++step) {
      ASSERT_LT(step, 100000) << "seed " << seed;
      const uint64_t dice = below(random, 10);
      if (dice == 0 && appended < message.size()) {
        const size_t size = std::min<size_t>(message.size() - appended, 1 + below(random, 5000));
        sender.append(ByteSpan(message).subspan(appended, size));
        appended += size;
      } else if (dice < 5) {
        CryptoPacket packet = writePacket(sender, 1 + below(random, 1200));
        if (!packet.bytes.empty()) inFlight.push_back(std::move(packet));
      } else if (dice == 5) {
        sender.resendUnacked();
      } else if (!inFlight.empty()) {
        const size_t which = below(random, inFlight.size());
        const CryptoPacket packet = inFlight[which];
        const bool arrives = dice < 9;
        if (arrives) {
          for (const CryptoFrame& frame : framesOf(packet)) ASSERT_TRUE(receiver.onFrame(frame).hasValue());
          const ByteVector fresh = readAll(receiver);
          got.insert(got.end(), fresh.begin(), fresh.end());
        }
        if (arrives && below(random, 4) == 0) continue;  // the network keeps a copy
        forEachRecord(packet, sender, arrives ? &CryptoStream::onAcked : &CryptoStream::onLost);
        inFlight.erase(inFlight.begin() + static_cast<ptrdiff_t>(which));
      }
    }
    EXPECT_EQ(got, message) << "seed " << seed;
  }
}

/// T-05 of the project's security cases: gaps that are never filled.
TEST(CryptoStream, EveryOtherByteIsRefusedBeforeTheListOfGapsGrowsLong) {
  CryptoStream stream;
  const ByteVector one(1, 9);
  uint64_t accepted = 0;
  for (uint64_t offset = 1; offset < 4 * kMaxCryptoBuffer; offset += 2) {
    if (!stream.onFrame({offset, one})) break;
    ++accepted;
  }
  EXPECT_EQ(accepted, kMaxStreamGaps);
  EXPECT_TRUE(stream.read().empty());
}

}  // namespace
}  // namespace quic::test
