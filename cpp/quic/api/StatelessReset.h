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

struct StatelessResetSettings {
  Rate total{1000, 1000};  // what is sent in a second; junk must not make us busy
  Rate perSource{20, 50};  // to one source (common/SourcePrefix.h)
};

class StatelessResetter {
 public:
  /// `key` and `random` outlive it.
  StatelessResetter(const StatelessResetKey& key, Random& random, const StatelessResetSettings& settings)
      : key_(key), random_(random), settings_(settings), sources_(random, settings.perSource) {}

  /// What to answer to a datagram with a short header and `id`, which no connection has. Empty: nothing. Always smaller than
  /// what it answers, so that two ends that reset each other fall silent (RFC 9000 §10.3.3).
  [[nodiscard]] ByteVector answer(TimePoint now, const ReceivedDatagram& datagram, const ConnectionId& id);

 private:
  const StatelessResetKey& key_;
  Random& random_;
  StatelessResetSettings settings_;
  RateLimit total_;
  SourceRates sources_;
};

}  // namespace quic
