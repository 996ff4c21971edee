// JSON (RFC 8259) read back, strictly: what is not JSON makes parseJson() say so. For tests of what is written as JSON.
#pragma once

#include <charconv>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace quic::test {

struct Json {
  using Array = std::vector<Json>;
  using Object = std::map<std::string, Json>;
  std::variant<std::nullptr_t, bool, double, std::string, Array, Object> value = nullptr;

  [[nodiscard]] bool isObject() const { return std::holds_alternative<Object>(value); }
  [[nodiscard]] bool has(const std::string& name) const { return isObject() && std::get<Object>(value).contains(name); }
  /// Of an object; null where there is none.
  [[nodiscard]] const Json& operator[](const std::string& name) const {
    static const Json kNone;
    if (!has(name)) return kNone;
    return std::get<Object>(value).at(name);
  }
  [[nodiscard]] const Array& elements() const {
    static const Array kNone;
    const auto* array = std::get_if<Array>(&value);
    return array == nullptr ? kNone : *array;
  }
  [[nodiscard]] std::string text() const {
    const auto* text = std::get_if<std::string>(&value);
    return text == nullptr ? std::string() : *text;
  }
  [[nodiscard]] bool isNumber() const { return std::holds_alternative<double>(value); }
  [[nodiscard]] double number() const { return isNumber() ? std::get<double>(value) : 0; }
};

class JsonParser {
 public:
  explicit JsonParser(std::string_view text) : rest_(text) {}
  std::optional<Json> parse() {
    std::optional<Json> value = any();
    return rest_.empty() ? value : std::nullopt;
  }

 private:
  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool takeWord(std::string_view word) {
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  std::optional<Json> any() {
    if (rest_.empty()) return std::nullopt;
    if (rest_.front() == '{') return object();
    if (rest_.front() == '[') return array();
    if (rest_.front() == '"') {
      auto text = string();
      return text ? std::optional(Json{*std::move(text)}) : std::nullopt;
    }
    if (takeWord("true")) return Json{true};
    if (takeWord("false")) return Json{false};
    if (takeWord("null")) return Json{};
    return number();
  }
  std::optional<Json> object() {
    Json::Object members;
    take('{');
    if (take('}')) return Json{members};
    do {
      auto name = string();
      if (!name || !take(':')) return std::nullopt;
      auto value = any();
      if (!value || !members.emplace(*std::move(name), *std::move(value)).second) return std::nullopt;  // no name twice
    } while (take(','));
    return take('}') ? std::optional(Json{std::move(members)}) : std::nullopt;
  }
  std::optional<Json> array() {
    Json::Array elements;
    take('[');
    if (take(']')) return Json{elements};
    do {
      auto value = any();
      if (!value) return std::nullopt;
      elements.push_back(*std::move(value));
    } while (take(','));
    return take(']') ? std::optional(Json{std::move(elements)}) : std::nullopt;
  }
  std::optional<std::string> string() {
    if (!take('"')) return std::nullopt;
    std::string text;
    while (!rest_.empty() && rest_.front() != '"') {
      const char c = rest_.front();
      if (static_cast<unsigned char>(c) < 0x20) return std::nullopt;
      rest_.remove_prefix(1);
      if (c != '\\') {
        text += c;
      } else if (!escape(text)) {
        return std::nullopt;
      }
    }
    return take('"') ? std::optional(text) : std::nullopt;
  }
  bool escape(std::string& text) {
    if (take('"') || take('\\') || take('/')) {
      text += *(rest_.data() - 1);
      return true;
    }
    if (!take('u') || rest_.size() < 4) return false;
    unsigned code = 0;
    const auto read = std::from_chars(rest_.data(), rest_.data() + 4, code, 16);
    if (read.ptr != rest_.data() + 4 || code >= 0x80) return false;  // the writer escapes nothing beyond ASCII
    rest_.remove_prefix(4);
    text += static_cast<char>(code);
    return true;
  }
  std::optional<Json> number() {
    const size_t size = std::min(rest_.find_first_not_of("+-.0123456789eE"), rest_.size());
    const std::string digits(rest_.substr(0, size));
    if (digits.empty() || (digits[0] != '-' && (digits[0] < '0' || digits[0] > '9'))) return std::nullopt;
    char* end = nullptr;
    const double value = std::strtod(digits.c_str(), &end);
    if (*end != 0) return std::nullopt;
    rest_.remove_prefix(size);
    return Json{value};
  }

  std::string_view rest_;
};

/// Without white space between tokens, as our writers write it. nullopt: it is no JSON.
inline std::optional<Json> parseJson(std::string_view text) { return JsonParser(text).parse(); }

/// The records of a JSON text sequence (RFC 7464). nullopt: one of them is not whole, or no JSON.
inline std::optional<std::vector<Json>> parseJsonSequence(std::string_view text) {
  std::vector<Json> records;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    if (text.front() != '\x1e' || end == std::string_view::npos) return std::nullopt;
    auto record = parseJson(text.substr(1, end - 1));
    if (!record) return std::nullopt;
    records.push_back(*std::move(record));
    text.remove_prefix(end + 1);
  }
  return records;
}

}  // namespace quic::test
