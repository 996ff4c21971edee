// The 1-RTT keys of a connection through its key updates: RFC 9001 §6. Both directions change together; this machine says
// which keys a packet is to be opened with, which order of packets is an offence, and when the next update may begin. It
// knows nothing of handshakes and timers: who may ask for an update, and when, is said in api/KeyDriver.
//
// Invariant: the keys that follow the current ones are made ahead, and never while a packet is being opened, so that the
// time that opening takes says nothing of its Key Phase (RFC 9001 §6.3, §9.5). Header protection keeps its key (§6.1).
#pragma once

#include <optional>

#include "quic/QuicError.h"
#include "quic/common/QuicClock.h"
#include "quic/handshake/Aead.h"

namespace quic {

/// Seen from the keys in use now.
enum class KeyPhase : uint8_t { Previous, Current, Next };

class KeyPhases {
 public:
  /// Where the keys in use lie.
  struct Current {
    PacketProtection& read;
    PacketProtection& write;
  };

  // ---- keys
  void setReadSecret(const TrafficSecret& secret) { readSecret_ = secret; }
  void setWriteSecret(const TrafficSecret& secret) { writeSecret_ = secret; }
  /// Makes the keys after the current ones when they are not there yet.
  void prepare(const CryptoFactory& crypto, uint32_t version);

  // ---- receiving
  /// RFC 9001 §6.5: by the Key Phase bit, and where two phases share it, by the packet number.
  [[nodiscard]] KeyPhase phaseOf(bool bit, PacketNum number) const;
  /// Of another phase than the current one; nullptr: there is none.
  [[nodiscard]] Aead* readKey(KeyPhase phase) const;
  /// A packet was authentic, and not a duplicate. One of the next phase moves both directions on (RFC 9001 §6.2). Keys of the
  /// previous phase are kept until `forgetPreviousAt` once the current ones have opened something (§6.5).
  /// KEY_UPDATE_ERROR: packets in an order that no honest peer sends (§6.4), or an update upon an update (§6.2).
  Result<> onOpened(KeyPhase phase, PacketNum number, const Current& keys, TimePoint forgetPreviousAt);
  /// An ACK frame that came in a packet of `phase` reports `largest`. KEY_UPDATE_ERROR: the peer has received what the
  /// current keys sealed, and did not follow (RFC 9001 §6.2). `nextUpdateFrom`: §6.5, three PTOs from now.
  Result<> onAck(KeyPhase phase, PacketNum largest, TimePoint nextUpdateFrom);

  // ---- sending
  [[nodiscard]] bool bit() const { return (generation_ & 1) != 0; }
  void onSealed(PacketNum number, bool hasAck);
  /// With the current keys.
  [[nodiscard]] uint64_t sealed() const { return sealed_; }
  /// RFC 9001 §6.1, §6.5: the peer has acknowledged the last update, some time ago. That the handshake is confirmed is the
  /// caller's to know.
  [[nodiscard]] bool mayUpdate(TimePoint now) const;
  /// Ours to begin (RFC 9001 §6.1).
  void update(const Current& keys) { advance(keys); }

  // ---- time
  [[nodiscard]] std::optional<TimePoint> forgetPreviousAt() const { return forgetPreviousAt_; }
  void forgetPrevious();

  /// The peer has acknowledged something of the current phase, so it has followed the last update (RFC 9001 §6.2).
  [[nodiscard]] bool isFollowed() const { return nextUpdateFrom_.has_value(); }
  /// Updates so far, whoever began them.
  [[nodiscard]] uint64_t generation() const { return generation_; }

 private:
  /// Packet numbers that were opened in one phase.
  struct Opened {
    PacketNum lowest = 0;
    PacketNum highest = 0;
  };
  void advance(const Current& keys);
  void noteCurrent(PacketNum number, TimePoint forgetPreviousAt);

  uint64_t generation_ = 0;
  TrafficSecret readSecret_;  // of the latest keys that were made
  TrafficSecret writeSecret_;
  std::unique_ptr<Aead> previousRead_;
  std::unique_ptr<Aead> nextRead_;
  std::unique_ptr<Aead> nextWrite_;

  std::optional<Opened> opened_;                // in the current phase
  std::optional<PacketNum> highestInPrevious_;  // opened in the phase before
  bool isReported_ = false;                     // an ACK has left since the first packet of the current phase
  std::optional<TimePoint> forgetPreviousAt_;

  std::optional<PacketNum> firstSealed_;  // in the current phase
  uint64_t sealed_ = 0;
  // After an update: set by the first acknowledgment of the current phase (RFC 9001 §6.1: of "a subsequent key update").
  std::optional<TimePoint> nextUpdateFrom_ = TimePoint::min();
};

}  // namespace quic
