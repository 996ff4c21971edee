#include "quic/congestion_control/NewReno.h"

#include <algorithm>

#include "quic/common/Bug.h"

namespace quic {
namespace {
constexpr uint64_t kInitialWindowBytes = 14720;  // RFC 9002 §7.2

uint64_t initialWindow(uint64_t maxDatagramSize) {
  return std::min(kInitialWindowPackets * maxDatagramSize, std::max(kInitialWindowBytes, 2 * maxDatagramSize));
}
}  // namespace

NewReno::NewReno(size_t maxDatagramSize) : maxDatagramSize_(maxDatagramSize), window_(initialWindow(maxDatagramSize)) {}

void NewReno::onPacketSent([[maybe_unused]] TimePoint now, uint64_t bytes) { bytesInFlight_ += bytes; }

void NewReno::onAck(const CongestionAckEvent& event, [[maybe_unused]] const RttEstimator& rtt) {
  leaveFlight(event.ackedBytes);
  if (event.appLimited || inRecovery(event.largestAckedSentAt)) return;
  if (inSlowStart()) {
    window_ += event.ackedBytes;
    return;
  }
  // Bytes are counted instead of divided per packet, so that nothing is lost to rounding: RFC 9002 §B.5, RFC 3465 §2.1.
  // At most one datagram for each window acknowledged: RFC 9002 §7.3.3.
  ackedOfWindow_ += event.ackedBytes;
  while (ackedOfWindow_ >= window_) {
    ackedOfWindow_ -= window_;
    window_ += maxDatagramSize_;
  }
}

void NewReno::onLoss(const CongestionLossEvent& event) {
  leaveFlight(event.lostBytes);
  if (event.lostBytes == 0) return;  // RFC 9002 §B.8: only what was in flight is a signal
  const Reduction before{window_, slowStartThreshold_};
  if (!inRecovery(event.largestLostSentAt)) undoable_ = before;
  onCongestion(event.now, event.largestLostSentAt);
  if (!event.persistent) return;
  window_ = minimumWindow();
  ackedOfWindow_ = 0;
  recoveryBeganAt_.reset();
  undoable_.reset();
}

void NewReno::onSpuriousLoss(const CongestionSpuriousLossEvent& event) {
  if (!undoable_ || recoveryBeganAt_ != event.reducedAt) return;
  if (window_ < undoable_->window) {
    window_ = undoable_->window;
    slowStartThreshold_ = undoable_->slowStartThreshold;
    ackedOfWindow_ = 0;
  }
  recoveryBeganAt_.reset();
  undoable_.reset();
}

void NewReno::onEcnCe(TimePoint now, TimePoint sentAt) {
  undoable_.reset();  // the network has said that there is congestion, whatever became of the packets
  onCongestion(now, sentAt);
}

void NewReno::onDiscarded(uint64_t bytes) { leaveFlight(bytes); }

void NewReno::onMaxDatagramSize(size_t size) {
  // RFC 9002 §7.2: the initial window follows the size. Once the window was earned or cut it stands for the path.
  const bool isInitial = window_ == initialWindow(maxDatagramSize_) && slowStartThreshold_ == UINT64_MAX;
  maxDatagramSize_ = size;
  window_ = isInitial ? initialWindow(size) : std::max(window_, minimumWindow());
}

/// RFC 9002 §B.6.
void NewReno::onCongestion(TimePoint now, TimePoint sentAt) {
  if (inRecovery(sentAt)) return;
  recoveryBeganAt_ = now;
  window_ = std::max(window_ / 2, minimumWindow());
  slowStartThreshold_ = window_;
  ackedOfWindow_ = 0;
}

void NewReno::leaveFlight(uint64_t bytes) {
  const bool tooMany = QUIC_BUG(bytes > bytesInFlight_, "more left the flight than was in it");
  bytesInFlight_ = tooMany ? 0 : bytesInFlight_ - bytes;
}

}  // namespace quic
