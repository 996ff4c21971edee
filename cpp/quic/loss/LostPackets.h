// Packets of one number space that were handed out as lost, for as long as their acknowledgment may still come: what
// arrives late need not be sent again (RFC 9000 §13.3), and its loss was none (RFC 9002 §6.1).
// It does not know why that matters; it keeps copies and gives each back at most once.
// Bounded: the newest kMaxRemembered by number, none for longer than its caller said.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "quic/loss/SentPacket.h"

namespace quic {

/// RFC 9002 §6.1.1, §6.1.2; or the path was left, which says nothing about the packet.
enum class LossCause : uint8_t { PacketThreshold, TimeThreshold, Abandoned };

struct LostPacket {
  SentPacket packet;
  LossCause cause = LossCause::PacketThreshold;
  TimePoint lostAt{};
  TimePoint forgetAt{};
};

class LostPackets {
 public:
  static constexpr size_t kMaxRemembered = 128;

  void remember(LostPacket&& lost);
  /// Drops what is not waited for any longer.
  void forgetUntil(TimePoint now);
  /// Hands out, and forgets, what lies within [first, last]: `sink(LostPacket&&)`, ascending.
  template <class Sink>
  void takeAcknowledged(PacketNum first, PacketNum last, Sink&& sink) {
    const size_t from = lowerBound(first);
    size_t to = from;
    while (to < entries_.size() && entries_[to].packet.number <= last) sink(std::move(entries_[to++]));
    erase(from, to);
  }
  /// Time stood still for `by`: everything happened that much later, but not after `latest`.
  void shiftTimes(Duration by, TimePoint latest);
  void clear();

  [[nodiscard]] bool empty() const { return head_ == entries_.size(); }
  [[nodiscard]] size_t size() const { return entries_.size() - head_; }

 private:
  [[nodiscard]] size_t lowerBound(PacketNum number) const;
  void erase(size_t from, size_t to);
  void dropFront();
  void tidy();

  std::vector<LostPacket> entries_;  // ascending by number; those before head_ are empty
  size_t head_ = 0;
};

}  // namespace quic
