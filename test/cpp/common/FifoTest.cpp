#include "quic/common/Fifo.h"

#include <gtest/gtest.h>

#include <deque>
#include <memory>

#include "cpp/support/TestBytes.h"

namespace quic {
namespace {

TEST(Fifo, BehavesAsADequeOfWhichOnlyTheEndsAreUsed) {
  test::Seeded random(5);
  Fifo<uint64_t> fifo;
  std::deque<uint64_t> model;
  for (int step = 0; step < 20000; ++step) {
    // Long phases of growth and of shrinking, so that compaction is met at many fillings.
    const bool grows = step / 500 % 2 == 0;
    if (model.empty() || test::below(random, 3) != (grows ? 0u : 1u)) {
      if (grows || model.empty()) {
        model.push_back(random());
        fifo.push(model.back());
        continue;
      }
    }
    ASSERT_EQ(fifo.front(), model.front());
    ASSERT_EQ(fifo.pop(), model.front());
    model.pop_front();
    ASSERT_EQ(fifo.size(), model.size());
    ASSERT_EQ(fifo.empty(), model.empty());
  }
}

TEST(Fifo, HandsOutWhatItHolds) {
  Fifo<std::shared_ptr<int>> fifo;
  const auto value = std::make_shared<int>(7);
  fifo.push(value);
  EXPECT_EQ(fifo.pop().use_count(), 2);
  EXPECT_EQ(value.use_count(), 1) << "nothing is kept of what was popped";
  fifo.push(value);
  fifo.clear();
  EXPECT_EQ(value.use_count(), 1);
}

}  // namespace
}  // namespace quic
