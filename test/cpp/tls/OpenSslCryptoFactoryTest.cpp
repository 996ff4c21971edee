#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "quic/QuicConstants.h"
#include "quic/tls/KeySchedule.h"
#include "quic/tls/OpenSslTls.h"
#include "vectors/Rfc9001Vectors.h"
#include "vectors/Rfc9369Vectors.h"

namespace quic {
namespace {

using test::rfc9001::fromHex;
using test::rfc9001::toHex;
namespace rfc = test::rfc9001;
namespace v2 = test::rfc9369;

TrafficSecret secretOf(CipherSuite suite, ByteSpan bytes) {
  TrafficSecret secret;
  secret.suite = suite;
  secret.size = bytes.size();
  std::memcpy(secret.bytes.data(), bytes.data(), bytes.size());
  return secret;
}

TrafficSecret anySecret(CipherSuite suite, uint8_t fill = 7) {
  return secretOf(suite, ByteVector(suite == CipherSuite::AES_256_GCM_SHA384 ? 48 : 32, fill));
}

std::string expand(KeySchedule& schedule, std::string_view secret, std::string_view label, size_t size) {
  ByteVector out(size);
  EXPECT_TRUE(schedule.expandLabel(fromHex(secret), label, out));
  return toHex(out);
}

struct PacketShape {
  size_t numberOffset;
  size_t numberSize;
  uint8_t firstByteMask;
};

void applyMask(ByteVector& packet, const PacketShape& shape, const HeaderProtectionMask& mask) {
  packet[0] ^= mask[0] & shape.firstByteMask;
  for (size_t i = 0; i < shape.numberSize; ++i) packet[shape.numberOffset + i] ^= mask[1 + i];
}

ByteVector protect(const PacketProtection& keys, PacketNum number, ByteSpan header, ByteSpan payload,
                   const PacketShape& shape) {
  ByteVector packet(header.begin(), header.end());
  packet.insert(packet.end(), payload.begin(), payload.end());
  packet.resize(packet.size() + kAeadTagSize);
  EXPECT_TRUE(keys.aead->seal(number, header, MutableByteSpan(packet).subspan(header.size())));
  const ByteSpan sample = ByteSpan(packet).subspan(shape.numberOffset + 4, kHeaderProtectionSampleSize);
  applyMask(packet, shape, keys.headerCipher->mask(sample));
  return packet;
}

ByteVector unprotect(const PacketProtection& keys, PacketNum number, ByteVector packet, const PacketShape& shape) {
  const ByteSpan sample = ByteSpan(packet).subspan(shape.numberOffset + 4, kHeaderProtectionSampleSize);
  applyMask(packet, shape, keys.headerCipher->mask(sample));
  const size_t headerSize = shape.numberOffset + shape.numberSize;
  const MutableByteSpan body = MutableByteSpan(packet).subspan(headerSize);
  const auto size = keys.aead->open(number, ByteSpan(packet).first(headerSize), body);
  EXPECT_TRUE(size.has_value());
  packet.resize(headerSize + size.value_or(0));
  return packet;
}

class CryptoFactoryTest : public ::testing::Test {
 protected:
  std::unique_ptr<CryptoFactory> factory = makeOpenSslCryptoFactory();
};

using KeyScheduleVectors = CryptoFactoryTest;
using PacketVectors = CryptoFactoryTest;
using AeadBehaviour = CryptoFactoryTest;
using FactoryBehaviour = CryptoFactoryTest;

// covers RFC 9001 §5.1
// covers RFC 9001 §5.2
TEST_F(KeyScheduleVectors, DerivesTheInitialKeysOfAppendixA1) {
  KeySchedule schedule(HashFunction::Sha256);
  ByteVector initial(32);
  ASSERT_TRUE(schedule.extract(fromHex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a"), fromHex(rfc::kClientDestinationId),
                               initial));
  const std::string root = toHex(initial);
  EXPECT_EQ(expand(schedule, root, "client in", 32), rfc::kClientInitialSecret);
  EXPECT_EQ(expand(schedule, root, "server in", 32), rfc::kServerInitialSecret);
  EXPECT_EQ(expand(schedule, rfc::kClientInitialSecret, "quic key", 16), rfc::kClientInitialKey);
  EXPECT_EQ(expand(schedule, rfc::kClientInitialSecret, "quic iv", 12), rfc::kClientInitialIv);
  EXPECT_EQ(expand(schedule, rfc::kClientInitialSecret, "quic hp", 16), rfc::kClientInitialHp);
  EXPECT_EQ(expand(schedule, rfc::kServerInitialSecret, "quic key", 16), rfc::kServerInitialKey);
  EXPECT_EQ(expand(schedule, rfc::kServerInitialSecret, "quic iv", 12), rfc::kServerInitialIv);
  EXPECT_EQ(expand(schedule, rfc::kServerInitialSecret, "quic hp", 16), rfc::kServerInitialHp);
}

TEST_F(KeyScheduleVectors, DerivesTheChaChaKeysOfAppendixA5) {
  KeySchedule schedule(HashFunction::Sha256);
  EXPECT_EQ(expand(schedule, rfc::kChaChaSecret, "quic key", 32), rfc::kChaChaKey);
  EXPECT_EQ(expand(schedule, rfc::kChaChaSecret, "quic iv", 12), rfc::kChaChaIv);
  EXPECT_EQ(expand(schedule, rfc::kChaChaSecret, "quic hp", 32), rfc::kChaChaHp);
}

// covers RFC 9001 §6.1
TEST_F(KeyScheduleVectors, MakesTheNextSecretOfAppendixA5) {
  const auto secret = secretOf(CipherSuite::CHACHA20_POLY1305_SHA256, fromHex(rfc::kChaChaSecret));
  const TrafficSecret next = factory->nextSecret(kQuicVersion1, secret);
  EXPECT_EQ(next.suite, CipherSuite::CHACHA20_POLY1305_SHA256);
  EXPECT_EQ(toHex(next.span()), rfc::kChaChaNextSecret);
}

constexpr PacketShape kClientInitialShape{18, 4, 0x0f};
constexpr PacketShape kServerInitialShape{18, 2, 0x0f};
constexpr PacketShape kChaChaShape{1, 3, 0x1f};

TEST_F(PacketVectors, ProtectsAndUnprotectsTheClientInitialOfAppendixA2) {
  const auto header = fromHex(rfc::kClientInitialHeader);
  ByteVector payload = fromHex(rfc::kClientInitialFrames);
  payload.resize(rfc::kClientInitialPayloadSize);
  const auto packet = fromHex(rfc::kClientInitialPacket);
  const auto keys = factory->initialProtection(kQuicVersion1, fromHex(rfc::kClientDestinationId));
  EXPECT_EQ(protect(keys.client, rfc::kClientInitialPacketNumber, header, payload, kClientInitialShape), packet);

  ByteVector plain(header);
  plain.insert(plain.end(), payload.begin(), payload.end());
  EXPECT_EQ(unprotect(keys.client, rfc::kClientInitialPacketNumber, packet, kClientInitialShape), plain);
}

TEST_F(PacketVectors, ProtectsAndUnprotectsTheServerInitialOfAppendixA3) {
  const auto header = fromHex(rfc::kServerInitialHeader);
  const auto payload = fromHex(rfc::kServerInitialPayload);
  const auto packet = fromHex(rfc::kServerInitialPacket);
  const auto keys = factory->initialProtection(kQuicVersion1, fromHex(rfc::kClientDestinationId));
  EXPECT_EQ(protect(keys.server, rfc::kServerInitialPacketNumber, header, payload, kServerInitialShape), packet);

  ByteVector plain(header);
  plain.insert(plain.end(), payload.begin(), payload.end());
  EXPECT_EQ(unprotect(keys.server, rfc::kServerInitialPacketNumber, packet, kServerInitialShape), plain);
}

// covers RFC 9001 §5.8
TEST_F(PacketVectors, MakesTheRetryTagOfAppendixA4) {
  const auto packet = fromHex(rfc::kRetryPacket);
  const ByteSpan withoutTag = ByteSpan(packet).first(packet.size() - 16);
  const std::string expected = toHex(ByteSpan(packet).last(16));
  const auto originalId = fromHex(rfc::kRetryOriginalDestinationId);
  EXPECT_EQ(toHex(factory->retryIntegrityTag(kQuicVersion1, originalId, withoutTag)), expected);
  EXPECT_EQ(toHex(factory->retryIntegrityTag(kQuicVersion1, originalId, withoutTag)), expected);
  EXPECT_NE(toHex(factory->retryIntegrityTag(kQuicVersion1, {}, withoutTag)), expected);
}

TEST_F(PacketVectors, ProtectsAndUnprotectsTheShortHeaderPacketOfAppendixA5) {
  const auto secret = secretOf(CipherSuite::CHACHA20_POLY1305_SHA256, fromHex(rfc::kChaChaSecret));
  const auto keys = factory->protection(kQuicVersion1, secret);
  const auto header = fromHex(rfc::kChaChaHeader);
  const auto payload = fromHex(rfc::kChaChaPayload);
  const auto packet = fromHex(rfc::kChaChaPacket);
  EXPECT_EQ(protect(keys, rfc::kChaChaPacketNumber, header, payload, kChaChaShape), packet);

  ByteVector plain(header);
  plain.insert(plain.end(), payload.begin(), payload.end());
  EXPECT_EQ(unprotect(keys, rfc::kChaChaPacketNumber, packet, kChaChaShape), plain);
}

// covers RFC 9369 §3.3.1
// covers RFC 9369 §3.3.2
TEST_F(KeyScheduleVectors, DerivesTheVersion2InitialKeysOfItsAppendixA1) {
  KeySchedule schedule(HashFunction::Sha256);
  ByteVector initial(32);
  ASSERT_TRUE(schedule.extract(fromHex("0dede3def700a6db819381be6e269dcbf9bd2ed9"), fromHex(rfc::kClientDestinationId),
                               initial));
  const std::string root = toHex(initial);
  EXPECT_EQ(expand(schedule, root, "client in", 32), v2::kClientInitialSecret);
  EXPECT_EQ(expand(schedule, root, "server in", 32), v2::kServerInitialSecret);
  EXPECT_EQ(expand(schedule, v2::kClientInitialSecret, "quicv2 key", 16), v2::kClientInitialKey);
  EXPECT_EQ(expand(schedule, v2::kClientInitialSecret, "quicv2 iv", 12), v2::kClientInitialIv);
  EXPECT_EQ(expand(schedule, v2::kClientInitialSecret, "quicv2 hp", 16), v2::kClientInitialHp);
  EXPECT_EQ(expand(schedule, v2::kServerInitialSecret, "quicv2 key", 16), v2::kServerInitialKey);
  EXPECT_EQ(expand(schedule, v2::kServerInitialSecret, "quicv2 iv", 12), v2::kServerInitialIv);
  EXPECT_EQ(expand(schedule, v2::kServerInitialSecret, "quicv2 hp", 16), v2::kServerInitialHp);
  EXPECT_EQ(expand(schedule, rfc::kChaChaSecret, "quicv2 key", 32), v2::kChaChaKey);
  EXPECT_EQ(expand(schedule, rfc::kChaChaSecret, "quicv2 iv", 12), v2::kChaChaIv);
  EXPECT_EQ(expand(schedule, rfc::kChaChaSecret, "quicv2 hp", 32), v2::kChaChaHp);
}

TEST_F(KeyScheduleVectors, MakesTheNextSecretOfVersion2) {
  const auto secret = secretOf(CipherSuite::CHACHA20_POLY1305_SHA256, fromHex(rfc::kChaChaSecret));
  EXPECT_EQ(toHex(factory->nextSecret(kQuicVersion2, secret).span()), v2::kChaChaNextSecret);
}

TEST_F(PacketVectors, ProtectsAndUnprotectsTheVersion2Initials) {
  ByteVector clientPayload = fromHex(rfc::kClientInitialFrames);
  clientPayload.resize(rfc::kClientInitialPayloadSize);
  const auto keys = factory->initialProtection(kQuicVersion2, fromHex(rfc::kClientDestinationId));
  const auto check = [](const PacketProtection& side, PacketNum number, std::string_view header,
                        const ByteVector& payload, std::string_view packet, const PacketShape& shape) {
    EXPECT_EQ(toHex(protect(side, number, fromHex(header), payload, shape)), packet);
    EXPECT_EQ(toHex(unprotect(side, number, fromHex(packet), shape)), std::string(header) + toHex(payload));
  };
  check(keys.client, rfc::kClientInitialPacketNumber, v2::kClientInitialHeader, clientPayload, v2::kClientInitialPacket,
        kClientInitialShape);
  check(keys.server, rfc::kServerInitialPacketNumber, v2::kServerInitialHeader, fromHex(rfc::kServerInitialPayload),
        v2::kServerInitialPacket, kServerInitialShape);
}

// covers RFC 9369 §3.3.3
TEST_F(PacketVectors, MakesTheRetryTagOfEachVersion) {
  const auto packet = fromHex(v2::kRetryPacket);
  const ByteSpan withoutTag = ByteSpan(packet).first(packet.size() - 16);
  const std::string expected = toHex(ByteSpan(packet).last(16));
  const auto originalId = fromHex(rfc::kRetryOriginalDestinationId);
  EXPECT_EQ(toHex(factory->retryIntegrityTag(kQuicVersion2, originalId, withoutTag)), expected);
  EXPECT_NE(toHex(factory->retryIntegrityTag(kQuicVersion1, originalId, withoutTag)), expected);
  EXPECT_EQ(toHex(factory->retryIntegrityTag(kQuicVersion2, originalId, withoutTag)), expected);
}

TEST_F(PacketVectors, ProtectsAndUnprotectsTheVersion2ShortHeaderPacket) {
  const auto secret = secretOf(CipherSuite::CHACHA20_POLY1305_SHA256, fromHex(rfc::kChaChaSecret));
  const auto keys = factory->protection(kQuicVersion2, secret);
  const auto header = fromHex(rfc::kChaChaHeader);
  const auto payload = fromHex(rfc::kChaChaPayload);
  EXPECT_EQ(toHex(protect(keys, rfc::kChaChaPacketNumber, header, payload, kChaChaShape)), v2::kChaChaPacket);
  EXPECT_EQ(toHex(unprotect(keys, rfc::kChaChaPacketNumber, fromHex(v2::kChaChaPacket), kChaChaShape)),
            std::string(rfc::kChaChaHeader) + std::string(rfc::kChaChaPayload));
}

class EverySuite : public ::testing::TestWithParam<CipherSuite> {
 protected:
  std::unique_ptr<CryptoFactory> factory = makeOpenSslCryptoFactory();
  PacketProtection keys = factory->protection(kQuicVersion1, anySecret(GetParam()));
};

TEST_P(EverySuite, OpensWhatItSealedAtEachSize) {
  const ByteVector header{0x40, 1, 2, 3};
  for (const size_t size : {0, 1, 15, 16, 17, 1200, 1452, 65511}) {
    ByteVector text(size);
    for (size_t i = 0; i < size; ++i) text[i] = static_cast<uint8_t>(i * 31);
    for (const PacketNum number : {PacketNum{0}, PacketNum{0xffffffff}, (PacketNum{1} << 62) - 1}) {
      ByteVector buffer(text);
      buffer.resize(size + kAeadTagSize);
      ASSERT_TRUE(keys.aead->seal(number, header, buffer));
      EXPECT_TRUE(size < 16 || !std::equal(text.begin(), text.end(), buffer.begin()));
      ASSERT_EQ(keys.aead->open(number, header, buffer), size);
      EXPECT_TRUE(std::equal(text.begin(), text.end(), buffer.begin()));
    }
  }
}

TEST_P(EverySuite, SealsTheSameAfterAnythingElseWasDone) {
  const ByteVector header{1};
  ByteVector first(40), second(40), other(100);
  ASSERT_TRUE(keys.aead->seal(5, header, first));
  EXPECT_FALSE(keys.aead->open(6, header, other));
  ASSERT_TRUE(keys.aead->seal(7, {}, other));
  keys.headerCipher->mask(ByteVector(16, 3));
  ASSERT_TRUE(keys.aead->seal(5, header, second));
  EXPECT_EQ(first, second);
}

TEST_P(EverySuite, RefusesEachChangedByteAndLeavesOnlyTheTagBehind) {
  const ByteVector header{0x40, 9, 8};
  const ByteVector text(64, 0xab);
  ByteVector sealed(text);
  sealed.resize(text.size() + kAeadTagSize);
  ASSERT_TRUE(keys.aead->seal(77, header, sealed));
  for (size_t i = 0; i < sealed.size(); ++i) {
    ByteVector changed(sealed);
    changed[i] ^= 0x10;
    const ByteVector tag(changed.end() - kAeadTagSize, changed.end());
    ASSERT_FALSE(keys.aead->open(77, header, changed)) << i;
    EXPECT_EQ(ByteVector(changed.begin(), changed.end() - kAeadTagSize), ByteVector(text.size(), 0));
    EXPECT_EQ(ByteVector(changed.end() - kAeadTagSize, changed.end()), tag);
  }
  for (size_t i = 0; i < header.size(); ++i) {
    ByteVector changed(header), buffer(sealed);
    changed[i] ^= 1;
    EXPECT_FALSE(keys.aead->open(77, changed, buffer));
  }
  ByteVector buffer(sealed);
  EXPECT_FALSE(keys.aead->open(78, header, buffer));
  EXPECT_FALSE(keys.aead->open(77, {}, buffer = sealed));
  EXPECT_TRUE(keys.aead->open(77, header, buffer = sealed));
}

TEST_P(EverySuite, RefusesWhatIsShorterThanATag) {
  for (size_t size = 0; size < kAeadTagSize; ++size) {
    ByteVector buffer(size);
    EXPECT_FALSE(keys.aead->seal(1, {}, buffer));
    EXPECT_FALSE(keys.aead->open(1, {}, buffer));
  }
}

// covers RFC 9001 §6.1
TEST_P(EverySuite, MakesOtherKeysForTheNextGeneration) {
  const TrafficSecret secret = anySecret(GetParam());
  const TrafficSecret next = factory->nextSecret(kQuicVersion1, secret);
  EXPECT_EQ(next.size, secret.size);
  EXPECT_EQ(next.suite, secret.suite);
  EXPECT_NE(toHex(next.span()), toHex(secret.span()));
  ByteVector buffer(50);
  ASSERT_TRUE(keys.aead->seal(1, {}, buffer));
  EXPECT_FALSE(factory->protection(kQuicVersion1, next).aead->open(1, {}, buffer));
}

INSTANTIATE_TEST_SUITE_P(Suites, EverySuite,
                         ::testing::Values(CipherSuite::AES_128_GCM_SHA256, CipherSuite::AES_256_GCM_SHA384,
                                           CipherSuite::CHACHA20_POLY1305_SHA256),
                         [](const auto& info) {
                           switch (info.param) {
                             case CipherSuite::AES_128_GCM_SHA256: return "Aes128Gcm";
                             case CipherSuite::AES_256_GCM_SHA384: return "Aes256Gcm";
                             default: return "ChaCha20Poly1305";
                           }
                         });

TEST_F(FactoryBehaviour, MakesNoKeysForAnUnknownVersion) {
  const auto secret = anySecret(CipherSuite::AES_128_GCM_SHA256);
  EXPECT_FALSE(factory->initialProtection(0xfaceb00c, fromHex("0102030405060708")).client);
  EXPECT_FALSE(factory->protection(0xfaceb00c, secret));
  EXPECT_EQ(factory->nextSecret(0xfaceb00c, secret).size, 0u);
}

TEST_F(FactoryBehaviour, MakesNoKeysOfASecretOfAWrongSize) {
  TrafficSecret secret = anySecret(CipherSuite::AES_256_GCM_SHA384);
  secret.size = 32;
  EXPECT_FALSE(factory->protection(kQuicVersion1, secret));
  EXPECT_FALSE(factory->protection(kQuicVersion1, TrafficSecret{}));
}

TEST_F(FactoryBehaviour, MakesInitialKeysOfAnEmptyConnectionId) {
  const auto keys = factory->initialProtection(kQuicVersion1, {});
  EXPECT_TRUE(keys.client);
  EXPECT_TRUE(keys.server);
}

// RFC 4231 §4.2, §4.3 and RFC 2104: an empty key is a key of zeros.
TEST_F(FactoryBehaviour, ComputesHmacSha256) {
  EXPECT_EQ(toHex(factory->hmacSha256(ByteVector(20, 0x0b), asBytes("Hi There"))),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(toHex(factory->hmacSha256(asBytes("Jefe"), asBytes("what do ya want for nothing?"))),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(toHex(factory->hmacSha256({}, {})), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

}  // namespace
}  // namespace quic
