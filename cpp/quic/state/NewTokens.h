// NEW_TOKEN frames, both ends: RFC 9000 §8.1.3, §19.7. Tokens are opaque here.
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "quic/QuicConstants.h"
#include "quic/codec/QuicFrames.h"
#include "quic/common/SocketAddress.h"
#include "quic/loss/SentFrame.h"

namespace quic {

/// Server: the one token that its client is to have, said again until it is acknowledged. A later one takes its place.
class NewTokenSender {
 public:
  /// `peer`: who it is for.
  void offer(ByteVector&& token, const SocketAddress& peer) {
    token_ = std::move(token);
    issuedTo_ = peer;
    ++generation_;
    isPending_ = !token_.empty();
    isAcked_ = false;
  }
  /// A client that has moved to another host can do nothing with the token that it has.
  [[nodiscard]] bool wantsTokenFor(const SocketAddress& peer) const { return !issuedTo_ || !issuedTo_->sameHost(peer); }

  [[nodiscard]] bool hasToSend() const { return isPending_; }
  [[nodiscard]] NewTokenFrame frame() const { return {token_}; }
  SentNewToken onWritten() {
    isPending_ = false;
    return {generation_};
  }
  void onLost(const SentNewToken& sent) { isPending_ |= sent.generation == generation_ && !isAcked_; }
  /// One copy of the newest is enough.
  void onAcked(const SentNewToken& sent) {
    if (sent.generation != generation_) return;
    isAcked_ = true;
    isPending_ = false;
  }

 private:
  ByteVector token_;
  std::optional<SocketAddress> issuedTo_;
  uint32_t generation_ = 0;
  bool isPending_ = false;
  bool isAcked_ = false;
};

/// Client: tells copies from news. A server cannot make it keep more than kMaxAddressTokens of kMaxAddressTokenSize bytes.
class NewTokenReceiver {
 public:
  /// True: it is to be handed on. False: it came before (RFC 9000 §19.7), or is more than we keep.
  bool onFrame(const NewTokenFrame& frame) {
    if (frame.token.size() > kMaxAddressTokenSize || seen_.size() >= kMaxAddressTokens) return false;
    const bool isKnown = std::any_of(seen_.begin(), seen_.end(), [&](const ByteVector& token) {
      return std::equal(token.begin(), token.end(), frame.token.begin(), frame.token.end());
    });
    if (!isKnown) seen_.emplace_back(frame.token.begin(), frame.token.end());
    return !isKnown;
  }

 private:
  std::vector<ByteVector> seen_;
};

}  // namespace quic
