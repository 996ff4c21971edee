// How fast one path delivers: draft-cheng-iccrg-delivery-rate-estimation-02. Each acknowledgment yields a sample: the bytes
// acknowledged since its newest packet left, over the longer of the time it took to send them and the time it took to
// acknowledge them. It remembers no packets; they carry a stamp.
// Invariant: a rate is never above what was sent in the interval, however acknowledgments bunch.
#pragma once

#include <optional>

#include "quic/loss/SentPacket.h"

namespace quic {

/// Of one acknowledgment: §3.1.3. "Newest" is the packet sent last among those newly acknowledged.
struct RateSample {
  std::optional<uint64_t> bytesPerSecond{};  // none: the interval was shorter than a round trip can be
  Duration interval{0};
  uint64_t delivered = 0;        // between the sending of the newest and now
  uint64_t lost = 0;             // likewise
  uint64_t inFlightAtSend = 0;   // with the newest
  uint64_t deliveredBefore = 0;  // in all, when the newest was sent
  uint64_t deliveredInAll = 0;   // now
  bool isAppLimited = false;     // the newest was sent while the path had run dry
};

/// Of one lost packet.
struct LossSample {
  TimePoint now;
  PacketNum number = 0;
  TimePoint sentAt;
  uint64_t bytes = 0;
  uint64_t inFlightAtSend = 0;  // with it
  uint64_t lost = 0;            // since it was sent, with it
  bool isAppLimited = false;
};

class DeliveryRateEstimator {
 public:
  /// §3.2. `inFlight`: before this packet.
  [[nodiscard]] DeliveryStamp stamp(TimePoint now, uint64_t bytes, uint64_t inFlight);
  /// §3.3. For each packet newly acknowledged, then finishAck() once.
  void onPacketAcked(TimePoint now, const SentPacket& packet);
  /// nullopt: nothing was acknowledged since the last call. `minRtt`: an interval below it is no sample.
  std::optional<RateSample> finishAck(Duration minRtt);
  LossSample onPacketLost(TimePoint now, const SentPacket& packet);
  /// §3.4: there is nothing to send, and the window has room. What is sent before this much is delivered is marked.
  void onAppLimited(uint64_t inFlight);

  /// Bytes a second, of the last sample that had a rate; 0: none yet.
  [[nodiscard]] uint64_t latest() const { return latest_; }
  [[nodiscard]] uint64_t delivered() const { return delivered_; }
  [[nodiscard]] bool isAppLimited() const { return appLimitedUntil_.has_value(); }

 private:
  struct Newest {
    DeliveryStamp stamp;
    TimePoint sentAt;
  };

  uint64_t delivered_ = 0;
  uint64_t lost_ = 0;
  uint64_t latest_ = 0;
  TimePoint deliveredAt_{};
  TimePoint firstSentAt_{};  // the sending of the packet that was acknowledged last, or of the first after idleness
  std::optional<uint64_t> appLimitedUntil_;  // of `delivered_`
  std::optional<Newest> newest_;             // among those acknowledged since finishAck()
};

}  // namespace quic
