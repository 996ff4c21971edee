// That a connection without a log pays nothing for the places where one would be told: allocations are counted. Sanitizers
// bring an allocator of their own, and with it there is nothing to count.
#include <gtest/gtest.h>

#include "cpp/support/Allocations.h"

#if NODE_MVFST_COUNTS_ALLOCATIONS

#include "cpp/api/MisbehavingPeer.h"
#include "quic/api/QLogDriver.h"
#include "quic/api/QuicReadCodec.h"
#include "quic/client/QuicClientTransport.h"
#include "quic/tls/OpenSslTls.h"

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

  const uint64_t before = allocationCount();
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
  EXPECT_EQ(allocationCount(), before);
  EXPECT_FALSE(state.qlog);
}

TEST(QLogOff, TheCounterCounts) {
  const uint64_t before = allocationCount();
  const std::string text(1000, 'x');
  EXPECT_GT(allocationCount(), before) << text;
}

}  // namespace
}  // namespace quic::test

#endif  // NODE_MVFST_COUNTS_ALLOCATIONS
