// Handshake messages that a peer must not send, each with the exact error that ends the connection.
#include <gtest/gtest.h>

#include "cpp/tls/TlsFixture.h"
#include "quic/tls/HelloMessages.h"

namespace quic {
namespace {

using namespace test;

constexpr uint8_t kUnexpectedMessage = 10;
constexpr uint8_t kIllegalParameter = 47;
constexpr uint8_t kDecodeError = 50;
constexpr uint8_t kDecryptError = 51;
constexpr uint8_t kProtocolVersion = 70;
constexpr uint8_t kMissingExtension = 109;
constexpr uint8_t kUnsupportedExtension = 110;
constexpr uint8_t kNoApplicationProtocol = 120;

constexpr uint8_t kEncryptedExtensions = 8;  // RFC 8446 §4
constexpr uint8_t kCertificate = 11;
constexpr uint8_t kCertificateVerify = 15;
constexpr uint8_t kFinished = 20;

using Messages = std::vector<ByteVector>;

Messages split(ByteSpan flight) {
  Messages messages;
  while (flight.size() >= 4) {
    const size_t size = 4 + (size_t{flight[1]} << 16 | size_t{flight[2]} << 8 | flight[3]);
    messages.emplace_back(flight.begin(), flight.begin() + static_cast<ptrdiff_t>(size));
    flight = flight.subspan(size);
  }
  return messages;
}
ByteVector join(const Messages& messages) {
  ByteVector flight;
  for (const ByteVector& message : messages) flight.insert(flight.end(), message.begin(), message.end());
  return flight;
}
ByteVector& find(Messages& messages, uint8_t type) {
  for (ByteVector& message : messages) {
    if (message[0] == type) return message;
  }
  ADD_FAILURE() << "no message of type " << int{type};
  return messages.at(0);
}
void drop(Messages& messages, uint8_t type) {
  std::erase_if(messages, [type](const ByteVector& message) { return message[0] == type; });
}
void add16(ByteVector& bytes, size_t at, int difference) {
  const int value = (bytes[at] << 8 | bytes[at + 1]) + difference;
  bytes[at] = static_cast<uint8_t>(value >> 8);
  bytes[at + 1] = static_cast<uint8_t>(value);
}

/// Changes the messages of one flight, and says how the receiver of it ended.
struct Tampered {
  bool toServer;
  EncryptionLevel level;
  std::function<void(Messages&)> change;

  HandshakePair run(HandshakePair pair) const {
    pair.tamper = [this](bool forServer, EncryptionLevel& at, ByteVector& bytes) {
      if (forServer != toServer || at != level) return;
      Messages messages = split(bytes);
      change(messages);
      bytes = join(messages);
    };
    pair.run();
    pair.tamper = nullptr;
    return pair;
  }
};

void expectServerEnds(std::function<void(Messages&)> change, uint8_t alert) {
  const HandshakePair pair = Tampered{true, EncryptionLevel::Initial, std::move(change)}.run(makePair());
  EXPECT_EQ(pair.server.errorCode(), alertCode(alert)) << pair.server.layer->errorDetail();
  EXPECT_FALSE(pair.server.isComplete());
}
/// Also: nothing that the client says afterwards can make the server believe.
void expectClientEnds(std::function<void(Messages&)> change, uint8_t alert) {
  HandshakePair pair = Tampered{false, EncryptionLevel::Handshake, std::move(change)}.run(makePair());
  EXPECT_EQ(pair.client.errorCode(), alertCode(alert)) << pair.client.layer->errorDetail();
  EXPECT_FALSE(pair.client.isComplete());
  EXPECT_TRUE(pair.client.sent[EncryptionLevel::Handshake].empty());
  EXPECT_FALSE(pair.server.isComplete());
}

void replace(ByteVector& bytes, const ByteVector& what, const ByteVector& with) {
  const auto at = std::search(bytes.begin(), bytes.end(), what.begin(), what.end());
  ASSERT_NE(at, bytes.end());
  std::copy(with.begin(), with.end(), at);
}

/// Where the types and lengths of extensions begin in EncryptedExtensions.
constexpr size_t kFirstExtension = 4 + 2;

void removeExtension(ByteVector& encryptedExtensions, uint16_t type) {
  for (size_t at = kFirstExtension; at + 4 <= encryptedExtensions.size();) {
    const size_t size = 4 + static_cast<size_t>(encryptedExtensions[at + 2] << 8 | encryptedExtensions[at + 3]);
    const auto begin = encryptedExtensions.begin() + static_cast<ptrdiff_t>(at);
    if ((encryptedExtensions[at] << 8 | encryptedExtensions[at + 1]) == type) {
      encryptedExtensions.erase(begin, begin + static_cast<ptrdiff_t>(size));
      add16(encryptedExtensions, 2, -static_cast<int>(size));
      add16(encryptedExtensions, 4, -static_cast<int>(size));
      return;
    }
    at += size;
  }
  ADD_FAILURE() << "no extension " << type;
}

// ---- what a client must not say

// row T16
// covers RFC 9001 §4.2
TEST(TlsMustClose, ClientHelloWithoutTls13) {
  expectServerEnds([](Messages& messages) { replace(messages[0], {0, 43, 0, 3, 2, 3, 4}, {0, 43, 0, 3, 2, 3, 3}); },
                   kProtocolVersion);
}

// row T22
TEST(TlsMustClose, ClientHelloWithBrokenExtensionLengths) {
  expectServerEnds([](Messages& messages) { replace(messages[0], {0, 43, 0, 3, 2}, {0, 43, 0, 3, 9}); }, kDecodeError);
  expectServerEnds([](Messages& messages) { replace(messages[0], {0, 43, 0, 3, 2}, {0, 43, 0xff, 3, 2}); },
                   kDecodeError);
}

// row T20b
TEST(TlsMustClose, ButAnEmptyKeyShareOnlyAsksForAnotherHello) {
  HandshakePair pair = makePair();
  pair.start();
  ByteVector hello = pair.client.outbox.at(0).second;
  const ByteVector share{0, 51, 0, 38, 0, 36, 0, 29, 0, 32};  // key_share of X25519
  const auto at = std::search(hello.begin(), hello.end(), share.begin(), share.end());
  ASSERT_NE(at, hello.end());
  const auto offset = static_cast<size_t>(at - hello.begin());
  hello.erase(at + 6, at + 4 + 38);
  replace(hello, {0, 51, 0, 38, 0, 36}, {0, 51, 0, 2, 0, 0});
  add16(hello, 2, -36);
  size_t blockAt = 4 + 2 + 32 + 1;  // of the suites' length: there is no session ID
  blockAt += 2 + static_cast<size_t>(hello[blockAt] << 8 | hello[blockAt + 1]) + 2;
  ASSERT_LT(blockAt, offset);
  add16(hello, blockAt, -36);
  pair.server.give(EncryptionLevel::Initial, hello, SIZE_MAX, true);
  EXPECT_FALSE(pair.server.error) << pair.server.layer->errorDetail();
  EXPECT_TRUE(isHelloRetryRequest(pair.server.sent[EncryptionLevel::Initial]));
}

// row X44
TEST(TlsMustClose, PreSharedKeyWithABadBinder) {
  const TlsPeers peers;
  const Tampered tampered{true, EncryptionLevel::Initial, [](Messages& messages) { messages[0].back() ^= 1; }};
  const HandshakePair pair = tampered.run(peers.resuming(peers.session()));
  EXPECT_EQ(pair.server.errorCode(), alertCode(kDecryptError));
  EXPECT_FALSE(pair.server.isComplete());
  EXPECT_TRUE(pair.server.all<HandshakeWriteSecret>().empty());
}

TEST(TlsMustClose, SecondClientHelloAboutSomethingElse) {
  TlsServerOptions server = serverOptions();
  TlsClientOptions client = clientOptions();
  server.groups = {"P-256"};
  client.groups = {"X25519", "P-256"};
  const auto run = [&](std::function<void(ByteVector&)> change) {
    int hellos = 0;
    HandshakePair pair = TlsPeers(server, client).pair();
    pair.tamper = [&](bool toServer, EncryptionLevel& level, ByteVector& bytes) {
      if (toServer && level == EncryptionLevel::Initial && ++hellos == 2) change(bytes);
    };
    pair.run();
    EXPECT_EQ(pair.server.errorCode(), alertCode(kIllegalParameter));
  };
  run([](ByteVector& bytes) {
    replace(bytes, {'s', 'e', 'r', 'v', 'e', 'r', '.'}, {'s', 'e', 'r', 'v', 'e', 'd', '.'});
  });
  run([](ByteVector& bytes) { replace(bytes, {0, 57, 0, 3, 0xc1}, {0, 57, 0, 3, 0xc2}); });
}

TEST(TlsMustClose, BadFinishedOfAClient) {
  const Tampered tampered{true, EncryptionLevel::Handshake,
                          [](Messages& messages) { find(messages, kFinished).back() ^= 1; }};
  const HandshakePair pair = tampered.run(makePair());
  EXPECT_EQ(pair.server.errorCode(), alertCode(kDecryptError));
  EXPECT_FALSE(pair.server.isComplete());
}

// ---- what a server must not say

// row CT17
// covers RFC 9001 §8.2
TEST(TlsMustClose, ServerWithoutTransportParameters) {
  expectClientEnds([](Messages& messages) { removeExtension(find(messages, kEncryptedExtensions), 57); },
                   kMissingExtension);
}

// row CT19
// covers RFC 9001 §8.1
TEST(TlsMustClose, ServerWithoutAProtocol) {
  expectClientEnds([](Messages& messages) { removeExtension(find(messages, kEncryptedExtensions), 16); },
                   kNoApplicationProtocol);
}

// row CT20
TEST(TlsMustClose, ServerWithAProtocolThatWasNotOffered) {
  const ForeignPeer server(Role::Server);
  const auto selectStranger = [](SSL*, const unsigned char** out, unsigned char* size, const unsigned char*,
                                 unsigned int, void*) {
    *out = reinterpret_cast<const unsigned char*>("evil");
    *size = 4;
    return SSL_TLSEXT_ERR_OK;
  };
  SSL_CTX_set_alpn_select_cb(server.context.get(), selectStranger, nullptr);
  HandshakePair pair(makeClient(clientOptions()), server.make());
  pair.run();
  EXPECT_EQ(pair.client.errorCode(), alertCode(kIllegalParameter));
  EXPECT_TRUE(pair.client.sent[EncryptionLevel::Handshake].empty());
}

// row CT21
TEST(TlsMustClose, BadFinishedOfAServer) {
  expectClientEnds([](Messages& messages) { find(messages, kFinished).back() ^= 1; }, kDecryptError);
}

// row CT22
TEST(TlsMustClose, BadSignatureOfAServer) {
  expectClientEnds([](Messages& messages) { find(messages, kCertificateVerify).back() ^= 1; }, kDecryptError);
}

// row CT24
TEST(TlsMustClose, FinishedBeforeTheCertificate) {
  expectClientEnds(
      [](Messages& messages) {
        drop(messages, kCertificate);
        drop(messages, kCertificateVerify);
      },
      kUnexpectedMessage);
}

// row CT26
TEST(TlsMustClose, AnswerToAnExtensionThatWasNotOffered) {
  for (const uint16_t type : {uint16_t{5}, uint16_t{44}, uint16_t{0x1234}, uint16_t{0xfafa}}) {
    expectClientEnds(
        [type](Messages& messages) {
          ByteVector& extensions = find(messages, kEncryptedExtensions);
          const ByteVector added{static_cast<uint8_t>(type >> 8), static_cast<uint8_t>(type), 0, 1, 9};
          extensions.insert(extensions.begin() + kFirstExtension, added.begin(), added.end());
          add16(extensions, 2, 5);
          add16(extensions, 4, 5);
        },
        kUnsupportedExtension);
  }
}

}  // namespace
}  // namespace quic
