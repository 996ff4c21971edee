// The CRYPTO stream of one encryption level: RFC 9000 §19.6, §7.5. Outgoing bytes are kept until the keys of the level are
// discarded; incoming ones are put in order within bounds of kMaxCryptoBuffer bytes and kMaxStreamGaps gaps.
#pragma once

#include <optional>

#include "quic/QuicError.h"
#include "quic/codec/QuicFrames.h"
#include "quic/common/IntervalSet.h"
#include "quic/loss/SentFrame.h"

namespace quic {

class CryptoStream {
 public:
  explicit CryptoStream(PacketNumberSpace space = PacketNumberSpace::Initial) : space_(space) {}

  // ---- sending
  void append(ByteSpan bytes);
  [[nodiscard]] bool hasToSend() const { return !lost_.empty() || sent_ < outgoing_.size(); }
  /// CRYPTO frames, lost bytes first, as many as fit.
  void writeFrames(ByteWriter& writer, SentFrames& sent);
  void onAcked(const SentCrypto& frame);
  void onLost(const SentCrypto& frame);
  /// Everything that is not acknowledged is to be sent again (a probe of a space with nothing newer to say).
  void resendUnacked();

  // ---- receiving
  /// All of it was read before.
  [[nodiscard]] bool isRepeated(const CryptoFrame& frame) const {
    return !frame.data.empty() && frame.offset + frame.data.size() <= readOffset_;
  }
  /// CRYPTO_BUFFER_EXCEEDED beyond the bounds.
  Result<> onFrame(const CryptoFrame& frame);
  /// The next bytes in order, empty when there are none; valid until the next call. Call until empty.
  ByteSpan read();
  [[nodiscard]] bool hasUnread() const { return !received_.empty(); }

 private:
  bool writeRange(ByteWriter& writer, Interval range, SentFrames& sent);

  PacketNumberSpace space_;
  ByteVector outgoing_;
  uint64_t sent_ = 0;
  IntervalSet acked_;
  IntervalSet lost_;

  ByteVector incoming_;   // window from readOffset_
  IntervalSet received_;  // absolute offsets, at or above readOffset_
  uint64_t readOffset_ = 0;
  ByteVector lent_;
};

}  // namespace quic
