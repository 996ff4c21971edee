#include "sim/Sim.h"

#include <algorithm>
#include <cstdlib>

#include "cpp/tls/TestCertificates.h"
#include "quic/tls/TicketKeyring.h"
#include "sim/SimTrace.h"

namespace quic::test {
namespace {

/// Keys, certificate and contexts, made once for all simulations of the process: they hold no state of a connection.
struct SharedTls {
  SharedTls() : pki(makeTestPki()), crypto(makeOpenSslCryptoFactory()) {
    TlsServerOptions serverOptions;
    serverOptions.certificatePem = pki.server.certificatePem;
    serverOptions.privateKeyPem = pki.server.privateKeyPem;
    serverOptions.alpn = {"sim"};
    serverOptions.ticketKeys = {ByteVector(kMinTicketKeySize, 0x5e)};
    // What one simulation did must not change the next one.
    serverOptions.earlyData = EarlyDataPolicy::AcceptReplays;
    server = *makeTlsServerContext(serverOptions, nullptr);
    serverOptions.certificatePem += fillers();
    longChainServer = *makeTlsServerContext(serverOptions, nullptr);
    TlsClientOptions options;
    options.caPem = {pki.authority.certificatePem};
    options.alpn = {"sim"};
    client = *makeTlsClientContext(options, nullptr);
    options.groups = {"P-521", "X25519"};
    retriedClient = *makeTlsClientContext(options, nullptr);
  }
  /// Certificates that prove nothing, as a chain may hold.
  std::string fillers() const {
    std::string pem;
    for (uint64_t i = 0; pem.size() < 8000; ++i) {
      TestCertificateOptions options;
      options.commonName = "filler.test";
      options.seed = 1000 + i;
      pem += makeTestCertificate(options, &pki.authority).certificatePem;
    }
    return pem;
  }

  TestPki pki;
  std::unique_ptr<CryptoFactory> crypto;
  std::shared_ptr<TlsServerContext> server;
  std::shared_ptr<TlsServerContext> longChainServer;
  std::shared_ptr<TlsClientContext> client;
  std::shared_ptr<TlsClientContext> retriedClient;
};

SharedTls& sharedTls() {
  static SharedTls tls;
  return tls;
}

uint64_t fromEnvironment(const char* name, uint64_t fallback) {
  const char* text = std::getenv(name);
  return text == nullptr || *text == '\0' ? fallback : std::strtoull(text, nullptr, 10);
}

}  // namespace

std::vector<uint64_t> simSeeds() {
  const uint64_t first = fromEnvironment("NODE_MVFST_SEED", 1);
  const uint64_t count = fromEnvironment("NODE_MVFST_SEEDS", 20);
  std::vector<uint64_t> seeds;
  for (uint64_t i = 0; i < count; ++i) seeds.push_back(first + i);
  return seeds;
}

bool isFullSim() { return fromEnvironment("NODE_MVFST_FULL", 0) != 0; }

std::vector<uint64_t> simSample() {
  std::vector<uint64_t> seeds = simSeeds();
  if (!isFullSim()) seeds.resize(std::min(seeds.size(), std::max<size_t>(2, seeds.size() / 50)));
  return seeds;
}

SocketAddress simAddress(std::string_view text) { return SocketAddress::parse(text).value_or(SocketAddress()); }

Sim::Sim(const SimOptions& options)
    : tlsRandom_((sharedTls(), options.seed)),
      serverTls_(options.hasLongChain ? *sharedTls().longChainServer : *sharedTls().server),
      random(options.seed * 2 + 1),
      chance(options.seed * 2 + 2),
      network(clock, chance),
      crypto_(options.crypto == nullptr ? *sharedTls().crypto : *options.crypto) {
  network.conditions = options.conditions;
  if (std::getenv("NODE_MVFST_TRACE") != nullptr) network.onSent = printDatagram;
  server = std::make_unique<SimServer>(world(), simAddress(options.serverAddress), options.server, serverTls_);
}

SimWorld Sim::world() { return {clock, network, random, crypto_}; }

const CryptoFactory& simCrypto() { return *sharedTls().crypto; }

void Sim::restartServer(const ServerEndpointSettings& settings) {
  const SocketAddress address = server->address();
  server.reset();
  server = std::make_unique<SimServer>(world(), address, settings, serverTls_);
}

SimClient& Sim::connect(const TransportSettings& settings) {
  const std::string host = std::to_string(clients.size() / 250) + "." + std::to_string(clients.size() % 250 + 1);
  return connectFrom(simAddress("10.1." + host + ":50000"), settings, SimHello::Plain);
}

SimClient& Sim::connectAgain(const SimClient& before, const TransportSettings& settings, SimHello hello) {
  return connectFrom(before.address().withPort(static_cast<uint16_t>(before.address().port() + 1)), settings, hello);
}

SimClient& Sim::connectFrom(const SocketAddress& address, const TransportSettings& settings, SimHello hello) {
  clients.push_back(std::make_unique<SimClient>(world(), address));
  const TlsClientContext& tls = *(hello == SimHello::Plain ? sharedTls().client : sharedTls().retriedClient);
  clients.back()->connect(server->address(), settings, tls.makeHandshake("server.test"));
  return *clients.back();
}

}  // namespace quic::test
