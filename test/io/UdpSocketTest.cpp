// Over the loopback interface. It cannot see a device without GSO, nor a network that fragments.
#include "io/UdpSocket.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

#include "IoTesting.h"
#include "io/BindShared.h"
#include "io/Sockaddr.h"

namespace quic {
namespace {

using testing::address;
using testing::mustOpen;
using testing::waitReadable;

ByteVector pattern(size_t size) {
  ByteVector bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(i * 31 + i / 251);
  return bytes;
}

Transmit transmitTo(const SocketAddress& peer, size_t size, size_t segmentSize) {
  return Transmit{{SocketAddress(), peer}, Ecn::NotEct, size, segmentSize};
}

struct Received {
  FourTuple path;
  Ecn ecn;
  ByteVector bytes;
};

/// Until `count` datagrams have come or nothing comes any more.
std::vector<Received> receive(UdpSocket& socket, size_t count) {
  ReceiveSlab slab;
  std::vector<Received> all;
  while (all.size() < count && waitReadable(socket)) {
    socket.receiveBatch(slab);
    for (const ReceivedDatagram& d : slab.datagrams) {
      all.push_back({d.path, d.ecn, ByteVector(d.bytes.begin(), d.bytes.end())});
    }
  }
  return all;
}

ByteVector joined(const std::vector<Received>& datagrams) {
  ByteVector all;
  for (const Received& datagram : datagrams) all.insert(all.end(), datagram.bytes.begin(), datagram.bytes.end());
  return all;
}

class BothFamilies : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Loopback, BothFamilies, ::testing::Values("127.0.0.1:0", "[::1]:0"),
                         [](const auto& info) { return info.param[0] == '[' ? "V6" : "V4"; });

TEST_P(BothFamilies, SendsATrainInOneCallAndReceivesItSplit) {
  UdpSocket sender = mustOpen(GetParam());
  UdpSocket receiver = mustOpen(GetParam());
  ASSERT_TRUE(sender.isOpen() && receiver.isOpen());
  const ByteVector bytes = pattern(40 * 1200 + 77);
  const SendResult sent = sender.send(transmitTo(receiver.localAddress(), bytes.size(), 1200), bytes);
  EXPECT_EQ(sent.status, SendStatus::Sent);
  EXPECT_EQ(sent.consumed, bytes.size());
  const auto got = receive(receiver, 41);
  ASSERT_EQ(got.size(), 41u);
  for (size_t i = 0; i < 40; ++i) EXPECT_EQ(got[i].bytes.size(), 1200u);
  EXPECT_EQ(got[40].bytes.size(), 77u);
  EXPECT_EQ(joined(got), bytes);
  EXPECT_EQ(got[0].path.peer, sender.localAddress());
  EXPECT_EQ(got[0].path.local, receiver.localAddress());
}

TEST_P(BothFamilies, SendsATrainAsSingleDatagramsWithoutSegmentation) {
  UdpSocketOptions options;
  options.local = address(GetParam());
  options.segmentation = false;
  UdpSocket sender = mustOpen(options);
  UdpSocket receiver = mustOpen(GetParam());
  const ByteVector bytes = pattern(100 * 600 + 5);
  const SendResult sent = sender.send(transmitTo(receiver.localAddress(), bytes.size(), 600), bytes);
  EXPECT_EQ(sent.status, SendStatus::Sent);
  EXPECT_EQ(sent.consumed, bytes.size());
  const auto got = receive(receiver, 101);
  ASSERT_EQ(got.size(), 101u);
  EXPECT_EQ(joined(got), bytes);
}

TEST_P(BothFamilies, SplitsATrainThatIsTooLongForOneCall) {
  UdpSocket sender = mustOpen(GetParam());
  UdpSocket receiver = mustOpen(GetParam());
  const ByteVector bytes = pattern(150 * 400);
  EXPECT_EQ(sender.send(transmitTo(receiver.localAddress(), bytes.size(), 400), bytes).consumed, bytes.size());
  EXPECT_TRUE(sender.usesSegmentation());
  EXPECT_EQ(joined(receive(receiver, 150)), bytes);
}

TEST_P(BothFamilies, CarriesEcnMarksBothWays) {
  UdpSocket sender = mustOpen(GetParam());
  UdpSocket receiver = mustOpen(GetParam());
  const ByteVector bytes = pattern(100);
  for (const Ecn ecn : {Ecn::NotEct, Ecn::Ect0, Ecn::Ect1, Ecn::Ce}) {
    Transmit transmit = transmitTo(receiver.localAddress(), bytes.size(), bytes.size());
    transmit.ecn = ecn;
    EXPECT_EQ(sender.send(transmit, bytes).status, SendStatus::Sent);
    const auto got = receive(receiver, 1);
    ASSERT_EQ(got.size(), 1u);
    EXPECT_EQ(got[0].ecn, ecn);
  }
}

TEST_P(BothFamilies, TellsWhichPeerIsUnreachableAndGoesOn) {
  UdpSocket sender = mustOpen(GetParam());
  UdpSocket receiver = mustOpen(GetParam());
  SocketAddress closed;
  {
    UdpSocket gone = mustOpen(GetParam());
    closed = gone.localAddress();
  }
  const ByteVector bytes = pattern(64);
  EXPECT_EQ(sender.send(transmitTo(closed, bytes.size(), bytes.size()), bytes).status, SendStatus::Sent);
  ASSERT_TRUE(waitReadable(sender, 200));
  // The error of the one peer takes nothing from the other.
  EXPECT_EQ(sender.send(transmitTo(receiver.localAddress(), bytes.size(), bytes.size()), bytes).status,
            SendStatus::Sent);
  std::vector<SocketAddress> unreachable;
  sender.receiveErrors(unreachable);
  ASSERT_EQ(unreachable.size(), 1u);
  EXPECT_EQ(unreachable[0], closed);
  EXPECT_EQ(receive(receiver, 1).size(), 1u);
}

TEST_P(BothFamilies, FailsToSendWhatIsTooLargeAndSaysSo) {
  UdpSocket sender = mustOpen(GetParam());
  const ByteVector bytes(65536);
  const SendResult sent = sender.send(transmitTo(sender.localAddress(), bytes.size(), bytes.size()), bytes);
  EXPECT_EQ(sent.status, SendStatus::Failed);
  EXPECT_EQ(sent.consumed, bytes.size());
  EXPECT_EQ(sent.systemError, EMSGSIZE);
}

TEST(UdpSocket, AnswersFromTheAddressThatWasHitOnAWildcard) {
  UdpSocket server = mustOpen("0.0.0.0:0");
  UdpSocket client = mustOpen("127.0.0.1:0");
  const ByteVector bytes = pattern(10);
  const SocketAddress hit = SocketAddress::v4({127, 0, 0, 7}, server.localAddress().port());
  client.send(transmitTo(hit, 10, 10), bytes);
  const auto got = receive(server, 1);
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].path.local, hit);
  server.send(Transmit{got[0].path, Ecn::Ect0, 10, 10}, bytes);
  const auto back = receive(client, 1);
  ASSERT_EQ(back.size(), 1u);
  EXPECT_EQ(back[0].path.peer, hit);
  EXPECT_EQ(back[0].ecn, Ecn::Ect0);
}

TEST(UdpSocket, TakesIPv4OnADualStackWildcard) {
  UdpSocketOptions options;
  options.local = SocketAddress::v6({}, 0);
  options.dualStack = true;
  UdpSocket server = mustOpen(options);
  ASSERT_TRUE(server.isOpen());
  for (const char* text : {"127.0.0.3:0", "[::1]:0"}) {
    UdpSocket client = mustOpen(text);
    const ByteVector bytes = pattern(2500);
    const SocketAddress hit = client.localAddress().withPort(server.localAddress().port());
    Transmit transmit = transmitTo(hit, 2500, 1000);
    transmit.ecn = Ecn::Ect0;
    client.send(transmit, bytes);
    const auto got = receive(server, 3);
    ASSERT_EQ(got.size(), 3u) << text;
    EXPECT_EQ(got[0].path, (FourTuple{hit, client.localAddress()}));
    EXPECT_EQ(got[0].ecn, Ecn::Ect0);
    server.send(Transmit{got[0].path, Ecn::Ce, 2500, 1000}, bytes);
    const auto back = receive(client, 3);
    ASSERT_EQ(back.size(), 3u) << text;
    EXPECT_EQ(back[0].path, (FourTuple{client.localAddress(), hit}));
    EXPECT_EQ(back[0].ecn, Ecn::Ce);
  }
}

TEST(UdpSocket, LeavesIPv4ToOthersUnlessAsked) {
  UdpSocketOptions options;
  options.local = SocketAddress::v6({}, 0);
  UdpSocket v6 = mustOpen(options);
  ASSERT_TRUE(v6.isOpen());
  options.local = SocketAddress::v4({}, v6.localAddress().port());
  EXPECT_TRUE(mustOpen(options).isOpen());
}

TEST(UdpSocket, SaysWhyItCannotBind) {
  UdpSocket first = mustOpen("127.0.0.1:0");
  UdpSocketOptions options;
  options.local = first.localAddress();
  auto second = UdpSocket::open(options);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().systemError, EADDRINUSE);
  EXPECT_EQ(second.error().error.code, QuicErrorCode(LocalErrorCode::BIND_FAILED));
  options.local = address("192.0.2.200:0");
  EXPECT_EQ(UdpSocket::open(options).error().systemError, EADDRNOTAVAIL);
}

TEST(BindShared, BindsAllToOnePortAndFindsAStrangerThere) {
  auto group = bindShared({address("127.0.0.1:0"), 4, false, true, std::nullopt});
  ASSERT_TRUE(group);
  ASSERT_EQ(group->size(), 4u);
  const SocketAddress local = group->front().localAddress();
  for (const UdpSocket& socket : *group) EXPECT_EQ(socket.localAddress(), local);
  const auto second = bindShared({local, 2, false, true, std::nullopt});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().systemError, EADDRINUSE);
}

TEST(BindShared, BindsBesideItsOwnWildcard) {
  auto present = bindShared({address("0.0.0.0:0"), 2, false, true, std::nullopt});
  ASSERT_TRUE(present);
  const SocketAddress local = present->front().localAddress();
  const SocketAddress next = address("127.0.0.2:0").withPort(local.port());
  EXPECT_FALSE(bindShared({next, 2, false, true, std::nullopt}));
  EXPECT_TRUE(bindShared({next, 2, false, true, local}));
}

TEST(BindShared, SteersByTheFirstByteOfTheConnectionId) {
  constexpr size_t kSockets = 4;
  auto group = bindShared({address("127.0.0.1:0"), kSockets, false, true, std::nullopt});
  ASSERT_TRUE(group);
  for (uint8_t client = 0; client < 8; ++client) {
    UdpSocket sender = mustOpen("127.0.0.1:0");
    for (uint8_t worker = 0; worker < kSockets; ++worker) {
      ByteVector shortHeader(40, 0x55);
      shortHeader[0] = 0x40;
      shortHeader[1] = worker;
      ByteVector longHeader(40, 0x55);
      longHeader[0] = 0xe0;
      longHeader[6] = worker;
      sender.send(transmitTo((*group)[0].localAddress(), 40, 40), shortHeader);
      sender.send(transmitTo((*group)[0].localAddress(), 40, 40), longHeader);
      EXPECT_EQ(receive((*group)[worker], 2).size(), 2u);
    }
  }
}

TEST(Sockaddr, UnwrapsMappedAddresses) {
  const SocketAddress v4 = address("127.0.0.9:99");
  EXPECT_EQ(toSockaddr(v4, true).storage.ss_family, AF_INET6);
  EXPECT_EQ(fromSockaddr(toSockaddr(v4, true).storage), v4);
  EXPECT_EQ(fromSockaddr(toSockaddr(v4).storage), v4);
  const SocketAddress v6 = address("[2001:db8::1]:443");
  EXPECT_EQ(fromSockaddr(toSockaddr(v6).storage), v6);
  EXPECT_EQ(fromSockaddr(sockaddr_storage{}), SocketAddress());
}

// ---- sockets of others

/// A socket as a service manager would hand it over.
int boundSocket(const char* text, int type = SOCK_DGRAM) {
  const SocketAddress local = address(text);
  const int fd = ::socket(local.isV4() ? AF_INET : AF_INET6, type, 0);
  const Sockaddr wanted = toSockaddr(local);
  EXPECT_EQ(::bind(fd, wanted.get(), wanted.size), 0);
  return fd;
}

TEST_P(BothFamilies, ServesOnASocketThatSomebodyElseHasBound) {
  SocketResult<UdpSocket> adopted = UdpSocket::adopt(boundSocket(GetParam()), {});
  ASSERT_TRUE(adopted) << adopted.error().systemError;
  UdpSocket sender = mustOpen(GetParam());
  const ByteVector bytes = pattern(3000);
  ASSERT_EQ(sender.send(transmitTo(adopted->localAddress(), bytes.size(), 1200), bytes).status, SendStatus::Sent);
  EXPECT_EQ(joined(receive(*adopted, 3)), bytes);
}

TEST(UdpSocket, TakesNoSocketThatIsNotUdp) {
  const SocketResult<UdpSocket> adopted = UdpSocket::adopt(boundSocket("127.0.0.1:0", SOCK_STREAM), {});
  ASSERT_FALSE(adopted);
  EXPECT_EQ(adopted.error().systemError, EPROTOTYPE);
}

TEST(UdpSocket, TakesNoSocketThatIsNotBound) {
  const SocketResult<UdpSocket> adopted = UdpSocket::adopt(::socket(AF_INET, SOCK_DGRAM, 0), {});
  ASSERT_FALSE(adopted);
  EXPECT_EQ(adopted.error().systemError, EDESTADDRREQ);
}

TEST(UdpSocket, TakesNoDescriptorThatIsNone) { EXPECT_FALSE(UdpSocket::adopt(-1, {})); }

TEST(BindShared, AddsSocketsToOneThatWasHandedOver) {
  const auto group = bindShared({{}, 3, false, true, std::nullopt, boundSocket("127.0.0.1:0")});
  ASSERT_TRUE(group);
  ASSERT_EQ(group->size(), 3u);
  for (const UdpSocket& socket : *group) EXPECT_EQ(socket.localAddress(), group->front().localAddress());
}

}  // namespace
}  // namespace quic
