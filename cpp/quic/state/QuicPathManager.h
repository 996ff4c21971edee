// The paths of a connection, which of them is active, and the validation of others beside it: RFC 9000 §8.2, §9.
// One mechanism for client migration, server migration and whatever else probes. It sends nothing: the engine asks which
// path has a frame of its own to send.
// What a path that is left was found to carry is remembered for a while: a return soon after need not begin from nothing
// (RFC 9000 §9.3, §9.4). Whether its addresses are proved is not remembered.
// Bounded: at most kMaxPaths paths, kMaxPathChallengesQueued responses on each, kMaxPaths remembered.
#pragma once

#include <vector>

#include "quic/common/Random.h"
#include "quic/state/Path.h"

namespace quic {

struct PathSettings {
  CongestionControlType congestionControl = CongestionControlType::Cubic;
  PathMtuSettings mtu;
  Duration initialRtt = kInitialRtt;
  uint64_t seed = 0;  // for controllers that spread their probing at random
};

/// When PATH_CHALLENGE is repeated: RFC 9000 §8.2.1, §8.2.4.
struct ValidationTiming {
  Duration interval{0};                    // to the second attempt; doubles
  Duration maxInterval = Duration::max();  // up to here
  TimePoint giveUpAt{};
};

struct FailedValidation {
  PathId path;
  bool isAddressProved = false;  // the peer is there, and full datagrams do not seem to reach it
};

struct EvictedPath {
  PathId id;
  std::optional<PeerConnectionId> destination;  // nullopt: it had none
};

class QuicPathManager {
 public:
  /// The first path is active at once.
  QuicPathManager(const PathSettings& settings, const FourTuple& first, bool isValidated);

  [[nodiscard]] Path& active() { return *paths_[activeIndex()]; }
  [[nodiscard]] const Path& active() const { return *paths_[activeIndex()]; }
  [[nodiscard]] Path* find(PathId id);
  [[nodiscard]] const Path* find(PathId id) const;
  /// An unspecified local address on either side matches every local address.
  [[nodiscard]] Path* find(const FourTuple& tuple);
  /// The one from the active path's local address when there is one.
  [[nodiscard]] Path* findPeer(const SocketAddress& peer);

  /// A new path, beside the active one. When there are too many, one goes: the one unheard for longest among those that are
  /// not validated, so that nobody who sends from made-up addresses takes away where to go back to; else among the others.
  /// It is named in `evicted`: its flight is to be forgotten, its destination ID retired unless isDestinationInUse().
  Path& add(TimePoint now, const FourTuple& tuple, std::optional<EvictedPath>* evicted);
  void setActive(PathId id) { activeId_ = id; }
  /// Not the active one. Returns its destination ID, if it had one.
  std::optional<PeerConnectionId> remove(PathId id);
  [[nodiscard]] bool isDestinationInUse(uint64_t sequence) const;
  template <class Visitor>
  void forEach(Visitor&& visit) {
    for (const auto& path : paths_) visit(*path);
  }
  template <class Visitor>
  void forEach(Visitor&& visit) const {
    for (const auto& path : paths_) visit(static_cast<const Path&>(*path));
  }
  /// Where to go back to: the validated path heard from last, other than `id`. nullptr: none.
  [[nodiscard]] Path* lastValidatedExcept(PathId id);

  // ---- validation
  /// Begins at once. Harmless when one is under way.
  void beginValidation(TimePoint now, PathId id, const ValidationTiming& timing);
  /// Of one path, and but once in each validation: only the answers to the last few challenges count.
  void expediteValidation(TimePoint now, PathId id);
  void onChallenge(Path& path, const PathData& data);
  /// The last of `path.responses` was written.
  static void onResponseWritten(Path& path);
  /// It was acknowledged, or lost.
  void onResponseSettled(PathId id);
  /// The path that this answers, now validated; its RTT estimate starts from the answer's delay. When the challenge went out
  /// in a datagram too small to prove that the path carries 1200 bytes, the validation goes on with a larger one (RFC 9000
  /// §8.2.1). nullptr: nobody asked, or too late.
  Path* onResponse(TimePoint now, const PathData& data);
  /// Whether a PATH_CHALLENGE is to be sent on it now.
  [[nodiscard]] static bool isChallengeDue(const Path& path, TimePoint now);
  /// Fresh data for the attempt that is being written, into a datagram of `size` bytes.
  PathData makeChallenge(TimePoint now, Path& path, Random& random, size_t size);
  /// A path that has a challenge or a response to send and may: a challenge by its timer, a response by the congestion window
  /// (RFC 9000 §8.2.2), and, when all are `limited` or it is the active one, by three times what came from it (§8.1, §9.3).
  /// Paths take turns. nullptr: none.
  [[nodiscard]] Path* nextWithPathFrames(TimePoint now, bool limited);
  /// Paths whose validation has failed by now; they stay, without validation.
  std::vector<FailedValidation> expire(TimePoint now);
  /// After `now`, at which everything that may be sent has been: an attempt that is due and cannot leave waits for bytes from
  /// the peer, not for the clock.
  [[nodiscard]] std::optional<TimePoint> nextTimeout(TimePoint now) const;
  /// The clock jumped.
  void onResumed(Duration frozenFor);

  static constexpr Duration kMemory = 60s;  // since the last packet from there

 private:
  [[nodiscard]] size_t activeIndex() const;
  void remember(std::unique_ptr<Path>&& path);
  void recall(TimePoint now, Path& path);
  std::unique_ptr<Path> makePath(const FourTuple& tuple);

  PathSettings settings_;
  std::vector<std::unique_ptr<Path>> paths_;       // pointers, so that a Path& stays good while others come and go
  std::vector<std::unique_ptr<Path>> remembered_;  // the newest last
  PathId activeId_;
  uint32_t nextId_ = 0;
  PathId servedLast_;  // by nextWithPathFrames
};

}  // namespace quic
