// Links between addresses: delay, rate with a queue, loss, reordering, duplication, corruption. A datagram to an address
// where nobody listens is lost, and the sender is told as ICMP would. Every datagram that leaves goes into the event hash.
// What happens can be watched; who watches changes nothing.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "quic/common/Datagram.h"
#include "sim/SimClock.h"

namespace quic::test {

struct LinkConditions {
  Duration delay = 10ms;           // one way
  Duration jitter{0};              // up to so much more, at random, in order
  uint64_t bytesPerSecond = 0;     // 0: without limit
  size_t queueBytes = 256 * 1024;  // beyond: dropped, when there is a rate
  double loss = 0;
  double reorder = 0;  // held back for a whole delay
  double duplicate = 0;
  double corrupt = 0;  // one bit flips
  size_t mtu = 1500;   // UDP payload; larger ones are dropped
};

struct SimDatagram {
  SocketAddress from;
  SocketAddress to;
  Ecn ecn = Ecn::NotEct;
  ByteVector bytes;
};

/// What became of a datagram.
enum class SimFate : uint8_t { Lost, Arrived, FoundNobody };

/// Whoever owns an address.
class SimReceiver {
 public:
  virtual ~SimReceiver() = default;
  virtual void onDatagram(SimDatagram&& datagram) = 0;
  /// A datagram of ours to `to` found nobody.
  virtual void onUnreachable(const SocketAddress& to) = 0;
};

class SimNetwork {
 public:
  SimNetwork(SimClock& clock, SimRandom& random) : clock_(clock), random_(random) {}

  void bind(const SocketAddress& address, SimReceiver& receiver) { receivers_[address] = &receiver; }
  void unbind(const SocketAddress& address) { receivers_.erase(address); }
  void send(SimDatagram&& datagram);
  /// It leaves its host and comes no farther.
  void lose(const SimDatagram& datagram);

  LinkConditions conditions;                               // of every link
  std::map<SocketAddress, LinkConditions> conditionsNear;  // instead: of links from or to one of these addresses
  std::function<bool(const SimDatagram&)> drop;            // a test's own reason to lose a datagram
  /// Datagrams with the same number wait in one queue, whoever they are between; those without one do not wait. Not set:
  /// every pair of addresses has a queue of its own.
  std::function<std::optional<uint64_t>(const SimDatagram&)> bottleneckOf;
  std::function<void(TimePoint, const SimDatagram&)> onSent;  // a test's eyes
  /// Of the datagram that was the `number`-th to leave, from 1 on; twice when it was duplicated.
  std::function<void(TimePoint, uint64_t number, SimFate)> onFate;
  /// What a host has to tell about itself: `where` is its address.
  std::function<void(TimePoint, const SocketAddress& where, const std::string& what)> onNote;
  void note(const SocketAddress& where, const std::string& what) {
    if (onNote) onNote(clock_.now(), where, what);
  }
  [[nodiscard]] uint64_t hash() const { return hash_; }
  [[nodiscard]] uint64_t sent() const { return sent_; }
  [[nodiscard]] uint64_t bytesSent() const { return bytesSent_; }

 private:
  struct Link {
    TimePoint freeAt{};
    TimePoint lastArrival{};
  };
  struct Numbered {
    uint64_t number;
    SimDatagram datagram;
  };
  void count(const SimDatagram& datagram);
  [[nodiscard]] const LinkConditions& conditionsOf(const SimDatagram& datagram) const;
  std::optional<TimePoint> arrivalOf(const SimDatagram& datagram, const LinkConditions& conditions);
  TimePoint* queueOf(const SimDatagram& datagram, const LinkConditions& conditions, Link& link);
  void deliver(const std::shared_ptr<Numbered>& carried);
  void tellFate(uint64_t number, SimFate fate) {
    if (onFate) onFate(clock_.now(), number, fate);
  }

  SimClock& clock_;
  SimRandom& random_;
  std::map<SocketAddress, SimReceiver*> receivers_;
  std::map<std::pair<SocketAddress, SocketAddress>, Link> links_;
  std::map<uint64_t, TimePoint> bottlenecks_;  // when each is free again
  uint64_t hash_ = 0xcbf29ce484222325;
  uint64_t sent_ = 0;
  uint64_t bytesSent_ = 0;
};

}  // namespace quic::test
