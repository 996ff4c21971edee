#include "io/HostRecords.h"

#include <gtest/gtest.h>

#include "IoTesting.h"
#include "io/HostBatch.h"

namespace quic {
namespace {

using testing::address;

TEST(HostRecords, EncodeBase64WithPadding) {
  EXPECT_EQ(base64(asBytes("")), "");
  EXPECT_EQ(base64(asBytes("f")), "Zg==");
  EXPECT_EQ(base64(asBytes("fo")), "Zm8=");
  EXPECT_EQ(base64(asBytes("foo")), "Zm9v");
  EXPECT_EQ(base64(asBytes("foobar")), "Zm9vYmFy");
}

TEST(HostRecords, DescribeAnOpenedConnection) {
  const FourTuple path{address("127.0.0.1:1"), address("[::1]:2")};
  const HandshakeFacts facts{path, 1, CipherSuite::CHACHA20_POLY1305_SHA256, 1173};
  const HandshakeFinished event{"echo", {1, 2, 3}, ServerMigrationProtocols(5), true, EarlyDataOutcome::Rejected,
                                "a.b"};
  EXPECT_EQ(
      openedRecord(facts, event),
      R"({"local":{"family":"IPv4","host":"127.0.0.1","port":1},"peer":{"family":"IPv6","host":"::1","port":2},)"
      R"("alpn":"echo","certificate":"AQID","serverMigration":5,"version":1,"cipher":"TLS_CHACHA20_POLY1305_SHA256",)"
      R"("isResumed":true,"earlyData":"rejected","serverName":"a.b","datagramLimit":1173})");
}

TEST(HostRecords, NameCiphersBothWays) {
  for (const auto suite :
       {CipherSuite::AES_128_GCM_SHA256, CipherSuite::AES_256_GCM_SHA384, CipherSuite::CHACHA20_POLY1305_SHA256}) {
    EXPECT_EQ(cipherNamed(cipherName(suite)), suite);
  }
  EXPECT_EQ(cipherNamed("TLS_AES_128_CCM_SHA256"), std::nullopt);
}

TEST(HostRecords, KeepTokensWithTheirVersions) {
  const AddressToken token{{7, 8, 9}, 0x6b3343cf};
  EXPECT_EQ(unpackToken(packToken(token)), token);
  EXPECT_TRUE(unpackToken({}).bytes.empty());
  EXPECT_TRUE(unpackToken(ByteVector{0, 0, 0, 1}).bytes.empty());
}

TEST(HostRecords, DescribeAnEnd) {
  EXPECT_EQ(
      closedRecord(static_cast<ApplicationErrorCode>(4611686018427387903), Initiator::Remote, "bye"),
      R"({"kind":"application","name":"APPLICATION","wireCode":"4611686018427387903","reason":"bye","initiator":"remote"})");
  EXPECT_EQ(closedRecord(LocalErrorCode::IDLE_TIMEOUT, Initiator::Local, "").substr(0, 38),
            R"({"kind":"local","name":"IDLE_TIMEOUT",)");
}

TEST(HostRecords, DescribeMigrationEvents) {
  EXPECT_EQ(migrationRecord(migration::Announced{ServerMigrationProtocol::SYNCHRONIZED_SYMMETRIC, std::nullopt}),
            R"({"type":"announced","protocol":"synchronized-symmetric"})");
  EXPECT_EQ(migrationRecord(migration::ProbingStarted{ServerMigrationProtocol::EXPLICIT, address("10.0.0.1:9")}),
            R"({"type":"probing","protocol":"explicit","address":{"family":"IPv4","host":"10.0.0.1","port":9}})");
  EXPECT_EQ(migrationRecord(migration::PoolAcknowledged{}), R"({"type":"pool-acknowledged"})");
}

TEST(HostRecords, DescribeOutcomes) {
  using Status = MigrationOutcome::Status;
  EXPECT_EQ(outcomesRecord({{7, Status::Migrated, ServerMigrationProtocol::SYMMETRIC}, {8, Status::Closed, {}}}),
            R"([{"connection":7,"status":"migrated","protocol":"symmetric"},{"connection":8,"status":"closed"}])");
  EXPECT_EQ(outcomesRecord({}), "[]");
}

TEST(HostBatch, LaysOutRecordsInEightWords) {
  HostBatch batch;
  batch.add(RecordKind::StreamReset, 0x0123456789, 0xabcdef0123, 1, 2, 3);
  batch.addBytes(RecordKind::KeyLog, 1, 0, asBytes("xyz"));
  ASSERT_EQ(batch.records(), 2u);
  const std::vector<uint32_t> expected{6, 0x23456789, 1, 0xcdef0123, 0xab, 1, 2, 3, 15, 1, 0, 0, 0, 0, 3, 0};
  EXPECT_EQ(batch.words, expected);
}

}  // namespace
}  // namespace quic
