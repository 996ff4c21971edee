#include "quic/datagram/DatagramSender.h"

#include <algorithm>
#include <bit>

#include "quic/QuicConstants.h"
#include "quic/codec/QuicFrameCodec.h"

namespace quic {

std::optional<size_t> datagramPayloadWithin(uint64_t frameSize) {
  if (frameSize < 2) return std::nullopt;  // a type and the length 0
  uint64_t most = 0;
  for (const uint64_t lengthSize : {1u, 2u, 4u, 8u}) {
    if (frameSize < 1 + lengthSize) break;
    const uint64_t largestOfLength = (uint64_t{1} << (8 * lengthSize - 2)) - 1;  // RFC 9000 §16
    most = std::max(most, std::min(frameSize - 1 - lengthSize, largestOfLength));
  }
  return static_cast<size_t>(most);
}

std::optional<size_t> DatagramSender::maxPayload(size_t room) const {
  if (peerLimit_ == 0) return std::nullopt;
  return datagramPayloadWithin(std::min<uint64_t>(peerLimit_, room));
}

Result<> DatagramSender::push(TimePoint now, OwnedBytes&& bytes, const DatagramOptions& options, size_t room) {
  if (options.urgency >= kUrgencies) return fail(LocalErrorCode::INVALID_ARGUMENT, "urgency goes from 0 to 7");
  const std::optional<size_t> most = maxPayload(room);
  if (!most) return fail(LocalErrorCode::DATAGRAM_UNSUPPORTED, "the peer takes no datagrams");
  // RFC 9221 §3: never larger than the peer's limit.
  if (bytes.size() > *most) return fail(LocalErrorCode::DATAGRAM_TOO_LARGE, "larger than a packet can carry now");
  const size_t cost = bytes.size() + kDatagramOverhead;
  if (!makeRoom(now, cost, options.urgency)) {
    return fail(LocalErrorCode::DATAGRAM_QUEUE_FULL, "too many datagrams wait to be sent");
  }
  queued_ += cost;
  ++size_;
  waiting_ |= static_cast<uint8_t>(1u << options.urgency);
  Waiting waiting{std::move(bytes), options.id, std::nullopt};
  if (options.lifetime != Duration{0}) waiting.expiresAt = now + options.lifetime;
  lines_[options.urgency].push(std::move(waiting));
  return Unit{};
}

uint8_t DatagramSender::urgency() const { return static_cast<uint8_t>(std::countr_zero(waiting_)); }

std::optional<uint64_t> DatagramSender::write(TimePoint now, ByteWriter& writer, size_t room) {
  const std::optional<size_t> most = maxPayload(room);
  while (hasToSend()) {
    const size_t line = urgency();
    const Waiting& next = lines_[line].front();
    if (next.expiresAt && *next.expiresAt <= now) {
      drop(line, DatagramLossCause::Expired);
    } else if (!most || next.bytes.size() > *most) {
      drop(line, DatagramLossCause::TooLarge);
    } else if (writeFrame(writer, DatagramFrame{next.bytes.span()})) {
      return take(line).id;
    } else {
      return std::nullopt;
    }
  }
  return std::nullopt;
}

std::optional<DatagramEvent> DatagramSender::pollEvent() {
  if (news_.empty()) return std::nullopt;
  return news_.pop();
}

/// Whether `wanted` bytes fit, after those who may be displaced by a datagram of this urgency are gone.
bool DatagramSender::makeRoom(TimePoint now, size_t wanted, size_t urgency) {
  if (wanted > queueSize_) return false;
  for (size_t line = kUrgencies; line-- > 0 && queued_ + wanted > queueSize_;) {
    const auto isStale = [&] {
      const auto& expiresAt = lines_[line].front().expiresAt;
      return expiresAt && *expiresAt <= now;
    };
    while (!lines_[line].empty() && isStale()) drop(line, DatagramLossCause::Expired);
  }
  for (size_t line = kUrgencies; line-- > urgency && overflow_ == DatagramOverflow::DropOldest;) {
    while (!lines_[line].empty() && queued_ + wanted > queueSize_) drop(line, DatagramLossCause::Displaced);
  }
  return queued_ + wanted <= queueSize_;
}

DatagramSender::Waiting DatagramSender::take(size_t line) {
  Waiting taken = lines_[line].pop();
  queued_ -= taken.bytes.size() + kDatagramOverhead;
  --size_;
  if (lines_[line].empty()) waiting_ &= static_cast<uint8_t>(~(1u << line));
  return taken;
}

void DatagramSender::drop(size_t line, DatagramLossCause cause) { news_.push(DatagramLost{take(line).id, cause}); }

}  // namespace quic
