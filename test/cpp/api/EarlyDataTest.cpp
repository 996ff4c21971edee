// 0-RTT through whole connections, in memory: both ends against each other, and each against a peer that breaks the rules.
// What TLS itself decides is in test/cpp/tls; loss and reordering with real TLS are in test/sim.
#include <gtest/gtest.h>

#include "cpp/api/EndpointPair.h"
#include "cpp/api/PeerRows.h"
#include "quic/handshake/Resumption.h"

namespace quic::test {
namespace {

using enum TransportErrorCode;
constexpr EncryptionLevel kZero = EncryptionLevel::ZeroRtt;
constexpr EncryptionLevel kOne = EncryptionLevel::OneRtt;

OwnedBytes text(size_t size, uint8_t first = 0) {
  ByteVector bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(first + i % 251);
  return OwnedBytes::copyOf(bytes);
}

template <class Event>
const Event* find(const std::vector<EndpointEvent>& events) {
  for (const EndpointEvent& event : events) {
    if (const auto* found = std::get_if<Event>(&event.event)) return found;
  }
  return nullptr;
}

/// The place of the first event of a kind; as many as there are when there is none.
template <class Event>
size_t placeOf(const std::vector<EndpointEvent>& events) {
  size_t place = 0;
  while (place < events.size() && !std::holds_alternative<Event>(events[place].event)) ++place;
  return place;
}

/// Two ends that have met before.
struct ResumingPair : EndpointPair {
  explicit ResumingPair(const ServerEndpointSettings& serverSettings = {}) : EndpointPair(serverSettings) {
    handshakes.options.issuesTicket = true;
    const ConnectionHandle first = connect();
    exchange();
    advance(1s);
    const auto* ticket = find<SessionTicket>(clientEvents);
    EXPECT_NE(ticket, nullptr);
    if (ticket != nullptr) resumption = ticket->bytes;
    client.find(first)->close(now, ApplicationErrorCode{0}, "");
    client.touch(first);
    exchange();
    advance(30s);
    clientEvents.clear();
    serverEvents.clear();
  }
  TransportSettings resuming() const {
    TransportSettings settings;
    settings.resumption = resumption;
    settings.earlyData = true;
    return settings;
  }
  QuicClientTransport& resume(const TransportSettings& settings) {
    handle = connect(settings);
    return *client.find(handle);
  }
  QuicClientTransport& resume() { return resume(resuming()); }
  /// Bytes of one stream at the server's newest connection, read as far as they are there.
  ByteVector readAtServer(StreamId id) {
    ByteVector all;
    ByteVector room(1 << 16);
    server.connections().forEach([&](ConnectionHandle, QuicTransportBase& connection) {
      const auto read = connection.readStream(id, room);
      if (read) all.insert(all.end(), room.begin(), room.begin() + static_cast<ptrdiff_t>(read->size));
    });
    server.connections().forEach([&](ConnectionHandle h, QuicTransportBase&) { server.touch(h); });
    return all;
  }
  QuicTransportBase& serverConnection() {
    QuicTransportBase* found = nullptr;
    server.connections().forEach([&](ConnectionHandle, QuicTransportBase& connection) { found = &connection; });
    EXPECT_NE(found, nullptr);
    return *found;
  }
  void write(QuicClientTransport& connection, StreamId id, size_t size) {
    EXPECT_TRUE(connection.writeStream(id, text(size), true));
    client.touch(handle);
  }

  ByteVector resumption;
  ConnectionHandle handle = 0;
};

ServerEndpointSettings answeringAtOnce() {
  ServerEndpointSettings settings;
  settings.transport.earlyData = true;
  return settings;
}

bool opensStreams(const MisbehavingPeer& peer) {
  return std::any_of(peer.events.begin(), peer.events.end(), [](const TransportEvent& event) {
    const auto* stream = std::get_if<StreamEvent>(&event);
    return stream != nullptr && std::holds_alternative<StreamOpened>(*stream);
  });
}

// ---------------------------------------------------------------- accepted
TEST(EarlyData, ReachesTheServerInTheFirstFlightAndIsAnsweredInItsFirst) {
  // covers RFC 9001 §4.6.2
  ResumingPair pair(answeringAtOnce());
  QuicClientTransport& client = pair.resume();
  const auto stream = client.openStream(false);
  ASSERT_TRUE(stream);
  pair.write(client, *stream, 300);
  const auto flight = pair.takeFromClient();
  ASSERT_NE(find<EarlyDataReady>(pair.clientEvents), nullptr);
  EXPECT_EQ(find<EarlyDataReady>(pair.clientEvents)->alpn, "fake");
  EXPECT_FALSE(client.isHandshakeFinished());
  for (const WireDatagram& datagram : flight) pair.giveServer(datagram.bytes);
  EXPECT_FALSE(pair.serverConnection().isHandshakeFinished());
  EXPECT_EQ(pair.readAtServer(*stream).size(), 300u);
  ASSERT_TRUE(pair.serverConnection().writeStream(*stream, text(500, 9), true));
  const auto answer = pair.takeFromServer();
  EXPECT_LT(placeOf<EarlyDataReady>(pair.serverEvents), placeOf<StreamEvent>(pair.serverEvents));
  EXPECT_EQ(find<HandshakeFinished>(pair.serverEvents), nullptr);
  for (const WireDatagram& datagram : answer) pair.giveClient(datagram.bytes);
  ByteVector room(1000);
  const auto read = client.readStream(*stream, room);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->size, 500u);
  EXPECT_TRUE(read->fin);
  pair.exchange();
  const auto* finished = find<HandshakeFinished>(pair.clientEvents);
  ASSERT_NE(finished, nullptr);
  EXPECT_TRUE(finished->isResumed);
  EXPECT_EQ(finished->earlyData, EarlyDataOutcome::Accepted);
  finished = find<HandshakeFinished>(pair.serverEvents);
  ASSERT_NE(finished, nullptr);
  EXPECT_TRUE(finished->isResumed);
  EXPECT_EQ(finished->earlyData, EarlyDataOutcome::Accepted);
}

TEST(EarlyData, WaitsForTheHandshakeAtAServerThatDoesNotAskForIt) {
  // row X45
  ResumingPair pair;
  QuicClientTransport& client = pair.resume();
  const auto stream = client.openStream(false);
  ASSERT_TRUE(stream);
  pair.write(client, *stream, 300);
  for (const WireDatagram& datagram : pair.takeFromClient()) pair.giveServer(datagram.bytes);
  const auto answer = pair.takeFromServer();
  EXPECT_EQ(EndpointPair::count<StreamEvent>(pair.serverEvents), 0u);
  EXPECT_EQ(find<EarlyDataReady>(pair.serverEvents), nullptr);
  for (const WireDatagram& datagram : answer) pair.giveClient(datagram.bytes);
  pair.exchange();
  EXPECT_LT(placeOf<HandshakeFinished>(pair.serverEvents), placeOf<StreamEvent>(pair.serverEvents));
  EXPECT_EQ(pair.readAtServer(*stream).size(), 300u);
  EXPECT_EQ(find<HandshakeFinished>(pair.clientEvents)->earlyData, EarlyDataOutcome::Accepted);
}

TEST(EarlyData, IsNotSentUnlessTheApplicationAsksForIt) {
  // covers RFC 9001 §5.6
  ResumingPair pair;
  TransportSettings settings = pair.resuming();
  settings.earlyData = false;
  QuicClientTransport& client = pair.resume(settings);
  EXPECT_FALSE(client.openStream(false)) << "there are no limits yet";
  pair.exchange();
  EXPECT_EQ(find<EarlyDataReady>(pair.clientEvents), nullptr);
  const auto* finished = find<HandshakeFinished>(pair.clientEvents);
  ASSERT_NE(finished, nullptr);
  EXPECT_TRUE(finished->isResumed);
  EXPECT_EQ(finished->earlyData, EarlyDataOutcome::NotOffered);
}

TEST(EarlyData, BytesThatAreNoResumptionMakeAFullHandshake) {
  ResumingPair pair;
  std::vector<ByteVector> useless = {fromHex("00"), ByteVector(2000, 0xff), ByteVector(1 << 20)};
  ByteVector cut = pair.resumption;
  cut.pop_back();
  useless.push_back(cut);
  auto other = decodeResumption(pair.resumption);
  ASSERT_TRUE(other);
  other->version = 0x6b3343cf;  // RFC 9369 §5: a ticket of another version
  useless.push_back(encodeResumption(*other));
  for (const ByteVector& bytes : useless) {
    pair.clientEvents.clear();
    TransportSettings settings = pair.resuming();
    settings.resumption = bytes;
    pair.resume(settings);
    pair.exchange();
    const auto* finished = find<HandshakeFinished>(pair.clientEvents);
    ASSERT_NE(finished, nullptr);
    EXPECT_FALSE(finished->isResumed);
    EXPECT_EQ(find<EarlyDataReady>(pair.clientEvents), nullptr);
  }
}

TEST(EarlyData, KeepsToTheLimitsThatWereRemembered) {
  // covers RFC 9000 §7.4.1
  ServerEndpointSettings small = answeringAtOnce();
  small.transport.streams.connectionWindow = 3000;
  small.transport.streams.streamWindow = 2000;
  small.transport.streams.bidirectionalStreams = 2;
  ResumingPair pair(small);
  QuicClientTransport& client = pair.resume();
  const auto first = client.openStream(false);
  const auto second = client.openStream(false);
  ASSERT_TRUE(first && second);
  EXPECT_FALSE(client.openStream(false));
  pair.write(client, *first, 10000);
  pair.write(client, *second, 10000);
  for (const WireDatagram& datagram : pair.takeFromClient()) pair.giveServer(datagram.bytes);
  const size_t ofFirst = pair.readAtServer(*first).size();
  const size_t ofSecond = pair.readAtServer(*second).size();
  EXPECT_LE(ofFirst, 2000u);
  EXPECT_LE(ofSecond, 2000u);
  EXPECT_EQ(ofFirst + ofSecond, 3000u);
  pair.exchange();
  EXPECT_FALSE(client.isClosing());
}

TEST(EarlyData, SharesItsNumbersWithOneRttPacketsAndAcknowledgesNothing) {
  // covers RFC 9000 §12.3, §17.2.3
  PeerSettings settings = MisbehavingPeer::againstClient();
  settings.preSharedKey = fromHex("01");
  settings.end.earlyData = true;
  settings.end.resumption = encodeResumption(
      {kQuicVersion1, "fake", rememberedParameters(MisbehavingPeer::usualParameters()), fromHex("aa")});
  MisbehavingPeer peer(settings);
  const auto stream = peer.end().openStream(false);
  ASSERT_TRUE(stream);
  ASSERT_TRUE(peer.end().writeStream(*stream, text(3000), false));
  peer.begin();
  peer.send(kI, FrameBytes().ack(0, 0).raw(peer.helloFrames()));
  peer.send(FrameBytes().add(PingFrame{}));  // cannot be read yet
  ASSERT_TRUE(peer.end().writeStream(*stream, text(10), false));
  peer.poll();
  peer.send(kH, peer.encryptedFrames());
  ASSERT_TRUE(peer.end().writeStream(*stream, text(10), true));
  peer.poll();
  std::optional<PacketNum> last;
  bool isOneRtt = false;
  size_t early = 0;
  for (const HeardPacket& packet : peer.heard) {
    if (packet.level != kZero && packet.level != kOne) continue;
    EXPECT_TRUE(!last || packet.number > *last);
    last = packet.number;
    EXPECT_FALSE(isOneRtt && packet.level == kZero) << "RFC 9001 §5.6: never after 1-RTT";
    isOneRtt |= packet.level == kOne;
    early += packet.level == kZero ? 1 : 0;
  }
  EXPECT_GE(early, 3u);
  EXPECT_TRUE(isOneRtt);
  EXPECT_TRUE(peer.all<AckFrame>(kZero).empty());
  EXPECT_TRUE(peer.all<CryptoFrame>(kZero).empty());
}

TEST(EarlyData, ThatOvertookTheClientHelloIsReadWhenItIsThere) {
  // covers RFC 9001 §5.7
  PeerSettings settings = MisbehavingPeer::againstServer();
  settings.handshake.acceptsAnyTicket = true;
  settings.end.earlyData = true;
  settings.preSharedKey = fromHex("01 aa");
  MisbehavingPeer peer(settings);
  const ByteVector hello = peer.helloFrames();
  ByteReader reader(hello);
  const auto frame = parseFrame(reader);
  ASSERT_TRUE(frame);
  const ByteSpan bytes = std::get<CryptoFrame>(*frame).data;
  peer.send(kI, FrameBytes().add(CryptoFrame{0, bytes.first(20)}));
  const PacketNum number = peer.nextNumber(kOne);
  StreamFrame data;
  data.data = asBytes("early");
  peer.send(kZero, FrameBytes().add(data));
  EXPECT_FALSE(opensStreams(peer));
  peer.send(kI, FrameBytes().add(CryptoFrame{20, bytes.subspan(20)}));
  EXPECT_TRUE(opensStreams(peer));
  peer.advance(30ms);
  EXPECT_TRUE(peer.hasAcked(kOne, number)) << "RFC 9001 §5.6: 1-RTT keys protect acknowledgments of 0-RTT packets";
}

TEST(EarlyData, CarriesDatagramsAsLargeAsWasRemembered) {
  // covers RFC 9221 §3, §5
  ServerEndpointSettings settings = answeringAtOnce();
  settings.transport.datagrams.maxFrameSize = 200;
  ResumingPair pair(settings);
  QuicClientTransport& client = pair.resume();
  EXPECT_FALSE(client.sendDatagram(pair.now, text(201)));
  ASSERT_TRUE(client.sendDatagram(pair.now, text(100)));
  pair.client.touch(pair.handle);
  for (const WireDatagram& datagram : pair.takeFromClient()) pair.giveServer(datagram.bytes);
  (void)pair.takeFromServer();
  EXPECT_EQ(pair.count<DatagramEvent>(pair.serverEvents), 1u);
}

TEST(EarlyData, GoesOnAfterARetry) {
  // covers RFC 9000 §17.2.5.3
  ServerEndpointSettings settings = answeringAtOnce();
  settings.retry.mode = RetryMode::Always;
  ResumingPair pair(settings);
  QuicClientTransport& client = pair.resume();
  const auto stream = client.openStream(false);
  ASSERT_TRUE(stream);
  pair.write(client, *stream, 300);
  for (const WireDatagram& datagram : pair.takeFromClient()) pair.giveServer(datagram.bytes);
  for (const WireDatagram& datagram : pair.takeFromServer()) pair.giveClient(datagram.bytes);
  for (const WireDatagram& datagram : pair.takeFromClient()) pair.giveServer(datagram.bytes);
  EXPECT_FALSE(pair.serverConnection().isHandshakeFinished());
  EXPECT_EQ(pair.readAtServer(*stream).size(), 300u);
  pair.exchange();
  EXPECT_EQ(find<HandshakeFinished>(pair.clientEvents)->earlyData, EarlyDataOutcome::Accepted);
}

TEST(EarlyData, IsAnsweredOnlyThreefoldWhileTheAddressProvesNothing) {
  // covers RFC 9000 §8.1
  // rows T-38, X46
  ResumingPair pair(answeringAtOnce());
  QuicClientTransport& client = pair.resume();
  const auto stream = client.openStream(false);
  ASSERT_TRUE(stream);
  pair.write(client, *stream, 10);
  size_t in = 0;
  size_t out = 0;
  for (const WireDatagram& datagram : pair.takeFromClient()) {
    in += datagram.bytes.size();
    pair.giveServer(datagram.bytes);
  }
  ASSERT_TRUE(pair.serverConnection().writeStream(*stream, text(1 << 20), true));
  for (int i = 0; i < 100; ++i) {
    for (const WireDatagram& datagram : pair.takeFromServer()) out += datagram.bytes.size();
    pair.now += 100ms;
    pair.server.onTimeout(pair.now);
  }
  EXPECT_GT(out, in);
  EXPECT_LE(out, 3 * in);
}

// ---------------------------------------------------------------- keys
TEST(EarlyData, ReorderedPacketsAreReadForAWhileAfterTheHandshake) {
  // covers RFC 9001 §4.9.3
  PeerSettings settings = MisbehavingPeer::againstServer();
  settings.handshake.acceptsAnyTicket = true;
  settings.preSharedKey = fromHex("01 aa");
  MisbehavingPeer peer(settings);
  const ByteVector early = peer.seal(kZero, FrameBytes().add(PingFrame{}).padding(30), {.number = 1});
  const ByteVector tooLate = peer.seal(kZero, FrameBytes().add(PingFrame{}).padding(30), {.number = 2});
  peer.connect();
  ByteVector first = early;
  ByteVector second = tooLate;
  // Addressed to the ID that the client chose: the transport does not look at it.
  peer.deliver(first);
  peer.advance(30ms);
  EXPECT_TRUE(peer.hasAcked(kOne, 1));
  peer.advance(20s);
  peer.deliver(second);
  peer.advance(30ms);
  EXPECT_FALSE(peer.hasAcked(kOne, 2));
  EXPECT_TRUE(peer.lives());
}

TEST(EarlyData, FromAServerIsDiscarded) {
  // covers RFC 9001 §5.6
  PeerSettings settings = MisbehavingPeer::againstClient();
  MisbehavingPeer peer(settings);
  peer.connect();
  const uint64_t dropped = peer.end().stats().packetsDropped;
  peer.send(kZero, FrameBytes().add(PingFrame{}).padding(30));
  EXPECT_EQ(peer.end().stats().packetsDropped, dropped + 1);
  EXPECT_TRUE(peer.lives());
}

// ---------------------------------------------------------------- refused
TEST(EarlyData, ThatIsRefusedIsSentAgain) {
  // covers RFC 9001 §4.6.2
  ResumingPair pair;
  pair.handshakes.options.acceptsEarlyData = false;
  QuicClientTransport& client = pair.resume();
  const auto stream = client.openStream(false);
  const auto other = client.openStream(true);
  ASSERT_TRUE(stream && other);
  pair.write(client, *stream, 5000);
  pair.write(client, *other, 300);
  pair.exchange();
  EXPECT_EQ(pair.readAtServer(*stream).size(), 5000u);
  EXPECT_EQ(pair.readAtServer(*other).size(), 300u);
  const auto* finished = find<HandshakeFinished>(pair.clientEvents);
  ASSERT_NE(finished, nullptr);
  EXPECT_TRUE(finished->isResumed);
  EXPECT_EQ(finished->earlyData, EarlyDataOutcome::Rejected);
  pair.exchange();
  pair.advance(1s);
  EXPECT_FALSE(client.hasUnfinishedSends());
  EXPECT_EQ(client.stats().bytesInFlight, 0u);
}

TEST(EarlyData, ThatIsRefusedWithItsSessionIsSentAgainAfterAFullHandshake) {
  ResumingPair pair;
  pair.handshakes.options.acceptsSession = false;
  QuicClientTransport& client = pair.resume();
  const auto stream = client.openStream(false);
  ASSERT_TRUE(stream);
  pair.write(client, *stream, 5000);
  pair.exchange();
  EXPECT_EQ(pair.readAtServer(*stream).size(), 5000u);
  const auto* finished = find<HandshakeFinished>(pair.clientEvents);
  ASSERT_NE(finished, nullptr);
  EXPECT_FALSE(finished->isResumed);
  EXPECT_EQ(finished->earlyData, EarlyDataOutcome::Rejected);
}

/// A client with early data against a server that has lowered its limits since, and refuses.
PeerSettings refusingPeer() {
  PeerSettings settings = MisbehavingPeer::againstClient();
  settings.preSharedKey = fromHex("00");
  settings.end.earlyData = true;
  settings.end.resumption = encodeResumption(
      {kQuicVersion1, "fake", rememberedParameters(MisbehavingPeer::usualParameters()), fromHex("aa")});
  return settings;
}

TEST(EarlyData, ThatIsRefusedGoesByTheLimitsOfNow) {
  // covers RFC 9001 §4.6.2
  PeerSettings settings = refusingPeer();
  settings.parameters.initialMaxData = 1500;
  settings.parameters.initialMaxStreamDataBidiRemote = 1000;
  settings.parameters.initialMaxStreamsBidi = 2;
  MisbehavingPeer peer(settings);
  std::vector<StreamId> streams;
  for (int i = 0; i < 4; ++i) {
    const auto stream = peer.end().openStream(false);
    ASSERT_TRUE(stream);
    streams.push_back(*stream);
    ASSERT_TRUE(peer.end().writeStream(*stream, text(1200), true));
  }
  peer.connect();
  const auto sent = [&] {
    std::map<uint64_t, uint64_t> ends;
    for (const StreamFrame& frame : peer.all<StreamFrame>()) {
      ends[frame.id.value] = std::max(ends[frame.id.value], frame.offset + frame.data.size());
    }
    return ends;
  };
  auto ends = sent();
  EXPECT_EQ(ends.size(), 2u) << "two streams are allowed";
  EXPECT_EQ(ends[0], 1000u);
  EXPECT_EQ(ends[4], 500u) << "the connection's credit";
  EXPECT_FALSE(peer.end().openStream(false));
  const auto blocked = peer.all<StreamsBlockedFrame>();
  ASSERT_FALSE(blocked.empty());
  EXPECT_EQ(blocked.back().limit, 2u);
  peer.send(FrameBytes().add(MaxDataFrame{100000}).add(MaxStreamsFrame{3, false}));
  ends = sent();
  EXPECT_EQ(ends.size(), 3u);
  EXPECT_EQ(ends[8], 1000u);
  peer.send(FrameBytes().add(MaxStreamsFrame{100, false}));
  for (const StreamId id : streams) peer.send(FrameBytes().add(MaxStreamDataFrame{id, 5000}));
  ends = sent();
  for (const StreamId id : streams) EXPECT_EQ(ends[id.value], 1200u) << id.value;
  EXPECT_TRUE(peer.end().openStream(false));
}

TEST(EarlyData, AStreamThatWasResetBeforeTheRefusalWasNeverWrittenTo) {
  PeerSettings settings = refusingPeer();
  settings.parameters.initialMaxStreamDataBidiRemote = 10;
  MisbehavingPeer peer(settings);
  const auto stream = peer.end().openStream(false);
  ASSERT_TRUE(stream);
  ASSERT_TRUE(peer.end().writeStream(*stream, text(1200), false));
  peer.begin();
  ASSERT_TRUE(peer.end().resetStream(*stream, 7));
  peer.poll();
  peer.connect();
  const auto resets = peer.all<ResetStreamFrame>();
  ASSERT_FALSE(resets.empty());
  EXPECT_EQ(resets.back().finalSize, 0u);
  EXPECT_EQ(resets.back().errorCode, 7u);
}

TEST(EarlyData, ADatagramThatIsRefusedIsLost) {
  // covers RFC 9221 §5
  PeerSettings settings = refusingPeer();
  settings.parameters.maxDatagramFrameSize = 1000;
  settings.end.resumption =
      encodeResumption({kQuicVersion1, "fake", rememberedParameters(settings.parameters), fromHex("aa")});
  MisbehavingPeer peer(settings);
  ASSERT_TRUE(peer.end().sendDatagram(peer.now(), text(100)));
  peer.connect();
  EXPECT_EQ(peer.all<DatagramFrame>(kZero).size(), 1u);
  EXPECT_TRUE(peer.all<DatagramFrame>(kOne).empty());
  EXPECT_EQ(peer.count<DatagramEvent>(), 1u);
}

TEST(EarlyData, AnAcknowledgmentOfWhatWasRefusedEndsTheConnection) {
  // covers RFC 9001 §4.6.2
  MisbehavingPeer peer(refusingPeer());
  const auto stream = peer.end().openStream(false);
  ASSERT_TRUE(stream);
  ASSERT_TRUE(peer.end().writeStream(*stream, text(100), true));
  peer.reachHandshakeLevel();
  peer.send(kH, peer.encryptedFrames());
  peer.send(FrameBytes().ack(0, 0));
  EXPECT_EQ(nameOfCode(peer.closeCode()), nameOf(PROTOCOL_VIOLATION));
}

TEST(EarlyData, InAProtocolThatTheServerDoesNotChooseNowIsSentToNobody) {
  PeerSettings settings = refusingPeer();
  settings.handshake.alpn = "another";
  MisbehavingPeer peer(settings);
  const auto stream = peer.end().openStream(false);
  ASSERT_TRUE(stream);
  ASSERT_TRUE(peer.end().writeStream(*stream, text(100), true));
  peer.reachHandshakeLevel();
  peer.send(kH, peer.encryptedFrames());
  EXPECT_EQ(peer.closeCode(), static_cast<uint64_t>(cryptoError(120)));
  EXPECT_TRUE(peer.all<StreamFrame>(kOne).empty());
}

// ---------------------------------------------------------------- must close
TEST(EarlyData, AServerThatAcceptsItMustNotLowerALimit) {
  // covers RFC 9000 §7.4.1
  using Change = void (*)(TransportParameters&);
  const Change changes[] = {
      [](TransportParameters& p) { --p.activeConnectionIdLimit; },
      [](TransportParameters& p) { --p.initialMaxData; },
      [](TransportParameters& p) { --p.initialMaxStreamDataBidiLocal; },
      [](TransportParameters& p) { --p.initialMaxStreamDataBidiRemote; },
      [](TransportParameters& p) { --p.initialMaxStreamDataUni; },
      [](TransportParameters& p) { --p.initialMaxStreamsBidi; },
      [](TransportParameters& p) { --p.initialMaxStreamsUni; },
  };
  for (const Change& change : changes) {
    PeerSettings settings = refusingPeer();
    settings.preSharedKey = fromHex("01");
    change(settings.parameters);
    MisbehavingPeer peer(settings);
    peer.reachHandshakeLevel();
    peer.send(kH, peer.encryptedFrames());
    EXPECT_EQ(nameOfCode(peer.closeCode()), nameOf(PROTOCOL_VIOLATION));
  }
}

TEST(EarlyData, AServerThatAcceptsItMustNotLowerTheSizeOfDatagrams) {
  // covers RFC 9221 §3
  for (const std::optional<uint64_t> fresh : {std::optional<uint64_t>(99), std::optional<uint64_t>()}) {
    PeerSettings settings = refusingPeer();
    settings.preSharedKey = fromHex("01");
    TransportParameters remembered = MisbehavingPeer::usualParameters();
    remembered.maxDatagramFrameSize = 100;
    settings.end.resumption =
        encodeResumption({kQuicVersion1, "fake", rememberedParameters(remembered), fromHex("aa")});
    settings.parameters.maxDatagramFrameSize = fresh;
    MisbehavingPeer peer(settings);
    peer.reachHandshakeLevel();
    peer.send(kH, peer.encryptedFrames());
    EXPECT_EQ(nameOfCode(peer.closeCode()), nameOf(PROTOCOL_VIOLATION));
  }
}

TEST(EarlyData, HasNoPlaceForSomeFrames) {
  // covers RFC 9000 §12.5
  // rows B09b, B09c, B09d, B09e
  struct Row {
    const char* id;
    const char* frame;
  };
  const Row rows[] = {{"ACK", "02 00 00 00 00"}, {"B09b", "06 00 01 61"},         {"B09c", "1e"},
                      {"B09d", "07 01 aa"},      {"B09e", "1b 0102030405060708"}, {"migration", "33"}};
  for (const Row& row : rows) {
    PeerSettings settings = MisbehavingPeer::againstServer();
    settings.handshake.acceptsAnyTicket = true;
    settings.preSharedKey = fromHex("01 aa");
    MisbehavingPeer peer(settings);
    peer.begin();
    peer.send(kZero, fromHex(row.frame));
    EXPECT_EQ(nameOfCode(peer.closeCode()), nameOf(PROTOCOL_VIOLATION)) << row.id;
  }
}

TEST(EarlyData, RefusedByAServerIsNeverReadThere) {
  // covers RFC 9001 §4.6.2
  PeerSettings settings = MisbehavingPeer::againstServer();
  settings.handshake.acceptsEarlyData = false;
  settings.end.earlyData = true;
  settings.preSharedKey = fromHex("01 aa");
  MisbehavingPeer peer(settings);
  peer.begin();
  const PacketNum number = peer.nextNumber(kOne);
  StreamFrame data;
  data.data = asBytes("early");
  peer.send(kZero, FrameBytes().add(data));
  peer.connect();
  EXPECT_FALSE(opensStreams(peer));
  EXPECT_FALSE(peer.hasAcked(kOne, number));
  EXPECT_TRUE(peer.lives());
}

TEST(EarlyData, BeyondALimitIsAnErrorAtTheServer) {
  // covers RFC 9000 §17.2.3
  PeerSettings settings = MisbehavingPeer::againstServer();
  settings.handshake.acceptsAnyTicket = true;
  settings.preSharedKey = fromHex("01 aa");
  settings.end.streams.streamWindow = 10;
  MisbehavingPeer peer(settings);
  peer.begin();
  StreamFrame data;
  data.offset = 10;
  data.data = asBytes("x");
  peer.send(kZero, FrameBytes().add(data));
  EXPECT_EQ(nameOfCode(peer.closeCode()), nameOf(FLOW_CONTROL_ERROR));
}

TEST(EarlyData, IsToldInTheQlogOfBothEnds) {
  ServerEndpointSettings serverSettings;
  serverSettings.transport.qlog = true;
  ResumingPair pair(serverSettings);
  TransportSettings settings = pair.resuming();
  settings.qlog = true;
  QuicClientTransport& client = pair.resume(settings);
  ASSERT_TRUE(client.writeStream(*client.openStream(false), text(100), true));
  pair.client.touch(pair.handle);
  pair.exchange();
  const auto logOf = [](const std::vector<EndpointEvent>& events) {
    std::string log;
    for (const EndpointEvent& event : events) {
      if (const auto* part = std::get_if<QLogText>(&event.event)) log += part->text;
    }
    return log;
  };
  const std::string ofClient = logOf(pair.clientEvents);
  const std::string ofServer = logOf(pair.serverEvents);
  const size_t restored = ofClient.find(R"("name":"quic:parameters_restored")");
  const size_t set = ofClient.find(R"("name":"quic:parameters_set","data":{"initiator":"remote")");
  ASSERT_NE(restored, std::string::npos);
  ASSERT_NE(set, std::string::npos);
  EXPECT_LT(restored, set);
  EXPECT_EQ(ofServer.find("parameters_restored"), std::string::npos);
  const std::string packet = R"({"packet_type":"0RTT","packet_number":0,)";
  EXPECT_NE(ofClient.find(R"("name":"quic:packet_sent","data":{"header":)" + packet), std::string::npos);
  EXPECT_NE(ofServer.find(R"("name":"quic:packet_received","data":{"header":)" + packet), std::string::npos);
  for (const std::string* log : {&ofClient, &ofServer}) {
    EXPECT_NE(log->find(R"("name":"quic:key_updated","data":{"key_type":"client_0rtt_secret","trigger":"tls"})"),
              std::string::npos);
    EXPECT_EQ(log->find("server_0rtt_secret"), std::string::npos);
  }
}

}  // namespace
}  // namespace quic::test
