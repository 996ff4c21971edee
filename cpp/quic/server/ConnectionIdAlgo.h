// How a server's connection IDs are made and read (RFC 9000 §5.1): they name a worker, so that a packet that reaches another
// worker's socket can be handed over, and may name a host and a process, so that a load balancer finds them. Pluggable.
//
//   Plain      worker (1 byte), server ID (any bytes of the deployment's: host, process), 7 random bytes or more. The kernel can steer by
//              the first byte (io/BindShared.h); an observer can tell which worker and server an ID is of.
//   Encrypted  the form of QUIC-LB (draft-ietf-quic-load-balancers-21): see QuicLbConnectionIdAlgo.h. An observer can tell
//              nothing, and cannot link two IDs of a connection. Neither can the kernel, which then spreads datagrams by
//              address: a client stays with the worker that its first packet met, and only when its address changes may
//              another worker get its packets, which decrypts the ID and hands them over (io/ServerWorker.h).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "quic/common/ConnectionId.h"
#include "quic/common/Random.h"
#include "quic/handshake/Aead.h"

namespace quic {

class ConnectionIdAlgo {
 public:
  virtual ~ConnectionIdAlgo() = default;
  /// Another one each time, of size() bytes.
  virtual ConnectionId make() = 0;
  /// The worker of this server that issued it, or would have. nullopt: none of ours.
  [[nodiscard]] virtual std::optional<uint8_t> workerOf(ByteSpan id) const = 0;
  /// 4 to 20. The same for all workers, and for all processes that share an address.
  [[nodiscard]] virtual size_t size() const = 0;
};

inline constexpr size_t kMaxServerIdSize = 12;
/// Encrypted, or of a scheme of the application's, which has to see to it that none comes twice.
inline constexpr size_t kMinConnectionIdSize = 4;
/// Random beside the worker's byte and the server ID. With 7 bytes a worker that has a million IDs meets one of them again once
/// in 2^36 times; with 3 it would be once in 16, and each would take another connection's datagrams (RFC 9000 §5.1).
inline constexpr size_t kMinRandomIdSize = 7;
inline constexpr size_t kMinPlainConnectionIdSize = 1 + kMinRandomIdSize;
static_assert(kMinPlainConnectionIdSize + kMaxServerIdSize <= kMaxConnectionIdSize);
inline constexpr uint8_t kMaxConfigRotation = 6;  // 7 is for IDs that cannot be routed (QUIC-LB §3.1)

using ConnectionIdKey = std::array<uint8_t, 16>;

/// Makes the scheme of one worker. The references outlive it.
using ConnectionIdAlgoFactory =
    std::function<std::unique_ptr<ConnectionIdAlgo>(uint8_t worker, Random& random, const CryptoFactory& crypto)>;

struct ConnectionIdSettings {
  ByteVector serverId;                 // host and process, as the deployment lays them out; at most kMaxServerIdSize
  std::optional<ConnectionIdKey> key;  // encrypted; the same for all who share the address, and the load balancer
  uint8_t configRotation = 0;          // encrypted: 0 to 6, which configuration of the load balancer this is
  bool encodesSize = true;             // encrypted: the first byte says how long the ID is
  ConnectionIdAlgoFactory custom;      // instead of all that
  /// Whether the first byte names the worker, so that the kernel can steer by it.
  [[nodiscard]] bool isSteerable() const { return !key && !custom; }
  /// What is wrong with them, and with IDs of `size` bytes; empty: nothing.
  [[nodiscard]] std::string_view problem(size_t size) const;
};

/// `size`: kMinConnectionIdSize, or kMinPlainConnectionIdSize, to 20; more when the parts need more.
std::unique_ptr<ConnectionIdAlgo> makeConnectionIdAlgo(const ConnectionIdSettings& settings, size_t size,
                                                       uint8_t worker, Random& random, const CryptoFactory& crypto);

}  // namespace quic
