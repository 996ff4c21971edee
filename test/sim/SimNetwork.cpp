#include "sim/SimNetwork.h"

#include <algorithm>

#include "sim/SimPattern.h"

namespace quic::test {
void SimNetwork::count(const SimDatagram& datagram) {
  const auto time = static_cast<uint64_t>(clock_.now().time_since_epoch().count());
  for (int i = 0; i < 8; ++i) hash_ = (hash_ ^ (time >> 8 * i & 0xff)) * 0x100000001b3;
  for (const SocketAddress& end : {datagram.from, datagram.to}) hash_ = foldHash(hash_ ^ end.port(), end.ip());
  hash_ = foldWhole(hash_, datagram.bytes);
  ++sent_;
  bytesSent_ += datagram.bytes.size();
  if (onSent) onSent(clock_.now(), datagram);
}

const LinkConditions& SimNetwork::conditionsOf(const SimDatagram& datagram) const {
  for (const SocketAddress& end : {datagram.from, datagram.to}) {
    const auto near = conditionsNear.find(end);
    if (near != conditionsNear.end()) return near->second;
  }
  return conditions;
}

/// When the queue that the datagram waits in is free again; nullptr: none.
TimePoint* SimNetwork::queueOf(const SimDatagram& datagram, const LinkConditions& conditions, Link& link) {
  if (conditions.bytesPerSecond == 0) return nullptr;
  if (!bottleneckOf) return &link.freeAt;
  const auto bottleneck = bottleneckOf(datagram);
  return bottleneck ? &bottlenecks_[*bottleneck] : nullptr;
}

std::optional<TimePoint> SimNetwork::arrivalOf(const SimDatagram& datagram, const LinkConditions& conditions) {
  Link& link = links_[{datagram.from, datagram.to}];
  TimePoint leaves = clock_.now();
  if (TimePoint* freeAt = queueOf(datagram, conditions, link)) {
    const Duration waiting = std::max(Duration{0}, Duration(*freeAt - clock_.now()));
    const auto queued = static_cast<uint64_t>(waiting.count()) * conditions.bytesPerSecond / 1'000'000;
    if (queued + datagram.bytes.size() > conditions.queueBytes) return std::nullopt;
    leaves = std::max(*freeAt, clock_.now()) +
             Duration(static_cast<int64_t>(datagram.bytes.size() * 1'000'000 / conditions.bytesPerSecond));
    *freeAt = leaves;
  }
  TimePoint arrives = leaves + conditions.delay;
  if (conditions.jitter > Duration{0}) {
    arrives += Duration(static_cast<int64_t>(random_.below(static_cast<uint64_t>(conditions.jitter.count()))));
  }
  if (random_.chance(conditions.reorder)) return arrives + conditions.delay;
  link.lastArrival = std::max(link.lastArrival, arrives);
  return link.lastArrival;
}

void SimNetwork::send(SimDatagram&& datagram) {
  count(datagram);
  const uint64_t number = sent_;
  const LinkConditions& conditions = conditionsOf(datagram);
  if (datagram.bytes.size() > conditions.mtu || (drop && drop(datagram)) || random_.chance(conditions.loss)) {
    return tellFate(number, SimFate::Lost);
  }
  const auto arrival = arrivalOf(datagram, conditions);
  if (!arrival) return tellFate(number, SimFate::Lost);
  if (random_.chance(conditions.corrupt) && !datagram.bytes.empty()) {
    datagram.bytes[random_.below(datagram.bytes.size())] ^= static_cast<uint8_t>(1u << random_.below(8));
  }
  const auto carried = std::make_shared<Numbered>(Numbered{number, std::move(datagram)});
  clock_.at(*arrival, [this, carried] { deliver(carried); });
  if (random_.chance(conditions.duplicate)) {
    clock_.at(*arrival + Duration(1), [this, carried] { deliver(carried); });
  }
}

void SimNetwork::lose(const SimDatagram& datagram) {
  count(datagram);
  tellFate(sent_, SimFate::Lost);
}

void SimNetwork::deliver(const std::shared_ptr<Numbered>& carried) {
  const SimDatagram& datagram = carried->datagram;
  const auto receiver = receivers_.find(datagram.to);
  if (receiver != receivers_.end()) {
    tellFate(carried->number, SimFate::Arrived);
    const bool isLast = carried.use_count() == 1;  // no duplicate is still on its way
    receiver->second->onDatagram(isLast ? std::move(carried->datagram) : SimDatagram(datagram));
    return;
  }
  tellFate(carried->number, SimFate::FoundNobody);
  clock_.after(conditionsOf(datagram).delay, [this, from = datagram.from, to = datagram.to] {
    const auto sender = receivers_.find(from);
    if (sender != receivers_.end()) sender->second->onUnreachable(to);
  });
}

}  // namespace quic::test
