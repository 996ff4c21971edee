// Transport parameters (RFC 9000 §18) as a value; encoding, decoding and validation by role.
#pragma once

#include <optional>
#include <vector>

#include "quic/QuicConstants.h"
#include "quic/QuicError.h"
#include "quic/common/ByteCursor.h"
#include "quic/common/ConnectionId.h"
#include "quic/common/Ids.h"
#include "quic/common/SocketAddress.h"

namespace quic {

struct PreferredAddress {
  SocketAddress v4;  // unspecified when absent
  SocketAddress v6;
  ConnectionId id;
  StatelessResetToken token{};
  bool operator==(const PreferredAddress&) const = default;
};

/// RFC 9368 §3. A client lists what its first flight can be turned into, by descending preference, its choice among them; a
/// server what all of its deployment speaks.
struct VersionInformation {
  uint32_t chosen = 0;
  std::vector<uint32_t> available;
  bool operator==(const VersionInformation&) const = default;
};

/// Every field holds the RFC's default until set. Durations in milliseconds, sizes in bytes, as on the wire.
struct TransportParameters {
  std::optional<ConnectionId> originalDestinationConnectionId;  // server only
  std::optional<ConnectionId> initialSourceConnectionId;
  std::optional<ConnectionId> retrySourceConnectionId;     // server only
  std::optional<StatelessResetToken> statelessResetToken;  // server only
  std::optional<PreferredAddress> preferredAddress;        // server only
  uint64_t maxIdleTimeout = 0;                             // 0: none
  uint64_t maxUdpPayloadSize = kMaxUdpPayloadSize;
  uint64_t initialMaxData = 0;
  uint64_t initialMaxStreamDataBidiLocal = 0;   // streams that the sender of this parameter opens
  uint64_t initialMaxStreamDataBidiRemote = 0;  // streams that its peer opens
  uint64_t initialMaxStreamDataUni = 0;
  uint64_t initialMaxStreamsBidi = 0;
  uint64_t initialMaxStreamsUni = 0;
  uint64_t ackDelayExponent = kDefaultAckDelayExponent;
  uint64_t maxAckDelay = 25;
  bool disableActiveMigration = false;
  uint64_t activeConnectionIdLimit = kDefaultActiveConnectionIdLimit;
  std::optional<uint64_t> maxDatagramFrameSize;  // RFC 9221
  bool resetStreamAt = false;           // draft-ietf-quic-reliable-stream-reset §3: RESET_STREAM_AT is understood
  std::optional<uint64_t> minAckDelay;  // draft-ietf-quic-ack-frequency §3, in microseconds
  std::optional<VersionInformation> versionInformation;  // RFC 9368; decoded: kMaxAvailableVersions of them at most
  bool greaseQuicBit = false;                            // RFC 9287: its sender takes packets whose fixed bit is 0
  std::optional<uint64_t> serverMigrationSuite;          // the project's spec §1: bit mask of protocols
  bool operator==(const TransportParameters&) const = default;
};

/// Only what differs from the defaults is written.
ByteVector encodeTransportParameters(const TransportParameters& parameters);
/// `sender` is the role of who wrote them. All errors are TRANSPORT_PARAMETER_ERROR: duplicates (RFC 9000 §7.4), values out of
/// range (§18.2), server-only parameters from a client, a malformed suite (spec §1.4),
/// a min_ack_delay above max_ack_delay. Unknown ones are ignored (§7.4.2).
Result<TransportParameters> decodeTransportParameters(ByteSpan bytes, Role sender);

}  // namespace quic
