#include "quic/tls/ClientSession.h"

#include <algorithm>

#include "quic/common/ByteCursor.h"
#include "quic/tls/Digest.h"

namespace quic {
namespace {

constexpr uint8_t kVersion = 1;
constexpr size_t kChecksumSize = 16;
constexpr size_t kMaxNameSize = 255;
constexpr size_t kFixedSize = 1 + 1 + 16 + 16 + 1 + 1 + kChecksumSize;

std::array<uint8_t, kChecksumSize> checksumOf(ByteSpan bytes) {
  std::array<uint8_t, kChecksumSize> checksum{};
  const Sha256Digest digest = sha256(bytes);
  std::copy_n(digest.begin(), kChecksumSize, checksum.begin());
  return checksum;
}

bool read(ByteReader& reader, std::array<uint8_t, 16>& out) {
  const auto bytes = reader.readBytes(out.size());
  if (bytes) std::copy(bytes->begin(), bytes->end(), out.begin());
  return bytes.has_value();
}
bool read(ByteReader& reader, std::string& out) {
  const auto size = reader.readByte();
  const auto bytes = size ? reader.readBytes(*size) : std::nullopt;
  if (bytes) out = asText(*bytes);
  return bytes.has_value();
}

}  // namespace

ByteVector ClientSession::encode() const {
  const size_t size = kFixedSize + serverName.size() + alpn.size() + session.size();
  if (serverName.size() > kMaxNameSize || alpn.size() > kMaxNameSize || size > kMaxClientSessionSize) return {};
  ByteVector bytes(size);
  ByteWriter writer(bytes);
  writer.writeByte(kVersion);
  writer.writeByte(scope.isVerified ? 1 : 0);
  writer.writeBytes(scope.trust);
  writer.writeBytes(scope.identity);
  for (const std::string& text : {serverName, alpn}) {
    writer.writeByte(static_cast<uint8_t>(text.size()));
    writer.writeBytes(asBytes(text));
  }
  writer.writeBytes(session);
  writer.writeBytes(checksumOf(writer.written()));
  return bytes;
}

std::optional<ClientSession> ClientSession::decode(ByteSpan bytes) {
  if (bytes.size() < kFixedSize || bytes.size() > kMaxClientSessionSize) return std::nullopt;
  const ByteSpan body = bytes.first(bytes.size() - kChecksumSize);
  const ByteSpan checksum = bytes.last(kChecksumSize);
  const auto expected = checksumOf(body);
  if (!std::equal(checksum.begin(), checksum.end(), expected.begin())) return std::nullopt;
  ByteReader reader(body);
  ClientSession made;
  if (reader.readByte() != kVersion) return std::nullopt;
  const auto verified = reader.readByte();
  if (!verified || *verified > 1) return std::nullopt;
  made.scope.isVerified = *verified == 1;
  if (!read(reader, made.scope.trust) || !read(reader, made.scope.identity) || !read(reader, made.serverName) ||
      !read(reader, made.alpn)) {
    return std::nullopt;
  }
  made.session.assign(reader.rest().begin(), reader.rest().end());
  return made;
}

}  // namespace quic
