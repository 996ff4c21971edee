// How much may be in flight on one path, and how fast it leaves: RFC 9002 §7. Consumes events only; holds no packets.
// For one acknowledgment or timer the events come in this order: onEcnCe, onSpuriousLoss, onPacketLost for each, onLoss,
// onAck.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "quic/QuicConstants.h"
#include "quic/congestion_control/DeliveryRateEstimator.h"
#include "quic/loss/RttEstimator.h"

namespace quic {

struct CongestionAckEvent {
  TimePoint now;
  uint64_t ackedBytes = 0;         // of packets in flight, newly acknowledged
  TimePoint largestAckedSentAt{};  // when the largest of them was sent
  bool appLimited = false;         // RFC 9002 §7.8, see WindowUsage: do not grow
  std::optional<RateSample> rate{};
};

struct CongestionLossEvent {
  TimePoint now;
  uint64_t lostBytes = 0;
  TimePoint largestLostSentAt{};
  bool persistent = false;  // RFC 9002 §7.6
};

/// Every packet whose loss shrank the window at `reducedAt` has arrived after all (loss/LossEpisode.h).
struct CongestionSpuriousLossEvent {
  TimePoint now;
  TimePoint reducedAt;  // CongestionLossEvent::now of the first of these losses
};

class CongestionController {
 public:
  virtual ~CongestionController() = default;
  virtual void onPacketSent(TimePoint now, uint64_t bytes) = 0;
  virtual void onAck(const CongestionAckEvent& event, const RttEstimator& rtt) = 0;
  /// For those who model the path; the sum follows by onLoss.
  virtual void onPacketLost([[maybe_unused]] const LossSample& sample) {}
  virtual void onLoss(const CongestionLossEvent& event) = 0;
  /// What the reduction took may be given back: RFC 9438 §4.9. Comes before onLoss of the same acknowledgment.
  virtual void onSpuriousLoss([[maybe_unused]] const CongestionSpuriousLossEvent& event) {}
  /// RFC 9002 §7.1: the peer reports CE on packets of which the latest was sent at `sentAt`.
  virtual void onEcnCe(TimePoint now, TimePoint sentAt) = 0;
  /// The application has nothing more to send, and the window has room.
  virtual void onAppLimited() {}
  /// Packets left the flight without a signal: keys discarded, path left (RFC 9002 §6.4).
  virtual void onDiscarded(uint64_t bytes) = 0;
  virtual void onMaxDatagramSize(size_t size) = 0;

  [[nodiscard]] virtual uint64_t congestionWindow() const = 0;
  [[nodiscard]] virtual uint64_t bytesInFlight() const = 0;
  [[nodiscard]] virtual bool inSlowStart() const = 0;
  /// For logs: its own word for what it does now.
  [[nodiscard]] virtual std::string_view stateName() const {
    return inSlowStart() ? "slow_start" : "congestion_avoidance";
  }
  /// In bytes a second. nullopt: the pacer derives one from the window and the RTT.
  [[nodiscard]] virtual std::optional<uint64_t> pacingRate() const { return std::nullopt; }
  [[nodiscard]] virtual std::string_view name() const = 0;

  [[nodiscard]] uint64_t available() const {
    const uint64_t window = congestionWindow();
    const uint64_t flying = bytesInFlight();
    return window > flying ? window - flying : 0;
  }
};

enum class CongestionControlType : uint8_t { Cubic, NewReno, Bbr, Copa };
/// `seed`: for those that spread their probing at random.
std::unique_ptr<CongestionController> makeCongestionController(CongestionControlType type, size_t maxDatagramSize,
                                                               uint64_t seed = 0);

}  // namespace quic
