// What a server answers to versions that it does not speak, of which it knows nothing but the invariants (RFC 8999 §5.1):
// neither how long IDs are nor what they mean in that version decides whether there is an answer.
#include <gtest/gtest.h>

#include <string>

#include "cpp/api/EndpointPair.h"
#include "quic/QuicConstants.h"

namespace quic::test {
namespace {

constexpr uint32_t kUnknownVersion = 0x1a2a3a4a;

ByteVector packetOf(uint32_t version, ByteSpan destination, ByteSpan source, uint8_t firstByte = 0xc0) {
  ByteVector bytes(kMinInitialDatagramSize);
  ByteWriter writer(bytes);
  writer.writeByte(firstByte);
  writer.writeBigEndian(version, 4);
  for (const ByteSpan id : {destination, source}) {
    writer.writeByte(static_cast<uint8_t>(id.size()));
    writer.writeBytes(id);
  }
  return bytes;
}

ByteVector idOf(size_t size, uint8_t first) {
  ByteVector id(size);
  for (size_t i = 0; i < size; ++i) id[i] = static_cast<uint8_t>(first + i);
  return id;
}

/// The one datagram that the server sends now; empty when that is not one. Then a second passes: answers are rationed.
ByteVector onlyAnswer(EndpointPair& pair) {
  pair.now += 1s;
  const auto answers = pair.takeFromServer();
  return answers.size() == 1 ? answers.front().bytes : ByteVector{};
}

/// RFC 8999 §6: a long header of version 0 with the two IDs exchanged; what follows are versions.
void expectAnswerTo(ByteSpan destination, ByteSpan source, const ByteVector& answer, const std::string& what) {
  ASSERT_FALSE(answer.empty()) << what;
  ByteReader reader(answer);
  EXPECT_NE(reader.readByte().value_or(0) & 0x80, 0) << what;
  EXPECT_EQ(reader.readBigEndian(4), 0u) << what;
  for (const ByteSpan expected : {source, destination}) {
    ASSERT_EQ(reader.readByte(), expected.size()) << what;
    const auto id = reader.readBytes(expected.size());
    ASSERT_TRUE(id.has_value()) << what;
    EXPECT_EQ(toHex(*id), toHex(expected)) << what;
  }
  EXPECT_GE(reader.remaining(), 4u) << what;
  EXPECT_EQ(reader.remaining() % 4, 0u) << what;
}

}  // namespace

// covers RFC 9000 §6.1, §17.2.1; RFC 8999 §5.1, §5.3, §6
TEST(UnknownVersion, IsAnsweredHoweverLongItsIdsAre) {
  EndpointPair pair;
  // Below version 1's minimum for a first destination, at its limits, and beyond what version 1 can have.
  const size_t sizes[] = {0, 1, 7, 8, 20, 21, 254, 255};
  for (const size_t destinationSize : sizes) {
    for (const size_t sourceSize : sizes) {
      const ByteVector destination = idOf(destinationSize, 1);
      const ByteVector source = idOf(sourceSize, 101);
      pair.giveServer(packetOf(kUnknownVersion, destination, source));
      expectAnswerTo(destination, source, onlyAnswer(pair),
                     std::to_string(destinationSize) + " and " + std::to_string(sourceSize) + " bytes");
    }
  }
  EXPECT_EQ(pair.server.connections().size(), 0u);
  EXPECT_EQ(pair.server.nextTimeout(), std::nullopt) << "nothing is kept of it";
}

// covers RFC 9000 §6.1; RFC 8999 §5.1
TEST(UnknownVersion, IsAnsweredWhateverTheRestOfItsFirstByteSays) {
  EndpointPair pair;
  const ByteVector destination = idOf(8, 1);
  const ByteVector source = idOf(4, 101);
  for (int bits = 0x80; bits <= 0xff; ++bits) {
    pair.giveServer(packetOf(kUnknownVersion, destination, source, static_cast<uint8_t>(bits)));
    expectAnswerTo(destination, source, onlyAnswer(pair), "first byte " + std::to_string(bits));
  }
}

// covers RFC 9000 §5.2, §6.1
TEST(UnknownVersion, IsAnsweredByTheWorkerThatGetsIt) {
  ServerEndpointSettings settings;
  settings.workers = 4;
  EndpointPair pair(settings, 0);
  ByteVector destination = idOf(settings.transport.connectionIdSize, 9);
  destination[0] = 3;  // as if worker 3 had issued it; but in this version bytes mean something else
  pair.giveServer(packetOf(kUnknownVersion, destination, {}));
  EXPECT_EQ(pair.forwarded, std::nullopt);
  expectAnswerTo(destination, {}, onlyAnswer(pair), "another worker's ID");
}

// covers RFC 9000 §5.2
TEST(UnknownVersion, OfAnIdInUseIsDroppedAndTheConnectionGoesOn) {
  EndpointPair pair;
  pair.connect();
  pair.exchange();
  const auto stream = pair.client.find(1)->openStream(false);
  ASSERT_TRUE(stream.hasValue());
  ASSERT_TRUE(pair.client.find(1)->writeStream(*stream, OwnedBytes::copyOf(ByteVector(10)), true).hasValue());
  pair.client.touch(1);
  const auto sent = pair.takeFromClient();
  ASSERT_FALSE(sent.empty());
  const auto header = parseInvariantHeader(sent.front().bytes, TransportSettings().connectionIdSize);
  ASSERT_TRUE(header.has_value());
  pair.giveServer(packetOf(kUnknownVersion, header->destinationId, idOf(4, 101)));
  EXPECT_TRUE(pair.takeFromServer().empty());
  pair.giveServer(sent.front().bytes);
  pair.exchange();
  EXPECT_GE(EndpointPair::count<StreamEvent>(pair.serverEvents), 1u);
  EXPECT_EQ(EndpointPair::count<ConnectionClosed>(pair.serverEvents), 0u);
}

}  // namespace quic::test
