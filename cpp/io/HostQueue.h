// Between one worker and its host, which may be another thread: commands down, one batch of facts up.
// Bounded upward: there is one place for a batch. While it is full the worker keeps what it has and stops reading streams,
// then stops reading the socket; it never grows without bound. Commands are the host's own doing and have no limit.
// One mutex, held for a swap or a push; nobody computes under it.
#pragma once

#include <mutex>
#include <vector>

#include "io/Commands.h"
#include "io/EventLoop.h"
#include "io/HostBatch.h"

namespace quic {

struct UpBatch {
  HostBatch records;
  std::vector<HostFact> facts;

  [[nodiscard]] bool empty() const { return records.empty() && facts.empty(); }
  void clear() {
    records.clear();
    facts.clear();
  }
};

class HostQueue {
 public:
  // ---- host
  /// Dropped after detach(): nobody would hear it.
  void post(Command&& command);
  /// For what peers cause: dropped also when `limit` commands wait already.
  void postUpTo(size_t limit, Command&& command);
  /// Swaps with an emptied `out`. False: there is nothing.
  bool take(UpBatch& out);

  // ---- worker
  /// `loop` is woken for commands, until detach().
  void attach(EventLoop& loop);
  void detach();
  /// Swaps with an emptied `out`.
  void takeCommands(std::vector<Command>& out);
  /// Moves `batch` up when the place is free, and leaves it empty. False: later; the worker is woken when it is.
  bool offer(UpBatch& batch);
  /// The last one; never refused.
  void finish(UpBatch& batch);

 private:
  void wake();

  std::mutex mutex_;
  EventLoop* loop_ = nullptr;  // null: nobody to wake
  std::vector<Command> commands_;
  bool isWoken_ = false;  // a wake is under way: further commands need none
  UpBatch up_;
  UpBatch last_;
  bool workerWaits_ = false;
};

}  // namespace quic
