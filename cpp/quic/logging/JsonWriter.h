// JSON text (RFC 8259), written member by member. It keeps no tree: who opens closes.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "quic/common/Bytes.h"

namespace quic {

/// Appends to text; commas and braces are its business. Members come as name and value, elements as value.
class JsonWriter {
 public:
  JsonWriter& beginObject() { return open('{'); }
  JsonWriter& endObject() { return close('}'); }
  JsonWriter& beginArray() { return open('['); }
  JsonWriter& endArray() { return close(']'); }
  JsonWriter& name(std::string_view name);
  JsonWriter& text(std::string_view value);  // invalid UTF-8 becomes U+FFFD
  JsonWriter& number(uint64_t value);
  JsonWriter& number(double value);  // what is not finite becomes 0
  JsonWriter& truth(bool value);
  JsonWriter& hex(ByteSpan bytes);  // as text
  [[nodiscard]] const std::string& str() const { return out_; }
  [[nodiscard]] size_t size() const { return out_.size(); }
  /// What was written, with the writer as new.
  std::string take() {
    needsComma_ = false;
    return std::exchange(out_, {});
  }

 private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  void separate();
  void quote(std::string_view value);

  std::string out_;
  bool needsComma_ = false;
};

}  // namespace quic
