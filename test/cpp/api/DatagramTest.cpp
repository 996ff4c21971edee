// Datagrams (RFC 9221) over a whole connection: negotiation, what is on the wire, what becomes of it.
#include <gtest/gtest.h>

#include "cpp/api/EndpointPair.h"

namespace quic::test {
namespace {

using enum TransportErrorCode;

PeerSettings takingDatagrams(Role endRole, uint64_t ofEnd = 65535, std::optional<uint64_t> ofPeer = 65535) {
  PeerSettings settings = MisbehavingPeer::against(endRole);
  settings.end.datagrams.maxFrameSize = ofEnd;
  settings.end.pathMtuDiscovery = false;
  settings.parameters.maxDatagramFrameSize = ofPeer;
  return settings;
}

std::optional<LocalErrorCode> send(MisbehavingPeer& peer, ByteSpan bytes, const DatagramOptions& options = {}) {
  const Result<> result = peer.end().sendDatagram(peer.now(), OwnedBytes::copyOf(bytes), options);
  peer.deliver({0x00});  // the end is asked for what it has
  if (result) return std::nullopt;
  return std::get<LocalErrorCode>(result.error().code);
}

std::vector<DatagramEvent> datagramEvents(const MisbehavingPeer& peer) {
  std::vector<DatagramEvent> found;
  for (const TransportEvent& event : peer.events) {
    if (const auto* datagram = std::get_if<DatagramEvent>(&event)) found.push_back(*datagram);
  }
  return found;
}

template <class Event>
size_t count(const MisbehavingPeer& peer) {
  size_t found = 0;
  for (const DatagramEvent& event : datagramEvents(peer)) found += std::holds_alternative<Event>(event) ? 1 : 0;
  return found;
}

PacketNum lastHeardNumber(const MisbehavingPeer& peer) { return peer.heard.back().number; }

class Datagrams : public testing::TestWithParam<Role> {};
INSTANTIATE_TEST_SUITE_P(Ends, Datagrams, testing::Values(Role::Client, Role::Server),
                         [](const auto& info) { return info.param == Role::Client ? "Client" : "Server"; });

// covers RFC 9221 §3
TEST_P(Datagrams, AreOfferedOnlyWhenTheApplicationTakesThem) {
  MisbehavingPeer without(MisbehavingPeer::against(GetParam()));
  without.connect();
  ASSERT_TRUE(without.endParameters().has_value());
  EXPECT_EQ(without.endParameters()->maxDatagramFrameSize, std::nullopt);

  MisbehavingPeer with(takingDatagrams(GetParam(), 1234));
  with.connect();
  EXPECT_EQ(with.endParameters()->maxDatagramFrameSize, 1234u);
}

// covers RFC 9221 §3; T27, F58, F59, CF26
TEST_P(Datagrams, OneThatWasNotOfferedOrIsTooLargeClosesTheConnection) {
  struct Row {
    uint64_t offered;
    const char* frame;
    std::optional<TransportErrorCode> code;
  };
  const Row rows[] = {
      {0, "30", PROTOCOL_VIOLATION},     {0, "31 01 61", PROTOCOL_VIOLATION},  {4, "31 03 616161", PROTOCOL_VIOLATION},
      {5, "31 03 616161", std::nullopt}, {3, "30 616161", PROTOCOL_VIOLATION}, {4, "30 616161", std::nullopt},
  };
  for (const Row& row : rows) {
    MisbehavingPeer peer(takingDatagrams(GetParam(), row.offered));
    peer.connect();
    peer.send(fromHex(row.frame));
    const auto expected = row.code ? std::optional(static_cast<uint64_t>(*row.code)) : std::nullopt;
    EXPECT_EQ(nameOfCode(peer.closeCode()), nameOfCode(expected)) << row.frame << " of " << row.offered;
    EXPECT_EQ(count<DatagramReceived>(peer), row.code ? 0u : 1u);
  }
}

TEST_P(Datagrams, CannotBeSentBeforeThePeerSaysThatItTakesThem) {
  MisbehavingPeer peer(takingDatagrams(GetParam(), 65535, std::nullopt));
  EXPECT_EQ(send(peer, {}), LocalErrorCode::DATAGRAM_UNSUPPORTED);
  peer.connect();
  EXPECT_EQ(peer.end().maxDatagramPayload(), std::nullopt);
  EXPECT_EQ(send(peer, {}), LocalErrorCode::DATAGRAM_UNSUPPORTED);
  EXPECT_EQ(peer.all<DatagramFrame>().size(), 0u);

  MisbehavingPeer zero(takingDatagrams(GetParam(), 65535, 0));  // T27
  zero.connect();
  EXPECT_EQ(send(zero, {}), LocalErrorCode::DATAGRAM_UNSUPPORTED);
}

// covers RFC 9221 §5; X43
TEST_P(Datagrams, TheLargestFillsItsPacketAndALargerOneIsRefused) {
  MisbehavingPeer peer(takingDatagrams(GetParam()));
  peer.connect();
  const auto most = peer.end().maxDatagramPayload();
  ASSERT_TRUE(most.has_value());
  const uint64_t before = peer.datagramsHeard;
  EXPECT_EQ(send(peer, ByteVector(*most + 1)), LocalErrorCode::DATAGRAM_TOO_LARGE);
  EXPECT_EQ(peer.datagramsHeard, before) << "nothing is sent";
  peer.forget();
  EXPECT_EQ(send(peer, ByteVector(*most, 0x62)), std::nullopt);
  const auto frames = peer.all<DatagramFrame>();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_TRUE(sameBytes(frames[0].data, ByteVector(*most, 0x62)));
  EXPECT_LE(peer.heard.back().datagramSize, kDefaultUdpPayloadSize);
  EXPECT_GE(peer.heard.back().datagramSize, kDefaultUdpPayloadSize - 3) << "but for a shorter packet number";
}

// covers RFC 9221 §5.2
TEST_P(Datagrams, AnAcknowledgmentIsTold) {
  MisbehavingPeer peer(takingDatagrams(GetParam()));
  peer.connect();
  ASSERT_EQ(send(peer, ByteVector(10), {.id = 77}), std::nullopt);
  peer.ackEverything(EncryptionLevel::OneRtt);
  const auto events = datagramEvents(peer);
  ASSERT_EQ(events.size(), 1u);
  ASSERT_TRUE(std::holds_alternative<DatagramAcked>(events[0]));
  EXPECT_EQ(std::get_if<DatagramAcked>(&events[0])->id, 77u);
}

// covers RFC 9221 §5.2; X42
TEST_P(Datagrams, ALostOneIsToldAndNeverSentAgain) {
  MisbehavingPeer peer(takingDatagrams(GetParam()));
  peer.connect();
  peer.ackEverything(EncryptionLevel::OneRtt);
  peer.forget();
  ASSERT_EQ(send(peer, ByteVector(10), {.id = 5}), std::nullopt);
  const PacketNum lost = lastHeardNumber(peer);
  for (int i = 0; i < 5; ++i) ASSERT_EQ(send(peer, ByteVector(1), {.id = 100}), std::nullopt);
  peer.send(FrameBytes().ack(lost + 1, lastHeardNumber(peer)));
  peer.advance(2s);
  size_t losses = 0;
  for (const DatagramEvent& event : datagramEvents(peer)) {
    const auto* told = std::get_if<DatagramLost>(&event);
    if (told == nullptr) continue;
    ++losses;
    EXPECT_EQ(told->id, 5u);
    EXPECT_EQ(told->cause, DatagramLossCause::Network);
  }
  EXPECT_EQ(losses, 1u);
  EXPECT_EQ(peer.all<DatagramFrame>().size(), 6u);
  EXPECT_EQ(peer.end().stats().datagramsLost, 1u);
}

// covers RFC 9221 §5.2
TEST_P(Datagrams, AProbeAsksForAnAcknowledgmentAndRepeatsNone) {
  MisbehavingPeer peer(takingDatagrams(GetParam()));
  peer.connect();
  peer.ackEverything(EncryptionLevel::OneRtt);
  peer.forget();
  ASSERT_EQ(send(peer, ByteVector(10)), std::nullopt);
  const size_t before = peer.heard.size();
  peer.advance(5s);
  EXPECT_GT(peer.heard.size(), before) << "it elicits an acknowledgment";
  EXPECT_EQ(peer.all<DatagramFrame>().size(), 1u);
  EXPECT_EQ(count<DatagramLost>(peer), 0u) << "a probe is no loss";
  peer.ackEverything(EncryptionLevel::OneRtt);
  EXPECT_EQ(count<DatagramAcked>(peer), 1u);
}

// covers RFC 9221 §5.4
TEST_P(Datagrams, WaitForTheCongestionWindow) {
  MisbehavingPeer peer(takingDatagrams(GetParam()));
  peer.connect();
  peer.ackEverything(EncryptionLevel::OneRtt);
  peer.forget();
  const auto most = peer.end().maxDatagramPayload();
  uint64_t taken = 0;
  for (; peer.end().sendDatagram(peer.now(), OwnedBytes::copyOf(ByteVector(*most)), {.id = taken}); ++taken) {
    ASSERT_LT(taken, 1000u) << "the queue has an end";
  }
  peer.deliver({0x00});
  const size_t atFirst = peer.all<DatagramFrame>().size();
  EXPECT_GT(atFirst, 0u);
  EXPECT_LE(peer.end().stats().bytesInFlight, peer.end().stats().congestionWindow);
  EXPECT_LT(atFirst, taken);
  for (int round = 0; round < 200; ++round) {
    peer.ackEverything(EncryptionLevel::OneRtt);
    peer.advance(20ms);
  }
  EXPECT_EQ(peer.all<DatagramFrame>().size(), taken) << "delayed, not dropped";
  EXPECT_EQ(count<DatagramAcked>(peer), taken);
}

// covers RFC 9221 §5.3: no flow control
TEST_P(Datagrams, NeedNoCredit) {
  PeerSettings settings = takingDatagrams(GetParam());
  settings.parameters.initialMaxData = 0;
  MisbehavingPeer peer(settings);
  peer.connect();
  EXPECT_EQ(send(peer, ByteVector(500)), std::nullopt);
  EXPECT_EQ(peer.all<DatagramFrame>().size(), 1u);
}

/// Packets that begin with a datagram and packets that begin with stream data, in their order.
std::string turns(const MisbehavingPeer& peer) {
  std::string text;
  for (const HeardPacket& packet : peer.heard) {
    ByteReader reader(packet.payload);
    while (!reader.atEnd()) {
      const Result<QuicFrame> frame = parseFrame(reader);
      if (!frame) break;
      const bool isDatagram = std::holds_alternative<DatagramFrame>(*frame);
      if (!isDatagram && !std::holds_alternative<StreamFrame>(*frame)) continue;
      text += isDatagram ? 'd' : 's';
      break;
    }
  }
  return text;
}

// covers RFC 9221 §5.1
TEST_P(Datagrams, TakeTurnsWithStreamsOfTheSameUrgencyAndPrecedeThoseOfLess) {
  for (const uint8_t urgency : {uint8_t{3}, uint8_t{2}, uint8_t{4}}) {
    MisbehavingPeer peer(takingDatagrams(GetParam()));
    peer.connect();
    peer.ackEverything(EncryptionLevel::OneRtt);
    peer.forget();
    const auto stream = peer.end().openStream(true);
    ASSERT_TRUE(stream.hasValue());
    ASSERT_TRUE(peer.end().writeStream(*stream, OwnedBytes::copyOf(ByteVector(100000)), false).hasValue());
    const auto most = peer.end().maxDatagramPayload();
    for (int i = 0; i < 50; ++i) {
      const DatagramOptions options{.id = 0, .urgency = urgency, .lifetime = 0ms};
      ASSERT_TRUE(peer.end().sendDatagram(peer.now(), OwnedBytes::copyOf(ByteVector(*most)), options).hasValue());
    }
    peer.deliver({0x00});
    const std::string order = turns(peer).substr(0, 6);
    EXPECT_EQ(order, urgency == 3 ? "dsdsds" : urgency == 2 ? "dddddd" : "ssssss");
  }
}

TEST_P(Datagrams, YieldToAStreamThatWasMadeMoreUrgent) {
  MisbehavingPeer peer(takingDatagrams(GetParam()));
  peer.connect();
  peer.ackEverything(EncryptionLevel::OneRtt);
  peer.forget();
  const auto stream = peer.end().openStream(true);
  ASSERT_TRUE(peer.end().setStreamPriority(*stream, {2, false}).hasValue());
  ASSERT_TRUE(peer.end().writeStream(*stream, OwnedBytes::copyOf(ByteVector(3000)), false).hasValue());
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(peer.end().sendDatagram(peer.now(), OwnedBytes::copyOf(ByteVector(1000))).hasValue());
  }
  peer.deliver({0x00});
  EXPECT_EQ(turns(peer).substr(0, 5), "sssdd");
}

// covers RFC 9221 §5, §5.3
TEST_P(Datagrams, AFloodThatNobodyTakesIsBoundedAndCounted) {
  PeerSettings settings = takingDatagrams(GetParam());
  settings.end.datagrams.receiveQueueSize = 10000;
  MisbehavingPeer peer(settings);
  peer.connect();
  peer.drainsEvents = false;
  for (int i = 0; i < 2000; ++i) {
    peer.send(FrameBytes().add(DatagramFrame{ByteVector(936)}));
    peer.forget();
  }
  EXPECT_FALSE(peer.end().isClosing());
  EXPECT_EQ(peer.end().stats().datagramsDropped, 1990u);
  peer.drainsEvents = true;
  EXPECT_TRUE(peer.lives());
  EXPECT_EQ(count<DatagramReceived>(peer), 10u);
}

TEST_P(Datagrams, ThatCameBeforeTheEndAreGivenBeforeTheEnd) {
  MisbehavingPeer peer(takingDatagrams(GetParam()));
  peer.connect();
  peer.drainsEvents = false;
  peer.send(fromHex("31 01 61 31 01 62"));
  peer.send(fromHex("1d 00 00"));
  peer.drainsEvents = true;
  peer.deliver({0x00});
  EXPECT_EQ(count<DatagramReceived>(peer), 2u);
  EXPECT_TRUE(std::holds_alternative<ConnectionClosed>(peer.events.back()));
  EXPECT_FALSE(peer.end().sendDatagram(peer.now(), {}).hasValue());
}

TEST_P(Datagrams, AndStreamsTakeTurnsInTellingTheHost) {
  MisbehavingPeer peer(takingDatagrams(GetParam()));
  peer.connect();
  peer.drainsEvents = false;
  const uint64_t base = GetParam() == Role::Server ? 0 : 1;
  for (uint64_t i = 0; i < 20; ++i) {
    peer.send(FrameBytes().add(StreamFrame{{base + 4 * i}, 0, fromHex("61"), false}).add(DatagramFrame{fromHex("61")}));
  }
  const size_t before = peer.events.size();
  peer.drainsEvents = true;
  peer.deliver({0x00});
  size_t datagrams = 0;
  for (size_t i = before; i < before + 20; ++i)
    datagrams += std::holds_alternative<DatagramEvent>(peer.events[i]) ? 1 : 0;
  EXPECT_GE(datagrams, 9u);
  EXPECT_LE(datagrams, 11u);
}

TEST(DatagramPair, CarriesThemBothWays) {
  ServerEndpointSettings serverSettings;
  serverSettings.transport.datagrams.maxFrameSize = 65535;
  TransportSettings clientSettings;
  clientSettings.datagrams.maxFrameSize = 65535;
  EndpointPair pair(serverSettings);
  pair.connect(clientSettings);
  pair.exchange();
  QuicTransportBase& client = *pair.client.find(1);
  for (uint64_t i = 0; i < 30; ++i) {
    ASSERT_TRUE(client.sendDatagram(pair.now, OwnedBytes::copyOf(ByteVector(30, static_cast<uint8_t>(i))), {.id = i}));
  }
  pair.client.touch(1);
  pair.exchange();
  pair.advance(1s);
  std::vector<uint8_t> got;
  for (const EndpointEvent& event : pair.serverEvents) {
    const auto* datagram = std::get_if<DatagramEvent>(&event.event);
    if (datagram == nullptr) continue;
    const auto* received = std::get_if<DatagramReceived>(datagram);
    ASSERT_NE(received, nullptr);
    ASSERT_EQ(received->bytes.size(), 30u);
    got.push_back(received->bytes[0]);
  }
  ASSERT_EQ(got.size(), 30u);
  EXPECT_TRUE(std::is_sorted(got.begin(), got.end()));
  EXPECT_EQ(EndpointPair::count<DatagramEvent>(pair.clientEvents), 30u) << "each is acknowledged";
}

}  // namespace
}  // namespace quic::test
