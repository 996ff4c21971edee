// Order, bounds and wakes between two threads. Run under ThreadSanitizer too: most of what can go wrong is a race.
#include "io/HostQueue.h"

#include <gtest/gtest.h>

#include <thread>

#include "IoTesting.h"

namespace quic {
namespace {

using testing::waitFor;

struct Handler final : EventLoop::Handler {
  void onTurn() override { act(); }
  void onLoopClosed() override {}
  std::function<void()> act = [] {};
};

Command poke() { return command::Poke{}; }

TEST(HostQueue, HoldsOneBatchAndLeavesTheNextWithTheWorker) {
  HostQueue queue;
  UpBatch batch;
  batch.facts.push_back(fact::Closed{1});
  EXPECT_TRUE(queue.offer(batch));
  EXPECT_TRUE(batch.empty());
  batch.facts.push_back(fact::Closed{2});
  EXPECT_FALSE(queue.offer(batch));
  EXPECT_EQ(batch.facts.size(), 1u);
  UpBatch taken;
  EXPECT_TRUE(queue.take(taken));
  EXPECT_EQ(std::get<fact::Closed>(taken.facts.at(0)).connection, 1u);
  EXPECT_FALSE(queue.take(taken));
  EXPECT_TRUE(taken.empty());
  EXPECT_TRUE(queue.offer(batch));
}

TEST(HostQueue, GivesTheLastBatchAfterTheOneBefore) {
  HostQueue queue;
  UpBatch batch;
  batch.facts.push_back(fact::Closed{1});
  EXPECT_TRUE(queue.offer(batch));
  batch.facts.push_back(fact::WorkerStopped{});
  queue.finish(batch);
  UpBatch taken;
  ASSERT_TRUE(queue.take(taken));
  EXPECT_TRUE(std::holds_alternative<fact::Closed>(taken.facts[0]));
  ASSERT_TRUE(queue.take(taken));
  EXPECT_TRUE(std::holds_alternative<fact::WorkerStopped>(taken.facts[0]));
  EXPECT_FALSE(queue.take(taken));
}

TEST(HostQueue, DropsWhatPeersCauseBeyondALimit) {
  Handler handler;
  auto loop = EventLoop::make(nullptr, handler);
  HostQueue queue;
  queue.attach(*loop);
  for (int i = 0; i < 10; ++i) queue.postUpTo(4, poke());
  queue.post(poke());
  std::vector<Command> commands;
  queue.takeCommands(commands);
  EXPECT_EQ(commands.size(), 5u);
  queue.detach();
  queue.post(poke());
  queue.takeCommands(commands);
  EXPECT_TRUE(commands.empty());
}

TEST(HostQueue, CarriesEveryCommandInOrderAndEveryBatchOnceBetweenThreads) {
  constexpr uint64_t kCommands = 20000;
  Handler handler;
  auto loop = EventLoop::make(nullptr, handler);
  HostQueue queue;
  queue.attach(*loop);
  UpBatch up;
  std::vector<Command> commands;
  uint64_t expected = 0;
  // The worker echoes each command as a fact; what has no room waits for the wake that take() owes.
  handler.act = [&] {
    queue.takeCommands(commands);
    for (const Command& command : commands) {
      ASSERT_EQ(std::get<command::StreamConsume>(command).bytes, expected++);
      up.facts.push_back(fact::Closed{expected});
    }
    if (!up.empty()) queue.offer(up);
    if (expected == kCommands && up.empty()) {
      queue.detach();
      loop->close();
    }
  };
  std::thread worker([&] { loop->run(); });
  UpBatch taken;
  uint64_t echoed = 0;
  const auto takeAll = [&] {
    while (queue.take(taken)) {
      for (const HostFact& fact : taken.facts) EXPECT_EQ(std::get<fact::Closed>(fact).connection, ++echoed);
    }
  };
  for (uint64_t i = 0; i < kCommands; ++i) {
    queue.post(command::StreamConsume{1, StreamId{0}, i});
    if (i % 7 == 0) takeAll();
  }
  EXPECT_TRUE(waitFor([&] { return echoed == kCommands; }, takeAll));
  worker.join();
}

}  // namespace
}  // namespace quic
