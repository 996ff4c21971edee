#include "quic/state/KeyPhases.h"

#include <algorithm>

namespace quic {
namespace {

Unexpected<QuicError> updateError(std::string_view why) { return fail(TransportErrorCode::KEY_UPDATE_ERROR, why); }

}  // namespace

void KeyPhases::prepare(const CryptoFactory& crypto, uint32_t version) {
  if (nextRead_ || readSecret_.size == 0 || writeSecret_.size == 0) return;
  readSecret_ = crypto.nextSecret(version, readSecret_);
  writeSecret_ = crypto.nextSecret(version, writeSecret_);
  nextRead_ = crypto.protection(version, readSecret_).aead;
  nextWrite_ = crypto.protection(version, writeSecret_).aead;
}

KeyPhase KeyPhases::phaseOf(bool bit, PacketNum number) const {
  if (bit == this->bit()) return KeyPhase::Current;
  // While nothing has come in a phase that we began, whatever differs is older.
  const bool isOlder = generation_ > 0 && (!opened_ || number < opened_->lowest);
  return isOlder ? KeyPhase::Previous : KeyPhase::Next;
}

Aead* KeyPhases::readKey(KeyPhase phase) const {
  return phase == KeyPhase::Previous ? previousRead_.get() : nextRead_.get();
}

Result<> KeyPhases::onOpened(KeyPhase phase, PacketNum number, const Current& keys, TimePoint forgetPreviousAt) {
  switch (phase) {
    case KeyPhase::Previous: highestInPrevious_ = std::max(highestInPrevious_.value_or(0), number); return Unit{};
    case KeyPhase::Current:
      // RFC 9001 §6.4: what is sealed with older keys has lower numbers.
      if (highestInPrevious_ && number < *highestInPrevious_) return updateError("old keys after newer ones");
      noteCurrent(number, forgetPreviousAt);
      return Unit{};
    case KeyPhase::Next:
      if (opened_ && number < opened_->highest) return updateError("old keys after newer ones");
      // RFC 9001 §6.2: it did not wait until we had acknowledged the phase that it leaves.
      if (generation_ > 0 && !isReported_) return updateError("keys updated twice without an acknowledgment");
      advance(keys);
      noteCurrent(number, forgetPreviousAt);
      return Unit{};
  }
  return Unit{};
}

Result<> KeyPhases::onAck(KeyPhase phase, PacketNum largest, TimePoint nextUpdateFrom) {
  if (!firstSealed_ || largest < *firstSealed_) return Unit{};
  if (phase == KeyPhase::Previous) return updateError("acknowledged with old keys what new ones sealed");
  if (!nextUpdateFrom_) nextUpdateFrom_ = nextUpdateFrom;
  return Unit{};
}

void KeyPhases::onSealed(PacketNum number, bool hasAck) {
  if (!firstSealed_) firstSealed_ = number;
  ++sealed_;
  isReported_ |= hasAck && opened_.has_value();
}

bool KeyPhases::mayUpdate(TimePoint now) const {
  return nextRead_ && nextWrite_ && nextUpdateFrom_ && *nextUpdateFrom_ <= now;
}

void KeyPhases::forgetPrevious() {
  previousRead_.reset();
  forgetPreviousAt_.reset();
}

void KeyPhases::advance(const Current& keys) {
  ++generation_;
  previousRead_ = std::exchange(keys.read.aead, std::move(nextRead_));
  keys.write.aead = std::move(nextWrite_);  // RFC 9001 §6.4: nothing is ever sealed with the old one again
  highestInPrevious_ = opened_ ? std::optional(opened_->highest) : std::nullopt;
  opened_.reset();
  isReported_ = false;
  forgetPreviousAt_.reset();
  firstSealed_.reset();
  sealed_ = 0;
  nextUpdateFrom_.reset();
}

void KeyPhases::noteCurrent(PacketNum number, TimePoint forgetPreviousAt) {
  if (!opened_) {
    opened_ = Opened{number, number};
    if (previousRead_) forgetPreviousAt_ = forgetPreviousAt;
    return;
  }
  opened_->lowest = std::min(opened_->lowest, number);
  opened_->highest = std::max(opened_->highest, number);
}

}  // namespace quic
