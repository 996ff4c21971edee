#include "Reader.h"

#include <cmath>
#include <cstdlib>
#include <cstring>

#include "Error.h"

namespace quic::binding {
namespace {

constexpr uint64_t kMaxCode = (uint64_t{1} << 62) - 1;  // RFC 9000 §16
constexpr double kMaxMilliseconds = 1e12;               // thirty years; microseconds of it are far from overflow

/// A number that is an integer from 0 to `highest`.
std::optional<uint64_t> toInteger(napi_env env, napi_value value, uint64_t highest) {
  double number = 0;
  if (napi_get_value_double(env, value, &number) != napi_ok) return std::nullopt;
  if (!(number >= 0 && number <= static_cast<double>(highest)) || number != std::floor(number)) return std::nullopt;
  return static_cast<uint64_t>(number);
}

std::optional<Duration> toDuration(napi_env env, napi_value value) {
  double number = 0;
  if (napi_get_value_double(env, value, &number) != napi_ok) return std::nullopt;
  if (!(number >= 0 && number <= kMaxMilliseconds)) return std::nullopt;
  return Duration(static_cast<Duration::rep>(number * 1000));
}

std::optional<ByteSpan> toSpan(napi_env env, napi_value value) {
  bool isTypedArray = false;
  if (napi_is_typedarray(env, value, &isTypedArray) != napi_ok || !isTypedArray) return std::nullopt;
  napi_typedarray_type type{};
  size_t length = 0;
  void* data = nullptr;
  if (napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr) != napi_ok) return std::nullopt;
  if (type != napi_uint8_array && type != napi_uint8_clamped_array) return std::nullopt;
  return ByteSpan(static_cast<const uint8_t*>(data), length);
}

/// Not initialised: every byte is about to be written.
uint8_t* allocate(size_t size) { return static_cast<uint8_t*>(std::malloc(size)); }

OwnedBytes own(uint8_t* data, size_t size) {
  return OwnedBytes(data, size, [](uint8_t* bytes, void*) { std::free(bytes); }, nullptr);
}

/// Calls `visit` with the bytes of each element, as long as it says true. False: it did not, or there is another thing.
template <class Visit>
bool forEachSpan(napi_env env, napi_value array, Visit&& visit) {
  uint32_t count = 0;
  if (napi_get_array_length(env, array, &count) != napi_ok) return false;
  for (uint32_t i = 0; i < count; ++i) {
    napi_value element = nullptr;
    if (napi_get_element(env, array, i, &element) != napi_ok) return false;
    const auto span = toSpan(env, element);
    if (!span || !visit(*span)) return false;
  }
  return true;
}

std::optional<size_t> totalSize(napi_env env, napi_value array) {
  size_t size = 0;
  const bool isWhole = forEachSpan(env, array, [&](ByteSpan span) {
    size += span.size();
    return true;
  });
  return isWhole ? std::optional<size_t>(size) : std::nullopt;
}

/// Fills `out` exactly, or says false.
bool copyAll(napi_env env, napi_value array, MutableByteSpan out) {
  const bool isWhole = forEachSpan(env, array, [&](ByteSpan span) {
    if (span.size() > out.size()) return false;
    if (!span.empty()) std::memcpy(out.data(), span.data(), span.size());
    out = out.subspan(span.size());
    return true;
  });
  return isWhole && out.empty();
}

}  // namespace

// ---- arguments

void Arguments::refuse(size_t index, const char* expected) {
  if (isOk_)
    throwError(info_.Env(), kInvalidArgument, "argument " + std::to_string(index + 1) + " must be " + expected);
  isOk_ = false;
}

uint64_t Arguments::integer(size_t index, uint64_t highest) {
  const auto value = toInteger(info_.Env(), info_[index], highest);
  if (!value) refuse(index, "an integer in range");
  return value.value_or(0);
}

Duration Arguments::milliseconds(size_t index) {
  const auto value = toDuration(info_.Env(), info_[index]);
  if (!value) refuse(index, "a number of milliseconds");
  return value.value_or(Duration(0));
}

uint64_t Arguments::code(size_t index) {
  uint64_t code = 0;
  bool isLossless = false;
  const napi_status status = napi_get_value_bigint_uint64(info_.Env(), info_[index], &code, &isLossless);
  if (status != napi_ok || !isLossless || code > kMaxCode) refuse(index, "a bigint from 0 to 2^62 - 1");
  return code;
}

bool Arguments::flag(size_t index) {
  bool flag = false;
  if (napi_get_value_bool(info_.Env(), info_[index], &flag) != napi_ok) refuse(index, "true or false");
  return flag;
}

std::string Arguments::text(size_t index) {
  const Napi::Value value = info_[index];
  if (value.IsString()) return value.As<Napi::String>().Utf8Value();
  refuse(index, "a string");
  return {};
}

OwnedBytes Arguments::bytes(size_t index) {
  const auto span = toSpan(info_.Env(), info_[index]);
  if (!span) refuse(index, "a Uint8Array");
  if (!span || span->empty()) return {};
  uint8_t* data = allocate(span->size());
  if (data == nullptr) {
    refuse(index, "smaller: there is not enough memory");
    return {};
  }
  std::memcpy(data, span->data(), span->size());
  return own(data, span->size());
}

OwnedBytes Arguments::gathered(size_t index) {
  const Napi::Value value = info_[index];
  if (value.IsArray()) return gather(info_.Env(), value, index);
  refuse(index, "an array of Uint8Array");
  return {};
}

/// Two passes over the array: the size, then the bytes. A getter could change the array in between, so the second pass
/// believes nothing that the first one saw.
OwnedBytes Arguments::gather(Napi::Env env, napi_value array, size_t index) {
  const auto size = totalSize(env, array);
  if (!size) {
    refuse(index, "an array of Uint8Array");
    return {};
  }
  if (*size == 0) return {};
  uint8_t* data = allocate(*size);
  if (data == nullptr) {
    refuse(index, "smaller: there is not enough memory");
    return {};
  }
  OwnedBytes owned = own(data, *size);
  if (copyAll(env, array, {data, *size})) return owned;
  refuse(index, "an array that stays as it is");
  return {};
}

// ---- options

OptionReader::OptionReader(Napi::Env env, Napi::Value object, const char* what) : env_(env), what_(what) {
  if (object.IsObject()) {
    object_ = object.As<Napi::Object>();
  } else {
    isOk_ = false;
    throwError(env, kInvalidArgument, std::string(what) + " must be an object");
  }
}

void OptionReader::refuse(const std::string& name, const char* expected) {
  if (isOk_) throwError(env_, kInvalidArgument, std::string(what_) + '.' + name + " must be " + expected);
  isOk_ = false;
}

Napi::Value OptionReader::member(const char* name, Need need) {
  if (!isOk_) return env_.Undefined();
  const Napi::Value value = object_.Get(name);
  if (env_.IsExceptionPending()) {  // of a getter
    isOk_ = false;
    return env_.Undefined();
  }
  if (value.IsUndefined() && need == Need::Required) refuse(name, "given");
  return value;
}

void OptionReader::integer(const char* name, uint64_t highest, uint64_t& out, Need need) {
  const Napi::Value value = member(name, need);
  if (value.IsUndefined()) return;
  const auto number = toInteger(env_, value, highest);
  if (!number) return refuse(name, "an integer in range");
  out = *number;
}

void OptionReader::integers(const char* name, uint64_t highest, std::vector<uint32_t>& out) {
  const Napi::Value value = member(name);
  if (value.IsUndefined()) return;
  if (!value.IsArray()) return refuse(name, "an array of integers");
  const auto array = value.As<Napi::Array>();
  const uint32_t count = array.Length();
  out.clear();
  for (uint32_t index = 0; index < count && isOk_; ++index) {
    const Napi::HandleScope scope(env_);
    const Napi::Value element = array.Get(index);
    isOk_ = !env_.IsExceptionPending();
    const auto number = isOk_ ? toInteger(env_, element, highest) : std::nullopt;
    if (!number) return refuse(name, "an array of integers in range");
    out.push_back(static_cast<uint32_t>(*number));
  }
}

void OptionReader::size(const char* name, uint64_t highest, size_t& out, Need need) {
  uint64_t number = out;
  integer(name, highest, number, need);
  out = static_cast<size_t>(number);
}

void OptionReader::milliseconds(const char* name, Duration& out) {
  const Napi::Value value = member(name);
  if (value.IsUndefined()) return;
  const auto duration = toDuration(env_, value);
  if (!duration) return refuse(name, "a number of milliseconds");
  out = *duration;
}

void OptionReader::flag(const char* name, bool& out) {
  const Napi::Value value = member(name);
  if (value.IsUndefined()) return;
  if (!value.IsBoolean()) return refuse(name, "true or false");
  out = value.As<Napi::Boolean>().Value();
}

void OptionReader::text(const char* name, std::string& out, Need need) {
  const Napi::Value value = member(name, need);
  if (value.IsUndefined()) return;
  if (!value.IsString()) return refuse(name, "a string");
  out = value.As<Napi::String>().Utf8Value();
}

void OptionReader::texts(const char* name, std::vector<std::string>& out) {
  const Napi::Value value = member(name);
  if (value.IsUndefined()) return;
  if (!value.IsArray()) return refuse(name, "an array of strings");
  const auto array = value.As<Napi::Array>();
  const uint32_t count = array.Length();
  out.clear();
  out.reserve(count);
  for (uint32_t index = 0; index < count && isOk_; ++index) {
    const Napi::HandleScope scope(env_);
    const Napi::Value element = array.Get(index);
    if (env_.IsExceptionPending())
      isOk_ = false;
    else if (!element.IsString())
      refuse(name, "an array of strings");
    else
      out.push_back(element.As<Napi::String>().Utf8Value());
  }
}

void OptionReader::addresses(const char* name, std::vector<SocketAddress>& out) {
  std::vector<std::string> written;
  texts(name, written);
  for (const std::string& text : written) {
    const auto address = SocketAddress::parse(text);
    if (!address) return refuse(name, "an array of 'host:port'");
    out.push_back(*address);
  }
}

void OptionReader::bytes(const char* name, ByteVector& out, size_t lowest) {
  const Napi::Value value = member(name);
  if (value.IsUndefined()) return;
  const auto span = toSpan(env_, value);
  if (!span || span->size() < lowest) return refuse(name, "a Uint8Array that is long enough");
  out.assign(span->begin(), span->end());
}

void OptionReader::byteArrays(const char* name, std::vector<ByteVector>& out, size_t lowest) {
  const Napi::Value value = member(name);
  if (value.IsUndefined()) return;
  out.clear();
  const bool isWhole = value.IsArray() && forEachSpan(env_, value, [&](ByteSpan span) {
                         if (span.size() < lowest) return false;
                         out.emplace_back(span.begin(), span.end());
                         return true;
                       });
  if (!isWhole) refuse(name, "an array of Uint8Array that are long enough");
}

std::optional<SocketAddress> OptionReader::address(const char* host, const char* port, Need need) {
  std::string text;
  uint64_t number = 0;
  this->text(host, text, need);
  integer(port, 65535, number, need);
  if (!isOk_ || text.empty()) return std::nullopt;
  const auto address = SocketAddress::parse(text, static_cast<uint16_t>(number));
  if (!address) refuse(host, "an IP address");
  return address;
}

}  // namespace quic::binding
