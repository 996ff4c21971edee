#include "Lifetime.h"

#include <cstdlib>
#include <utility>
#include <vector>

#include "Error.h"

namespace quic::binding {

// ---- Doorbell

std::unique_ptr<Doorbell> Doorbell::make(uv_loop_t* loop, OnRing onRing, void* owner) {
  std::unique_ptr<Doorbell> bell(new Doorbell(onRing, owner));
  // By libuv's own size: the library inside Node may be newer than the header.
  auto* async = static_cast<uv_async_t*>(std::calloc(1, uv_handle_size(UV_ASYNC)));
  const auto ring = [](uv_async_t* handle) {
    const auto* self = static_cast<Doorbell*>(uv_handle_get_data(reinterpret_cast<uv_handle_t*>(handle)));
    if (self != nullptr) self->onRing_(self->owner_);
  };
  if (async == nullptr || uv_async_init(loop, async, ring) != 0) {
    std::free(async);
    return nullptr;
  }
  uv_handle_set_data(reinterpret_cast<uv_handle_t*>(async), bell.get());
  bell->async_ = async;
  return bell;
}

Doorbell::~Doorbell() {
  if (async_ == nullptr) return;
  auto* handle = reinterpret_cast<uv_handle_t*>(async_);
  uv_handle_set_data(handle, nullptr);
  uv_close(handle, [](uv_handle_t* closed) { std::free(closed); });
}

void Doorbell::setRef(bool ref) {
  auto* handle = reinterpret_cast<uv_handle_t*>(async_);
  ref ? uv_ref(handle) : uv_unref(handle);
}

// ---- ExitWatch

/// The hosts that are open on this thread, for process.exit(): it ends the process without running cleanup hooks, and peers
/// would have to wait for their idle timeouts.
class ExitWatch {
 public:
  static void add(Napi::Env env, HostLife* life) {
    if (!std::exchange(isListening_, true)) listen(env);
    lives_.push_back(life);
  }
  static void remove(HostLife* life) { std::erase(lives_, life); }

 private:
  static void listen(Napi::Env env) {
    const Napi::Value process = env.Global().Get("process");
    if (process.IsObject()) {
      const Napi::Value on = process.As<Napi::Object>().Get("on");
      if (on.IsFunction()) {
        on.As<Napi::Function>().Call(process, {Napi::String::New(env, "exit"), Napi::Function::New<&onExit>(env)});
      }
    }
    if (env.IsExceptionPending()) env.GetAndClearPendingException();
  }
  static void onExit(const Napi::CallbackInfo&) {
    for (HostLife* life : lives_) life->closeForExit();
    for (HostLife* life : lives_) life->waitForExit();
  }

  // One listener for all modules of a thread: a loader that makes the module anew (a test runner) adds no further ones.
  static thread_local bool isListening_;
  static thread_local std::vector<HostLife*> lives_;
};

thread_local bool ExitWatch::isListening_ = false;
thread_local std::vector<HostLife*> ExitWatch::lives_;

// ---- HostLife: begin and end

namespace {

bool isEnd(const HostBatch& batch) {
  return batch.words[batch.words.size() - kRecordWords] == static_cast<uint32_t>(RecordKind::HostClosed);
}

}  // namespace

HostLife::~HostLife() {
  if (env_ != nullptr) letGo();
}

bool HostLife::begin(Napi::Object self, Napi::Function onBatch, bool isThreaded) {
  const Napi::Env env = self.Env();
  uv_loop_t* loop = nullptr;
  const auto onRing = [](void* owner) { static_cast<HostLife*>(owner)->drain(); };
  if (isThreaded && napi_get_uv_event_loop(env, &loop) == napi_ok) doorbell_ = Doorbell::make(loop, onRing, this);
  if (isThreaded && doorbell_ == nullptr) {
    throwError(env, kInvalidState, "no resources for a wake-up handle");
    return false;
  }
  const auto onEnd = [](napi_async_cleanup_hook_handle, void* life) {
    static_cast<HostLife*>(life)->onEnvironmentEnd();
  };
  const Napi::String name = Napi::String::New(env, "node-mvfst");
  if (napi_async_init(env, nullptr, name, &context_) != napi_ok ||
      napi_add_async_cleanup_hook(env, onEnd, this, &hook_) != napi_ok) {
    if (context_ != nullptr) napi_async_destroy(env, std::exchange(context_, nullptr));
    doorbell_.reset();
    throwError(env, kInvalidState, "the environment ends");
    return false;
  }
  env_ = env;
  self_ = Napi::Persistent(self);
  onBatch_ = Napi::Persistent(onBatch);
  ExitWatch::add(env, this);
  return true;
}

void HostLife::adopt(std::unique_ptr<QuicHost> host) {
  host_ = std::move(host);
  applyRef();
}

void HostLife::abandon() { letGo(); }

/// Everything but the memory of this object. The environment goes on ending when it has waited for this.
void HostLife::letGo() {
  ExitWatch::remove(this);
  host_.reset();
  doorbell_.reset();
  converter_.forget();
  onBatch_.Reset();
  if (context_ != nullptr) napi_async_destroy(env_, std::exchange(context_, nullptr));
  if (hook_ != nullptr) napi_remove_async_cleanup_hook(std::exchange(hook_, nullptr));
  env_ = nullptr;
  self_.Reset();
}

void HostLife::setRef(bool ref) {
  isRef_ = ref;
  applyRef();
}

/// What is closing keeps the loop alive: it takes milliseconds, and somebody may wait for the end of it.
void HostLife::applyRef() {
  if (doorbell_ != nullptr)
    doorbell_->setRef(isRef_ || isClosing_);
  else if (host_ != nullptr)
    host_->setRef(isRef_);
}

void HostLife::close(Napi::Object self, Napi::Function onBatch) {
  if (std::exchange(isClosing_, true)) return;
  isOver_ = true;
  if (host_ == nullptr) return answerUnopened(self, onBatch);
  applyRef();
  host_->close();
}

void HostLife::answerUnopened(Napi::Object self, Napi::Function onBatch) {
  const Napi::Env env = self.Env();
  if (isMuted_) return;
  batch_.add(RecordKind::HostClosed, 0);
  const auto arguments = converter_.convert(env, batch_);
  converter_.forget();
  const Napi::Value setImmediate = env.Global().Get("setImmediate");
  if (!arguments || !setImmediate.IsFunction()) return;
  const auto& [words, records, bytes] = arguments->values;
  setImmediate.As<Napi::Function>().Call({onBatch, words, records, bytes});
}

// ---- batches

/// A host of threads calls this on one of them.
void HostLife::onBatchReady() {
  if (doorbell_ != nullptr)
    doorbell_->pull();
  else
    drain();
}

void HostLife::drain() {
  const Napi::HandleScope scope(env_);
  // The last batch releases the object, and its memory must not go before this function has returned.
  [[maybe_unused]] const Napi::Object self = self_.Value();
  for (int batches = 0; host_ != nullptr; ++batches) {
    if (batches == kMaxBatchesPerWake && doorbell_ != nullptr) return doorbell_->pull();
    if (!host_->takeBatch(batch_)) return;
    if (batch_.empty()) continue;  // only facts for the host itself
    const bool isLast = isEnd(batch_);
    if (isLast) {
      isOver_ = isClosing_ = true;
      host_.reset();
    }
    deliver();
    if (isLast) letGo();
  }
}

/// The C functions: in an environment that is being terminated all of them may fail, and nothing is to be done about it.
void HostLife::deliver() {
  if (isMuted_) return;
  const Napi::HandleScope scope(env_);
  const auto arguments = converter_.convert(env_, batch_);
  napi_value ignored = nullptr;
  // As Node's own callbacks: what was deferred to the next tick, and promises, have their turn right afterwards.
  const bool isDone = arguments && napi_make_callback(env_, context_, self_.Value(), onBatch_.Value(), 3,
                                                      arguments->values, &ignored) == napi_ok;
  if (!isDone) reportUncaught(env_);
}

// ---- the environment's end

void HostLife::onEnvironmentEnd() {
  isMuted_ = isOver_ = isClosing_ = true;
  if (host_ == nullptr) return letGo();
  applyRef();
  host_->close();
}

void HostLife::closeForExit() {
  isMuted_ = isOver_ = isClosing_ = true;
  if (host_ != nullptr) host_->close();
}

/// A host on Node's loop has sent what it had to say; it must not be destroyed, for this may be a callback of its own.
void HostLife::waitForExit() {
  if (doorbell_ != nullptr) host_.reset();
}

}  // namespace quic::binding
