// The connection IDs that the peer issued to us: RFC 9000 §5.1.1, §5.1.2, §19.15. Each is used on one path only, so that
// paths cannot be linked (§9.5). Bounded by the limit that we advertised.
#pragma once

#include <optional>
#include <vector>

#include "quic/QuicConstants.h"
#include "quic/QuicError.h"
#include "quic/codec/QuicFrames.h"
#include "quic/common/IntervalSet.h"

namespace quic {

struct PeerConnectionId {
  uint64_t sequence = 0;
  ConnectionId id;
  std::optional<StatelessResetToken> token;
  bool inUse = false;  // some path sends with it
};

struct ResetTokenChange {
  StatelessResetToken token{};
  bool isKnown = false;  // false: its ID was retired
};

class PeerConnectionIds {
 public:
  /// The peer's Source Connection ID, sequence number 0, in use on the first path. Also when it replaces the one that a
  /// client had made up for its first flight.
  void setFirst(const ConnectionId& id);
  void setFirstToken(const StatelessResetToken& token);

  /// The one of preferred_address: sequence number 1 (RFC 9000 §5.1.1). TRANSPORT_PARAMETER_ERROR: it is the first one again.
  Result<> setPreferred(const ConnectionId& id, const StatelessResetToken& token);
  /// Errors: PROTOCOL_VIOLATION (a number or an ID used twice, or an ID for a peer that uses none),
  /// CONNECTION_ID_LIMIT_ERROR (more than we advertised, or more to retire than we will remember).
  /// What Retire Prior To took away is queued for retirement; paths that used it must take a fresh one: see isRetired().
  Result<> onNewConnectionId(const NewConnectionIdFrame& frame);
  /// An unused one for a new path. nullopt: none left; an ID of length 0 is the only one and is shared.
  std::optional<PeerConnectionId> takeUnused();
  /// No path needs it any more: RETIRE_CONNECTION_ID will tell.
  void retire(uint64_t sequence);
  [[nodiscard]] bool isKnown(uint64_t sequence) const;

  [[nodiscard]] bool hasToRetire() const { return !pendingRetire_.empty(); }
  [[nodiscard]] uint64_t nextRetire() const { return pendingRetire_.front(); }
  void onRetireWritten();
  void onRetireAcked(uint64_t sequence);
  void onRetireLost(uint64_t sequence);

  [[nodiscard]] size_t unused() const;
  /// Stateless reset tokens that came or went since the last time, one by one (RFC 9000 §10.3.1): for whoever looks them up.
  std::optional<ResetTokenChange> nextTokenChange();
  [[nodiscard]] const std::vector<PeerConnectionId>& all() const { return ids_; }

 private:
  Result<> queueRetire(uint64_t sequence);

  std::vector<PeerConnectionId> ids_;
  IntervalSet seen_;  // every sequence number that came, so that a late copy of a retired one changes nothing
  std::vector<uint64_t> pendingRetire_;
  std::vector<uint64_t> unackedRetire_;
  uint64_t retirePriorTo_ = 0;
  std::vector<StatelessResetToken> told_;  // tokens of IDs in ids_, as nextTokenChange() told them
  bool mayHaveNewTokens_ = false;
};

}  // namespace quic
