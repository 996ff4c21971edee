// A real end under test, and in front of it a peer that may write anything: arbitrary frames in correctly protected packets
// of every level, arbitrary headers, arbitrary datagrams. It knows all keys (FakeHandshake), so it reads every answer too.
// It acknowledges nothing and answers nothing unless told to. Virtual time; a timer that spins fails the test.
//
// What it cannot see: TLS (test/cpp/tls has that) and more than one connection (the endpoints' tests have that).
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cpp/api/FakeHandshake.h"
#include "cpp/support/TestBytes.h"
#include "quic/api/QuicReadCodec.h"
#include "quic/api/QuicTransportBase.h"
#include "quic/client/QuicClientTransport.h"
#include "quic/codec/QuicFrameCodec.h"
#include "quic/codec/QuicPacketHeaders.h"
#include "quic/handshake/TransportParameters.h"
#include "quic/server/QuicServerTransport.h"
#include "quic/state/PacketSpace.h"

namespace quic::test {

class SeededRandom final : public Random {
 public:
  explicit SeededRandom(uint64_t seed) : engine_(seed) {}
  void fill(MutableByteSpan out) override {
    for (uint8_t& byte : out) byte = static_cast<uint8_t>(engine_());
  }

 private:
  Seeded engine_;
};

/// Frames written one after the other.
class FrameBytes {
 public:
  template <class Frame>
  FrameBytes& add(const Frame& frame) {
    std::vector<uint8_t> room(70000);
    ByteWriter writer(room);
    writeFrame(writer, frame);
    bytes_.insert(bytes_.end(), room.begin(), room.begin() + static_cast<ptrdiff_t>(writer.offset()));
    return *this;
  }
  FrameBytes& ack(PacketNum first, PacketNum last);
  FrameBytes& raw(ByteSpan bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  FrameBytes& hex(std::string_view text) { return raw(fromHex(text)); }
  FrameBytes& varint(uint64_t value);
  FrameBytes& padding(size_t size) {
    bytes_.resize(bytes_.size() + size);
    return *this;
  }
  operator ByteSpan() const { return bytes_; }  // NOLINT: frames are bytes
  [[nodiscard]] const ByteVector& bytes() const { return bytes_; }

 private:
  ByteVector bytes_;
};

/// What a packet of the peer has out of the ordinary.
struct PacketOptions {
  std::optional<PacketNum> number{};
  size_t numberSize = 4;
  uint8_t setBits = 0;  // of the first byte, before protection
  uint8_t clearBits = 0;
  bool breakTag = false;
  std::optional<ConnectionId> destinationId{};
  std::optional<ConnectionId> sourceId{};
  ByteVector token{};
  std::optional<uint32_t> generation{};  // 1-RTT: of the keys, and the Key Phase bit that goes with it
};

/// A packet of the end under test, opened.
struct HeardPacket {
  EncryptionLevel level = EncryptionLevel::Initial;
  PacketNum number = 0;
  ConnectionId destinationId;
  ByteVector payload;
  size_t datagramSize = 0;
  FourTuple path;           // as the end sees it
  uint32_t generation = 0;  // 1-RTT: of the keys
  TimePoint at;
  Ecn ecn = Ecn::NotEct;
  ByteVector token{};     // Initial
  uint8_t firstByte = 0;  // without header protection
};

struct PeerSettings {
  Role endRole = Role::Server;
  TransportSettings end;
  TransportParameters parameters;  // the peer's; IDs are filled in
  FakeHandshakeOptions handshake;
  size_t sourceIdSize = 8;
  /// The peer's, in a message of its own before ClientHello or EncryptedExtensions: see FakeHandshake.
  std::optional<ByteVector> preSharedKey{};
  bool fillIds = true;       // initial_source_connection_id and, as a server, original_destination_connection_id
  ByteVector rawParameters;  // instead of `parameters` when not empty; appended when `appendRaw`
  bool appendRaw = false;
  bool reportsEcn = false;  // in what acknowledges everything
  uint64_t seed = 1;
};

class MisbehavingPeer {
 public:
  explicit MisbehavingPeer(const PeerSettings& settings);
  MisbehavingPeer(const MisbehavingPeer&) = delete;
  MisbehavingPeer& operator=(const MisbehavingPeer&) = delete;
  ~MisbehavingPeer();
  static TransportParameters usualParameters();
  static PeerSettings against(Role endRole) {
    PeerSettings settings;
    settings.endRole = endRole;
    settings.parameters = usualParameters();
    return settings;
  }
  static PeerSettings againstServer() { return against(Role::Server); }
  static PeerSettings againstClient() { return against(Role::Client); }

  // ---- how far the handshake goes
  /// Server: has its first Initial and answered it. Client: has sent its first flight.
  void begin();
  /// Server: has everything but the client's Finished. Client: has ServerHello, not yet the rest.
  void reachHandshakeLevel();
  /// To the end, HANDSHAKE_DONE included.
  void connect();

  // ---- writing
  [[nodiscard]] ByteVector seal(EncryptionLevel level, ByteSpan frames, const PacketOptions& options = {});
  void deliver(ByteVector datagram);
  void deliver(ByteVector datagram, const FourTuple& path);
  /// One packet in one datagram; Initial ones are filled up.
  void send(EncryptionLevel level, ByteSpan frames, const PacketOptions& options = {});
  void send(ByteSpan frames) { send(EncryptionLevel::OneRtt, frames); }
  void sendFrom(const FourTuple& path, ByteSpan frames);
  [[nodiscard]] bool hasHeard(EncryptionLevel level) { return !space(level).acks.received().empty(); }
  void ackEverything(EncryptionLevel level, const PacketOptions& options = {});
  /// Whatever is sent from now on is sealed with the next 1-RTT keys.
  void updateKeys() { ++writeGeneration_; }
  [[nodiscard]] uint32_t generation() const { return writeGeneration_; }
  [[nodiscard]] ByteVector helloFrames() const;      // CRYPTO with ClientHello or ServerHello
  [[nodiscard]] ByteVector encryptedFrames() const;  // server: EncryptedExtensions to Finished
  [[nodiscard]] ByteVector peerParameterBytes() const;

  // ---- time
  /// Takes what the end sends after a verb.
  void poll() { drain(); }
  /// Timers fire as they fall due. Fails when the end asks to be woken without getting anywhere.
  void advance(Duration duration);
  [[nodiscard]] TimePoint now() const { return now_; }

  // ---- what came
  std::vector<HeardPacket> heard;
  std::vector<TransportEvent> events;
  uint64_t bytesHeard = 0;
  uint64_t datagramsHeard = 0;
  std::map<SocketAddress, uint64_t> bytesTo;
  uint64_t wakes = 0;
  bool keepsHeard = true;

  [[nodiscard]] std::vector<QuicFrame> frames(EncryptionLevel level) const;  // borrowed from `heard`
  template <class Frame>
  [[nodiscard]] std::vector<Frame> all(EncryptionLevel level = EncryptionLevel::OneRtt) const {
    std::vector<Frame> found;
    for (const QuicFrame& frame : frames(level)) {
      if (const auto* match = std::get_if<Frame>(&frame)) found.push_back(*match);
    }
    return found;
  }
  template <class Event>
  [[nodiscard]] size_t count() const {
    size_t found = 0;
    for (const TransportEvent& event : events) found += std::holds_alternative<Event>(event) ? 1 : 0;
    return found;
  }
  /// The code of the first CONNECTION_CLOSE on the wire, whatever its level.
  [[nodiscard]] std::optional<uint64_t> closeCode() const;
  [[nodiscard]] bool hasAcked(EncryptionLevel level, PacketNum number) const;
  /// PING goes in, its acknowledgment comes out.
  [[nodiscard]] bool lives();
  void forget() { heard.clear(); }

  QuicTransportBase& end() { return *end_; }
  QuicServerTransport& server() { return static_cast<QuicServerTransport&>(*end_); }
  PacketNum nextNumber(EncryptionLevel level) { return space(level).nextNumber; }
  [[nodiscard]] const FourTuple& path() const { return path_; }
  /// The same end, reached from another address of the peer.
  [[nodiscard]] FourTuple pathFrom(uint16_t port, uint8_t host = 1) const;
  [[nodiscard]] const ConnectionId& originalDestinationId() const { return originalDestinationId_; }
  [[nodiscard]] const ConnectionId& ownId() const { return sourceId_; }
  [[nodiscard]] const ConnectionId& endId() const { return endId_; }
  void useEndId(const ConnectionId& id) { endId_ = id; }
  /// As a server: the next Initial packet begins a new attempt, in this version.
  void speak(uint32_t version);
  /// As a server that has sent a Retry: Initial packets are keyed by its ID from now on.
  void rekeyInitial(const ConnectionId& retrySourceId);
  /// All levels in the version that it speaks, by the ID that the end's first Initial was sent to.
  void installKeys();
  [[nodiscard]] const std::optional<TransportParameters>& endParameters() const { return endParameters_; }
  /// What its datagrams are marked with.
  Ecn mark = Ecn::NotEct;
  /// An ACK frame of everything that came, with `counts`, at 1-RTT.
  void ackWith(const std::optional<EcnCounts>& counts);
  [[nodiscard]] EcnCounts honestCounts();
  /// False: the end's polls wait, as when a host or socket is behind.
  bool drainsEvents = true;

 private:
  PacketSpace& space(EncryptionLevel level) { return spaces_[static_cast<size_t>(spaceOf(level))]; }
  [[nodiscard]] PacketProtection zeroRttKeys() const;
  [[nodiscard]] PacketProtection oneRttKeys(Role writer, uint32_t generation) const;
  bool openHeard(PacketSpace& packets, EncryptionLevel level, const ProtectedPacket& packet, OpenedPacket& opened);
  void makeEnd();
  void drain();
  void hear(const Transmit& transmit, ByteSpan bytes);
  void hearDatagram(const Transmit& transmit, ByteSpan bytes);
  void readCrypto(const CryptoFrame& frame);
  [[nodiscard]] ByteVector ackFrame(EncryptionLevel level);

  PeerSettings settings_;
  Role role_;  // the peer's
  std::unique_ptr<CryptoFactory> crypto_;
  SeededRandom random_;
  std::unique_ptr<ConnectionIdGenerator> connectionIds_;
  std::unique_ptr<QuicTransportBase> end_;
  TimePoint now_{1h};
  FourTuple path_;
  uint32_t version_ = kQuicVersion1;
  ConnectionId originalDestinationId_;
  ConnectionId sourceId_;
  ConnectionId endId_;  // what packets to the end are addressed to
  std::array<PacketSpace, kPacketNumberSpaces> spaces_;
  uint32_t writeGeneration_ = 0;
  uint32_t readGeneration_ = 0;
  CryptoStream handshakeBytes_{PacketNumberSpace::Handshake};
  ByteVector handshakeInbox_;
  std::optional<TransportParameters> endParameters_;
  uint64_t cryptoOffset_ = 0;  // next of the peer's 1-RTT CRYPTO stream
  ByteVector buffer_;
};

std::string nameOfCode(std::optional<uint64_t> code);

}  // namespace quic::test
