#include "io/HostQueue.h"

#include <utility>

namespace quic {

void HostQueue::attach(EventLoop& loop) {
  const std::lock_guard lock(mutex_);
  loop_ = &loop;
}

void HostQueue::detach() {
  const std::lock_guard lock(mutex_);
  loop_ = nullptr;
  commands_.clear();
}

/// Under the mutex, so that the loop cannot go away meanwhile.
void HostQueue::wake() {
  if (loop_ != nullptr && !std::exchange(isWoken_, true)) loop_->wake();
}

void HostQueue::post(Command&& command) { postUpTo(SIZE_MAX, std::move(command)); }

void HostQueue::postUpTo(size_t limit, Command&& command) {
  const std::lock_guard lock(mutex_);
  if (loop_ == nullptr || commands_.size() >= limit) return;
  commands_.push_back(std::move(command));
  wake();
}

bool HostQueue::take(UpBatch& out) {
  out.clear();
  const std::lock_guard lock(mutex_);
  std::swap(out, up_.empty() ? last_ : up_);
  if (std::exchange(workerWaits_, false)) wake();
  return !out.empty();
}

void HostQueue::takeCommands(std::vector<Command>& out) {
  out.clear();
  const std::lock_guard lock(mutex_);
  std::swap(out, commands_);
  isWoken_ = false;
}

bool HostQueue::offer(UpBatch& batch) {
  const std::lock_guard lock(mutex_);
  workerWaits_ = !up_.empty();
  if (workerWaits_) return false;
  std::swap(batch, up_);
  return true;
}

void HostQueue::finish(UpBatch& batch) {
  const std::lock_guard lock(mutex_);
  std::swap(batch, last_);
}

}  // namespace quic
