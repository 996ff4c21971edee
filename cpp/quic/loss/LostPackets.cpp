#include "quic/loss/LostPackets.h"

#include <algorithm>
#include <utility>

namespace quic {
namespace {
constexpr size_t kKeptCapacity = 16;  // of an empty memory: connections that lose little need not allocate again
}

void LostPackets::remember(LostPacket&& lost) {
  if (size() == kMaxRemembered) dropFront();
  tidy();
  const size_t at = lowerBound(lost.packet.number);
  entries_.insert(entries_.begin() + static_cast<ptrdiff_t>(at), std::move(lost));
}

void LostPackets::forgetUntil(TimePoint now) {
  // An abandoned packet may lie before others that are due earlier; they wait for it, which the bound allows.
  while (!empty() && entries_[head_].forgetAt <= now) dropFront();
  tidy();
}

void LostPackets::shiftTimes(Duration by, TimePoint latest) {
  for (size_t i = head_; i < entries_.size(); ++i) {
    TimePoint& sentAt = entries_[i].packet.sentAt;
    sentAt = latest - sentAt > by ? sentAt + by : std::max(sentAt, latest);
    entries_[i].forgetAt += by;
  }
}

void LostPackets::clear() {
  entries_ = {};
  head_ = 0;
}

size_t LostPackets::lowerBound(PacketNum number) const {
  const auto first = entries_.begin() + static_cast<ptrdiff_t>(head_);
  const auto found = std::lower_bound(first, entries_.end(), number, [](const LostPacket& lost, PacketNum value) {
    return lost.packet.number < value;
  });
  return static_cast<size_t>(found - entries_.begin());
}

void LostPackets::erase(size_t from, size_t to) {
  entries_.erase(entries_.begin() + static_cast<ptrdiff_t>(from), entries_.begin() + static_cast<ptrdiff_t>(to));
  tidy();
}

void LostPackets::dropFront() { entries_[head_++].packet.frames = {}; }

void LostPackets::tidy() {
  if (empty()) {
    entries_.clear();
    if (entries_.capacity() > kKeptCapacity) entries_ = {};
    head_ = 0;
  } else if (head_ >= kMaxRemembered) {
    entries_.erase(entries_.begin(), entries_.begin() + static_cast<ptrdiff_t>(head_));
    head_ = 0;
  }
}

}  // namespace quic
