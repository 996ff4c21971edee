// A peer can put anything into CRYPTO frames. Whatever it is, the handshake ends with an error or waits: it never crashes,
// never hangs, never completes on the side that was lied to about what the other said.
#include <gtest/gtest.h>

#include <random>

#include "cpp/tls/DeterministicRand.h"
#include "cpp/tls/TlsFixture.h"

namespace quic {
namespace {

using namespace test;

constexpr int kBudget = 300;
constexpr int kRounds = 400;

class Contexts {
 public:
  explicit Contexts(uint32_t sessionTickets = 0) {
    std::string detail;
    TlsServerOptions server = serverOptions();
    server.sessionTickets = sessionTickets;
    server.earlyData = EarlyDataPolicy::AcceptOnce;
    server.clientCaPem = sharedPki().authority.certificatePem;
    TlsClientOptions client = clientOptions();
    client.certificatePem = sharedPki().client.certificatePem;
    client.privateKeyPem = sharedPki().client.privateKeyPem;
    server_ = *makeTlsServerContext(server, &detail);
    client_ = *makeTlsClientContext(client, &detail);
  }
  [[nodiscard]] HandshakePair pair() const { return {client_->makeHandshake("server.test"), server_->makeHandshake()}; }

 private:
  std::shared_ptr<TlsServerContext> server_;
  std::shared_ptr<TlsClientContext> client_;
};

void mutate(std::mt19937_64& random, ByteVector& bytes) {
  const size_t at = bytes.empty() ? 0 : random() % bytes.size();
  const auto position = bytes.begin() + static_cast<ptrdiff_t>(at);
  switch (random() % 6) {
    case 0:
    case 1:
      if (!bytes.empty()) *position ^= static_cast<uint8_t>(1 + random() % 255);
      break;
    case 2: bytes.erase(position, bytes.end()); break;
    case 3: bytes.insert(position, 1 + random() % 40, static_cast<uint8_t>(random())); break;
    case 4: {
      const ByteVector copy(bytes);
      bytes.insert(bytes.end(), copy.begin(), copy.end());
      break;
    }
    default:
      if (bytes.size() > 3) bytes[1 + random() % 3] = static_cast<uint8_t>(random());  // the length of a message
  }
}

void expectLegalError(const HandshakeEndpoint& endpoint) {
  if (!endpoint.error) return;
  const auto* code = std::get_if<TransportErrorCode>(&endpoint.error->code);
  ASSERT_NE(code, nullptr);
  EXPECT_TRUE(isCryptoError(*code) || *code == TransportErrorCode::PROTOCOL_VIOLATION ||
              *code == TransportErrorCode::CRYPTO_BUFFER_EXCEEDED)
      << static_cast<uint64_t>(*code);
  EXPECT_NE(*code, cryptoError(0));
  EXPECT_FALSE(endpoint.layer->errorDetail().empty());
}

// row T-20
TEST(TamperedHandshake, EndsInAnErrorOrWaitsButNeverCrashes) {
  const Contexts contexts;
  const DeterministicRand rand(11);
  std::mt19937_64 random(20260101);
  int failed = 0;
  for (int round = 0; round < kRounds; ++round) {
    SCOPED_TRACE(round);
    HandshakePair pair = contexts.pair();
    const uint64_t victim = random() % 6;  // which flight
    uint64_t flight = 0;
    bool changed = false;
    pair.fragment = random() % 2 == 0 ? SIZE_MAX : 1 + random() % 300;
    pair.tamper = [&](bool, EncryptionLevel&, ByteVector& bytes) {
      if (flight++ != victim) return;
      const ByteVector original(bytes);
      mutate(random, bytes);
      changed = bytes != original;
    };
    pair.start();
    ASSERT_TRUE(pair.exchange(kBudget));
    EXPECT_FALSE(changed && pair.isComplete() && !pair.client.error && !pair.server.error);
    expectLegalError(pair.client);
    expectLegalError(pair.server);
    failed += pair.client.error || pair.server.error ? 1 : 0;
  }
  EXPECT_GT(failed, kRounds / 4);
}

TEST(TamperedHandshake, SurvivesFlightsAtRandomLevels) {
  const Contexts contexts;
  const DeterministicRand rand(12);
  std::mt19937_64 random(20260102);
  for (int round = 0; round < kRounds; ++round) {
    SCOPED_TRACE(round);
    HandshakePair pair = contexts.pair();
    pair.tamper = [&](bool, EncryptionLevel& level, ByteVector&) {
      if (random() % 3 == 0) level = static_cast<EncryptionLevel>(random() % kEncryptionLevels);
    };
    pair.start();
    ASSERT_TRUE(pair.exchange(kBudget));
    expectLegalError(pair.client);
    expectLegalError(pair.server);
  }
}

TEST(TamperedHandshake, SurvivesGarbageAfterTheHandshake) {
  const Contexts contexts;
  const DeterministicRand rand(13);
  std::mt19937_64 random(20260103);
  for (int round = 0; round < kRounds / 4; ++round) {
    SCOPED_TRACE(round);
    HandshakePair pair = contexts.pair();
    pair.run();
    ASSERT_TRUE(pair.isComplete());
    ByteVector garbage(1 + random() % 2000);
    for (uint8_t& byte : garbage) byte = static_cast<uint8_t>(random());
    if (random() % 2 == 0) garbage[0] = 4;  // NewSessionTicket
    const size_t fragment = 1 + random() % garbage.size();
    pair.client.give(EncryptionLevel::OneRtt, garbage, fragment, false);
    pair.server.give(EncryptionLevel::OneRtt, garbage, fragment, true);
    expectLegalError(pair.client);
    expectLegalError(pair.server);
    EXPECT_TRUE(pair.server.error);
  }
}

// What comes of them is a session that is passed over, or not resumed, or none.
TEST(TamperedHandshake, SurvivesTamperedTickets) {
  const Contexts contexts(2);
  const DeterministicRand rand(15);
  std::mt19937_64 random(20260105);
  int resumed = 0;
  for (int round = 0; round < kRounds / 4; ++round) {
    SCOPED_TRACE(round);
    HandshakePair pair = contexts.pair();
    pair.tamper = [&](bool, EncryptionLevel& level, ByteVector& bytes) {
      if (level == EncryptionLevel::OneRtt) mutate(random, bytes);
    };
    pair.start();
    ASSERT_TRUE(pair.exchange(kBudget));
    expectLegalError(pair.client);
    for (const SessionTicket& ticket : pair.client.all<SessionTicket>()) {
      HandshakePair again = contexts.pair();
      again.client.layer->offerSession(ticket.bytes, true);
      again.start();
      ASSERT_TRUE(again.exchange(kBudget));
      expectLegalError(again.client);
      expectLegalError(again.server);
      resumed += again.isResumed() ? 1 : 0;
    }
  }
  EXPECT_GT(resumed, 10);  // most mutations spare one of two tickets
}

TEST(TamperedHandshake, SurvivesRandomBytesFromTheBeginning) {
  const Contexts contexts;
  std::mt19937_64 random(20260104);
  for (int round = 0; round < kRounds; ++round) {
    HandshakePair pair = contexts.pair();
    pair.start();
    pair.client.outbox.clear();
    ByteVector garbage(1 + random() % 3000);
    for (uint8_t& byte : garbage) byte = static_cast<uint8_t>(random());
    garbage[0] = static_cast<uint8_t>(random() % 32);
    garbage[1 % garbage.size()] = 0;
    pair.server.give(EncryptionLevel::Initial, garbage, SIZE_MAX, true);
    pair.client.give(EncryptionLevel::Initial, garbage, SIZE_MAX, false);
    expectLegalError(pair.client);
    expectLegalError(pair.server);
    EXPECT_FALSE(pair.client.isComplete());
    EXPECT_FALSE(pair.server.isComplete());
  }
}

}  // namespace
}  // namespace quic
