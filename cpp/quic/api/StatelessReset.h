// Stateless resets, sending: tokens that derive from a connection ID and a secret alone, so that whoever has the secret can
// end a connection that it knows nothing of any more (RFC 9000 §10.3, §10.3.2). Detecting them is ConnectionSet's and
// PacketReceiver's.
//
// Whoever shares the secret must share the routing too: an instance that gets packets of another's connections would end them
// (RFC 9000 §10.3.2, §21.11).
#pragma once

#include "quic/common/ConnectionId.h"
#include "quic/common/Datagram.h"
#include "quic/common/RateLimit.h"
#include "quic/handshake/Aead.h"

namespace quic {

using StatelessResetSecret = std::array<uint8_t, 32>;

class StatelessResetKey {
 public:
  StatelessResetKey(const CryptoFactory& crypto, const StatelessResetSecret& secret)
      : crypto_(crypto), secret_(secret) {}
  [[nodiscard]] StatelessResetToken tokenOf(const ConnectionId& id) const;

 private:
  const CryptoFactory& crypto_;
  StatelessResetSecret secret_;
};

class StatelessResetter {
 public:
  /// `key` and `random` outlive it.
  StatelessResetter(const StatelessResetKey& key, Random& random, const ReplyLimits& limits)
      : key_(key), random_(random), rates_(random, limits) {}

  /// What to answer to a datagram with a short header and `id`, which no connection has. Empty: nothing. Always smaller than
  /// what it answers, so that two ends that reset each other fall silent (RFC 9000 §10.3.3).
  [[nodiscard]] ByteVector answer(TimePoint now, const ReceivedDatagram& datagram, const ConnectionId& id);

 private:
  const StatelessResetKey& key_;
  Random& random_;
  ReplyRates rates_;
};

}  // namespace quic
