#include "quic/server/AddressTokens.h"

#include <algorithm>

#include "quic/QuicConstants.h"
#include "quic/common/ByteCursor.h"

namespace quic {
namespace {

constexpr size_t kSaltSize = 16;
constexpr size_t kPrefixSize = 2 + kSaltSize;  // kind, key, salt
constexpr size_t kTimeSize = 8;
constexpr size_t kMaxContentSize = kTimeSize + 1 + kMaxConnectionIdSize;
constexpr Duration kClockSkew = 10s;  // between machines that share keys

void writeId(ByteWriter& writer, const ConnectionId& id) {
  writer.writeByte(static_cast<uint8_t>(id.size()));
  writer.writeBytes(id.bytes());
}

uint64_t markOf(ByteSpan token) {
  ByteReader reader(token.subspan(2));
  return reader.readBigEndian(8).value_or(0);
}

/// What a token is bound to, as associated data.
class Binding {
 public:
  Binding(ByteSpan prefix, const TokenContext& context, bool isRetry) : writer_(bytes_) {
    writer_.writeBytes(prefix);
    writer_.writeBigEndian(context.version, 4);
    writer_.writeByte(static_cast<uint8_t>(context.peer.ip().size()));
    writer_.writeBytes(context.peer.ip());
    if (!isRetry) return;  // RFC 9000 §8.1.3: the port of another connection is seldom the same
    writer_.writeBigEndian(context.peer.port(), 2);
    writeId(writer_, context.destinationId);
    writeId(writer_, context.sourceId);
  }
  [[nodiscard]] ByteSpan span() { return writer_.written(); }

 private:
  std::array<uint8_t, kPrefixSize + 4 + 17 + 2 + 2 * (1 + kMaxConnectionIdSize)> bytes_{};
  ByteWriter writer_;
};

}  // namespace

AddressTokens::AddressTokens(const CryptoFactory& crypto, Random& random, const AddressTokenSettings& settings)
    : crypto_(crypto), random_(random), settings_(settings), keys_(crypto, random, settings) {}

ByteVector AddressTokens::makeRetry(TimePoint now, const TokenContext& context,
                                    const ConnectionId& originalDestinationId) {
  return seal(now, Kind::Retry, context, {wall(now), originalDestinationId});
}

ByteVector AddressTokens::makeNew(TimePoint now, uint32_t version, const SocketAddress& peer) {
  return seal(now, Kind::New, {version, peer, {}, {}}, {wall(now), {}});
}

TokenVerdict AddressTokens::check(TimePoint now, ByteSpan token, const TokenContext& context) {
  if (token.size() < kPrefixSize + kTimeSize + kAeadTagSize) return {};
  if (token.size() > kPrefixSize + kMaxContentSize + kAeadTagSize) return {};
  if (token[0] == static_cast<uint8_t>(Kind::Retry)) {
    const auto content = open(now, Kind::Retry, token, context);
    if (!content || !isFresh(now, content->issuedAt, settings_.retryLifetime)) return {TokenWorth::InvalidRetry, {}};
    return {TokenWorth::Retried, content->originalDestinationId};
  }
  if (token[0] != static_cast<uint8_t>(Kind::New)) return {};
  const auto content = open(now, Kind::New, token, context);
  if (!content || !isFresh(now, content->issuedAt, settings_.newTokenLifetime)) return {};
  return {guard_.mayUse(markOf(token), content->issuedAt) ? TokenWorth::Validated : TokenWorth::None, {}};
}

void AddressTokens::onUsed(TimePoint now, ByteSpan token) { guard_.onUsed(markOf(token), wall(now)); }

bool AddressTokens::isFresh(TimePoint now, Duration issuedAt, Duration lifetime) const {
  const Duration age = wall(now) - issuedAt;
  return age <= lifetime && age >= -kClockSkew;
}

std::unique_ptr<Aead> AddressTokens::aeadFor(const AddressTokenKey& key, ByteSpan prefix) const {
  TrafficSecret secret;
  const std::array<uint8_t, 32> derived = crypto_.hmacSha256(key, prefix);
  std::copy(derived.begin(), derived.end(), secret.bytes.begin());
  secret.size = derived.size();
  return crypto_.protection(kQuicVersion1, secret).aead;
}

ByteVector AddressTokens::seal(TimePoint now, Kind kind, const TokenContext& context, const Content& content) {
  const AddressTokenKeys::Key key = keys_.at(now).front();
  ByteVector token(kPrefixSize + kMaxContentSize + kAeadTagSize);
  token[0] = static_cast<uint8_t>(kind);
  token[1] = key.name;
  random_.fill(MutableByteSpan(token).subspan(2, kSaltSize));
  ByteWriter writer(MutableByteSpan(token).subspan(kPrefixSize));
  writer.writeBigEndian(static_cast<uint64_t>(content.issuedAt.count()), kTimeSize);
  if (kind == Kind::Retry) writeId(writer, content.originalDestinationId);
  token.resize(kPrefixSize + writer.offset() + kAeadTagSize);
  const MutableByteSpan all(token);
  Binding binding(all.first(kPrefixSize), context, kind == Kind::Retry);
  const auto aead = aeadFor(key.bytes, all.first(kPrefixSize));
  // The number is always 0: the key is this token's alone.
  if (!aead || !aead->seal(0, binding.span(), all.subspan(kPrefixSize))) return {};
  return token;
}

std::optional<AddressTokens::Content> AddressTokens::open(TimePoint now, Kind kind, ByteSpan token,
                                                          const TokenContext& context) {
  const ByteSpan prefix = token.first(kPrefixSize);
  Binding binding(prefix, context, kind == Kind::Retry);
  for (const AddressTokenKeys::Key& key : keys_.at(now)) {
    if (key.name != token[1]) continue;
    ByteVector sealed(token.begin() + kPrefixSize, token.end());
    const auto aead = aeadFor(key.bytes, prefix);
    const auto size = aead ? aead->open(0, binding.span(), sealed) : std::nullopt;
    if (!size) continue;
    ByteReader reader(ByteSpan(sealed).first(*size));
    const auto issuedAt = reader.readBigEndian(kTimeSize);
    if (!issuedAt) return std::nullopt;
    Content content{Duration(static_cast<int64_t>(*issuedAt)), {}};
    if (kind == Kind::New) return content;
    const auto idSize = reader.readByte();
    const auto id = idSize ? reader.readBytes(*idSize) : std::nullopt;
    if (!id) return std::nullopt;
    content.originalDestinationId = ConnectionId(*id);
    return content;
  }
  return std::nullopt;
}

}  // namespace quic
