// The largest datagram that one path carries: DPLPMTUD, RFC 8899 §5 and RFC 9000 §14.3. A state machine that is told what
// became of probes and of ordinary packets, and says what to probe next. It sends nothing, reads no clock, and knows no ICMP:
// a size is believed when a packet of that size was acknowledged (RFC 9000 §14.2.1).
//
//   Disabled --connected--> Searching <--> SearchComplete      (the handshake, or path validation, has confirmed the base)
//   Disabled --doubted--> Base                                 (path validation has not)
//   Searching, SearchComplete --black hole--> Base --acknowledged--> Searching
//   Base --kMaxProbes lost--> Error --acknowledged--> Searching
//   Error --kMaxProbes lost--> Unusable                        (the path does not carry 1200 bytes: RFC 9000 §14.2)
//
// Invariants: size() is never below kMinUdpPayloadSize; at most one probe is under way.
#pragma once

#include <cstdint>
#include <optional>

#include "quic/QuicConstants.h"
#include "quic/common/Ids.h"

namespace quic {

struct PathMtuSettings {
  bool isEnabled = true;
  size_t start = kDefaultUdpPayloadSize;  // what is sent before anything is known
};

class PathMtu {
 public:
  enum class State : uint8_t { Disabled, Base, Searching, SearchComplete, Error, Unusable };

  static constexpr size_t kBase = kMinUdpPayloadSize;  // RFC 9000 §14.3: BASE_PLPMTU is MIN_PLPMTU
  static constexpr uint32_t kMaxProbes = 3;            // RFC 8899 §5.1.2, of one size, before it is given up
  static constexpr Duration kRaiseInterval = 600s;     // RFC 8899 §5.1.1
  static constexpr uint32_t kBlackHoleLosses = 4;      // large packets in a row, and no later one arrived
  static constexpr Duration kFirstPenalty = 10s;       // before searching again after a second black hole; doubles

  explicit PathMtu(const PathMtuSettings& settings = {});

  // ---- facts
  /// The path carries the base: handshake confirmed, or a full-sized challenge answered. `most`: nothing larger is tried.
  void onConnected(size_t most);
  /// Nothing says that it does: a small datagram was answered, and full ones were not.
  void onBaseDoubted(size_t most);
  /// A full-sized datagram left: a larger one would be useful. Without that nothing is probed (RFC 8899 §5.1.1).
  void onFullDatagramSent() { isUseful_ = state_ != State::Disabled; }
  void onProbeSent(PacketNum number, size_t size);
  /// Any packet of the path that is acknowledged, probe or not.
  void onAcked(TimePoint now, PacketNum number, size_t size);
  /// Any packet in flight of the path that is declared lost, probe or not.
  void onLost(TimePoint now, PacketNum number, size_t size);
  /// The flight was given up without a verdict.
  void onFlightAbandoned() { probe_.reset(); }

  // ---- work
  /// The size of a probe that is due, no larger than `room`. nullopt: none.
  [[nodiscard]] std::optional<size_t> probeDue(TimePoint now, size_t room);

  // ---- nouns
  /// What an ordinary datagram may have.
  [[nodiscard]] size_t size() const { return size_; }
  [[nodiscard]] State state() const { return state_; }
  /// Whether the fate of this packet belongs to a probe (RFC 9000 §14.4: its loss is no congestion).
  [[nodiscard]] bool isProbe(PacketNum number) const { return probe_ && probe_->number == number; }

 private:
  struct Probe {
    PacketNum number = 0;
    size_t size = 0;
  };
  /// Large enough that its loss may be due to its size.
  [[nodiscard]] bool isLarge(size_t size) const { return size_ > kBase ? size > kBase : size >= kBase; }
  [[nodiscard]] bool confirmsBase() const { return state_ == State::Base || state_ == State::Error; }
  [[nodiscard]] std::optional<size_t> candidate(size_t room) const;
  void onProbeLost(TimePoint now);
  void onBlackHole(TimePoint now);
  void beginSearch();
  void completeWhenDone(TimePoint now);

  State state_ = State::Disabled;
  bool isEnabled_;
  bool isUseful_ = false;
  size_t size_;              // PLPMTU
  size_t most_ = kBase;      // MAX_PLPMTU
  size_t tooLarge_ = kBase;  // the smallest size that was lost, or most_ + 1
  std::optional<Probe> probe_;
  uint32_t failures_ = 0;  // PROBE_COUNT: probes lost in a row of the size tooLarge_, or of the base
  TimePoint notBefore_{};  // SearchComplete: PMTU_RAISE_TIMER; Searching: penalty for black holes
  // ---- black holes (RFC 8899 §4.3)
  std::optional<PacketNum> newestLargeAcked_;
  PacketNum newestLargeLost_ = 0;
  uint32_t largeLosses_ = 0;
  std::optional<TimePoint> lastBlackHoleAt_;
  Duration penalty_{0};
};

}  // namespace quic
