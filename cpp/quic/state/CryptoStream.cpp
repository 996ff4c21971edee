#include "quic/state/CryptoStream.h"

#include <algorithm>

#include "quic/QuicConstants.h"
#include "quic/codec/QuicFrameCodec.h"

namespace quic {

void CryptoStream::append(ByteSpan bytes) { outgoing_.insert(outgoing_.end(), bytes.begin(), bytes.end()); }

bool CryptoStream::writeRange(ByteWriter& writer, Interval range, SentFrames& sent) {
  const uint64_t wanted = range.end - range.start + 1;
  const size_t overhead = cryptoFrameOverhead(range.start, std::min<uint64_t>(wanted, writer.remaining()));
  if (writer.remaining() <= overhead) return false;
  const uint64_t size = std::min<uint64_t>(wanted, writer.remaining() - overhead);
  const CryptoFrame frame{range.start, ByteSpan(outgoing_).subspan(range.start, size)};
  if (!writeFrame(writer, frame)) return false;
  sent.push_back(SentCrypto{range.start, static_cast<uint32_t>(size), space_});
  lost_.erase(range.start, range.start + size - 1);
  sent_ = std::max(sent_, range.start + size);
  return true;
}

void CryptoStream::writeFrames(ByteWriter& writer, SentFrames& sent) {
  while (!lost_.empty()) {
    if (!writeRange(writer, lost_.front(), sent)) return;
  }
  while (sent_ < outgoing_.size()) {
    if (!writeRange(writer, {sent_, outgoing_.size() - 1}, sent)) return;
  }
}

void CryptoStream::onAcked(const SentCrypto& frame) {
  if (frame.size == 0) return;
  acked_.insert(frame.offset, frame.offset + frame.size - 1);
  lost_.erase(frame.offset, frame.offset + frame.size - 1);
}

void CryptoStream::onLost(const SentCrypto& frame) {
  if (frame.size == 0) return;
  lost_.insert(frame.offset, frame.offset + frame.size - 1);
  for (const Interval& done : acked_) lost_.erase(done.start, done.end);
}

void CryptoStream::resendUnacked() {
  if (sent_ > 0) onLost({0, static_cast<uint32_t>(sent_), space_});
}

Result<> CryptoStream::onFrame(const CryptoFrame& frame) {
  const uint64_t end = frame.offset + frame.data.size();
  if (end <= readOffset_ || frame.data.empty()) return Unit{};
  if (end - readOffset_ > kMaxCryptoBuffer) {  // RFC 9000 §7.5
    return fail(TransportErrorCode::CRYPTO_BUFFER_EXCEEDED, "too much CRYPTO data ahead",
                static_cast<uint64_t>(FrameType::CRYPTO));
  }
  const uint64_t start = std::max(frame.offset, readOffset_);
  const ByteSpan fresh = frame.data.subspan(start - frame.offset);
  if (incoming_.size() < end - readOffset_) incoming_.resize(end - readOffset_);
  std::copy(fresh.begin(), fresh.end(), incoming_.begin() + static_cast<ptrdiff_t>(start - readOffset_));
  received_.insert(start, end - 1);
  if (received_.size() > kMaxStreamGaps) {
    return fail(TransportErrorCode::CRYPTO_BUFFER_EXCEEDED, "too many gaps in CRYPTO data",
                static_cast<uint64_t>(FrameType::CRYPTO));
  }
  return Unit{};
}

ByteSpan CryptoStream::read() {
  if (received_.empty() || received_.front().start != readOffset_) return {};
  const size_t size = received_.front().end - readOffset_ + 1;
  lent_.assign(incoming_.begin(), incoming_.begin() + static_cast<ptrdiff_t>(size));
  incoming_.erase(incoming_.begin(), incoming_.begin() + static_cast<ptrdiff_t>(size));
  received_.popFront();
  readOffset_ += size;
  return lent_;
}

}  // namespace quic
