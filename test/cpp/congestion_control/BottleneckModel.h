// A dumbbell in virtual time: senders with unlimited data, one link of a fixed rate with a buffer that drops at its end, and
// random loss before it. Packets stay in order; receivers acknowledge every second one. Losses are found by the packet
// threshold of RFC 9002 §6.1.1, what that misses by a probe timeout. Everything is decided by the seed.
// It drives what a path drives in the engine, in the same order: controller, pacer, delivery rate and window usage.
#pragma once

#include <algorithm>
#include <cmath>
#include <deque>
#include <functional>
#include <memory>
#include <queue>
#include <random>
#include <vector>

#include "quic/congestion_control/CongestionController.h"
#include "quic/congestion_control/Pacer.h"
#include "quic/congestion_control/WindowUsage.h"

namespace quic::model {

inline constexpr uint64_t kDatagram = 1200;

struct Link {
  double bytesPerSecond = 1.25e6;
  uint64_t buffer = 125'000;        // bytes that wait, beyond what is being sent
  double lossRate = 0;              // of packets, at random
  uint64_t markAbove = UINT64_MAX;  // queue from which on packets are marked CE
};

struct FlowOptions {
  CongestionControlType type = CongestionControlType::Cubic;
  Duration roundTrip = 50ms;  // without queue
  Duration startAt{0};
  uint64_t seed = 1;
};

/// One sender. Numbers of packets are their positions in the order of sending.
class Flow {
 public:
  explicit Flow(const FlowOptions& options)
      : options(options), controller(makeCongestionController(options.type, kDatagram, options.seed)) {}

  FlowOptions options;
  std::unique_ptr<CongestionController> controller;
  RttEstimator rtt;
  Pacer pacer;
  DeliveryRateEstimator deliveryRate;
  WindowUsage usage;
  std::deque<SentPacket> outstanding;
  PacketNum nextNumber = 0;
  uint64_t backlog = UINT64_MAX;  // bytes that the application has; UINT64_MAX: always some

  // ---- what came of it
  uint64_t delivered = 0;   // bytes acknowledged
  uint64_t lost = 0;        // bytes
  uint64_t reductions = 0;  // loss events that made the window smaller
  uint64_t timeouts = 0;
  double windowTime = 0;  // integral of the window over seconds

  // ---- the model's own
  std::vector<PacketNum> unreported;  // arrived, not acknowledged
  std::vector<bool> marked;
  TimePoint lastProgressAt{};
  TimePoint sampledAt{};
  std::optional<TimePoint> wakeAt;
  bool isTimerArmed = false;
  int probes = 0;
};

class BottleneckModel {
 public:
  BottleneckModel(const Link& link, uint64_t seed) : link_(link), random_(seed) {}

  /// References stay good.
  Flow& add(const FlowOptions& options) {
    flows_.push_back(std::make_unique<Flow>(options));
    const size_t index = flows_.size() - 1;
    at(TimePoint{} + options.startAt, What::MaySend, index);
    return *flows_.back();
  }
  void setRate(double bytesPerSecond) { link_.bytesPerSecond = bytesPerSecond; }
  void setLossRate(double rate) { link_.lossRate = rate; }
  void run(Duration duration) {
    const TimePoint until = now_ + duration;
    while (!events_.empty() && events_.top().when <= until) {
      const Event event = events_.top();
      events_.pop();
      now_ = event.when;
      handle(event);
    }
    now_ = until;
    for (auto& flow : flows_) integrate(*flow);
  }
  /// Gives the application of a flow this much to send.
  void write(Flow& flow, uint64_t bytes) {
    flow.backlog = flow.backlog == UINT64_MAX ? bytes : flow.backlog + bytes;
    for (size_t i = 0; i < flows_.size(); ++i) {
      if (flows_[i].get() == &flow) trySend(i);
    }
  }
  [[nodiscard]] TimePoint now() const { return now_; }
  [[nodiscard]] uint64_t queue() const { return queueAt(now_); }
  [[nodiscard]] uint64_t deepestQueue() const { return deepestQueue_; }
  void forgetDeepestQueue() { deepestQueue_ = 0; }
  /// After every acknowledgment.
  std::function<void(const Flow&)> onAcked = [](const Flow&) {};

 private:
  enum class What : uint8_t { MaySend, Arrived, AckDelayOver, Timeout };
  struct Event {
    TimePoint when;
    uint64_t order;
    What what;
    size_t flow;
    PacketNum number;  // of the packet that it is about
    bool operator<(const Event& other) const { return when != other.when ? when > other.when : order > other.order; }
  };
  static constexpr Duration kMaxAckDelay = 25ms;

  void at(TimePoint when, What what, size_t flow, PacketNum number = 0) {
    events_.push({when, order_++, what, flow, number});
  }
  void handle(const Event& event) {
    Flow& flow = *flows_[event.flow];
    switch (event.what) {
      case What::MaySend:
        if (!flow.wakeAt || *flow.wakeAt == event.when) trySend(event.flow);
        return;
      case What::Arrived: return onArrived(event.flow, event.number);
      case What::AckDelayOver:
        if (!flow.unreported.empty() && flow.unreported.front() == event.number) acknowledge(event.flow);
        return;
      case What::Timeout: return onTimeout(event.flow);
    }
  }
  [[nodiscard]] uint64_t queueAt(TimePoint now) const {
    const double waiting = linkFreeAt_ - seconds(now);
    return waiting <= 0 ? 0 : static_cast<uint64_t>(waiting * link_.bytesPerSecond);
  }
  static double seconds(TimePoint time) { return std::chrono::duration<double>(time.time_since_epoch()).count(); }
  void integrate(Flow& flow) const {
    const double elapsed = seconds(now_) - seconds(flow.sampledAt);
    flow.windowTime += elapsed * static_cast<double>(flow.controller->congestionWindow());
    flow.sampledAt = now_;
  }

  // ---- sending
  void trySend(size_t index) {
    Flow& flow = *flows_[index];
    flow.wakeAt.reset();
    for (;;) {
      if (flow.backlog == 0) {
        flow.usage.onOutOfData();
        if (flow.controller->available() >= kDatagram) {
          flow.deliveryRate.onAppLimited(flow.controller->bytesInFlight());
          flow.controller->onAppLimited();
        }
        return;
      }
      if (flow.controller->available() < kDatagram) return;
      if (const auto next = flow.pacer.nextSendTime(now_, kDatagram)) {
        flow.wakeAt = *next;
        return at(*next, What::MaySend, index);
      }
      send(index);
    }
  }
  void send(size_t index) {
    Flow& flow = *flows_[index];
    const uint64_t size = std::min(kDatagram, flow.backlog);
    if (flow.backlog != UINT64_MAX) flow.backlog -= size;
    SentPacket packet;
    packet.number = flow.nextNumber++;
    packet.sentAt = now_;
    packet.size = static_cast<uint32_t>(size);
    packet.ackEliciting = packet.inFlight = true;
    const uint64_t inFlight = flow.controller->bytesInFlight();
    if (inFlight == 0) flow.pacer.onRestart(now_);
    packet.delivery = flow.deliveryRate.stamp(now_, size, inFlight);
    flow.controller->onPacketSent(now_, size);
    flow.pacer.onPacketSent(now_, size);
    flow.usage.onPacketSent(now_, size,
                            {flow.controller->bytesInFlight(), flow.controller->congestionWindow(), kDatagram});
    const PacketNum number = packet.number;
    flow.outstanding.push_back(std::move(packet));
    flow.marked.push_back(false);
    flow.lastProgressAt = now_;
    if (!flow.isTimerArmed) armTimeout(index);
    if (std::uniform_real_distribution<>(0, 1)(random_) < link_.lossRate) return;
    const uint64_t queue = queueAt(now_);
    if (queue + size > link_.buffer + kDatagram) return;
    deepestQueue_ = std::max(deepestQueue_, queue);
    if (queue > link_.markAbove) flow.marked[number] = true;
    linkFreeAt_ = std::max(linkFreeAt_, seconds(now_)) + static_cast<double>(size) / link_.bytesPerSecond;
    const TimePoint arrival = TimePoint{Duration{static_cast<int64_t>(std::ceil(linkFreeAt_ * 1e6))}};
    at(arrival + flow.options.roundTrip, What::Arrived, index, number);
  }

  // ---- the receiver, seen from the sender: half a round trip is as good before the link as behind it
  void onArrived(size_t index, PacketNum number) {
    Flow& flow = *flows_[index];
    flow.unreported.push_back(number);
    if (flow.unreported.size() >= 2) return acknowledge(index);
    at(now_ + kMaxAckDelay, What::AckDelayOver, index, number);
  }
  void acknowledge(size_t index) {
    Flow& flow = *flows_[index];
    CongestionAckEvent acked{.now = now_};
    CongestionLossEvent lost{.now = now_};
    std::optional<TimePoint> markedSentAt;
    const PacketNum largest = flow.unreported.back();
    for (const PacketNum number : flow.unreported) {
      const auto found = std::find_if(flow.outstanding.begin(), flow.outstanding.end(),
                                      [=](const SentPacket& packet) { return packet.number == number; });
      if (found == flow.outstanding.end()) continue;  // given up before
      flow.deliveryRate.onPacketAcked(now_, *found);
      acked.ackedBytes += found->size;
      acked.largestAckedSentAt = found->sentAt;
      acked.appLimited = !flow.usage.wasFullSince(found->sentAt);
      if (flow.marked[number]) markedSentAt = found->sentAt;
      flow.outstanding.erase(found);
    }
    flow.unreported.clear();
    flow.lastProgressAt = now_;
    flow.probes = 0;
    if (acked.ackedBytes > 0) flow.rtt.onSample(now_ - acked.largestAckedSentAt, Duration{0}, Duration{0}, now_);
    if (markedSentAt) flow.controller->onEcnCe(now_, *markedSentAt);
    while (!flow.outstanding.empty() && flow.outstanding.front().number + kPacketReorderingThreshold <= largest) {
      giveUp(flow, lost);
    }
    tell(flow, acked, lost);
    trySend(index);
  }
  void giveUp(Flow& flow, CongestionLossEvent& lost) {
    const SentPacket& packet = flow.outstanding.front();
    lost.lostBytes += packet.size;
    lost.largestLostSentAt = std::max(lost.largestLostSentAt, packet.sentAt);
    flow.lost += packet.size;
    flow.controller->onPacketLost(flow.deliveryRate.onPacketLost(now_, packet));
    if (flow.backlog != UINT64_MAX) flow.backlog += packet.size;
    flow.outstanding.pop_front();
  }
  void tell(Flow& flow, CongestionAckEvent& acked, const CongestionLossEvent& lost) {
    integrate(flow);
    if (lost.lostBytes > 0) {
      const uint64_t before = flow.controller->congestionWindow();
      flow.controller->onLoss(lost);
      if (flow.controller->congestionWindow() < before) ++flow.reductions;
    }
    if (acked.ackedBytes > 0) {
      flow.delivered += acked.ackedBytes;
      acked.rate = flow.deliveryRate.finishAck(flow.rtt.min());
      flow.controller->onAck(acked, flow.rtt);
    }
    flow.pacer.onUpdate(now_, {.congestionWindow = flow.controller->congestionWindow(),
                               .smoothedRtt = flow.rtt.smoothed(),
                               .inSlowStart = flow.controller->inSlowStart(),
                               .maxDatagramSize = kDatagram,
                               .rate = flow.controller->pacingRate()});
    onAcked(flow);
  }

  // ---- RFC 9002 §6.2: everything in flight is gone, so nothing tells of it
  void armTimeout(size_t index) {
    Flow& flow = *flows_[index];
    flow.isTimerArmed = true;
    at(std::max(now_, flow.lastProgressAt + period(flow)), What::Timeout, index);
  }
  void onTimeout(size_t index) {
    Flow& flow = *flows_[index];
    flow.isTimerArmed = false;
    if (flow.outstanding.empty()) return;
    if (now_ - flow.lastProgressAt < period(flow)) return armTimeout(index);
    ++flow.timeouts;
    ++flow.probes;
    if (flow.backlog == 0) flow.backlog = kDatagram;
    send(index);
  }
  static Duration period(const Flow& flow) { return flow.rtt.pto(kMaxAckDelay) * (1 << std::min(flow.probes, 10)); }

  Link link_;
  std::mt19937_64 random_;
  std::vector<std::unique_ptr<Flow>> flows_;
  std::priority_queue<Event> events_;
  uint64_t order_ = 0;
  TimePoint now_{};
  double linkFreeAt_ = 0;  // seconds
  uint64_t deepestQueue_ = 0;
};

}  // namespace quic::model
