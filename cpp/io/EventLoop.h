// One libuv loop: a thread's own, or one that is given (Node's). Sockets becoming ready, the deadline, wakes from other
// threads: all of it ends in one call of onTurn() per iteration of the loop, after libuv's poll phase.
// Thread-confined but for wake(). Handles outlive this object until libuv has let them go; memory is sized by libuv's own
// answers, because the library at run time may be another version than the header.
#pragma once

#include <uv.h>

#include <memory>
#include <optional>

#include "quic/common/QuicClock.h"

namespace quic {

class EventLoop {
 public:
  class Handler {
   public:
    virtual void onTurn() = 0;
    /// After close(): nothing of this loop is left. The last call; it may destroy the EventLoop.
    virtual void onLoopClosed() = 0;

   protected:
    ~Handler() = default;
  };
  struct Readiness {
    bool readable = false;
    bool writable = false;
    bool error = false;  // something is in the socket's error queue
  };

  /// `given` null: a loop of its own, for run(). nullptr: the system has no resources left.
  static std::unique_ptr<EventLoop> make(uv_loop_t* given, Handler& handler);
  /// Closes what is open. With a given loop the handles go when it runs again; onLoopClosed() does not come then.
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  /// Own loop: until close() is done. On the thread that it belongs to from then on.
  void run();
  /// From any thread: a turn soon. Many wakes may become one turn.
  void wake();
  /// A turn before the loop waits: what was asked for in this iteration leaves together.
  void requestTurn();
  /// Work is left over: another turn after the sockets had theirs.
  void again();
  void setDeadline(std::optional<TimePoint> deadline);

  /// False when libuv refuses. Unwatch before closing `fd`.
  bool watch(int fd);
  void unwatch(int fd);
  /// Wanted from the beginning. While it is not, errors are not told either, and the socket keeps no loop alive.
  void wantReadable(int fd, bool wanted);
  void wantWritable(int fd, bool wanted);
  /// What was seen since the last question.
  Readiness takeReadiness(int fd);

  /// Watched sockets keep a given loop alive (the default), or not.
  void setRef(bool ref);
  void close();
  [[nodiscard]] bool isClosing() const;

 private:
  struct State;
  explicit EventLoop(State* state) : state_(state) {}

  State* state_;
};

}  // namespace quic
