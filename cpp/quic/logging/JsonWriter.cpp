#include "quic/logging/JsonWriter.h"

#include <charconv>
#include <cmath>

namespace quic {
namespace {

/// Bytes of the well-formed UTF-8 sequence at the front (RFC 3629 §4), 0 when there is none.
size_t utf8Length(std::string_view text) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<uint8_t>(text[i]) : uint8_t{0}; };
  const auto follows = [&](size_t i) { return (byte(i) & 0xc0) == 0x80; };
  const uint8_t first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return follows(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const bool inRange = !(first == 0xe0 && byte(1) < 0xa0) && !(first == 0xed && byte(1) > 0x9f);
    return follows(1) && follows(2) && inRange ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const bool inRange = !(first == 0xf0 && byte(1) < 0x90) && !(first == 0xf4 && byte(1) > 0x8f);
    return follows(1) && follows(2) && follows(3) && inRange ? 4 : 0;
  }
  return 0;
}

}  // namespace

void JsonWriter::separate() {
  if (needsComma_) out_ += ',';
  needsComma_ = true;
}

JsonWriter& JsonWriter::open(char bracket) {
  separate();
  out_ += bracket;
  needsComma_ = false;
  return *this;
}

JsonWriter& JsonWriter::close(char bracket) {
  out_ += bracket;
  needsComma_ = true;
  return *this;
}

JsonWriter& JsonWriter::name(std::string_view name) {
  separate();
  quote(name);
  out_ += ':';
  needsComma_ = false;
  return *this;
}

JsonWriter& JsonWriter::text(std::string_view value) {
  separate();
  quote(value);
  return *this;
}

JsonWriter& JsonWriter::number(uint64_t value) {
  separate();
  out_ += std::to_string(value);
  return *this;
}

JsonWriter& JsonWriter::number(double value) {
  separate();
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, std::isfinite(value) ? value : 0.0).ptr;
  out_.append(digits, end);
  return *this;
}

void JsonWriter::quote(std::string_view value) {
  static constexpr char kHex[] = "0123456789abcdef";
  out_ += '"';
  while (!value.empty()) {
    const size_t length = utf8Length(value);
    const auto first = static_cast<uint8_t>(value.front());
    if (length == 0) {
      out_ += "\xef\xbf\xbd";
    } else if (first == '"' || first == '\\') {
      (out_ += '\\') += value.front();
    } else if (first < 0x20) {
      ((out_ += "\\u00") += kHex[first >> 4]) += kHex[first & 15];
    } else {
      out_ += value.substr(0, length);
    }
    value.remove_prefix(length == 0 ? 1 : length);
  }
  out_ += '"';
}

JsonWriter& JsonWriter::truth(bool value) {
  separate();
  out_ += value ? "true" : "false";
  return *this;
}

JsonWriter& JsonWriter::hex(ByteSpan bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  separate();
  out_ += '"';
  for (const uint8_t byte : bytes) (out_ += kDigits[byte >> 4]) += kDigits[byte & 15];
  out_ += '"';
  return *this;
}

}  // namespace quic
