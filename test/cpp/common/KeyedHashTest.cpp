#include "quic/common/KeyedHash.h"

#include <gtest/gtest.h>

#include <set>

#include "cpp/support/TestBytes.h"

namespace quic::test {
namespace {

// The reference vectors of the authors: key 00 01 … 0f, messages 00 01 … of 0 to 15 bytes.
TEST(KeyedHash, IsSipHash24) {
  const KeyedHash hash(0x0706050403020100, 0x0f0e0d0c0b0a0908);
  const uint64_t expected[] = {0x726fdb47dd0e0e31, 0x74f839c593dc67fd, 0x0d6c8009d9a94f5a, 0x85676696d7fb7e2d,
                               0xcf2794e0277187b7, 0x18765564cd99a68d, 0xcbc9466e58fee3ce, 0xab0200f58b01d137,
                               0x93f5f5799a932462, 0x9e0082df0ba9e4b0, 0x7a5dbbc594ddb9f3, 0xf4b32f46226bada7,
                               0x751e8fbc860ee5fb, 0x14ea5627c0843d90, 0xf723ca908e7af2ee, 0xa129ca6149be45e5};
  ByteVector message;
  for (const uint64_t value : expected) {
    EXPECT_EQ(hash(message), value) << message.size() << " bytes";
    message.push_back(static_cast<uint8_t>(message.size()));
  }
}

// T-17: what collides under one key does not under another
TEST(KeyedHash, CollisionsBelongToTheKey) {
  const KeyedHash first(1, 2);
  const KeyedHash second(3, 4);
  constexpr uint64_t kPlaces = 64;
  std::set<uint64_t> places;
  size_t found = 0;
  for (uint32_t i = 0; i < 20000; ++i) {
    const ByteVector bytes = {static_cast<uint8_t>(i), static_cast<uint8_t>(i >> 8), static_cast<uint8_t>(i >> 16)};
    if (first(bytes) % kPlaces != 0) continue;
    ++found;
    places.insert(second(bytes) % kPlaces);
  }
  EXPECT_GT(found, 200u);
  EXPECT_EQ(places.size(), kPlaces);
}

}  // namespace
}  // namespace quic::test
