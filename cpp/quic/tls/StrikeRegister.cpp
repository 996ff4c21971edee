#include "quic/tls/StrikeRegister.h"

#include <algorithm>
#include <utility>

namespace quic {

bool StrikeRegister::admit(const TicketId& ticket, SessionTime issuedAt, SessionTime now) {
  latest_ = std::max(latest_, now);
  if (now < latest_ - kEarlyDataWindow) return false;
  if (issuedAt < beganAt_ && now < beganAt_ + kEarlyDataWindow) return false;
  if (now >= generationAt_ + kEarlyDataWindow) {
    const bool isLongOver = now >= generationAt_ + 2 * kEarlyDataWindow;
    previous_ = isLongOver ? Generation() : std::move(current_);
    current_ = Generation();
    generationAt_ = now;
  }
  if (previous_.contains(ticket) || current_.size() >= kMaxEarlyDataStrikes) return false;
  return current_.insert(ticket).second;
}

}  // namespace quic
