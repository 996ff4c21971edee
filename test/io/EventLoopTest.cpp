// With a loop of its own on this thread or another, and with a given one that the test turns.
#include "io/EventLoop.h"

#include <gtest/gtest.h>

#include <mutex>
#include <thread>

#include "IoTesting.h"

namespace quic {
namespace {

using testing::mustOpen;
using testing::waitFor;

struct Recorder final : EventLoop::Handler {
  void onTurn() override {
    ++turns;
    if (act) act();
  }
  void onLoopClosed() override { ++closed; }

  int turns = 0;
  int closed = 0;
  std::function<void()> act;
};

/// Node's part: a loop that the EventLoop does not own.
struct GivenLoop {
  GivenLoop() { uv_loop_init(&loop); }
  ~GivenLoop() {
    uv_run(&loop, UV_RUN_DEFAULT);
    EXPECT_EQ(uv_loop_close(&loop), 0) << "a handle was left open";
  }
  void turn() { uv_run(&loop, UV_RUN_NOWAIT); }
  uv_loop_t loop;
};

TEST(EventLoop, TurnsWhenADeadlineIsDueAndNotBefore) {
  Recorder recorder;
  auto loop = EventLoop::make(nullptr, recorder);
  ASSERT_TRUE(loop);
  const TimePoint due = systemNow() + 3ms;
  loop->setDeadline(due);
  recorder.act = [&] {
    EXPECT_GE(systemNow(), due);
    loop->close();
  };
  loop->run();
  EXPECT_EQ(recorder.turns, 1);
  EXPECT_EQ(recorder.closed, 1);
}

TEST(EventLoop, TurnsAtOnceForADeadlineInThePast) {
  Recorder recorder;
  auto loop = EventLoop::make(nullptr, recorder);
  loop->setDeadline(TimePoint{});
  recorder.act = [&] { loop->close(); };
  loop->run();
  EXPECT_EQ(recorder.turns, 1);
}

TEST(EventLoop, BringsADeadlineForward) {
  Recorder recorder;
  auto loop = EventLoop::make(nullptr, recorder);
  loop->setDeadline(systemNow() + 1h);
  loop->setDeadline(systemNow() + 1ms);
  recorder.act = [&] { loop->close(); };
  loop->run();
  EXPECT_EQ(recorder.turns, 1);
}

TEST(EventLoop, WakesFromOtherThreads) {
  Recorder recorder;
  auto loop = EventLoop::make(nullptr, recorder);
  // No wake may come after close(): in the product the queue's mutex sees to that, here this one.
  std::mutex mutex;
  bool done = false;
  recorder.act = [&] {
    const std::lock_guard lock(mutex);
    if (done) loop->close();
  };
  std::thread runner([&] { loop->run(); });
  for (int i = 0; i < 1000; ++i) loop->wake();
  {
    const std::lock_guard lock(mutex);
    done = true;
    loop->wake();
  }
  runner.join();
  EXPECT_EQ(recorder.closed, 1);
  EXPECT_LE(recorder.turns, 1001);
}

TEST(EventLoop, TellsWhichSocketIsReadable) {
  GivenLoop given;
  Recorder recorder;
  auto loop = EventLoop::make(&given.loop, recorder);
  UdpSocket a = mustOpen("127.0.0.1:0");
  UdpSocket b = mustOpen("127.0.0.1:0");
  ASSERT_TRUE(loop->watch(a.fd()) && loop->watch(b.fd()));
  const ByteVector bytes(10);
  a.send(Transmit{{SocketAddress(), b.localAddress()}, Ecn::NotEct, 10, 10}, bytes);
  ASSERT_TRUE(waitFor([&] { return recorder.turns > 0; }, [&] { given.turn(); }));
  EXPECT_FALSE(loop->takeReadiness(a.fd()).readable);
  EXPECT_TRUE(loop->takeReadiness(b.fd()).readable);
  EXPECT_FALSE(loop->takeReadiness(b.fd()).readable);
  loop->unwatch(a.fd());
  loop->unwatch(b.fd());
}

TEST(EventLoop, IsNotTurnedByASocketThatNobodyWantsToRead) {
  GivenLoop given;
  Recorder recorder;
  auto loop = EventLoop::make(&given.loop, recorder);
  UdpSocket a = mustOpen("127.0.0.1:0");
  ASSERT_TRUE(loop->watch(a.fd()));
  loop->wantReadable(a.fd(), false);
  const ByteVector bytes(10);
  a.send(Transmit{{SocketAddress(), a.localAddress()}, Ecn::NotEct, 10, 10}, bytes);
  ASSERT_TRUE(testing::waitReadable(a));
  given.turn();
  EXPECT_EQ(recorder.turns, 0);
  loop->wantReadable(a.fd(), true);
  ASSERT_TRUE(waitFor([&] { return recorder.turns > 0; }, [&] { given.turn(); }));
  EXPECT_TRUE(loop->takeReadiness(a.fd()).readable);
}

TEST(EventLoop, TellsOfErrorsAgainAndAgain) {
  GivenLoop given;
  Recorder recorder;
  auto loop = EventLoop::make(&given.loop, recorder);
  UdpSocket a = mustOpen("127.0.0.1:0");
  ASSERT_TRUE(loop->watch(a.fd()));
  const ByteVector bytes(10);
  for (int i = 0; i < 3; ++i) {
    SocketAddress closed;
    {
      UdpSocket gone = mustOpen("127.0.0.1:0");
      closed = gone.localAddress();
    }
    a.send(Transmit{{SocketAddress(), closed}, Ecn::NotEct, 10, 10}, bytes);
    bool error = false;
    ASSERT_TRUE(waitFor([&] { return error |= loop->takeReadiness(a.fd()).error; }, [&] { given.turn(); })) << i;
    std::vector<SocketAddress> unreachable;
    a.receiveErrors(unreachable);
    ASSERT_EQ(unreachable.size(), 1u);
  }
  loop->unwatch(a.fd());
}

TEST(EventLoop, TellsOfWritabilityOnlyWhenAsked) {
  GivenLoop given;
  Recorder recorder;
  auto loop = EventLoop::make(&given.loop, recorder);
  UdpSocket a = mustOpen("127.0.0.1:0");
  ASSERT_TRUE(loop->watch(a.fd()));
  given.turn();
  EXPECT_EQ(recorder.turns, 0);
  loop->wantWritable(a.fd(), true);
  ASSERT_TRUE(waitFor([&] { return recorder.turns > 0; }, [&] { given.turn(); }));
  EXPECT_TRUE(loop->takeReadiness(a.fd()).writable);
  loop->wantWritable(a.fd(), false);
  const int turns = recorder.turns;
  given.turn();
  EXPECT_EQ(recorder.turns, turns);
}

TEST(EventLoop, TurnsBeforeItWaitsWhenThatIsRequested) {
  GivenLoop given;
  Recorder recorder;
  auto loop = EventLoop::make(&given.loop, recorder);
  loop->requestTurn();
  loop->requestTurn();
  given.turn();
  EXPECT_EQ(recorder.turns, 1);
  given.turn();
  EXPECT_EQ(recorder.turns, 1);
}

TEST(EventLoop, DoesNotWaitWhenARequestedTurnRequestsAnother) {
  GivenLoop given;
  Recorder recorder;
  auto loop = EventLoop::make(&given.loop, recorder);
  ASSERT_TRUE(loop);
  uv_async_t never;  // what the loop would wait for
  ASSERT_EQ(uv_async_init(&given.loop, &never, nullptr), 0);
  given.turn();  // libuv has looked at all handles once
  EXPECT_EQ(uv_backend_timeout(&given.loop), -1) << "nothing is to be done yet";
  recorder.act = [&] {
    if (recorder.turns > 1) return;
    loop->requestTurn();
    EXPECT_EQ(uv_backend_timeout(&given.loop), 0) << "what the first turn asked for would come with the next packet";
  };
  loop->requestTurn();
  given.turn();
  EXPECT_EQ(recorder.turns, 1);
  given.turn();
  EXPECT_EQ(recorder.turns, 2);
  EXPECT_EQ(uv_backend_timeout(&given.loop), -1) << "nothing is left to do";
  uv_close(reinterpret_cast<uv_handle_t*>(&never), nullptr);
}

TEST(EventLoop, GoesOnWithWorkThatIsLeft) {
  Recorder recorder;
  auto loop = EventLoop::make(nullptr, recorder);
  recorder.act = [&] { recorder.turns < 5 ? loop->again() : loop->close(); };
  loop->wake();
  loop->run();
  EXPECT_EQ(recorder.turns, 5);
}

TEST(EventLoop, KeepsAGivenLoopAliveByItsSocketsOnly) {
  GivenLoop given;
  Recorder recorder;
  auto loop = EventLoop::make(&given.loop, recorder);
  loop->setDeadline(systemNow() + 1h);
  EXPECT_EQ(uv_loop_alive(&given.loop), 0);
  UdpSocket a = mustOpen("127.0.0.1:0");
  ASSERT_TRUE(loop->watch(a.fd()));
  EXPECT_NE(uv_loop_alive(&given.loop), 0);
  loop->setRef(false);
  EXPECT_EQ(uv_loop_alive(&given.loop), 0);
  loop->setRef(true);
  EXPECT_NE(uv_loop_alive(&given.loop), 0);
}

TEST(EventLoop, SaysWhenAGivenLoopHasLetEverythingGo) {
  GivenLoop given;
  Recorder recorder;
  auto loop = EventLoop::make(&given.loop, recorder);
  UdpSocket a = mustOpen("127.0.0.1:0");
  ASSERT_TRUE(loop->watch(a.fd()));
  loop->close();
  EXPECT_EQ(recorder.closed, 0);
  ASSERT_TRUE(waitFor([&] { return recorder.closed > 0; }, [&] { given.turn(); }));
  EXPECT_EQ(uv_loop_alive(&given.loop), 0);
  EXPECT_EQ(recorder.turns, 0);
}

TEST(EventLoop, MayBeDestroyedWhileHandlesOfAGivenLoopAreOpen) {
  GivenLoop given;
  Recorder recorder;
  UdpSocket a = mustOpen("127.0.0.1:0");
  auto loop = EventLoop::make(&given.loop, recorder);
  ASSERT_TRUE(loop->watch(a.fd()));
  loop->requestTurn();
  loop.reset();
  given.turn();
  EXPECT_EQ(recorder.turns, 0);
  EXPECT_EQ(recorder.closed, 0);
}

}  // namespace
}  // namespace quic
