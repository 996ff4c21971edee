// One connection, either role. Four kinds of door, and no other:
//   on*    a fact happened (network, clock)
//   poll*  what do you want done?
//   verbs  a command of the application
//   nouns  a cheap question
// After every on* and every verb: call pollTransmit until it is empty, then pollEvent until it is empty, then arm a timer
// for nextTimeout(). Time never goes back. Nothing here calls into the application.
#pragma once

#include <memory>
#include <optional>

#include "quic/api/ConnectionStats.h"
#include "quic/api/TransportEvents.h"
#include "quic/api/TransportSettings.h"
#include "quic/common/Datagram.h"
#include "quic/common/OwnedBytes.h"

namespace quic {

struct QuicConnectionState;

class QuicTransportBase {
 public:
  virtual ~QuicTransportBase();
  QuicTransportBase(const QuicTransportBase&) = delete;
  QuicTransportBase& operator=(const QuicTransportBase&) = delete;

  // ---- facts
  /// `datagram.bytes` are decrypted in place and not kept.
  void onDatagram(TimePoint now, const ReceivedDatagram& datagram);
  /// One that no connection ID claims: true when it is a stateless reset of this connection (RFC 9000 §10.3.1).
  bool onUnroutedDatagram(TimePoint now, const ReceivedDatagram& datagram);
  void onTimeout(TimePoint now);
  /// The network says that nobody answers at `peer` (ICMP port, host or net unreachable). Believed only while nothing was
  /// ever received from it (RFC 9000 §14.2.1 tells how little such messages prove).
  void onUnreachable(TimePoint now, const SocketAddress& peer);
  /// The process was frozen and goes on, perhaps elsewhere: clock, entropy and sockets have changed.
  void onResumed(TimePoint now, Duration frozenFor);

  // ---- work
  /// Writes one datagram, or a train of equal ones for one GSO send, to the front of `out` (at least settings.datagramSize
  /// bytes; 64 KiB for full trains).
  [[nodiscard]] std::optional<Transmit> pollTransmit(TimePoint now, MutableByteSpan out);
  [[nodiscard]] std::optional<TransportEvent> pollEvent();
  /// Until empty, before the next datagram is routed.
  [[nodiscard]] std::optional<RoutingEvent> pollRouting();
  [[nodiscard]] std::optional<TimePoint> nextTimeout() const;

  // ---- verbs
  Result<StreamId> openStream(bool unidirectional);
  /// Takes all of it; see bufferedBytes() and StreamWritable for back-pressure.
  Result<> writeStream(StreamId id, OwnedBytes&& bytes, bool fin);
  Result<StreamRead> readStream(StreamId id, MutableByteSpan out);
  Result<> resetStream(StreamId id, uint64_t errorCode);
  /// The first `reliableSize` bytes are delivered all the same, when both ends offered it (settings.streams.resetStreamAt).
  Result<> resetStreamAt(StreamId id, uint64_t errorCode, uint64_t reliableSize);
  Result<> stopSending(StreamId id, uint64_t errorCode);
  /// How the stream's data shares with others' (RFC 9218 §4), from now on; the peer hears nothing of it.
  Result<> setStreamPriority(StreamId id, const StreamPriority& priority);
  /// New 1-RTT keys for both directions (RFC 9001 §6), as soon as the handshake is confirmed. Error: KEY_UPDATE_NOT_READY, when
  /// another one has not come to its end.
  Result<> updateKeys(TimePoint now);
  /// Not before the peer's transport parameters are known. Errors: DATAGRAM_UNSUPPORTED, DATAGRAM_TOO_LARGE (see
  /// maxDatagramPayload), DATAGRAM_QUEUE_FULL. DatagramAcked or DatagramLost tells what became of it (RFC 9221).
  Result<> sendDatagram(TimePoint now, OwnedBytes&& bytes, const DatagramOptions& options = {});
  /// Nothing more is logged, whatever settings.qlog said.
  void stopQlog();
  /// CONNECTION_CLOSE now (RFC 9000 §10.2): application code, or a transport error. `reason` goes on the wire, cut at 256 bytes.
  void close(TimePoint now, const QuicErrorCode& code, std::string_view reason);

  // ---- nouns
  [[nodiscard]] Role role() const;
  [[nodiscard]] bool isHandshakeFinished() const;
  [[nodiscard]] bool isHandshakeConfirmed() const;
  /// Nothing is left to send or to wait for: the object may go.
  [[nodiscard]] bool isDrained() const;
  [[nodiscard]] bool isClosing() const;
  [[nodiscard]] FourTuple activePath() const;
  [[nodiscard]] uint32_t version() const;
  [[nodiscard]] uint64_t bufferedBytes(StreamId id) const;
  [[nodiscard]] bool hasUnfinishedSends() const;
  /// Bytes that one datagram can have now: the peer's limit and the path's. nullopt: the peer takes none.
  [[nodiscard]] std::optional<size_t> maxDatagramPayload() const;
  /// Datagrams that have not left yet.
  [[nodiscard]] size_t waitingDatagrams() const;
  /// What the handshake agreed upon.
  [[nodiscard]] CipherSuite cipherSuite() const;
  /// The peer has followed the last key update, whoever began it, and none waits.
  [[nodiscard]] bool isKeyUpdateFollowed() const;
  /// RFC 8446 §7.5, once the handshake is finished. `size`: 1 to 255. Error: INVALID_ARGUMENT.
  [[nodiscard]] Result<ByteVector> exportKeyingMaterial(std::string_view label, ByteSpan context, size_t size) const;
  [[nodiscard]] ConnectionStats stats() const;

 protected:
  explicit QuicTransportBase(std::unique_ptr<QuicConnectionState> state);
  QuicConnectionState& state() { return *state_; }
  [[nodiscard]] const QuicConnectionState& state() const { return *state_; }

 private:
  std::unique_ptr<QuicConnectionState> state_;
};

}  // namespace quic
