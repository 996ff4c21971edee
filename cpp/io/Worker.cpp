#include "io/Worker.h"

#include <utility>

#include "io/Overloaded.h"
#include "io/SystemClock.h"

namespace quic {
namespace {

constexpr size_t kMaxWaitingForwards = 4096;

}  // namespace

Worker::Worker(Role role, uv_loop_t* given, HostSink& sink)
    : role_(role),
      crypto_(makeOpenSslCryptoFactory()),
      sink_(sink),
      isThreaded_(given == nullptr),
      bridge_(role, *this, up_),
      loop_(EventLoop::make(given, *this)) {
  if (loop_) queue_.attach(*loop_);
}

Worker::~Worker() = default;

// ---- host

bool Worker::start() {
  if (!isThreaded_) {
    loop_->requestTurn();
    return true;
  }
  const auto main = [](void* self) { static_cast<Worker*>(self)->loop_->run(); };
  isRunning_ = uv_thread_create(&thread_, main, this) == 0;
  return isRunning_;
}

void Worker::post(Command&& command) {
  if (isThreaded_) return queue_.post(std::move(command));
  if (isStopped_) return;
  run(systemNow(), command);
  if (!isStopped_) loop_->requestTurn();
}

void Worker::postForwarded(command::Forwarded&& datagram) { queue_.postUpTo(kMaxWaitingForwards, std::move(datagram)); }

void Worker::flush() {
  if (isThreaded_ || isStopped_ || !std::exchange(hasNewWork_, false)) return;
  transmit(systemNow());
}

void Worker::setRef(bool ref) {
  if (!isThreaded_ && !isStopped_) loop_->setRef(ref);
}

void Worker::join() {
  if (std::exchange(isRunning_, false)) uv_thread_join(&thread_);
}

void Worker::shutDown() {
  if (!isOpen()) return;
  if (isRunning_) {
    queue_.post(command::Stop{});
    join();
  } else if (!isStopped_) {
    stop(systemNow());
  }
  loop_.reset();
}

// ---- turns

void Worker::onTurn() {
  const TimePoint now = systemNow();
  queue_.takeCommands(commands_);
  for (Command& command : commands_) {
    if (!isStopped_) run(now, command);
  }
  commands_.clear();
  if (isStopped_) return;

  hasNewWork_ = false;
  bool isLeft = drive(now);
  // What reading leads to, credit for the peer and streams that are closed, belongs to this turn: nothing else may wake it.
  if (bridge_.readStreams()) isLeft |= drive(now);
  deliver();
  if (isStopped_) return;
  if (std::exchange(hasNewWork_, false)) isLeft |= transmit(now);
  // Streams that wait although there is room again; without room, the host's next take() wakes this loop.
  if (bridge_.hasReadableStreams() && up_.empty()) isLeft = true;
  loop_->setDeadline(nextTimeout());
  if (isLeft) loop_->again();
}

void Worker::deliver() {
  if (up_.empty() && !isPoked_) return;
  if (!queue_.offer(up_)) return;
  isPoked_ = false;
  sink_.onBatchReady();
}

void Worker::run(TimePoint now, Command& command) {
  hasNewWork_ = true;
  // A verb that fails is about something that has ended; the host hears, or has heard, of that by an event.
  const auto verb = [&](ConnectionHandle connection, auto&& act) {
    QuicTransportBase* transport = findTransport(connection);
    if (transport == nullptr) return;
    static_cast<void>(act(*transport));
    touchTransport(connection);
  };
  std::visit(
      Overloaded{
          [&](command::StreamWrite& c) {
            verb(c.connection, [&](QuicTransportBase& transport) {
              bridge_.openUpTo(c.connection, transport, c.stream);
              return transport.writeStream(c.stream, std::move(c.bytes), c.fin);
            });
          },
          [&](command::StreamConsume& c) { bridge_.onConsumed(c.connection, c.stream, c.bytes); },
          [&](command::StreamReset& c) {
            verb(c.connection, [&](QuicTransportBase& transport) { return transport.resetStream(c.stream, c.code); });
          },
          [&](command::StreamStop& c) {
            verb(c.connection, [&](QuicTransportBase& transport) { return transport.stopSending(c.stream, c.code); });
          },
          [&](command::CloseConnection& c) {
            verb(c.connection, [&](QuicTransportBase& transport) {
              transport.close(now, c.code, c.reason);
              return Unit{};
            });
          },
          [&](command::QueryStats& c) { bridge_.addStats(c.connection, c.request); },
          [&](command::Poke&) { isPoked_ = true; },
          [&](command::Stop&) { stop(now); },
          [&](auto&) { runOfRole(now, command); },
      },
      command);
}

// ---- the end

void Worker::stop(TimePoint now) {
  if (std::exchange(isStopped_, true)) return;
  closeEverything(now);
  bridge_.endAll(role_ == Role::Server ? LocalErrorCode::SERVER_CLOSED : LocalErrorCode::CONNECTION_CLOSED);
  up_.facts.push_back(fact::WorkerStopped{});
  queue_.detach();
  loop_->close();
}

void Worker::onLoopClosed() {
  queue_.finish(up_);
  // The last statement: the host may free this worker in there.
  sink_.onBatchReady();
}

}  // namespace quic
