// What an application may set on a connection. Durations; 0 means off where it says so.
#pragma once

#include "quic/QuicConstants.h"
#include "quic/congestion_control/CongestionController.h"
#include "quic/datagram/DatagramTypes.h"
#include "quic/handshake/AddressToken.h"
#include "quic/handshake/AeadLimits.h"
#include "quic/servermigration/ServerMigrationClient.h"
#include "quic/state/QuicStreamManager.h"

namespace quic {

struct TransportSettings {
  StreamSettings streams;
  DatagramSettings datagrams;
  Duration idleTimeout = 30s;       // RFC 9000 §10.1; 0: none of our own
  Duration handshakeTimeout = 10s;  // from the first packet to HandshakeFinished; 0: off
  Duration keepAliveInterval{0};    // PING after so much silence, or half the idle timeout if that is less; 0: off
  Duration maxAckDelay = kDefaultMaxAckDelay;
  bool ackFrequency = false;  // offers draft-ietf-quic-ack-frequency; used when the peer offers it as well
  Duration initialRtt = kInitialRtt;
  bool ecn =
      true;  // packets are marked ECT(0) where the path bears it (RFC 9000 §13.4); received marks are reported anyway
  CongestionControlType congestionControl = CongestionControlType::Cubic;
  size_t datagramSize = kDefaultUdpPayloadSize;  // 1200 to 65527: sent from the start; the path must carry it
  bool pathMtuDiscovery = true;                  // larger datagrams are tried on each path (RFC 9000 §14.3)
  size_t maxDatagramSize = 0;                // none larger is tried; 0: what Ethernet carries, see largestDatagram()
  size_t connectionIdSize = 8;               // of the IDs that we issue, 4 to 20; see server/ConnectionIdAlgo.h
  bool disableActiveMigration = false;       // server: clients are asked to keep their address (RFC 9000 §18.2)
  std::optional<SocketAddress> preferredV4;  // server: where clients are to go after the handshake (RFC 9000 §9.6);
  std::optional<SocketAddress> preferredV6;  //   its socket receives there too, and sends from where paths say
  bool followsPreferredAddress = true;       // client: goes there, if clientMigration.addressPolicy allows it
  // ---- resumption
  ByteVector
      resumption;  // client: the bytes of a SessionTicket of an earlier connection to the same server; empty: none
  /// 0-RTT is open to replay (RFC 9001 §9.2). Client: ask for it, so that streams can be used from EarlyDataReady on. Server:
  /// hand it to the application at once, and let that answer; false: it waits until the handshake is complete.
  bool earlyData = false;
  ByteVector earlyDataContext;  // server: what early data of the application depends on; tickets are tied to it
  // ---- what the network sees
  /// RFC 9287: take packets whose fixed bit is 0, and draw that bit at random in ours for a peer that takes them. Not where one
  /// socket is shared with protocols that are told apart by this bit (RFC 9443).
  bool greaseQuicBit = true;
  bool spinBit = true;  // round trips can be measured from outside on 15 paths of 16 (RFC 9000 §17.4); false: on none
  // ---- packet protection
  uint64_t keyUpdateInterval = 0;        // 1-RTT packets sent with one key; 0: half of what RFC 9001 §6.6 allows
  std::optional<AeadLimits> aeadLimits;  // tests only: instead of those of RFC 9001 §6.6
  /// Versions of QUIC, the best first (RFC 9368). Client: begins with one of them, and goes on with one that the server speaks
  /// too. Server: answers to those that there are, and takes the first that the client offers. Without a usable one: version 1.
  std::vector<uint32_t> versions = {kQuicVersion1};
  /// Client: which of `versions` to begin with (RFC 9368 §1.2), where the best is not the one that most servers answer to; it
  /// may be one that nobody speaks (RFC 9000 §15). 0, or none of them: that of `resumption`, which is good for no other (RFC
  /// 9369 §5), if it is one of them, else the first.
  uint32_t originalVersion = 0;
  AddressToken addressToken;  // client: of an earlier connection to this server; for one attempt
  bool qlog = false;  // QLogText tells what happens, see logging/QLog.h; it costs several times what a packet does
  // ---- server migration
  ServerMigrationClientSettings clientMigration;  // client
  ServerMigrationProtocols serverMigration;       // server: supported; empty: off
  std::vector<QuicIPAddress> migrationPool;       // server: sent when Pool of Addresses is negotiated
};

}  // namespace quic
