// How long things live. A host, its threads and its libuv handles must be gone before the JavaScript environment that made
// them is, and JavaScript may be called only as long as it may run. README.md in this folder tells the ways in which an
// environment can end.
//
// HostLife is the host of one NativeQuic from its making to HostClosed. Invariants: while it is open it holds the JavaScript
// object, so the collector cannot take it; it asks the environment to wait for it; its callback is called on the
// environment's thread only, in the order of the batches, and never after HostClosed.
#pragma once

#include <uv.h>

#include <memory>

#include "Convert.h"
#include "NodeApi.h"
#include "io/QuicHost.h"

namespace quic::binding {

/// Rings on Node's loop what was pulled on any thread. Many pulls may become one ring.
class Doorbell {
 public:
  using OnRing = void (*)(void* owner);

  /// It keeps the loop alive. nullptr: the system has no resources left.
  static std::unique_ptr<Doorbell> make(uv_loop_t* loop, OnRing onRing, void* owner);
  /// No ring comes afterwards; the handle goes when the loop has run once more. Nobody may pull any more.
  ~Doorbell();
  Doorbell(const Doorbell&) = delete;
  Doorbell& operator=(const Doorbell&) = delete;

  void pull() { uv_async_send(async_); }
  void setRef(bool ref);

 private:
  Doorbell(OnRing onRing, void* owner) : onRing_(onRing), owner_(owner) {}

  uv_async_t* async_ = nullptr;
  OnRing onRing_;
  void* owner_;
};

class HostLife final : private HostSink {
 public:
  HostLife() = default;
  ~HostLife() override;
  HostLife(const HostLife&) = delete;
  HostLife& operator=(const HostLife&) = delete;

  /// Before a host is made: `self` is kept, and `onBatch` will be called. Threaded: batches come from other threads. False:
  /// an exception is pending.
  bool begin(Napi::Object self, Napi::Function onBatch, bool isThreaded);
  /// What the host is to be made with.
  HostSink& sink() { return *this; }
  void adopt(std::unique_ptr<QuicHost> host);
  /// There is no host after all; begin() may be tried again.
  void abandon();

  /// nullptr: there is none yet, or none any more.
  [[nodiscard]] QuicHost* host() const { return host_.get(); }
  /// No further host may be made: closed, or the environment ends.
  [[nodiscard]] bool isOver() const { return isOver_; }
  void setRef(bool ref);
  /// HostClosed answers, also when there never was a host.
  void close(Napi::Object self, Napi::Function onBatch);

 private:
  /// Of one wake, so that the rest of Node gets its turn.
  static constexpr int kMaxBatchesPerWake = 8;

  friend class ExitWatch;

  void onBatchReady() override;
  void drain();
  void deliver();
  void letGo();
  void applyRef();
  void answerUnopened(Napi::Object self, Napi::Function onBatch);

  void onEnvironmentEnd();
  /// Two steps, so that several hosts' threads end side by side.
  void closeForExit();
  void waitForExit();

  napi_env env_ = nullptr;
  Napi::ObjectReference self_;
  Napi::FunctionReference onBatch_;
  napi_async_context context_ = nullptr;
  napi_async_cleanup_hook_handle hook_ = nullptr;
  BatchConverter converter_;
  HostBatch batch_;
  bool isRef_ = true;
  bool isClosing_ = false;
  bool isMuted_ = false;  // JavaScript must not be called any more
  bool isOver_ = false;
  // The host goes before the bell that its threads pull.
  std::unique_ptr<Doorbell> doorbell_;  // null: the host is on Node's loop
  std::unique_ptr<QuicHost> host_;
};

}  // namespace quic::binding
