#include "io/Worker.h"

#include <utility>

#include "io/SystemClock.h"
#include "quic/tls/TlsEntropy.h"

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
      answers_(*this, up_.records),
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
  const Duration frozenFor = thawDetector_.onTurn(now, systemSlept());
  if (frozenFor > Duration{0} && !isStopped_) thaw(now, frozenFor);
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
  answers_.settle();
  deliver();
  if (isStopped_) return;
  if (std::exchange(hasNewWork_, false)) isLeft |= transmit(now);
  // Streams that wait although there is room again; without room, the host's next take() wakes this loop.
  if (bridge_.hasReadableStreams() && up_.empty()) isLeft = true;
  const std::optional<TimePoint> next = nextTimeout();
  loop_->setDeadline(next);
  thawDetector_.onWaiting(next);
  if (isLeft) loop_->again();
}

/// What a copy of this process knows, it must not use as well (keys, connection IDs, challenges).
void Worker::thaw(TimePoint now, Duration frozenFor) {
  random_.reseed();
  reseedTlsEntropy();
  if (frozenFor > Duration{0}) onThawed(now, frozenFor);
}

void Worker::deliver() {
  if (up_.empty() && !isPoked_) return;
  if (!queue_.offer(up_)) return;
  isPoked_ = false;
  sink_.onBatchReady();
}

/// What both roles do.
struct Worker::CommandRunner {
  Worker& worker;
  TimePoint now;
  Command& command;

  /// A verb that fails is about something that has ended; the host hears, or has heard, of that by an event.
  template <class Act>
  void verb(ConnectionHandle connection, Act&& act) const {
    QuicTransportBase* transport = worker.findTransport(connection);
    if (transport == nullptr) return;
    static_cast<void>(act(*transport));
    worker.touchTransport(connection);
  }

  void operator()(command::StreamWrite& c) const {
    verb(c.connection, [&](QuicTransportBase& transport) {
      worker.bridge_.openUpTo(c.connection, transport, c.stream);
      return transport.writeStream(c.stream, std::move(c.bytes), c.fin);
    });
  }
  void operator()(command::StreamConsume& c) const { worker.bridge_.onConsumed(c.connection, c.stream, c.bytes); }
  void operator()(command::StreamReset& c) const {
    verb(c.connection, [&](QuicTransportBase& transport) { return transport.resetStream(c.stream, c.code); });
  }
  void operator()(command::StreamStop& c) const {
    verb(c.connection, [&](QuicTransportBase& transport) { return transport.stopSending(c.stream, c.code); });
  }
  void operator()(command::StreamResetAt& c) const {
    verb(c.connection, [&](QuicTransportBase& transport) {
      const Result<> done = transport.resetStreamAt(c.stream, c.code, c.reliableSize);
      return done ? done : transport.resetStream(c.stream, c.code);
    });
  }
  void operator()(command::StreamPrioritize& c) const {
    verb(c.connection, [&](QuicTransportBase& transport) { return transport.setStreamPriority(c.stream, c.priority); });
  }
  void operator()(command::SendDatagram& c) const { worker.answers_.sendDatagram(now, c); }
  void operator()(command::UpdateKeys& c) const { worker.answers_.updateKeys(now, c); }
  void operator()(command::ExportKeyingMaterial& c) const { worker.answers_.exportKeyingMaterial(c); }
  void operator()(command::CloseConnection& c) const {
    verb(c.connection, [&](QuicTransportBase& transport) {
      transport.close(now, c.code, c.reason);
      return Unit{};
    });
  }
  void operator()(command::QueryStats& c) const { worker.bridge_.addStats(c.connection, c.request); }
  void operator()(command::StopQlog& c) const {
    if (QuicTransportBase* transport = worker.findTransport(c.connection)) transport->stopQlog();
  }
  void operator()(command::Thaw& c) const { worker.thaw(now, worker.thawDetector_.onTold(now, c.frozenFor)); }
  void operator()(command::Poke&) const { worker.isPoked_ = true; }
  void operator()(command::Stop&) const { worker.stop(now); }
  template <class OfRole>
  void operator()(OfRole&) const {
    worker.runOfRole(now, command);
  }
};

void Worker::run(TimePoint now, Command& command) {
  hasNewWork_ = true;
  std::visit(CommandRunner{*this, now, command}, command);
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
