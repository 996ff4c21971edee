#include "quic/server/ConnectionIdAlgo.h"

#include <algorithm>

#include "quic/server/QuicLbConnectionIdAlgo.h"

namespace quic {
namespace {

class PlainConnectionIdAlgo final : public ConnectionIdAlgo {
 public:
  PlainConnectionIdAlgo(uint8_t worker, ByteVector serverId, size_t size, Random& random)
      : worker_(worker), serverId_(std::move(serverId)), size_(size), random_(random) {}

  ConnectionId make() override {
    std::array<uint8_t, kMaxConnectionIdSize> bytes{};
    bytes[0] = worker_;
    std::copy(serverId_.begin(), serverId_.end(), bytes.begin() + 1);
    random_.fill(MutableByteSpan(bytes).first(size_).subspan(1 + serverId_.size()));
    return ConnectionId(ByteSpan(bytes).first(size_));
  }
  [[nodiscard]] std::optional<uint8_t> workerOf(ByteSpan id) const override {
    if (id.size() != size_ || !std::equal(serverId_.begin(), serverId_.end(), id.begin() + 1)) return std::nullopt;
    return id[0];
  }
  [[nodiscard]] size_t size() const override { return size_; }

 private:
  uint8_t worker_;
  ByteVector serverId_;
  size_t size_;
  Random& random_;
};

}  // namespace

std::string_view ConnectionIdSettings::problem(size_t size) const {
  if (serverId.size() > kMaxServerIdSize) return "a server ID has 12 bytes at the most";
  if (configRotation > kMaxConfigRotation) return "a configuration of connection IDs is 0 to 6";
  if (size < kMinConnectionIdSize || size > kMaxConnectionIdSize)
    return "connection IDs of a server have 4 to 20 bytes";
  const bool isPlain = !key && !custom;
  if (isPlain && size < kMinPlainConnectionIdSize) return "connection IDs that are not encrypted have 8 to 20 bytes";
  return {};
}

std::unique_ptr<ConnectionIdAlgo> makeConnectionIdAlgo(const ConnectionIdSettings& settings, size_t size,
                                                       uint8_t worker, Random& random, const CryptoFactory& crypto) {
  if (settings.custom) return settings.custom(worker, random, crypto);
  ByteVector serverId = settings.serverId;
  serverId.resize(std::min(serverId.size(), kMaxServerIdSize));
  if (!settings.key) {
    const size_t least = kMinPlainConnectionIdSize + serverId.size();
    return std::make_unique<PlainConnectionIdAlgo>(worker, std::move(serverId),
                                                   std::clamp(size, least, kMaxConnectionIdSize), random);
  }
  serverId.push_back(worker);
  const size_t least = 1 + serverId.size() + kMinQuicLbNonceSize;
  const size_t nonceSize = std::clamp(size, least, kMaxConnectionIdSize) - 1 - serverId.size();
  const QuicLbConfig config{settings.configRotation, settings.encodesSize, serverId.size(), nonceSize};
  return std::make_unique<QuicLbConnectionIdAlgo>(config, std::move(serverId), crypto.blockCipher(*settings.key),
                                                  random);
}

}  // namespace quic
