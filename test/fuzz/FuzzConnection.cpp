// A connection fed with arbitrary frames in packets that are correctly protected, so that the fuzzer gets past the AEAD.
//
// The input: one byte of options, then steps. A step is an operation, two bytes of length, and so many bytes.
#include <gtest/gtest.h>

#include "cpp/api/MisbehavingPeer.h"
#include "fuzz/FuzzTargets.h"

namespace quic::test {
namespace {

constexpr size_t kMaxSteps = 64;
constexpr uint64_t kMaxDatagramsOut = 20000;  // far beyond what windows and timers allow within kMaxSteps

enum class Operation : uint8_t {
  Initial,
  Handshake,
  OneRtt,
  OtherPath,    // frames of a 1-RTT packet from another address
  RawDatagram,  // bytes as they are
  Coalesced,    // a Handshake and a 1-RTT packet, each with half of the bytes
  Advance,      // the clock, by so many milliseconds as the length says, no bytes
  Acknowledge,  // everything heard so far
  OpenStream,   // by the application
  WriteStream,  // the bytes, on a stream that the first of them names
  ReadStream,
  ResetStream,
  StopSending,
  Close,
  Count,
};

class Script {
 public:
  Script(MisbehavingPeer& peer, ByteSpan bytes) : peer_(peer), reader_(bytes) {}

  bool step() {
    const auto operation = reader_.readBigEndian(1);
    const auto length = reader_.readBigEndian(2);
    if (!operation || !length) return false;
    const auto which = static_cast<Operation>(*operation % static_cast<uint8_t>(Operation::Count));
    if (which == Operation::Advance) {
      peer_.advance(std::chrono::milliseconds(*length));
      return true;
    }
    const ByteSpan bytes = reader_.readBytes(std::min<size_t>(*length, reader_.remaining())).value_or(ByteSpan{});
    run(which, bytes);
    return true;
  }

 private:
  static StreamId streamOf(ByteSpan bytes) { return {bytes.empty() ? uint64_t{0} : uint64_t{bytes[0]}}; }

  void run(Operation operation, ByteSpan bytes) {
    QuicTransportBase& end = peer_.end();
    switch (operation) {
      case Operation::Initial: return peer_.send(EncryptionLevel::Initial, bytes);
      case Operation::Handshake: return peer_.send(EncryptionLevel::Handshake, bytes);
      case Operation::OneRtt: return peer_.send(bytes);
      case Operation::OtherPath: return peer_.sendFrom(peer_.pathFrom(6000, 2), bytes);
      case Operation::RawDatagram: return peer_.deliver(ByteVector(bytes.begin(), bytes.end()));
      case Operation::Coalesced: return sendCoalesced(bytes);
      case Operation::Acknowledge: return acknowledge();
      case Operation::OpenStream: (void)end.openStream(!bytes.empty() && (bytes[0] & 1) != 0); break;
      case Operation::WriteStream: (void)end.writeStream(streamOf(bytes), OwnedBytes::copyOf(bytes), false); break;
      case Operation::ReadStream: read(streamOf(bytes)); break;
      case Operation::ResetStream: (void)end.resetStream(streamOf(bytes), bytes.size()); break;
      case Operation::StopSending: (void)end.stopSending(streamOf(bytes), bytes.size()); break;
      case Operation::Close: end.close(peer_.now(), ApplicationErrorCode{bytes.size()}, asText(bytes)); break;
      default: break;
    }
    peer_.advance(Duration{0});
  }

  void sendCoalesced(ByteSpan bytes) {
    ByteVector datagram = peer_.seal(EncryptionLevel::Handshake, bytes.first(bytes.size() / 2));
    const ByteVector second = peer_.seal(EncryptionLevel::OneRtt, bytes.subspan(bytes.size() / 2));
    datagram.insert(datagram.end(), second.begin(), second.end());
    peer_.deliver(std::move(datagram));
  }

  void acknowledge() {
    if (peer_.hasHeard(EncryptionLevel::OneRtt)) peer_.ackEverything(EncryptionLevel::OneRtt);
  }

  void read(StreamId id) {
    std::array<uint8_t, 4096> room{};
    (void)peer_.end().readStream(id, room);
  }

  MisbehavingPeer& peer_;
  ByteReader reader_;
};

PeerSettings settingsFor(uint8_t options) {
  PeerSettings settings = MisbehavingPeer::against((options & 1) != 0 ? Role::Client : Role::Server);
  settings.end.idleTimeout = 10s;
  settings.end.streams.connectionWindow = 64 * 1024;
  return settings;
}

}  // namespace

void fuzzConnection(ByteSpan input) {
  if (input.empty()) return;
  const uint8_t options = input[0];
  MisbehavingPeer peer(settingsFor(options));
  switch (options >> 1 & 3) {
    case 0: peer.begin(); break;
    case 1: peer.reachHandshakeLevel(); break;
    default: peer.connect(); break;
  }
  Script script(peer, input.subspan(1));
  for (size_t steps = 0; steps < kMaxSteps && script.step(); ++steps) {
    require(peer.datagramsHeard < kMaxDatagramsOut, "an end that never stops sending");
  }
  peer.advance(100s);
  require(peer.end().isDrained() || !peer.end().isClosing(), "a closed connection that never ends");
  require(!::testing::Test::HasFailure(), "the end did what no end may");
}

}  // namespace quic::test
