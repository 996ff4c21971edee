// Numbers with their sources; no behaviour.
#pragma once

#include <cstddef>
#include <cstdint>

#include "quic/common/QuicClock.h"

namespace quic {

// ---- versions (RFC 9000 §15, RFC 9369 §3.1)
inline constexpr uint32_t kVersionNegotiation = 0;
inline constexpr uint32_t kQuicVersion1 = 0x00000001;
inline constexpr uint32_t kQuicVersion2 = 0x6b3343cf;
constexpr bool isKnownVersion(uint32_t version) { return version == kQuicVersion1 || version == kQuicVersion2; }
/// RFC 9000 §15: versions that nobody speaks, so that nobody forgets how to negotiate.
constexpr bool isReservedVersion(uint32_t version) { return (version & 0x0f0f0f0f) == 0x0a0a0a0a; }

// ---- datagrams
inline constexpr size_t kMinInitialDatagramSize = 1200;    // RFC 9000 §14.1
inline constexpr size_t kMinUdpPayloadSize = 1200;         // RFC 9000 §14
inline constexpr size_t kDefaultUdpPayloadSize = 1200;     // until the path is known to carry more
inline constexpr size_t kMaxUdpPayloadSize = 65527;        // RFC 9000 §18.2
inline constexpr size_t kAeadTagSize = 16;                 // RFC 9001 §5.3, every suite of QUIC v1
inline constexpr size_t kHeaderProtectionSampleSize = 16;  // RFC 9001 §5.4.2
inline constexpr size_t kDatagramOverhead = 64;            // what a waiting DATAGRAM counts beside its bytes (ours)
inline constexpr uint64_t kAmplificationFactor = 3;        // RFC 9000 §8.1
inline constexpr size_t kMinStatelessResetSize = 21;       // RFC 9000 §10.3

// ---- priorities
inline constexpr uint8_t kUrgencies = 8;       // RFC 9218 §4.1: 0, the most urgent, to 7
inline constexpr uint8_t kDefaultUrgency = 3;  // RFC 9218 §4.1

// ---- connection IDs
inline constexpr size_t kMinInitialDestinationConnectionIdSize = 8;  // RFC 9000 §7.2
inline constexpr uint64_t kDefaultActiveConnectionIdLimit = 2;       // RFC 9000 §18.2: when the peer is silent
inline constexpr uint64_t kAdvertisedActiveConnectionIdLimit = 8;    // what we ask peers to keep within

// ---- recovery (RFC 9002)
inline constexpr Duration kInitialRtt = 333ms;             // §6.2.2
inline constexpr Duration kTimerGranularity = 1ms;         // §6.1.2
inline constexpr Duration kLongestPto = 60s;               // §6.2.1: where doubling ends, as RFC 6298 §2.5 allows
inline constexpr uint64_t kPacketReorderingThreshold = 3;  // §6.1.1
inline constexpr int kPersistentCongestionThreshold = 3;   // §7.6.1
inline constexpr uint64_t kInitialWindowPackets = 10;      // §7.2
inline constexpr uint64_t kMinWindowPackets = 2;           // §7.2
inline constexpr Duration kDefaultMaxAckDelay = 25ms;      // RFC 9000 §18.2
inline constexpr uint64_t kDefaultAckDelayExponent = 3;    // RFC 9000 §18.2

// ---- bounds of what a peer can make us keep (spec of the project: security cases, part 1)
inline constexpr size_t kMaxAckRanges = 64;
inline constexpr size_t kMaxCryptoBuffer = 64 * 1024;  // RFC 9000 §7.5 asks for at least 4096
inline constexpr size_t kMaxPathChallengesQueued = 3;
inline constexpr size_t kMaxUndecryptablePackets = 10;
inline constexpr size_t kMaxUndecryptableBytes = 16 * 1024;
inline constexpr size_t kMaxEarlyArrivals = 64;             // datagrams at one endpoint, see server/EarlyArrivals.h
inline constexpr size_t kMaxEarlyArrivalBytes = 64 * 1024;  // of all of them
inline constexpr size_t kMaxEarlyArrivalsPerSource = kMaxUndecryptablePackets;
inline constexpr Duration kEarlyArrivalLifetime = kInitialRtt;  // what is overtaken by more than that is sent again
inline constexpr size_t kMaxStreamGaps = 1000;
inline constexpr size_t kMaxPoolAddresses = 16;
inline constexpr size_t kMaxPaths = 4;
inline constexpr size_t kMaxQueuedEvents = 256;        // of a connection whose host does not take them
inline constexpr size_t kMaxAvailableVersions = 32;    // of a peer's that are kept
inline constexpr uint32_t kMaxSessionTickets = 16;     // that one connection hands on
inline constexpr size_t kMaxAddressTokens = 16;        // that one connection hands on
inline constexpr size_t kMaxAddressTokenSize = 800;    // leaves a third of an Initial packet to the ClientHello
inline constexpr size_t kMaxQLogPending = 256 * 1024;  // text of a qlog that nobody takes: more is counted, not kept
inline constexpr size_t kMaxQLogRecord = 16 * 1024;    // of one packet's frames: further ones are left out
inline constexpr size_t kMaxRetireQueue = 3 * kAdvertisedActiveConnectionIdLimit;

// ---- server migration (spec of the project §1 and §2)
inline constexpr uint64_t kServerMigrationParameterId = 0x64;
inline constexpr Duration kDefaultAnnouncementLifetime = 60s;

}  // namespace quic
