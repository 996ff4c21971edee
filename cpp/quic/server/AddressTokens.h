// Address-validation tokens of a server, for Retry packets and for NEW_TOKEN frames: RFC 9000 §8.1.1 to §8.1.4.
// Nothing is remembered of a token that is out, but that a NEW_TOKEN one was used (TokenReplayGuard.h). On the wire:
//
//   kind (1 byte: 1 Retry, 2 NEW_TOKEN), key (1 byte: which of ours), salt (16 random bytes), sealed content, tag (16 bytes)
//
// Each token is sealed with an AEAD key of its own, derived from a key of the server and the salt. What it is bound to is
// authenticated and not contained: the version and the client's address, for Retry also the port and both connection IDs of
// the Initial packets it may come in. The content, when it was issued and, for Retry, the original Destination Connection ID,
// is encrypted: an observer cannot link a token to the connection that it came from (§8.1.3).
#pragma once

#include "quic/common/ConnectionId.h"
#include "quic/common/Random.h"
#include "quic/common/SocketAddress.h"
#include "quic/handshake/Aead.h"
#include "quic/server/AddressTokenKeys.h"
#include "quic/server/TokenReplayGuard.h"

namespace quic {

/// What an Initial packet says that a token is bound to.
struct TokenContext {
  uint32_t version = 0;  // RFC 9369 §5: a token is of one version
  SocketAddress peer;
  ConnectionId destinationId;  // Retry: the one the Retry packet told the client to use
  ConnectionId sourceId;       // Retry: the client's
};

/// What the token of an Initial packet is worth.
enum class TokenWorth : uint8_t {
  None,          // there is none, or it is nothing of ours or no longer good: as if there were none (RFC 9000 §8.1.3)
  Validated,     // of a NEW_TOKEN frame: the client was at this address
  Retried,       // of a Retry packet of ours
  InvalidRetry,  // it says that it is of a Retry packet and is not good: INVALID_TOKEN (RFC 9000 §8.1.2)
};
struct TokenVerdict {
  TokenWorth worth = TokenWorth::None;
  ConnectionId originalDestinationId;  // Retried only
};

class AddressTokens {
 public:
  /// The references outlive it.
  AddressTokens(const CryptoFactory& crypto, Random& random, const AddressTokenSettings& settings);

  /// For a Retry packet; `context.destinationId` is its Source Connection ID.
  [[nodiscard]] ByteVector makeRetry(TimePoint now, const TokenContext& context,
                                     const ConnectionId& originalDestinationId);
  /// For a NEW_TOKEN frame to a client at `peer`.
  [[nodiscard]] ByteVector makeNew(TimePoint now, uint32_t version, const SocketAddress& peer);
  [[nodiscard]] TokenVerdict check(TimePoint now, ByteSpan token, const TokenContext& context);
  /// A packet with this token, found to be Validated, proved to be authentic: the token is used up.
  void onUsed(TimePoint now, ByteSpan token);
  /// In the place of those before; tokens that only those open are good for nothing from now on.
  void setKeys(const std::vector<AddressTokenKey>& keys) { keys_.replace(keys); }

 private:
  enum class Kind : uint8_t { Retry = 1, New = 2 };
  struct Content {
    Duration issuedAt{};  // UNIX time
    ConnectionId originalDestinationId;
  };

  [[nodiscard]] Duration wall(TimePoint now) const { return now.time_since_epoch() + settings_.unixOffset; }
  [[nodiscard]] ByteVector seal(TimePoint now, Kind kind, const TokenContext& context, const Content& content);
  [[nodiscard]] std::optional<Content> open(TimePoint now, Kind kind, ByteSpan token, const TokenContext& context);
  [[nodiscard]] std::unique_ptr<Aead> aeadFor(const AddressTokenKey& key, ByteSpan prefix) const;
  [[nodiscard]] bool isFresh(TimePoint now, Duration issuedAt, Duration lifetime) const;

  const CryptoFactory& crypto_;
  Random& random_;
  AddressTokenSettings settings_;
  AddressTokenKeys keys_;
  TokenReplayGuard guard_;
};

}  // namespace quic
