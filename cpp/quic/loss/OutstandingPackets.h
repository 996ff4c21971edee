// Packets of one number space that were sent and are not settled, by number.
// A ring of slots in the order of sending; a settled packet leaves a hole, holes at the front are given back, and the
// ring is compacted before it grows. So memory follows the number of unsettled packets, never the distance between
// their numbers: numbers may be skipped at will (RFC 9000 §21.4). Without skipped numbers a lookup is one probe, else a
// binary search.
// Packets in flight are bounded by the congestion window. Packets that are not (only ACK frames) need never be
// acknowledged, so a silent peer could make us keep them forever: of those only the newest kMaxNotInFlight are kept.
#pragma once

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "quic/loss/SentPacket.h"

namespace quic {

class OutstandingPackets {
 public:
  static constexpr size_t kMaxNotInFlight = 256;
  enum class Verdict : uint8_t { Keep, GiveUp, Stop };

  /// `packet.number` is above every number before; false, and nothing is kept, when it is not, which is a bug of ours.
  bool insert(SentPacket&& packet);
  /// nullptr: never sent, or settled.
  [[nodiscard]] const SentPacket* find(PacketNum number) const;
  /// Takes an acknowledged packet out. nullopt: never sent, or settled.
  std::optional<SentPacket> take(PacketNum number);
  /// Whether anything within [first, last] is unsettled.
  [[nodiscard]] bool holdsAny(PacketNum first, PacketNum last) const;
  /// Takes out what is unsettled within [first, last], ascending: `sink(SentPacket&&)`. Costs what lies within of what
  /// was sent, however long the range.
  template <class Sink>
  void takeAcknowledged(PacketNum first, PacketNum last, Sink&& sink) {
    for (size_t at = lowerBound(first); at < span_ && slot(at).packet.number <= last; ++at) {
      if (slot(at).state == State::Unsettled) sink(settle(at, State::Acknowledged));
    }
    trimFront();
  }
  /// Asks `judge(const SentPacket&)` about every unsettled packet, ascending, and takes out those given up:
  /// `sink(SentPacket&&, followsAcknowledged)`, true when an acknowledged packet lies between it and the unsettled one
  /// before.
  template <class Judge, class Sink>
  void giveUpWhere(Judge&& judge, Sink&& sink) {
    bool followsAcknowledged = false;
    for (size_t at = 0; at < span_; ++at) {
      const Slot& current = slot(at);
      followsAcknowledged |= current.followsAcknowledged || current.state == State::Acknowledged;
      if (current.state != State::Unsettled) continue;
      const Verdict verdict = judge(current.packet);
      if (verdict == Verdict::Stop) break;
      if (verdict == Verdict::GiveUp) sink(settle(at, State::GivenUp), followsAcknowledged);
      followsAcknowledged = false;
    }
    trimFront();
  }
  /// Time stood still for `by`: packets count as sent that much later, but not after `latest`.
  void shiftSentTimes(Duration by, TimePoint latest);

  [[nodiscard]] bool empty() const { return count_ == 0; }
  [[nodiscard]] size_t size() const { return count_; }
  [[nodiscard]] size_t ackElicitingInFlight() const { return ackElicitingInFlight_; }
  /// How many packets the memory held would hold.
  [[nodiscard]] size_t capacity() const { return slots_.size(); }
  /// Visits unsettled packets by ascending number from `from` while `visit` returns true.
  template <class Visitor>
  void forEach(PacketNum from, Visitor&& visit) const {
    for (size_t at = lowerBound(from); at < span_; ++at) {
      const Slot& current = slot(at);
      if (current.state == State::Unsettled && !visit(current.packet)) return;
    }
  }

 private:
  enum class State : uint8_t { Unsettled, Acknowledged, GivenUp };
  struct Slot {
    State state = State::GivenUp;
    bool followsAcknowledged = false;  // what compaction remembers of the holes before this slot
    SentPacket packet;                 // of a settled one only the number counts
  };
  [[nodiscard]] Slot& slot(size_t at) { return slots_[(head_ + at) & (slots_.size() - 1)]; }
  [[nodiscard]] const Slot& slot(size_t at) const { return slots_[(head_ + at) & (slots_.size() - 1)]; }
  /// Position of the first slot whose number is not below `number`; span_ when there is none.
  [[nodiscard]] size_t lowerBound(PacketNum number) const;
  SentPacket settle(size_t at, State state);
  void trimFront();
  void makeRoom();
  void compact();
  void grow();
  void forgetOldestNotInFlight();

  std::vector<Slot> slots_;  // a power of two, or none
  size_t head_ = 0;
  size_t span_ = 0;         // slots in use from head_, holes included; the first one is never a hole
  size_t count_ = 0;        // unsettled
  size_t notInFlight_ = 0;  // of the unsettled
  size_t ackElicitingInFlight_ = 0;
  bool endsAcknowledged_ = false;  // what compaction remembers of the holes after the last slot
  PacketNum next_ = 0;             // one above every number before
};

}  // namespace quic
