#include "quic/congestion_control/NewReno.h"

#include <algorithm>

namespace quic {

NewReno::NewReno(size_t maxDatagramSize) : maxDatagramSize_(maxDatagramSize), window_(initialWindow(maxDatagramSize)) {}

void NewReno::onAck(const CongestionAckEvent& event, [[maybe_unused]] const RttEstimator& rtt) {
  flight_.remove(event.ackedBytes);
  if (event.appLimited || recovery_.covers(event.largestAckedSentAt)) return;
  if (inSlowStart()) {
    window_ = grownWindow(window_, event.ackedBytes);
    return;
  }
  // Bytes are counted instead of divided per packet, so that nothing is lost to rounding: RFC 9002 §B.5, RFC 3465 §2.1.
  // At most one datagram for each window acknowledged: RFC 9002 §7.3.3.
  ackedOfWindow_ += std::min(event.ackedBytes, kMaxCongestionWindow);
  while (ackedOfWindow_ >= window_) {
    ackedOfWindow_ -= window_;
    window_ = grownWindow(window_, maxDatagramSize_);
  }
}

void NewReno::onLoss(const CongestionLossEvent& event) {
  flight_.remove(event.lostBytes);
  if (event.lostBytes == 0) return;  // RFC 9002 §B.8: only what was in flight is a signal
  onCongestion(event.now, event.largestLostSentAt);
  if (!event.persistent) return;
  window_ = minimumWindow(maxDatagramSize_);
  ackedOfWindow_ = 0;
  recovery_.end();
}

void NewReno::onSpuriousLoss(const CongestionSpuriousLossEvent& event) {
  if (!undoable_ || recovery_.beganAt() != event.reducedAt) return;
  if (window_ < undoable_->window) {
    window_ = undoable_->window;
    slowStartThreshold_ = undoable_->slowStartThreshold;
    ackedOfWindow_ = 0;
  }
  recovery_.end();
  undoable_.reset();
}

void NewReno::onEcnCe(TimePoint now, TimePoint sentAt) {
  onCongestion(now, sentAt);
  undoable_.reset();  // the network has said that there is congestion, whatever became of the packets
}

void NewReno::onMaxDatagramSize(size_t size) {
  // RFC 9002 §7.2: the initial window follows the size. Once the window was earned or cut it stands for the path.
  const bool isInitial = window_ == initialWindow(maxDatagramSize_) && slowStartThreshold_ == UINT64_MAX;
  maxDatagramSize_ = size;
  window_ = isInitial ? initialWindow(size) : std::max(window_, minimumWindow(size));
}

/// RFC 9002 §B.6.
void NewReno::onCongestion(TimePoint now, TimePoint sentAt) {
  if (recovery_.covers(sentAt)) return;
  recovery_.begin(now);
  undoable_ = Reduction{window_, slowStartThreshold_};
  window_ = std::max(window_ / 2, minimumWindow(maxDatagramSize_));
  slowStartThreshold_ = window_;
  ackedOfWindow_ = 0;
}

}  // namespace quic
