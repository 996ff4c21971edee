#include "quic/tls/HelloMessages.h"

#include <algorithm>
#include <array>

#include "quic/common/ByteCursor.h"

namespace quic {
namespace {

constexpr size_t kHeaderSize = 4;
constexpr size_t kRandomSize = 32;

// RFC 8446 §4.1.3: SHA-256 of "HelloRetryRequest"
constexpr std::array<uint8_t, kRandomSize> kRetryRandom = {
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};

bool isOf(TlsMessageType type, ByteSpan message) {
  return message.size() > kHeaderSize && message.front() == static_cast<uint8_t>(type);
}

/// A vector with a length of `sizeOfLength` bytes before it.
std::optional<ByteSpan> readVector(ByteReader& reader, size_t sizeOfLength) {
  const auto size = reader.readBigEndian(sizeOfLength);
  return size ? reader.readBytes(*size) : std::nullopt;
}

/// Moves to the length of the extensions. False: there are none.
bool skipToExtensions(ByteReader& reader, ByteSpan message) {
  if (isOf(TlsMessageType::EncryptedExtensions, message)) return reader.skip(kHeaderSize);
  const bool isClientHello = isOf(TlsMessageType::ClientHello, message);
  if (!isClientHello && (!isOf(TlsMessageType::ServerHello, message) || isHelloRetryRequest(message))) return false;
  if (!reader.skip(kHeaderSize + 2 + kRandomSize) || !readVector(reader, 1)) return false;  // up to the session ID
  if (!isClientHello) return reader.skip(2 + 1);                                            // suite, compression
  return readVector(reader, 2) && readVector(reader, 1);                                    // suites, compressions
}

template <class Visit>
void forEachExtension(ByteSpan message, Visit visit) {
  ByteReader reader(message);
  if (!skipToExtensions(reader, message)) return;
  const auto block = readVector(reader, 2);
  if (!block) return;
  ByteReader extensions(*block);
  while (const auto type = extensions.readBigEndian(2)) {
    const auto body = readVector(extensions, 2);
    if (!body) return;
    visit(static_cast<uint16_t>(*type), *body);
  }
}

}  // namespace

std::vector<uint16_t> extensionsOf(ByteSpan message) {
  std::vector<uint16_t> types;
  forEachExtension(message, [&](uint16_t type, ByteSpan) { types.push_back(type); });
  return types;
}

std::optional<ByteSpan> extensionOf(ByteSpan message, uint16_t type) {
  std::optional<ByteSpan> found;
  forEachExtension(message, [&](uint16_t at, ByteSpan body) {
    if (at == type && !found) found = body;
  });
  return found;
}

bool isHelloRetryRequest(ByteSpan message) {
  if (!isOf(TlsMessageType::ServerHello, message) || message.size() < kHeaderSize + 2 + kRandomSize) return false;
  const ByteSpan random = message.subspan(kHeaderSize + 2, kRandomSize);
  return std::equal(random.begin(), random.end(), kRetryRandom.begin());
}

std::string hostNameOf(ByteSpan extension) {
  ByteReader reader(extension);
  const auto list = readVector(reader, 2);
  if (!list) return {};
  ByteReader names(*list);
  if (names.readByte() != 0) return {};  // host_name, the only type there is
  const auto name = readVector(names, 2);
  return name ? inLowerCase(asText(*name)) : std::string();
}

std::string_view selectedProtocolOf(ByteSpan extension) {
  ByteReader reader(extension);
  const auto list = readVector(reader, 2);
  if (!list || !reader.atEnd()) return {};
  ByteReader names(*list);
  const auto name = readVector(names, 1);
  return name && names.atEnd() ? asText(*name) : std::string_view();
}

bool alpnListHas(std::string_view list, std::string_view name) {
  while (!list.empty()) {
    const size_t size = static_cast<uint8_t>(list.front());
    if (list.substr(1, size) == name) return true;
    list.remove_prefix(std::min(1 + size, list.size()));
  }
  return false;
}

std::string inLowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

}  // namespace quic
