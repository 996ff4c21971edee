// The table of streams against a map, and the lists through it.
#include "quic/state/StreamTable.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <random>

#include "quic/state/StreamList.h"

namespace quic {
namespace {

TEST(StreamTable, FindsWhatAMapFinds) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    std::mt19937_64 random(seed);
    StreamTable table;
    BlockPool pool;
    std::map<StreamId, Stream*> model;
    std::array<uint64_t, 4> next{};
    const size_t alive = seed * 150;
    for (int step = 0; step < 20000; ++step) {
      const uint64_t kind = random() % 4;
      if (model.size() < alive) {
        const StreamId id{next[kind]++ << 2 | kind};
        Stream& stream = table.create(id);
        ASSERT_EQ(stream.id, id);
        model[id] = &stream;
      } else {
        // One stream of each kind stays for ever, so that the index has an old first entry.
        auto victim = model.begin();
        std::advance(victim, static_cast<ptrdiff_t>(4 + random() % (model.size() - 4)));
        table.erase(*victim->second, pool);
        model.erase(victim);
      }
      const StreamId probe{random() % (4 * (next[0] + 2))};
      const auto expected = model.find(probe);
      ASSERT_EQ(table.find(probe), expected == model.end() ? nullptr : expected->second);
      ASSERT_EQ(table.size(), model.size());
    }
    for (const auto& [id, stream] : model) ASSERT_EQ(table.find(id), stream);
    size_t visited = 0;
    table.forEach([&](Stream& stream) {
      ASSERT_EQ(model.at(stream.id), &stream);
      ++visited;
    });
    EXPECT_EQ(visited, model.size());
  }
}

TEST(StreamTable, GivesANewStreamNothingOfTheOneThatHadItsPlace) {
  StreamTable table;
  BlockPool pool;
  Stream& first = table.create({0});
  first.send.begin(100);
  first.send.write(OwnedBytes::copyOf(asBytes("abc")), true);
  first.receive.begin({100, 100});
  ASSERT_TRUE(first.receive.onData({{0}, 1, asBytes("xyz"), true}, pool));
  first.isReadableTold = first.isAboveLowWater = true;
  table.erase(first, pool);
  Stream& second = table.create({4});
  EXPECT_EQ(&second, &first);
  EXPECT_TRUE(second.send.isFinal());
  EXPECT_TRUE(second.receive.isFinal());
  EXPECT_EQ(second.send.bufferedBytes(), 0u);
  EXPECT_EQ(second.receive.buffer().gaps(), 0u);
  EXPECT_FALSE(second.isReadableTold || second.isAboveLowWater);
  second.send.begin(7);
  EXPECT_EQ(second.send.state(), SendState::Ready);
  EXPECT_EQ(second.send.limit(), 7u);
}

TEST(StreamList, KeepsTheOrderOfJoiningAndTakesLeaversFromAnywhere) {
  std::mt19937_64 random(3);
  StreamTable table;
  std::vector<Stream*> streams;
  for (uint64_t i = 0; i < 40; ++i) streams.push_back(&table.create({i * 4}));
  StreamList list(StreamListKind::Turns);
  std::deque<Stream*> model;
  for (int step = 0; step < 20000; ++step) {
    Stream* stream = streams[random() % streams.size()];
    const auto place = std::find(model.begin(), model.end(), stream);
    switch (random() % 3) {
      case 0:
        list.set(table, *stream, true);
        if (place == model.end()) model.push_back(stream);
        break;
      case 1:
        list.set(table, *stream, false);
        if (place != model.end()) model.erase(place);
        break;
      default:
        list.moveToBack(table, *stream);
        if (place != model.end()) {
          model.erase(place);
          model.push_back(stream);
        }
    }
    ASSERT_EQ(list.empty(), model.empty());
    if (!model.empty()) {
      ASSERT_EQ(list.front(), model.front()->slot);
    }
  }
  while (!model.empty()) {
    ASSERT_EQ(list.front(), model.front()->slot);
    list.set(table, *model.front(), false);
    model.pop_front();
  }
  EXPECT_TRUE(list.empty());
}

}  // namespace
}  // namespace quic
