// A host with one endpoint on it, driven by the same loop as the kernel's socket (api/Drive.h).
#pragma once

#include <deque>
#include <optional>
#include <set>
#include <vector>

#include "quic/api/Drive.h"
#include "quic/handshake/Aead.h"
#include "sim/SimNetwork.h"

namespace quic::test {

/// What every host of one simulation shares.
struct SimWorld {
  SimClock& clock;
  SimNetwork& network;
  SimRandom& random;
  const CryptoFactory& crypto;
};

/// What runs on a host: told of each event, it may use the connection's verbs.
template <class Endpoint>
class SimNode : public SimReceiver {
 public:
  SimNode(const SimWorld& world, const SocketAddress& address)
      : clock_(world.clock), network_(world.network), address_(address) {
    network_.bind(address_, *this);
  }
  ~SimNode() override {
    network_.unbind(address_);
    for (const SocketAddress& address : further_) network_.unbind(address);
  }

  [[nodiscard]] const SocketAddress& address() const { return address_; }
  virtual Endpoint& endpoint() = 0;
  virtual void onEvent(ConnectionHandle connection, const TransportEvent& event) = 0;

  // ---- SimReceiver
  void onDatagram(SimDatagram&& datagram) override {
    inbox_.push_back(std::move(datagram));
    schedule(clock_.now());
  }
  void onUnreachable(const SocketAddress& to) override {
    if (isFrozen_ || isUnplugged_) return;
    endpoint().onUnreachable(clock_.now(), to);
    schedule(clock_.now());
  }

  // ---- the Port of driveOnce
  bool receive(TimePoint now, Endpoint& endpoint) {
    while (!inbox_.empty()) {
      SimDatagram datagram = std::move(inbox_.front());
      inbox_.pop_front();
      const SocketAddress local = further_.contains(datagram.to) ? datagram.to : inside_.value_or(datagram.to);
      (void)endpoint.onDatagram(now, {{local, datagram.from}, datagram.ecn, datagram.bytes});
    }
    return false;
  }
  bool mayTransmit() { return true; }
  MutableByteSpan transmitBuffer() { return slab_; }
  void transmit(const Transmit& transmit) {
    // What leaves an address that was given up is lost, as from a socket that was closed; so is what a host without a network
    // sends.
    const bool isFurther = further_.contains(transmit.path.local);
    if (!isFurther && isGivenUp_) return;
    const SocketAddress from = isFurther ? transmit.path.local : address_;
    // A segment offload's cut: equal pieces, the last may be shorter.
    for (size_t offset = 0; offset < transmit.size; offset += transmit.segmentSize) {
      const size_t size = std::min(transmit.segmentSize, transmit.size - offset);
      SimDatagram datagram{from, transmit.path.peer, transmit.ecn,
                           ByteVector(slab_.begin() + static_cast<ptrdiff_t>(offset),
                                      slab_.begin() + static_cast<ptrdiff_t>(offset + size))};
      isUnplugged_ ? network_.lose(datagram) : network_.send(std::move(datagram));
    }
  }
  bool mayTakeEvent() { return true; }
  void onEvent(TimePoint, EndpointEvent&& event) { onEvent(event.connection, event.event); }

  /// A NAT before this host takes another address for it; the host does not notice.
  void rebindNat(const SocketAddress& outside) {
    inside_ = inside_.value_or(address_);
    rebind(outside);
  }
  /// One more socket, on another address of this host.
  void addAddress(const SocketAddress& address) {
    further_.insert(address);
    network_.bind(address, *this);
  }
  /// Its socket is closed.
  void giveUpAddress(const SocketAddress& address) {
    network_.unbind(address);
    if (further_.erase(address) == 0) isGivenUp_ = true;
  }

  /// Something was done to the endpoint from outside: let it act.
  void wake() { schedule(clock_.now()); }

 protected:
  void rebind(const SocketAddress& address) {
    network_.unbind(address_);
    address_ = address;
    network_.bind(address_, *this);
  }
  /// Off the network, until plugIn(). What has arrived and was not looked at yet is lost.
  void unplug() {
    network_.unbind(address_);
    inbox_.clear();
    isUnplugged_ = true;
  }
  void plugIn(const SocketAddress& address) {
    isUnplugged_ = false;
    rebind(address);
  }
  /// The process stands still: no turns, until thaw().
  void freeze() { isFrozen_ = true; }
  void thaw() {
    isFrozen_ = false;
    wake();
  }
  /// At once, instead of when the clock comes to it.
  void turnNow() {
    if (!isFrozen_) turn();
  }
  void note(const std::string& what) { network_.note(address_, what); }
  SimClock& clock() { return clock_; }

 private:
  void schedule(TimePoint when) {
    if (scheduled_ && *scheduled_ <= when) return;
    scheduled_ = when;
    clock_.at(when, [this, when, alive = std::weak_ptr<bool>(alive_)] {
      if (alive.expired() || scheduled_ != when) return;
      scheduled_.reset();
      turnNow();
    });
  }
  void turn() {
    constexpr size_t kTrains = 1000;
    // Events lead to verbs, and verbs to transmits: a second round sends what the first one caused.
    for (int round = 0; round < 2; ++round) {
      while (driveOnce(clock_.now(), endpoint(), *this, kTrains)) {
      }
    }
    if (const auto next = endpoint().nextTimeout()) {
      // A deadline that stays in the past would spin for ever: time must pass between two turns.
      schedule(std::max(*next, clock_.now() + Duration(1)));
    }
  }

  SimClock& clock_;
  SimNetwork& network_;
  SocketAddress address_;
  std::optional<SocketAddress> inside_;  // what the host takes for its address behind a NAT
  std::set<SocketAddress> further_;
  bool isGivenUp_ = false;  // address_
  bool isUnplugged_ = false;
  bool isFrozen_ = false;
  std::deque<SimDatagram> inbox_;
  ByteVector slab_ = ByteVector(65536);
  std::optional<TimePoint> scheduled_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // asks later turns whether this node still is
};

}  // namespace quic::test
