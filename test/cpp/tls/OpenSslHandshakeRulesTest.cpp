// What RFC 9001 asks of TLS beyond TLS: extensions, levels, and messages that QUIC does not allow.
#include <gtest/gtest.h>

#include "cpp/tls/TlsFixture.h"

namespace quic {
namespace {

using namespace test;

constexpr uint64_t kProtocolViolation = static_cast<uint64_t>(TransportErrorCode::PROTOCOL_VIOLATION);
constexpr uint8_t kUnexpectedMessage = 10;
constexpr uint8_t kMissingExtension = 109;
constexpr uint8_t kNoApplicationProtocol = 120;
constexpr size_t kSessionIdSizeAt = 4 + 2 + 32;  // RFC 8446 §4.1.2: header, version, random

const ByteVector kKeyUpdate = messageOf(24, {0});
const ByteVector kCertificateRequestMessage = messageOf(13, {0, 0, 0});

void add16(ByteVector& bytes, size_t at, int difference) {
  const int value = (bytes[at] << 8 | bytes[at + 1]) + difference;
  bytes[at] = static_cast<uint8_t>(value >> 8);
  bytes[at + 1] = static_cast<uint8_t>(value);
}

void removeTransportParameters(ByteVector& hello, const ByteVector& parameters) {
  ByteVector extension{0, 0x39, 0, static_cast<uint8_t>(parameters.size())};
  extension.insert(extension.end(), parameters.begin(), parameters.end());
  const auto at = std::search(hello.begin(), hello.end(), extension.begin(), extension.end());
  ASSERT_NE(at, hello.end());
  hello.erase(at, at + static_cast<ptrdiff_t>(extension.size()));
  const int difference = -static_cast<int>(extension.size());
  add16(hello, 2, difference);  // the message's length
  const size_t suitesAt = kSessionIdSizeAt + 1;
  const size_t suitesSize = static_cast<size_t>(hello[suitesAt] << 8 | hello[suitesAt + 1]);
  add16(hello, suitesAt + 2 + suitesSize + 2, difference);  // behind two bytes of compression methods
}

// row T13
// covers RFC 9001 §8.2
TEST(QuicRulesForTls, RefusesAClientWithoutTransportParameters) {
  HandshakePair pair = makePair();
  pair.tamper = [&](bool, EncryptionLevel&, ByteVector& bytes) {
    removeTransportParameters(bytes, pair.client.parameters);
  };
  pair.run();
  EXPECT_EQ(pair.server.errorCode(), alertCode(kMissingExtension));
  EXPECT_TRUE(pair.server.events.empty());
}

// row T14
// covers RFC 9001 §8.1
TEST(QuicRulesForTls, RefusesAClientWithoutACommonProtocol) {
  TlsClientOptions options = clientOptions();
  options.alpn = {"other", "more"};
  HandshakePair pair(makeClient(options), makeServer(serverOptions()));
  pair.run();
  EXPECT_EQ(pair.server.errorCode(), alertCode(kNoApplicationProtocol));
  EXPECT_FALSE(pair.client.isComplete());
}

// row T15
// covers RFC 9001 §8.1
TEST(QuicRulesForTls, RefusesAClientThatOffersNoProtocol) {
  const ForeignPeer client(Role::Client);
  HandshakePair pair(client.make(""), makeServer(serverOptions()));
  pair.run();
  EXPECT_EQ(pair.server.errorCode(), alertCode(kNoApplicationProtocol));
  EXPECT_TRUE(pair.server.events.empty());
}

// covers RFC 9001 §8.1
// row H06
TEST(QuicRulesForTls, RefusesAServerThatSelectsNoProtocol) {
  const ForeignPeer server(Role::Server);
  SSL_CTX_set_alpn_select_cb(server.context.get(), nullptr, nullptr);
  HandshakePair pair(makeClient(clientOptions()), server.make());
  pair.run();
  EXPECT_EQ(pair.client.errorCode(), alertCode(kNoApplicationProtocol));
  EXPECT_TRUE(pair.client.sent[EncryptionLevel::Handshake].empty());
  EXPECT_FALSE(pair.server.isComplete());
}

TEST(QuicRulesForTls, PrefersTheServersOrderOfProtocols) {
  TlsServerOptions server = serverOptions();
  server.alpn = {"second", "first"};
  TlsClientOptions client = clientOptions();
  client.alpn = {"first", "second", "third"};
  HandshakePair pair(makeClient(client), makeServer(server));
  pair.run();
  ASSERT_TRUE(pair.isComplete());
  EXPECT_EQ(pair.client.all<HandshakeComplete>().at(0).alpn, "second");
}

// covers RFC 9001 §8.4
// row H03
TEST(QuicRulesForTls, SendsNoSessionIdAndRefusesOne) {
  HandshakePair pair = makePair();
  pair.tamper = [&](bool toServer, EncryptionLevel&, ByteVector& bytes) {
    if (!toServer) return;
    ASSERT_EQ(bytes[kSessionIdSizeAt], 0);
    bytes[kSessionIdSizeAt] = 32;
    bytes.insert(bytes.begin() + kSessionIdSizeAt + 1, 32, 0xaa);
    const size_t size = bytes.size() - 4;
    bytes[2] = static_cast<uint8_t>(size >> 8);
    bytes[3] = static_cast<uint8_t>(size);
  };
  pair.run();
  EXPECT_EQ(pair.server.errorCode(), kProtocolViolation);
}

// ---- levels

// covers RFC 9001 §4.1.3
// row H01
TEST(QuicRulesForTls, RefusesBytesBehindTheMessageThatEndsALevel) {
  for (const bool toServer : {true, false}) {
    for (const size_t fragment : {SIZE_MAX, size_t{1}}) {
      for (const EncryptionLevel level : {EncryptionLevel::Initial, EncryptionLevel::Handshake}) {
        HandshakePair pair = makePair();
        pair.fragment = fragment;
        pair.tamper = [&](bool forServer, EncryptionLevel& at, ByteVector& bytes) {
          if (forServer == toServer && at == level) bytes.push_back(0);
        };
        pair.run();
        EXPECT_EQ((toServer ? pair.server : pair.client).errorCode(), kProtocolViolation)
            << toServer << " " << static_cast<int>(level) << " " << fragment;
      }
    }
  }
}

// covers RFC 9001 §4.1.3
// row H02
TEST(QuicRulesForTls, RefusesNewBytesAtALevelThatIsOver) {
  for (const EncryptionLevel level : {EncryptionLevel::Initial, EncryptionLevel::Handshake}) {
    HandshakePair pair = makePair();
    pair.run();
    const ByteVector byte{1};
    pair.client.give(level, byte, 1, false);
    pair.server.give(level, byte, 1, true);
    EXPECT_EQ(pair.client.errorCode(), kProtocolViolation);
    EXPECT_EQ(pair.server.errorCode(), kProtocolViolation);
  }
}

// covers RFC 9001 §8.3
// row H05
TEST(QuicRulesForTls, RefusesCryptoBytesIn0Rtt) {
  HandshakePair pair = makePair();
  pair.start();
  const ByteVector byte{1};
  pair.server.give(EncryptionLevel::ZeroRtt, byte, 1, true);
  EXPECT_EQ(pair.server.errorCode(), kProtocolViolation);
}

// covers RFC 9001 §4.1.3
TEST(QuicRulesForTls, SavesBytesOfALevelThatIsNotYetReached) {
  HandshakePair pair = makePair();
  pair.start();
  auto [level, hello] = pair.client.outbox.at(0);
  pair.client.outbox.clear();
  pair.server.give(level, hello, SIZE_MAX, true);
  ASSERT_EQ(pair.server.outbox.size(), 2u);
  std::swap(pair.server.outbox[0], pair.server.outbox[1]);
  pair.exchange();
  EXPECT_TRUE(pair.isComplete());
}

// ---- after the handshake

// row CT29
// covers RFC 9001 §6
TEST(QuicRulesForTls, RefusesATlsKeyUpdate) {
  for (const size_t fragment : {SIZE_MAX, size_t{1}}) {
    HandshakePair pair = makePair();
    pair.run();
    pair.client.give(EncryptionLevel::OneRtt, kKeyUpdate, fragment, false);
    pair.server.give(EncryptionLevel::OneRtt, kKeyUpdate, fragment, true);
    EXPECT_EQ(pair.client.errorCode(), alertCode(kUnexpectedMessage));
    EXPECT_EQ(pair.server.errorCode(), alertCode(kUnexpectedMessage));
  }
}

// row CT28
// covers RFC 9001 §4.4
TEST(QuicRulesForTls, RefusesACertificateRequestAfterTheHandshake) {
  HandshakePair pair = makePair();
  pair.run();
  pair.client.give(EncryptionLevel::OneRtt, kCertificateRequestMessage, SIZE_MAX, false);
  pair.server.give(EncryptionLevel::OneRtt, kCertificateRequestMessage, SIZE_MAX, true);
  EXPECT_EQ(pair.client.errorCode(), kProtocolViolation);
  EXPECT_EQ(pair.server.errorCode(), alertCode(kUnexpectedMessage));
}

TEST(QuicRulesForTls, HandsOutTheTicketsOfAServerThatSendsThem) {
  for (const size_t fragment : {SIZE_MAX, size_t{1}, size_t{13}}) {
    const ForeignPeer server(Role::Server);
    SSL_CTX_set_num_tickets(server.context.get(), 3);
    HandshakePair pair(makeClient(clientOptions()), server.make());
    pair.fragment = fragment;
    pair.run();
    ASSERT_TRUE(pair.isComplete());
    EXPECT_EQ(pair.client.all<SessionTicket>().size(), 3u);
    EXPECT_FALSE(pair.client.error);
    pair.client.give(EncryptionLevel::OneRtt, kCertificateRequestMessage, fragment, false);
    EXPECT_EQ(pair.client.errorCode(), kProtocolViolation);
  }
}

// covers RFC 9001 §4.6.1
// row H04
TEST(QuicRulesForTls, RefusesATicketWithAnotherEarlyDataSizeThanTheSentinel) {
  TlsServerOptions silent = serverOptions();
  silent.sessionTickets = 0;
  HandshakePair pair = TlsPeers(silent).pair();
  pair.run();
  // RFC 8446 §4.6.1: lifetime, age_add, nonce, ticket, and an early_data extension of 1,000 bytes
  const ByteVector ticket =
      messageOf(4, {0, 0, 0, 60, 1, 2, 3, 4, 1, 9, 0, 4, 't', 'i', 'c', 'k', 0, 8, 0, 42, 0, 4, 0, 0, 0x03, 0xe8});
  pair.client.give(EncryptionLevel::OneRtt, ticket, SIZE_MAX, false);
  EXPECT_EQ(pair.client.errorCode(), kProtocolViolation);
  EXPECT_TRUE(pair.client.all<SessionTicket>().empty());
}

}  // namespace
}  // namespace quic
