// A server that speaks TLS but not QUIC must not be taken for one, even by somebody who carries its messages over.
#include <gtest/gtest.h>

#include "cpp/tls/TlsFixture.h"
#include "quic/tls/KeySchedule.h"
#include "quic/tls/OpenSslAead.h"

namespace quic {
namespace {

using namespace test;

constexpr uint8_t kMissingExtension = 109;

// RFC 8446 §5: records of a 5-byte header and the content; protected ones end with the true type.
class TlsOverTcpServer {
 public:
  explicit TlsOverTcpServer(const ForeignPeer& peer) : ssl_(SSL_new(peer.context.get())) {
    SSL_CTX_set_client_hello_cb(peer.context.get(), nullptr, nullptr);
    SSL_CTX_set_alpn_select_cb(peer.context.get(), selectEcho, nullptr);
    SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_accept_state(ssl_.get());
  }
  /// Everything it answers, as records.
  ByteVector answer(ByteSpan clientHello) {
    const uint8_t header[] = {22, 3, 1, static_cast<uint8_t>(clientHello.size() >> 8),
                              static_cast<uint8_t>(clientHello.size())};
    BIO_write(SSL_get_rbio(ssl_.get()), header, sizeof header);
    BIO_write(SSL_get_rbio(ssl_.get()), clientHello.data(), static_cast<int>(clientHello.size()));
    SSL_do_handshake(ssl_.get());
    ByteVector records(16384);
    const int size = BIO_read(SSL_get_wbio(ssl_.get()), records.data(), static_cast<int>(records.size()));
    records.resize(static_cast<size_t>(std::max(size, 0)));
    return records;
  }

 private:
  static int selectEcho(SSL*, const unsigned char** out, unsigned char* size, const unsigned char*, unsigned int,
                        void*) {
    *out = reinterpret_cast<const unsigned char*>("echo");
    *size = 4;
    return SSL_TLSEXT_ERR_OK;
  }
  SslPtr ssl_;
};

ByteVector decryptRecord(const TrafficSecret& secret, uint64_t sequence, ByteSpan record) {
  KeySchedule schedule(HashFunction::Sha256);
  ByteVector key(16), iv(kAeadNonceSize);
  schedule.expandLabel(secret.span(), "key", key);
  schedule.expandLabel(secret.span(), "iv", iv);
  const SuiteCiphers ciphers = fetchSuiteCiphers(secret.suite);
  ByteVector body(record.begin() + 5, record.end());
  const auto size = makeOpenSslAead(ciphers.aead.get(), key, iv)->open(sequence, record.first(5), body);
  EXPECT_TRUE(size);
  body.resize(size.value_or(1) - 1);
  return body;
}

// covers RFC 9001 §8.2
TEST(TlsOverTcpServer, IsRefusedByAClientBeforeItAnswers) {
  HandshakePair pair = makePair();
  pair.start();
  TlsOverTcpServer server{ForeignPeer(Role::Server)};
  const ByteVector records = server.answer(pair.client.outbox.at(0).second);
  HandshakeEndpoint& client = pair.client;
  uint64_t sequence = 0;
  for (size_t at = 0; at + 5 < records.size();) {
    const size_t size = 5 + static_cast<size_t>(records[at + 3] << 8 | records[at + 4]);
    const ByteSpan record = ByteSpan(records).subspan(at, size);
    at += size;
    if (record[0] == 22) {
      client.give(EncryptionLevel::Initial, record.subspan(5), SIZE_MAX, false);
    } else if (record[0] == 23) {  // and not change_cipher_spec
      const TrafficSecret secret = client.all<HandshakeReadSecret>().at(0).secret;
      client.give(EncryptionLevel::Handshake, decryptRecord(secret, sequence++, record), SIZE_MAX, false);
    }
  }
  EXPECT_GE(sequence, 4u);
  EXPECT_EQ(client.errorCode(), alertCode(kMissingExtension));
  EXPECT_TRUE(client.sent[EncryptionLevel::Handshake].empty());
  EXPECT_EQ(namesOf(client), (std::vector<std::string>{"write handshake", "read handshake"}));
}

}  // namespace
}  // namespace quic
