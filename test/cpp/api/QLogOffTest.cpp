// That a connection without a log pays nothing for the places where one would be told: allocations are counted. Sanitizers
// bring an allocator of their own, and with it there is nothing to count.
#include <gtest/gtest.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define NODE_MVFST_COUNTS_ALLOCATIONS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define NODE_MVFST_COUNTS_ALLOCATIONS 0
#endif
#endif
#ifndef NODE_MVFST_COUNTS_ALLOCATIONS
#define NODE_MVFST_COUNTS_ALLOCATIONS 1
#endif

#if NODE_MVFST_COUNTS_ALLOCATIONS

#include <cstdlib>
#include <new>

#include "cpp/api/MisbehavingPeer.h"
#include "quic/api/QLogDriver.h"
#include "quic/api/QuicReadCodec.h"
#include "quic/client/QuicClientTransport.h"
#include "quic/tls/OpenSslTls.h"

namespace {
size_t allocations = 0;
}  // namespace

void* operator new(size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  std::abort();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace quic::test {
namespace {

TEST(QLogOff, HooksOfAConnectionWithoutALogAllocateNothing) {
  const auto crypto = makeOpenSslCryptoFactory();
  SeededRandom random(1);
  RandomConnectionIds ids(random, 8);
  const FourTuple path{SocketAddress::v4({10, 0, 1, 1}, 5000), SocketAddress::v4({10, 0, 0, 1}, 4433)};
  QuicConnectionState state(Role::Client, TransportSettings{}, Environment{*crypto, random, ids}, path, true);
  const TransportParameters parameters;
  const ProtectedPacket packet;
  const SentPacket lost;
  const LostPacket late;
  const OpenedPacket opened;

  const size_t before = allocations;
  beginQLog(state);
  for (int i = 0; i < 100; ++i) {
    logOwnParameters(state, parameters);
    logPacketReceived(state, packet, opened, {});
    logPacketReceived(state, packet);
    logPacketDropped(state, &packet, 1200, DropReason::Invalid);
    logPacketBuffered(state, packet);
    logPacketLost(state, lost);
    logSpuriousLoss(state, late);
    logStreamData(state, StreamId{4}, DataDirection::FromApplication, 1000, true);
    logDatagramData(state, DataDirection::ToApplication, 1000);
    logChanges(state, Initiator::Remote);
    tellPaths(state);
    EXPECT_FALSE(takeQLog(state));
  }
  EXPECT_EQ(allocations, before);
  EXPECT_FALSE(state.qlog);
}

TEST(QLogOff, TheCounterCounts) {
  const size_t before = allocations;
  const std::string text(1000, 'x');
  EXPECT_GT(allocations, before) << text;
}

}  // namespace
}  // namespace quic::test

#endif  // NODE_MVFST_COUNTS_ALLOCATIONS
