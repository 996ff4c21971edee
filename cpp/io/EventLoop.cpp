#include "io/EventLoop.h"

#include <algorithm>
#include <cstdlib>
#include <utility>
#include <vector>

#include "io/DeadlineTimer.h"

namespace quic {
namespace {

struct Watch {
  int fd = -1;
  uv_poll_t* handle = nullptr;
  EventLoop::Readiness ready;
  bool wantsReadable = true;
  bool wantsWritable = false;
};

}  // namespace

/// Lives until the last handle is closed, with or without the EventLoop it was made for.
struct EventLoop::State {
  uv_loop_t* loop = nullptr;
  bool ownsLoop = false;
  Handler* handler = nullptr;  // null: the EventLoop is gone
  bool isOrphan = false;
  bool isClosing = false;
  bool isRef = true;
  bool isDue = false;        // a turn is to follow in this iteration
  bool isPreparing = false;  // a turn runs right before the loop waits
  size_t openHandles = 0;

  uv_async_t* async = nullptr;
  uv_check_t* check = nullptr;
  uv_prepare_t* prepare = nullptr;
  uv_idle_t* idle = nullptr;
  uv_poll_t* timerPoll = nullptr;
  uv_timer_t* timer = nullptr;
  DeadlineTimer deadline;
  std::vector<Watch> watches;

  static State& of(const void* handle) {
    return *static_cast<State*>(uv_handle_get_data(static_cast<const uv_handle_t*>(handle)));
  }
  template <class Handle>
  Handle* allocate(uv_handle_type type) {
    return static_cast<Handle*>(std::calloc(1, uv_handle_size(type)));
  }
  /// Takes over `handle` when libuv has initialised it (`status` 0), else frees it.
  template <class Handle>
  Handle* adopt(Handle* handle, int status, bool ref) {
    if (status != 0) {
      std::free(handle);
      return nullptr;
    }
    ++openHandles;
    auto* base = reinterpret_cast<uv_handle_t*>(handle);
    uv_handle_set_data(base, this);
    if (!ref) uv_unref(base);
    return handle;
  }

  bool openHandlesOfLoop();
  void startPrepare();
  bool openTimer();
  Watch* find(int fd);
  void startPolling(Watch& watch);
  void turn();
  void keepFromWaiting();
  void closeAll();

  template <class Handle>
  void close(Handle*& handle) {
    if (handle != nullptr) uv_close(reinterpret_cast<uv_handle_t*>(std::exchange(handle, nullptr)), onHandleClosed);
  }
  static void onHandleClosed(uv_handle_t* handle);
  static void onPoll(uv_poll_t* handle, int status, int events);
  static void onTimerFd(uv_poll_t* handle, int status, int events);
  static void onTimer(uv_timer_t* handle);
};

// ---- opening

bool EventLoop::State::openTimer() {
  const int fd = deadline.open();
  if (fd >= 0) {
    auto* handle = allocate<uv_poll_t>(UV_POLL);
    timerPoll = adopt(handle, uv_poll_init(loop, handle, fd), false);
    return timerPoll != nullptr && uv_poll_start(timerPoll, UV_READABLE, onTimerFd) == 0;
  }
  auto* handle = allocate<uv_timer_t>(UV_TIMER);
  timer = adopt(handle, uv_timer_init(loop, handle), false);
  deadline.useFallback(timer, onTimer);
  return timer != nullptr;
}

bool EventLoop::State::openHandlesOfLoop() {
  auto* newAsync = allocate<uv_async_t>(UV_ASYNC);
  // Only this one keeps an own loop alive; a given loop lives by its watched sockets.
  async = adopt(newAsync, uv_async_init(loop, newAsync, [](uv_async_t* handle) { of(handle).isDue = true; }), ownsLoop);
  auto* newCheck = allocate<uv_check_t>(UV_CHECK);
  check = adopt(newCheck, uv_check_init(loop, newCheck), false);
  auto* newPrepare = allocate<uv_prepare_t>(UV_PREPARE);
  prepare = adopt(newPrepare, uv_prepare_init(loop, newPrepare), false);
  auto* newIdle = allocate<uv_idle_t>(UV_IDLE);
  idle = adopt(newIdle, uv_idle_init(loop, newIdle), false);
  if (async == nullptr || !openTimer()) return false;
  return uv_check_start(check, [](uv_check_t* handle) {
           if (of(handle).isDue) of(handle).turn();
         }) == 0;
}

std::unique_ptr<EventLoop> EventLoop::make(uv_loop_t* given, Handler& handler) {
  auto* state = new State;
  state->handler = &handler;
  state->ownsLoop = given == nullptr;
  state->loop = given;
  if (state->ownsLoop) {
    state->loop = static_cast<uv_loop_t*>(std::calloc(1, uv_loop_size()));
    if (uv_loop_init(state->loop) != 0) {
      std::free(state->loop);
      delete state;
      return nullptr;
    }
  }
  std::unique_ptr<EventLoop> made(new EventLoop(state));
  if (!state->openHandlesOfLoop()) return nullptr;
  return made;
}

// ---- turns

/// Keeps the loop alive until it has run: somebody waits for what the turn will tell.
void EventLoop::State::startPrepare() {
  if (isRef) uv_ref(reinterpret_cast<uv_handle_t*>(prepare));
  uv_prepare_start(prepare, [](uv_prepare_t* handle) {
    State& state = of(handle);
    state.isPreparing = true;
    state.turn();
    state.isPreparing = false;
  });
}

/// The presence of an idle handle does.
void EventLoop::State::keepFromWaiting() {
  uv_idle_start(idle, [](uv_idle_t*) {});
}

void EventLoop::State::turn() {
  isDue = false;
  uv_prepare_stop(prepare);
  uv_unref(reinterpret_cast<uv_handle_t*>(prepare));
  uv_idle_stop(idle);
  if (handler != nullptr && !isClosing) handler->onTurn();
}

void EventLoop::State::onPoll(uv_poll_t* handle, int status, int events) {
  State& state = of(handle);
  state.isDue = true;
  const auto watch = std::find_if(state.watches.begin(), state.watches.end(),
                                  [&](const Watch& candidate) { return candidate.handle == handle; });
  if (watch == state.watches.end()) return;
  watch->ready.readable |= status != 0 || (events & UV_READABLE) != 0;
  watch->ready.writable |= status != 0 || (events & UV_WRITABLE) != 0;
  watch->ready.error |= status != 0;
  // libuv stops watching a socket with something in its error queue; reading that queue is the turn's business.
  if (status != 0) state.startPolling(*watch);
}

void EventLoop::State::onTimerFd(uv_poll_t* handle, int, int) {
  of(handle).isDue = true;
  of(handle).deadline.onFired();
}

void EventLoop::State::onTimer(uv_timer_t* handle) {
  State& state = of(handle);
  state.deadline.onFired();
  // libuv runs timers before or after polling, by version: ask for a turn that comes in either case.
  state.startPrepare();
}

void EventLoop::run() { uv_run(state_->loop, UV_RUN_DEFAULT); }

void EventLoop::wake() { uv_async_send(state_->async); }

void EventLoop::requestTurn() {
  if (state_->isClosing) return;
  state_->startPrepare();
  // libuv runs what is started meanwhile in its next iteration only, and would wait before that.
  if (state_->isPreparing) state_->keepFromWaiting();
}

void EventLoop::again() {
  if (state_->isClosing) return;
  state_->isDue = true;
  state_->keepFromWaiting();
}

void EventLoop::setDeadline(std::optional<TimePoint> deadline) {
  if (!state_->isClosing) state_->deadline.arm(deadline);
}

// ---- sockets

Watch* EventLoop::State::find(int fd) {
  for (Watch& watch : watches) {
    if (watch.fd == fd) return &watch;
  }
  return nullptr;
}

void EventLoop::State::startPolling(Watch& watch) {
  uv_poll_start(watch.handle, (watch.wantsReadable ? UV_READABLE : 0) | (watch.wantsWritable ? UV_WRITABLE : 0),
                onPoll);
}

bool EventLoop::watch(int fd) {
  auto* handle = state_->allocate<uv_poll_t>(UV_POLL);
  handle = state_->adopt(handle, uv_poll_init(state_->loop, handle, fd), state_->isRef);
  if (handle == nullptr) return false;
  state_->watches.push_back(Watch{fd, handle, {}, true, false});
  state_->startPolling(state_->watches.back());
  return true;
}

void EventLoop::unwatch(int fd) {
  Watch* watch = state_->find(fd);
  if (watch == nullptr) return;
  uv_poll_stop(watch->handle);
  state_->close(watch->handle);
  std::erase_if(state_->watches, [fd](const Watch& candidate) { return candidate.fd == fd; });
}

void EventLoop::wantReadable(int fd, bool wanted) {
  Watch* watch = state_->find(fd);
  if (watch == nullptr || watch->wantsReadable == wanted) return;
  watch->wantsReadable = wanted;
  state_->startPolling(*watch);
}

void EventLoop::wantWritable(int fd, bool wanted) {
  Watch* watch = state_->find(fd);
  if (watch == nullptr || watch->wantsWritable == wanted) return;
  watch->wantsWritable = wanted;
  state_->startPolling(*watch);
}

EventLoop::Readiness EventLoop::takeReadiness(int fd) {
  Watch* watch = state_->find(fd);
  return watch == nullptr ? Readiness{} : std::exchange(watch->ready, Readiness{});
}

void EventLoop::setRef(bool ref) {
  state_->isRef = ref;
  for (const Watch& watch : state_->watches) {
    auto* handle = reinterpret_cast<uv_handle_t*>(watch.handle);
    ref ? uv_ref(handle) : uv_unref(handle);
  }
}

// ---- closing

void EventLoop::State::closeAll() {
  isClosing = true;
  for (Watch& watch : watches) close(watch.handle);
  watches.clear();
  close(async);
  close(check);
  close(prepare);
  close(idle);
  close(timerPoll);
  close(timer);
}

void EventLoop::State::onHandleClosed(uv_handle_t* handle) {
  State& state = of(handle);
  std::free(handle);
  --state.openHandles;
  if (!state.isClosing || state.openHandles != 0) return;
  if (state.isOrphan) {
    delete &state;
  } else if (state.handler != nullptr) {
    state.handler->onLoopClosed();
  }
}

void EventLoop::close() {
  if (!state_->isClosing) state_->closeAll();
}

bool EventLoop::isClosing() const { return state_->isClosing; }

EventLoop::~EventLoop() {
  state_->handler = nullptr;
  close();
  if (state_->ownsLoop) {
    uv_run(state_->loop, UV_RUN_DEFAULT);
    uv_loop_close(state_->loop);
    std::free(state_->loop);
    delete state_;
  } else if (state_->openHandles == 0) {
    delete state_;
  } else {
    state_->isOrphan = true;
  }
}

}  // namespace quic
