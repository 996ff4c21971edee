#include "quic/congestion_control/DeliveryRateEstimator.h"

#include <algorithm>

namespace quic {
namespace {

uint64_t rateOf(uint64_t bytes, Duration interval) {
  constexpr double kMicrosecondsPerSecond = 1e6;
  constexpr double kHighest = 1e15;  // bytes a second: above any link, and exact in a double
  const double rate = static_cast<double>(bytes) * kMicrosecondsPerSecond / static_cast<double>(interval.count());
  return static_cast<uint64_t>(std::min(rate, kHighest));
}

}  // namespace

DeliveryStamp DeliveryRateEstimator::stamp(TimePoint now, uint64_t bytes, uint64_t inFlight) {
  if (inFlight == 0) firstSentAt_ = deliveredAt_ = now;
  return {.delivered = delivered_,
          .lost = lost_,
          .inFlight = inFlight + bytes,
          .deliveredAt = deliveredAt_,
          .firstSentAt = firstSentAt_,
          .isAppLimited = isAppLimited()};
}

void DeliveryRateEstimator::onPacketAcked(TimePoint now, const SentPacket& packet) {
  delivered_ += packet.size;
  deliveredAt_ = now;
  if (newest_ && packet.sentAt < newest_->sentAt) return;
  newest_ = Newest{packet.delivery, packet.sentAt};
  firstSentAt_ = packet.sentAt;
}

std::optional<RateSample> DeliveryRateEstimator::finishAck(Duration minRtt) {
  if (appLimitedUntil_ && delivered_ > *appLimitedUntil_) appLimitedUntil_.reset();
  if (!newest_) return std::nullopt;
  const DeliveryStamp& stamp = newest_->stamp;
  const Duration sendElapsed = newest_->sentAt - stamp.firstSentAt;
  const Duration ackElapsed = deliveredAt_ - stamp.deliveredAt;
  RateSample sample{.interval = std::max(sendElapsed, ackElapsed),
                    .delivered = delivered_ - stamp.delivered,
                    .lost = lost_ - stamp.lost,
                    .inFlightAtSend = stamp.inFlight,
                    .deliveredBefore = stamp.delivered,
                    .deliveredInAll = delivered_,
                    .isAppLimited = stamp.isAppLimited};
  newest_.reset();
  // §3.3: an interval below the least round trip comes of packets that count twice or of clocks, not of a fast path.
  if (sample.interval >= std::max(minRtt, Duration{1})) {
    latest_ = rateOf(sample.delivered, sample.interval);
    sample.bytesPerSecond = latest_;
  }
  return sample;
}

LossSample DeliveryRateEstimator::onPacketLost(TimePoint now, const SentPacket& packet) {
  lost_ += packet.size;
  return {.now = now,
          .number = packet.number,
          .sentAt = packet.sentAt,
          .bytes = packet.size,
          .inFlightAtSend = packet.delivery.inFlight,
          .lost = lost_ - packet.delivery.lost,
          .isAppLimited = packet.delivery.isAppLimited};
}

void DeliveryRateEstimator::onAppLimited(uint64_t inFlight) { appLimitedUntil_ = delivered_ + inFlight; }

}  // namespace quic
