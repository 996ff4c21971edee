// Everything a connection is made of, side by side: an aggregate and nothing else. Only api/, client/ and server/ include
// it; whatever lies below takes the part that it needs. Parts hold ids and numbers, never pointers to one another, so that
// one day a live connection can be written down as bytes.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <variant>

#include "quic/api/ConnectionStats.h"
#include "quic/api/QLogState.h"
#include "quic/api/TransportEvents.h"
#include "quic/api/TransportSettings.h"
#include "quic/common/Random.h"
#include "quic/common/RandomBits.h"
#include "quic/datagram/DatagramReceiver.h"
#include "quic/datagram/DatagramSender.h"
#include "quic/handshake/HandshakeLayer.h"
#include "quic/handshake/TransportParameters.h"
#include "quic/loss/LossRecovery.h"
#include "quic/servermigration/ServerMigrationClient.h"
#include "quic/servermigration/ServerMigrationServer.h"
#include "quic/state/AckFrequency.h"
#include "quic/state/ConnectionIdGenerator.h"
#include "quic/state/ConnectionLife.h"
#include "quic/state/KeyPhases.h"
#include "quic/state/NewTokens.h"
#include "quic/state/PacketSpace.h"
#include "quic/state/PeerConnectionIds.h"
#include "quic/state/QuicPathManager.h"
#include "quic/state/QuicStreamManager.h"
#include "quic/state/SelfConnectionIds.h"
#include "quic/state/UndecryptablePackets.h"

namespace quic {

/// What a connection borrows; all of it outlives the connection.
struct Environment {
  const CryptoFactory& crypto;
  Random& random;
  ConnectionIdGenerator& connectionIds;
};

struct HandshakeState {
  std::unique_ptr<HandshakeLayer> tls;
  uint32_t version = kQuicVersion1;          // what we seal with: the negotiated one, once it is known
  uint32_t originalVersion = kQuicVersion1;  // of the client's first flight (RFC 9368 §1.2), the latest attempt's
  bool hasReactedToVersions = false;         // client: this attempt follows a Version Negotiation packet
  PacketProtection originalReadKeys;   // Initial, after a change of version: packets of the original one still come
  ConnectionId originalDestinationId;  // what the client's first Initial was sent to
  std::optional<ConnectionId> retrySourceId;  // of the Retry packet, when there was one: Initials go there, keyed by it
  ByteVector token;                           // client: goes into every Initial packet (RFC 9000 §8.1.2, §8.1.3)
  std::optional<ConnectionId> peerSourceId;   // fixed by the first authentic long header (RFC 9000 §7.2)
  std::optional<TransportParameters> peerParameters;  // client: remembered ones while 0-RTT is under way
  std::string alpn;                                   // once the handshake is complete
  TimePoint deadline{};
  uint32_t earlyResends = 0;    // server: see onRepeatedClientHello
  bool isComplete = false;      // HandshakeFinished was told
  bool isDonePending = false;   // server: HANDSHAKE_DONE is to be written
  bool isDoneAcked = false;     // server: a copy of it has arrived
  uint32_t sessionTickets = 0;  // client: came so far
};

/// Packet protection beyond the keys that lie in their spaces; api/KeyDriver.
struct KeyState {
  KeyPhases phases;
  CipherSuite suite = CipherSuite::AES_128_GCM_SHA256;  // of Initial packets (RFC 9001 §5.2) until another is agreed
  uint64_t forgedPackets = 0;                           // did not open, over the whole connection (RFC 9001 §6.6)
};

/// 0-RTT; api/EarlyDataDriver.
struct EarlyDataState {
  PacketProtection keys;                          // client: they seal, server: they open; empty before and after
  std::optional<TransportParameters> remembered;  // client: what 0-RTT packets go by
  std::optional<TransportParameters> fresh;       // client: the server's of now, until the handshake is complete
  std::string alpn;                               // client: what early data is written in
  std::optional<PacketNum> rejectedUpTo;          // client: the server has refused packets up to here
  std::optional<TimePoint> forgetAt;              // server: when the keys go
};

/// Frames of server migration that wait to be written, and what the engine watches for the tables.
struct MigrationWork {
  /// Of a search that is not begun yet: ServerMigrationClientSettings::probeDelay.
  struct DelayedProbe {
    SocketAddress peer;
    TimePoint at;
  };
  /// Asked for during the handshake, which it waits for.
  struct WantedMove {
    ServerMigrationProtocol protocol;
    std::optional<QuicIPAddress> address;
  };
  /// SM-88: when the server speaks next, unless the client is known to be there by then.
  struct NextWord {
    TimePoint at;
    Duration interval;
  };
  /// The last switch of a server.
  struct LastSwitch {
    PathId path;                 // the first since then; earlier ones are gone
    ConnectionId heardOnBefore;  // ours that the client used before; empty: what it gives up says nothing (SM-57)
    bool isClientThere = false;
  };
  std::optional<migration::SendAnnouncement> announcement;  // of the latest epoch
  bool isAnnouncementPending = false;
  bool isServerMigratedPending = false;
  std::vector<uint32_t> poolPending;         // indexes into settings.migrationPool
  std::optional<PacketNum> announcedIn;      // client: the packet whose acknowledgment tells the server
  std::optional<LastSwitch> lastSwitch;      // server
  std::optional<WantedMove> wanted;          // server
  std::optional<NextWord> nextWord;          // server
  std::optional<DelayedProbe> delayedProbe;  // client
  std::optional<TimePoint> unansweredSince;  // client: asked, and not heard from since
  TimePoint lastHeardBeforeMove{};           // client: for the downtime
};

/// A client's move that its application asked for.
struct OwnMove {
  SocketAddress local;
  bool isProbed = true;  // first; false: the old address is gone
};

/// What the application asked for before the handshake was confirmed; done as soon as it is (RFC 9000 §9, RFC 9001 §6.1).
struct AwaitedVerbs {
  std::optional<OwnMove> move;  // client
  bool keyUpdate = false;
};

struct DatagramState {
  explicit DatagramState(const DatagramSettings& settings) : sender(settings), receiver(settings) {}
  DatagramSender sender;
  DatagramReceiver receiver;
  bool hasTurn = true;       // before streams of the same urgency, in the next packet
  bool isEventNext = false;  // their events had the last turn
  size_t toldLimit = 0;      // of the last DatagramLimitChanged
};

using MigrationRole = std::variant<std::monostate, ServerMigrationClient, ServerMigrationServer>;

struct IdleState {
  TimePoint lastReceivedAt{};
  std::optional<TimePoint> firstAskedAt;  // first ack-eliciting packet sent since then (RFC 9000 §10.1)
};

struct QuicConnectionState {
  QuicConnectionState(Role role, const TransportSettings& settings, const Environment& environment,
                      const FourTuple& path, bool isPeerValidated);

  Role role;
  TransportSettings settings;
  Environment environment;
  TimePoint now{};         // of the door that was opened last
  TimePoint receivedAt{};  // of the packet in hand: earlier than now when it has waited for its keys

  ConnectionLife life = life::Handshaking{};
  HandshakeState handshake;
  std::array<PacketSpace, kPacketNumberSpaces> spaces;
  KeyState keys;
  RandomBits headerBits;  // what may stand in headers by chance
  EarlyDataState earlyData;
  UndecryptablePackets undecryptable;
  LossRecovery recovery;
  RecoveryOutcome outcome;  // reused from call to call
  QuicPathManager paths;
  SelfConnectionIds selfIds;
  PeerConnectionIds peerIds;
  NewTokenSender newTokensSent;        // server
  NewTokenReceiver newTokensReceived;  // client
  QuicStreamManager streams;
  DatagramState datagrams;
  MigrationRole migration;
  MigrationWork migrationWork;
  IdleState idle;
  AwaitedVerbs awaited;
  bool isPingPending = false;
  AckFrequency ackFrequency;                  // what we ask of the peer
  std::optional<uint64_t> ackFrequencyHeard;  // sequence of what the peer asks of us
  std::optional<TimePoint> pacedUntil;
  std::deque<TransportEvent> events;  // bounded: beyond kMaxQueuedEvents no datagram is taken
  std::deque<RoutingEvent>
      routing;  // drained after every datagram; a peer cannot make it longer than one datagram's frames
  ConnectionStats stats;
  std::optional<ConnectionQLog> qlog;

  [[nodiscard]] PacketSpace& space(PacketNumberSpace name) { return spaces[static_cast<size_t>(name)]; }
  [[nodiscard]] const PacketSpace& space(PacketNumberSpace name) const { return spaces[static_cast<size_t>(name)]; }
  [[nodiscard]] ServerMigrationClient* migrationClient() { return std::get_if<ServerMigrationClient>(&migration); }
  [[nodiscard]] ServerMigrationServer* migrationServer() { return std::get_if<ServerMigrationServer>(&migration); }
  [[nodiscard]] const ServerMigrationClient* migrationClient() const {
    return std::get_if<ServerMigrationClient>(&migration);
  }
  [[nodiscard]] bool isHandshaking() const { return std::holds_alternative<life::Handshaking>(life); }
  [[nodiscard]] bool isConfirmed() const { return std::holds_alternative<life::Confirmed>(life); }
  /// Neither closing, draining nor closed.
  [[nodiscard]] bool isOpen() const { return life.index() <= 2; }
  [[nodiscard]] Duration peerMaxAckDelay() const;
  [[nodiscard]] PtoContext ptoContext() const;
  /// Of Initial or Handshake packets, to be sent when there is room.
  [[nodiscard]] bool handshakeBytesWait() const;
  /// What is sent on the active path fits into this: what it is known to carry, capped by the peer's max_udp_payload_size.
  [[nodiscard]] size_t datagramSize() const;
};

/// Where an authentic packet came from and under which number; handed along with its frames.
struct PacketContext {
  TimePoint now;
  EncryptionLevel level = EncryptionLevel::OneRtt;
  PacketNum number = 0;
  PathId path;
  SocketAddress peer;
  ConnectionId destinationId;
  KeyPhase keyPhase = KeyPhase::Current;  // 1-RTT: which keys opened it
};

}  // namespace quic
