// Connections whose handshake is not confirmed, in all and per source: what a flood of first packets fills. At most
// `maxHandshakes` entries in each map (ServerEndpointSettings).
#pragma once

#include <map>
#include <vector>

#include "quic/common/Ids.h"
#include "quic/common/SourcePrefix.h"

namespace quic {

class HalfOpenConnections {
 public:
  void add(ConnectionHandle handle, const SocketAddress& peer) {
    const SourcePrefix source = sourcePrefixOf(peer);
    if (sources_.emplace(handle, source).second) ++counts_[source];
  }
  /// Harmless when it was removed before.
  void remove(ConnectionHandle handle) {
    const auto found = sources_.find(handle);
    if (found == sources_.end()) return;
    const auto count = counts_.find(found->second);
    if (--count->second == 0) counts_.erase(count);
    sources_.erase(found);
  }
  [[nodiscard]] std::vector<ConnectionHandle> all() const {
    std::vector<ConnectionHandle> handles;
    for (const auto& [handle, source] : sources_) handles.push_back(handle);
    return handles;
  }
  [[nodiscard]] size_t size() const { return sources_.size(); }
  [[nodiscard]] size_t sizeOf(const SocketAddress& peer) const {
    const auto count = counts_.find(sourcePrefixOf(peer));
    return count == counts_.end() ? 0 : count->second;
  }

 private:
  std::map<ConnectionHandle, SourcePrefix> sources_;
  std::map<SourcePrefix, size_t> counts_;
};

}  // namespace quic
