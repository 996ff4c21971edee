// One loop, its sockets and its connections, on a thread of its own or on a given loop: the part that is the same for both
// roles, which are the two subclasses (a seam, because host and bridge know workers and not roles). Thread-confined; it meets
// its host by a HostQueue.
//
// One turn: read the clock; notice a freeze, once; run commands; datagrams in, timers, datagrams out, events (quic/api/Drive.h); read streams for the
// host; hand the batch up; arm the timer. All of it bounded: what is left over is another turn's.
//
// On a given loop commands run at once, and what they want sent leaves before the loop waits or at flush(): the writes of
// one tick leave together.
#pragma once

#include <memory>

#include "io/ConnectionBridge.h"
#include "io/EventLoop.h"
#include "io/HostQueue.h"
#include "io/PendingAnswers.h"
#include "io/ReceiveSlab.h"
#include "io/SystemRandom.h"
#include "io/ThawDetector.h"
#include "quic/tls/OpenSslTls.h"

namespace quic {

/// The host's ear.
class HostSink {
 public:
  virtual ~HostSink() = default;
  /// takeBatch() has something. On the worker's thread: its own, or the given loop's. The host must not be destroyed in here
  /// before it has told HostClosed.
  virtual void onBatchReady() = 0;
};

class Worker : private EventLoop::Handler, protected ConnectionAccess {
 public:
  /// Waits for the thread. On a given loop: connections are closed now, without their end being told.
  virtual ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // ---- host
  /// False: the system has no resources for a thread.
  bool start();
  void post(Command&& command);
  /// For what peers cause: dropped when too much waits already.
  void postForwarded(command::Forwarded&& datagram);
  bool take(UpBatch& out) { return queue_.take(out); }
  /// Given loop only.
  void flush();
  void setRef(bool ref);
  /// After fact::WorkerStopped: returns soon.
  void join();

 protected:
  static constexpr size_t kTransmitsPerTurn = 64;  // trains
  static constexpr Duration kClosePatience = 50ms;

  /// `given` null: a thread of its own. Check isOpen() after construction.
  Worker(Role role, uv_loop_t* given, HostSink& sink);
  [[nodiscard]] bool isOpen() const { return loop_ != nullptr; }
  /// To be called first in the destructor of a subclass, while its connections are there.
  void shutDown();

  // ---- the role's
  virtual bool drive(TimePoint now) = 0;
  virtual bool transmit(TimePoint now) = 0;
  [[nodiscard]] virtual std::optional<TimePoint> nextTimeout() const = 0;
  /// Time that did not pass for its connections.
  virtual void onThawed(TimePoint now, Duration frozenFor) = 0;
  virtual void runOfRole(TimePoint now, Command& command) = 0;
  /// CONNECTION_CLOSE to everybody, sent as far as `kClosePatience` allows; sockets closed.
  virtual void closeEverything(TimePoint now) = 0;

  EventLoop& loop() { return *loop_; }
  UpBatch& up() { return up_; }

  Role role_;
  ReceiveSlab slab_;
  SystemRandom random_;
  std::unique_ptr<CryptoFactory> crypto_;

 private:
  void onTurn() override;
  void onLoopClosed() override;
  struct CommandRunner;
  void run(TimePoint now, Command& command);
  void thaw(TimePoint now, Duration frozenFor);
  void deliver();
  void stop(TimePoint now);

  HostSink& sink_;
  bool isThreaded_;
  HostQueue queue_;
  UpBatch up_;
  std::vector<Command> commands_;
  ThawDetector thawDetector_;

 protected:
  ConnectionBridge bridge_;
  PendingAnswers answers_;

 private:
  bool isPoked_ = false;
  bool isStopped_ = false;
  bool hasNewWork_ = false;  // a command ran since the last transmit
  uv_thread_t thread_{};
  bool isRunning_ = false;
  std::unique_ptr<EventLoop> loop_;  // last: its handles refer to the rest
};

}  // namespace quic
