// The connection IDs we issued to the peer: RFC 9000 §5.1.1, §19.15, §19.16. Their number never exceeds the peer's
// active_connection_id_limit nor our own kAdvertisedActiveConnectionIdLimit.
#pragma once

#include <vector>

#include "quic/QuicConstants.h"
#include "quic/QuicError.h"
#include "quic/codec/QuicFrames.h"
#include "quic/state/ConnectionIdGenerator.h"

namespace quic {

class SelfConnectionIds {
 public:
  /// `first` is the Source Connection ID of the handshake: sequence number 0.
  explicit SelfConnectionIds(const GeneratedConnectionId& first);

  /// For the preferred_address parameter: sequence number 1 (RFC 9000 §5.1.1). Before replenish(), at most once.
  const GeneratedConnectionId& issuePreferred(ConnectionIdGenerator& generator);
  /// How many the peer keeps (its transport parameter). No IDs are issued before.
  void onPeerLimit(uint64_t limit) { limit_ = std::min<uint64_t>(limit, kAdvertisedActiveConnectionIdLimit); }
  /// Makes new ones up to the limit. Returns them, for routing; their NEW_CONNECTION_ID frames are pending.
  std::vector<ConnectionId> replenish(ConnectionIdGenerator& generator);
  /// PROTOCOL_VIOLATION for a number never sent, or for the ID that the very packet was sent to. The ID that is
  /// not ours any more, empty when it was retired before.
  Result<ConnectionId> onRetire(uint64_t sequence, const ConnectionId& packetDestination);

  [[nodiscard]] bool hasToSend() const { return !pending_.empty(); }
  /// The next pending frame; popped by onFrameWritten().
  [[nodiscard]] std::optional<NewConnectionIdFrame> nextFrame() const;
  void onFrameWritten();
  void onLost(uint64_t sequence);
  /// One copy of its frame has arrived: others need not.
  void onAcked(uint64_t sequence);

  [[nodiscard]] const ConnectionId& first() const { return first_.id; }
  [[nodiscard]] const StatelessResetToken& firstToken() const { return first_.token; }
  [[nodiscard]] std::vector<ConnectionId> active() const;

 private:
  struct Issued {
    uint64_t sequence = 0;
    GeneratedConnectionId generated;
    bool isKnownToPeer = false;
  };
  GeneratedConnectionId first_;
  std::vector<Issued> issued_;     // not retired
  std::vector<uint64_t> pending_;  // NEW_CONNECTION_ID to be written
  uint64_t nextSequence_ = 1;
  uint64_t largestSent_ = 0;  // the peer can know no higher one
  uint64_t limit_ = 0;
};

}  // namespace quic
