#include "cpp/api/MisbehavingPeer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "quic/codec/QuicPacketHeaders.h"
#include "quic/server/ServerConnectionIds.h"
#include "quic/tls/OpenSslTls.h"

namespace quic::test {
namespace {

constexpr size_t kEndIdSize = 8;
constexpr std::array kSpaceLevels = {EncryptionLevel::Initial, EncryptionLevel::Handshake, EncryptionLevel::OneRtt};

Role other(Role role) { return role == Role::Client ? Role::Server : Role::Client; }

SocketAddress address(const char* text) { return SocketAddress::parse(text).value_or(SocketAddress()); }

PacketType typeOf(EncryptionLevel level) {
  if (level == EncryptionLevel::ZeroRtt) return PacketType::ZeroRtt;
  return level == EncryptionLevel::Initial ? PacketType::Initial : PacketType::Handshake;
}

std::optional<EncryptionLevel> levelOf(PacketType type) {
  if (type == PacketType::Initial) return EncryptionLevel::Initial;
  if (type == PacketType::ZeroRtt) return EncryptionLevel::ZeroRtt;
  if (type == PacketType::Handshake) return EncryptionLevel::Handshake;
  if (type == PacketType::OneRtt) return EncryptionLevel::OneRtt;
  return std::nullopt;
}

}  // namespace

FrameBytes& FrameBytes::ack(PacketNum first, PacketNum last) {
  IntervalSet numbers;
  numbers.insert(first, last);
  std::array<uint8_t, 64> room{};
  ByteWriter writer(room);
  writeAckFrame(writer, numbers, 0, std::nullopt);
  return raw(ByteSpan(room).first(writer.offset()));
}

FrameBytes& FrameBytes::varint(uint64_t value) {
  std::array<uint8_t, 8> room{};
  ByteWriter writer(room);
  writer.writeVarint(value);
  return raw(ByteSpan(room).first(writer.offset()));
}

MisbehavingPeer::MisbehavingPeer(const PeerSettings& settings)
    : settings_(settings),
      role_(other(settings.endRole)),
      crypto_(makeOpenSslCryptoFactory()),
      random_(settings.seed),
      buffer_(1 << 16) {
  const bool isServerEnd = settings.endRole == Role::Server;
  path_ = isServerEnd ? FourTuple{address("10.0.0.1:4433"), address("10.0.1.1:5000")}
                      : FourTuple{address("10.0.1.1:5000"), address("10.0.0.1:4433")};
  if (isServerEnd) {
    connectionIds_ = std::make_unique<ServerConnectionIds>(0, kEndIdSize, random_, *crypto_, StatelessResetSecret{});
  } else {
    connectionIds_ = std::make_unique<RandomConnectionIds>(random_, kEndIdSize);
  }
  std::array<uint8_t, kMaxConnectionIdSize> bytes{};
  random_.fill(bytes);
  sourceId_ = ConnectionId(ByteSpan(bytes).first(settings.sourceIdSize));
  random_.fill(bytes);
  originalDestinationId_ = ConnectionId(ByteSpan(bytes).first(8));
  settings_.end.connectionIdSize = kEndIdSize;
  makeEnd();
}

MisbehavingPeer::~MisbehavingPeer() = default;

TransportParameters MisbehavingPeer::usualParameters() {
  TransportParameters parameters;
  parameters.initialMaxData = 1 << 20;
  parameters.initialMaxStreamDataBidiLocal = 1 << 18;
  parameters.initialMaxStreamDataBidiRemote = 1 << 18;
  parameters.initialMaxStreamDataUni = 1 << 18;
  parameters.initialMaxStreamsBidi = 100;
  parameters.initialMaxStreamsUni = 100;
  parameters.activeConnectionIdLimit = 4;
  return parameters;
}

FourTuple MisbehavingPeer::pathFrom(uint16_t port, uint8_t host) const {
  return {path_.local, SocketAddress::v4({10, 0, 1, host}, port)};
}

void MisbehavingPeer::makeEnd() {
  auto handshake = std::make_unique<FakeHandshake>(settings_.endRole, settings_.handshake);
  if (settings_.endRole == Role::Client) {
    end_ = std::make_unique<QuicClientTransport>(
        now_, path_, settings_.end, ClientDependencies{*crypto_, random_, *connectionIds_, std::move(handshake)});
    return;
  }
  end_ = std::make_unique<QuicServerTransport>(
      now_, ServerAccept{path_, kQuicVersion1, originalDestinationId_, sourceId_}, settings_.end,
      ServerDependencies{*crypto_, random_, *connectionIds_, std::move(handshake)});
  endId_ = originalDestinationId_;
  installKeys();
}

void MisbehavingPeer::installKeys() {
  rekeyInitial(originalDestinationId_);
  for (const EncryptionLevel level : {EncryptionLevel::Handshake, EncryptionLevel::OneRtt}) {
    space(level).writeKeys = crypto_->protection(version_, fakeSecret(level, role_, settings_.handshake.suite));
    space(level).readKeys = crypto_->protection(version_, fakeSecret(level, other(role_), settings_.handshake.suite));
  }
}

PacketProtection MisbehavingPeer::oneRttKeys(Role writer, uint32_t generation) const {
  const TrafficSecret first = fakeSecret(EncryptionLevel::OneRtt, writer, settings_.handshake.suite);
  TrafficSecret secret = first;
  for (uint32_t i = 0; i < generation; ++i) secret = crypto_->nextSecret(version_, secret);
  PacketProtection keys = crypto_->protection(version_, secret);
  keys.headerCipher = crypto_->protection(version_, first).headerCipher;
  return keys;
}

void MisbehavingPeer::speak(uint32_t version) {
  version_ = version;
  spaces_[0].readKeys = {};
  endParameters_.reset();
  handshakeBytes_ = CryptoStream(PacketNumberSpace::Handshake);
  handshakeInbox_.clear();
}

void MisbehavingPeer::rekeyInitial(const ConnectionId& retrySourceId) {
  InitialProtection initial = crypto_->initialProtection(version_, retrySourceId.bytes());
  spaces_[0].writeKeys = std::move(role_ == Role::Client ? initial.client : initial.server);
  spaces_[0].readKeys = std::move(role_ == Role::Client ? initial.server : initial.client);
}

PacketProtection MisbehavingPeer::zeroRttKeys() const {
  return crypto_->protection(version_, fakeSecret(EncryptionLevel::ZeroRtt, Role::Client, settings_.handshake.suite));
}

ByteVector MisbehavingPeer::peerParameterBytes() const {
  if (!settings_.rawParameters.empty() && !settings_.appendRaw) return settings_.rawParameters;
  TransportParameters parameters = settings_.parameters;
  if (settings_.fillIds) {
    parameters.initialSourceConnectionId = sourceId_;
    if (role_ == Role::Server) parameters.originalDestinationConnectionId = originalDestinationId_;
  }
  ByteVector bytes = encodeTransportParameters(parameters);
  bytes.insert(bytes.end(), settings_.rawParameters.begin(), settings_.rawParameters.end());
  return bytes;
}

ByteVector MisbehavingPeer::helloFrames() const {
  if (role_ == Role::Server) return FrameBytes().add(CryptoFrame{0, fakeMessage(FakeMessage::ServerHello)}).bytes();
  ByteVector messages;
  if (settings_.preSharedKey) messages = fakeMessage(FakeMessage::PreSharedKey, *settings_.preSharedKey);
  const ByteVector hello = fakeMessage(FakeMessage::ClientHello, peerParameterBytes());
  messages.insert(messages.end(), hello.begin(), hello.end());
  return FrameBytes().add(CryptoFrame{0, messages}).bytes();
}

ByteVector MisbehavingPeer::encryptedFrames() const {
  ByteVector messages;
  const auto append = [&](const ByteVector& message) {
    messages.insert(messages.end(), message.begin(), message.end());
  };
  if (settings_.preSharedKey) append(fakeMessage(FakeMessage::PreSharedKey, *settings_.preSharedKey));
  append(fakeMessage(FakeMessage::EncryptedExtensions, peerParameterBytes()));
  append(fakeMessage(FakeMessage::Certificate, ByteVector(100)));
  append(fakeMessage(FakeMessage::Finished));
  return FrameBytes().add(CryptoFrame{0, messages}).bytes();
}

void MisbehavingPeer::begin() {
  if (role_ == Role::Client) {
    send(EncryptionLevel::Initial, helloFrames());
    return;
  }
  drain();
}

void MisbehavingPeer::reachHandshakeLevel() {
  begin();
  if (role_ == Role::Client) return;
  send(EncryptionLevel::Initial, FrameBytes().raw(ackFrame(EncryptionLevel::Initial)).raw(helloFrames()));
}

void MisbehavingPeer::connect() {
  reachHandshakeLevel();
  if (role_ == Role::Client) {
    const ByteVector finished = fakeMessage(FakeMessage::Finished);
    send(EncryptionLevel::Handshake, FrameBytes().add(CryptoFrame{0, finished}));
  } else {
    send(EncryptionLevel::Handshake, encryptedFrames());
    send(FrameBytes().add(HandshakeDoneFrame{}));
  }
  advance(30ms);
  writeGeneration_ = std::max(writeGeneration_, readGeneration_);  // RFC 9001 §6.2: so far it keeps to the rules
  if (!space(EncryptionLevel::OneRtt).acks.received().empty()) ackEverything(EncryptionLevel::OneRtt);
  EXPECT_TRUE(end_->isHandshakeConfirmed()) << nameOfCode(closeCode());
}

ByteVector MisbehavingPeer::seal(EncryptionLevel level, ByteSpan frames, const PacketOptions& options) {
  PacketSpace& packets = space(level);
  const PacketNum number = options.number.value_or(packets.nextNumber);
  packets.nextNumber = std::max(packets.nextNumber, number + 1);
  const uint64_t mask = options.numberSize >= 8 ? ~uint64_t{0} : (uint64_t{1} << 8 * options.numberSize) - 1;
  const EncodedPacketNumber encoded{number & mask, options.numberSize};
  const ConnectionId destination = options.destinationId.value_or(endId_);
  const uint32_t generation = options.generation.value_or(writeGeneration_);
  PacketProtection updated;
  if (level == EncryptionLevel::OneRtt && generation > 0) updated = oneRttKeys(role_, generation);
  if (level == EncryptionLevel::ZeroRtt) updated = zeroRttKeys();
  const PacketProtection& keys = updated ? updated : packets.writeKeys;

  ByteVector packet(frames.size() + options.token.size() + 200);
  ByteWriter writer(packet);
  std::optional<size_t> lengthOffset;
  if (level == EncryptionLevel::OneRtt) {
    writeShortHeader(writer, destination, (generation & 1) != 0, false, encoded);
  } else {
    const LongHeader header{typeOf(level), version_, destination, options.sourceId.value_or(sourceId_), options.token};
    lengthOffset = writeLongHeader(writer, header, encoded);
  }
  const size_t headerSize = writer.offset();
  packet[0] = static_cast<uint8_t>((packet[0] | options.setBits) & ~options.clearBits);
  writer.writeBytes(frames);
  writer.writeZeros(kAeadTagSize);
  packet.resize(writer.offset());
  const size_t numberOffset = headerSize - encoded.size;
  if (lengthOffset) patchLength(packet, *lengthOffset, packet.size() - numberOffset);
  const MutableByteSpan all(packet);
  EXPECT_TRUE(keys.aead->seal(number, all.first(headerSize), all.subspan(headerSize)));
  if (options.breakTag) packet.back() ^= 1;
  const HeaderProtectionMask protection =
      keys.headerCipher->mask(all.subspan(numberOffset + 4, kHeaderProtectionSampleSize));
  packet[0] ^= protection[0] & (lengthOffset ? 0x0f : 0x1f);
  for (size_t i = 0; i < encoded.size; ++i) packet[numberOffset + i] ^= protection[1 + i];
  return packet;
}

void MisbehavingPeer::send(EncryptionLevel level, ByteSpan frames, const PacketOptions& options) {
  ByteVector padded(frames.begin(), frames.end());
  if (level == EncryptionLevel::Initial && !frames.empty()) {
    const size_t header = 1 + 4 + 1 + options.destinationId.value_or(endId_).size() + 1 +
                          options.sourceId.value_or(sourceId_).size() + varintSize(options.token.size()) +
                          options.token.size() + 2 + options.numberSize;
    padded.resize(std::max(padded.size(), kMinInitialDatagramSize - header - kAeadTagSize));
  }
  deliver(seal(level, padded, options));
}

void MisbehavingPeer::sendFrom(const FourTuple& path, ByteSpan frames) {
  deliver(seal(EncryptionLevel::OneRtt, frames), path);
}

void MisbehavingPeer::deliver(ByteVector datagram) { deliver(std::move(datagram), path_); }

void MisbehavingPeer::deliver(ByteVector datagram, const FourTuple& path) {
  end_->onDatagram(now_, {path, mark, datagram});
  drain();
}

void MisbehavingPeer::ackEverything(EncryptionLevel level, const PacketOptions& options) {
  send(level, ackFrame(level), options);
}

ByteVector MisbehavingPeer::ackFrame(EncryptionLevel level) {
  const AckTracker& acks = space(level).acks;
  std::array<uint8_t, 1000> room{};
  ByteWriter writer(room);
  writeAckFrame(writer, acks.received(), 0, settings_.reportsEcn ? acks.ecnCounts() : std::nullopt);
  return {room.begin(), room.begin() + static_cast<ptrdiff_t>(writer.offset())};
}

void MisbehavingPeer::ackWith(const std::optional<EcnCounts>& counts) {
  std::array<uint8_t, 1000> room{};
  ByteWriter writer(room);
  writeAckFrame(writer, space(EncryptionLevel::OneRtt).acks.received(), 0, counts);
  send(ByteSpan(room).first(writer.offset()));
}

EcnCounts MisbehavingPeer::honestCounts() {
  return space(EncryptionLevel::OneRtt).acks.ecnCounts().value_or(EcnCounts{});
}

void MisbehavingPeer::advance(Duration duration) {
  const TimePoint end = now_ + duration;
  int stuck = 0;
  for (auto next = end_->nextTimeout(); next && *next <= end; next = end_->nextTimeout()) {
    stuck = *next <= now_ ? stuck + 1 : 0;
    if (stuck > 3) {
      ADD_FAILURE() << "a timer asks for the past again and again";
      break;
    }
    now_ = std::max(now_, *next);
    end_->onTimeout(now_);
    ++wakes;
    drain();
  }
  now_ = end;
}

void MisbehavingPeer::drain() {
  for (int i = 0;; ++i) {
    ASSERT_LT(i, 10000) << "the end never stops sending";
    const auto transmit = end_->pollTransmit(now_, buffer_);
    if (!transmit) break;
    hear(*transmit, ByteSpan(buffer_).first(transmit->size));
  }
  while (drainsEvents) {
    auto event = end_->pollEvent();
    if (!event) break;
    events.push_back(std::move(*event));
  }
}

void MisbehavingPeer::hear(const Transmit& transmit, ByteSpan bytes) {
  while (!bytes.empty()) {
    const size_t size = std::min(transmit.segmentSize, bytes.size());
    hearDatagram(transmit, bytes.first(size));
    bytes = bytes.subspan(size);
  }
}

void MisbehavingPeer::hearDatagram(const Transmit& transmit, ByteSpan bytes) {
  bytesHeard += bytes.size();
  ++datagramsHeard;
  bytesTo[transmit.path.peer] += bytes.size();
  if (!keepsHeard) return;
  ByteVector copy(bytes.begin(), bytes.end());
  MutableByteSpan rest(copy);
  while (!rest.empty()) {
    const auto packet = nextPacket(rest, sourceId_.size());
    const auto level = packet ? levelOf(packet->type) : std::nullopt;
    if (!level) return;
    if (role_ == Role::Server && *level == EncryptionLevel::Initial && !spaces_[0].readKeys) {
      originalDestinationId_ = packet->destinationId;
      endId_ = packet->sourceId;
      installKeys();
    }
    if (role_ == Role::Client && *level != EncryptionLevel::OneRtt) endId_ = packet->sourceId;
    PacketSpace& packets = space(*level);
    OpenedPacket opened;
    if (!openHeard(packets, *level, *packet, opened)) continue;
    const bool isRefused =
        *level == EncryptionLevel::ZeroRtt && settings_.preSharedKey && settings_.preSharedKey->front() == 0;
    if (!isRefused) packets.acks.onPacketReceived(now_, {opened.number, false, transmit.ecn});
    heard.push_back({*level, opened.number, packet->destinationId,
                     ByteVector(opened.payload.begin(), opened.payload.end()), bytes.size(), transmit.path,
                     *level == EncryptionLevel::OneRtt ? readGeneration_ : 0, now_, transmit.ecn,
                     ByteVector(packet->token.begin(), packet->token.end()), packet->bytes[0]});
    ByteReader reader(heard.back().payload);
    while (!reader.atEnd()) {
      const auto frame = parseFrame(reader);
      if (!frame) {
        ADD_FAILURE() << "the end wrote a frame that cannot be read";
        break;
      }
      const auto* crypto = std::get_if<CryptoFrame>(&*frame);
      const bool isWithParameters =
          *level == (role_ == Role::Client ? EncryptionLevel::Handshake : EncryptionLevel::Initial);
      if (crypto != nullptr && isWithParameters) readCrypto(*crypto);
    }
  }
}

/// With the keys that the end used last, or with those that follow them.
bool MisbehavingPeer::openHeard(PacketSpace& packets, EncryptionLevel level, const ProtectedPacket& packet,
                                OpenedPacket& opened) {
  const ByteVector untouched(packet.bytes.begin(), packet.bytes.end());
  const PacketProtection early = level == EncryptionLevel::ZeroRtt ? zeroRttKeys() : PacketProtection();
  auto result = openPacket({early ? early : packets.readKeys, packets.acks}, packet);
  if (!result && level == EncryptionLevel::OneRtt) {
    std::copy(untouched.begin(), untouched.end(), packet.bytes.begin());
    PacketProtection next = oneRttKeys(settings_.endRole, readGeneration_ + 1);
    result = openPacket({next, packets.acks}, packet);
    if (result) {
      ++readGeneration_;
      packets.readKeys = std::move(next);
    }
  }
  if (result) opened = *result;
  return result.hasValue();
}

/// The first message of the level is the one that carries transport parameters.
void MisbehavingPeer::readCrypto(const CryptoFrame& frame) {
  if (endParameters_ || !handshakeBytes_.onFrame(frame)) return;
  for (ByteSpan bytes = handshakeBytes_.read(); !bytes.empty(); bytes = handshakeBytes_.read()) {
    handshakeInbox_.insert(handshakeInbox_.end(), bytes.begin(), bytes.end());
  }
  const auto messageSize = [this] {
    return handshakeInbox_.size() < 4 ? 0 : size_t{4} + (size_t{handshakeInbox_[2]} << 8 | handshakeInbox_[3]);
  };
  if (messageSize() > 0 && handshakeInbox_[0] == static_cast<uint8_t>(FakeMessage::PreSharedKey)) {
    if (handshakeInbox_.size() < messageSize()) return;
    handshakeInbox_.erase(handshakeInbox_.begin(), handshakeInbox_.begin() + static_cast<ptrdiff_t>(messageSize()));
  }
  const size_t size = messageSize();
  if (size == 0 || handshakeInbox_.size() < size) return;
  auto decoded = decodeTransportParameters(ByteSpan(handshakeInbox_).subspan(4, size - 4), settings_.endRole);
  if (decoded) endParameters_ = *decoded;
}

std::vector<QuicFrame> MisbehavingPeer::frames(EncryptionLevel level) const {
  std::vector<QuicFrame> found;
  for (const HeardPacket& packet : heard) {
    if (packet.level != level) continue;
    ByteReader reader(packet.payload);
    while (!reader.atEnd()) {
      auto frame = parseFrame(reader);
      if (!frame) break;
      found.push_back(*frame);
    }
  }
  return found;
}

std::optional<uint64_t> MisbehavingPeer::closeCode() const {
  for (const EncryptionLevel level : kSpaceLevels) {
    const auto closes = all<ConnectionCloseFrame>(level);
    if (!closes.empty()) return closes.front().errorCode;
  }
  return std::nullopt;
}

bool MisbehavingPeer::hasAcked(EncryptionLevel level, PacketNum number) const {
  bool found = false;
  for (const AckFrame& ack : all<AckFrame>(level)) {
    ack.forEachRange([&](PacketNum first, PacketNum last) { found = found || (first <= number && number <= last); });
  }
  return found;
}

bool MisbehavingPeer::lives() {
  const PacketNum number = nextNumber(EncryptionLevel::OneRtt);
  send(FrameBytes().add(PingFrame{}));
  advance(100ms);
  return !end_->isClosing() && hasAcked(EncryptionLevel::OneRtt, number);
}

std::string nameOfCode(std::optional<uint64_t> code) {
  if (!code) return "lives";
  return std::string(toString(static_cast<TransportErrorCode>(*code))) + " " + std::to_string(*code);
}

}  // namespace quic::test
