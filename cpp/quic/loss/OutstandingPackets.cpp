#include "quic/loss/OutstandingPackets.h"

#include <algorithm>

#include "quic/common/Bug.h"

namespace quic {
namespace {
constexpr size_t kFirstSlots = 16;
// An empty ring above this size is given back, so that ten thousand idle connections do not hold the memory of their
// busiest moment.
constexpr size_t kKeptSlots = 256;
}  // namespace

bool OutstandingPackets::insert(SentPacket&& packet) {
  if (QUIC_BUG(packet.number < next_, "packet numbers must rise")) return false;
  if (!packet.inFlight && notInFlight_ == kMaxNotInFlight) forgetOldestNotInFlight();
  if (span_ == slots_.size()) makeRoom();
  next_ = packet.number + 1;
  ++count_;
  if (!packet.inFlight) ++notInFlight_;
  if (packet.inFlight && packet.ackEliciting) ++ackElicitingInFlight_;
  Slot& added = slot(span_++);
  added.state = State::Unsettled;
  added.followsAcknowledged = std::exchange(endsAcknowledged_, false);
  added.packet = std::move(packet);
  return true;
}

const SentPacket* OutstandingPackets::find(PacketNum number) const {
  const size_t at = lowerBound(number);
  if (at == span_) return nullptr;
  const Slot& found = slot(at);
  return found.state == State::Unsettled && found.packet.number == number ? &found.packet : nullptr;
}

bool OutstandingPackets::holdsAny(PacketNum first, PacketNum last) const {
  for (size_t at = lowerBound(first); at < span_ && slot(at).packet.number <= last; ++at) {
    if (slot(at).state == State::Unsettled) return true;
  }
  return false;
}

std::optional<SentPacket> OutstandingPackets::take(PacketNum number) {
  std::optional<SentPacket> taken;
  takeAcknowledged(number, number, [&taken](SentPacket&& packet) { taken = std::move(packet); });
  return taken;
}

void OutstandingPackets::shiftSentTimes(Duration by, TimePoint latest) {
  for (size_t at = 0; at < span_; ++at) {
    TimePoint& sentAt = slot(at).packet.sentAt;
    sentAt = latest - sentAt > by ? sentAt + by : std::max(sentAt, latest);
  }
}

size_t OutstandingPackets::lowerBound(PacketNum number) const {
  if (span_ == 0 || number <= slot(0).packet.number) return 0;
  // Numbers rise by at least one from slot to slot, so the distance to the first is the furthest it can be, and exactly
  // where it is when no number was skipped.
  size_t high = static_cast<size_t>(std::min<uint64_t>(number - slot(0).packet.number, span_));
  if (high < span_ && slot(high).packet.number == number) return high;
  size_t low = 0;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (slot(middle).packet.number < number) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

SentPacket OutstandingPackets::settle(size_t at, State state) {
  Slot& settled = slot(at);
  settled.state = state;
  --count_;
  if (!settled.packet.inFlight) --notInFlight_;
  if (settled.packet.inFlight && settled.packet.ackEliciting) --ackElicitingInFlight_;
  return std::move(settled.packet);  // numbers are copied by a move, and the number stays valid for lookups
}

void OutstandingPackets::trimFront() {
  while (span_ > 0 && slot(0).state != State::Unsettled) {
    head_ = (head_ + 1) & (slots_.size() - 1);
    --span_;
  }
  if (span_ == 0) endsAcknowledged_ = false;
  if (span_ == 0 && slots_.size() > kKeptSlots) {
    slots_ = {};
    head_ = 0;
  }
}

void OutstandingPackets::makeRoom() {
  if (count_ <= span_ / 2) compact();
  if (span_ == slots_.size()) grow();
}

void OutstandingPackets::compact() {
  size_t to = 0;
  bool followsAcknowledged = false;
  for (size_t from = 0; from < span_; ++from) {
    Slot& source = slot(from);
    followsAcknowledged |= source.followsAcknowledged || source.state == State::Acknowledged;
    if (source.state != State::Unsettled) continue;
    source.followsAcknowledged = followsAcknowledged;
    followsAcknowledged = false;
    if (to != from) slot(to) = std::move(source);
    ++to;
  }
  endsAcknowledged_ |= followsAcknowledged;
  span_ = to;
}

void OutstandingPackets::grow() {
  std::vector<Slot> larger(std::max(kFirstSlots, 2 * slots_.size()));
  for (size_t at = 0; at < span_; ++at) larger[at] = std::move(slot(at));
  slots_ = std::move(larger);
  head_ = 0;
}

void OutstandingPackets::forgetOldestNotInFlight() {
  // Half of them at once, so that the walk over what is in flight is paid once in many packets.
  size_t surplus = kMaxNotInFlight / 2;
  giveUpWhere(
      [&surplus](const SentPacket& packet) {
        if (surplus == 0) return Verdict::Stop;
        if (packet.inFlight) return Verdict::Keep;
        --surplus;
        return Verdict::GiveUp;
      },
      [](SentPacket&&, bool) {});
}

}  // namespace quic
