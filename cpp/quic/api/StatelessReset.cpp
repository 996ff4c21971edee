#include "quic/api/StatelessReset.h"

#include "quic/QuicConstants.h"

namespace quic {
namespace {

/// RFC 9000 §10.3: from so many bytes on nobody can tell it from a packet, whatever the length of the peer's IDs; an answer to
/// something shorter is one byte shorter. The rest of the range keeps the size from giving it away.
constexpr size_t kUsualSize = 43;
constexpr size_t kSizeRange = 32;

size_t sizeFor(size_t trigger, Random& random) {
  if (trigger <= kUsualSize) return trigger - 1;
  return kUsualSize + static_cast<size_t>(random.below(std::min(trigger - kUsualSize, kSizeRange)));
}

}  // namespace

StatelessResetToken StatelessResetKey::tokenOf(const ConnectionId& id) const {
  const std::array<uint8_t, 32> mac = crypto_.hmacSha256(secret_, id.bytes());
  StatelessResetToken token;
  std::copy_n(mac.begin(), token.size(), token.begin());
  return token;
}

ByteVector StatelessResetter::answer(TimePoint now, const ReceivedDatagram& datagram, const ConnectionId& id) {
  const size_t trigger = datagram.bytes.size();
  if (trigger <= kMinStatelessResetSize || (datagram.bytes[0] & 0x80) != 0) return {};
  if (!rates_.take(now, datagram.path.peer)) return {};
  ByteVector packet(sizeFor(trigger, random_));
  random_.fill(packet);
  packet[0] = static_cast<uint8_t>((packet[0] & 0x3f) | 0x40);  // a short header, as it must look (RFC 9000 §10.3)
  const StatelessResetToken token = key_.tokenOf(id);
  std::copy(token.begin(), token.end(), packet.end() - static_cast<ptrdiff_t>(token.size()));
  return packet;
}

}  // namespace quic
