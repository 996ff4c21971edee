// JavaScript values as C++ ones. lib/ has checked them, with help for people; here they are checked again, because a wrong
// type must end in an Error and never in undefined behaviour.
// Both readers stop at the first value that is wrong: they throw once, answer with zeros from then on, and ok() is false.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "NodeApi.h"
#include "quic/common/Bytes.h"
#include "quic/common/Ids.h"
#include "quic/common/OwnedBytes.h"
#include "quic/common/QuicClock.h"
#include "quic/common/SocketAddress.h"

namespace quic::binding {

/// Positional arguments.
class Arguments {
 public:
  explicit Arguments(const Napi::CallbackInfo& info) : info_(info) {}
  [[nodiscard]] bool ok() const { return isOk_; }

  ConnectionHandle connection(size_t index) { return integer(index, kMaxExact); }
  StreamId stream(size_t index) { return {integer(index, kMaxExact)}; }
  uint64_t integer(size_t index, uint64_t highest);
  Duration milliseconds(size_t index);
  /// 62 bits, as a bigint.
  uint64_t code(size_t index);
  bool flag(size_t index);
  std::string text(size_t index);
  /// A copy of a Uint8Array: JavaScript may change or free its own right after the call.
  OwnedBytes bytes(size_t index);
  /// Of an array of them, one after the other.
  OwnedBytes gathered(size_t index);

 private:
  static constexpr uint64_t kMaxExact = (uint64_t{1} << 53) - 1;  // the largest integer that is exact as a number

  void refuse(size_t index, const char* expected);
  OwnedBytes gather(Napi::Env env, napi_value array, size_t index);

  const Napi::CallbackInfo& info_;
  bool isOk_ = true;
};

/// The members of an options object. A member that is absent leaves the default in `out` alone, unless it is required.
class OptionReader {
 public:
  enum class Need : bool { Optional, Required };
  static constexpr Need kRequired = Need::Required;

  /// `what` names the object in errors.
  OptionReader(Napi::Env env, Napi::Value object, const char* what);
  [[nodiscard]] bool ok() const { return isOk_; }
  [[nodiscard]] Napi::Env env() const { return env_; }
  void refuse(const std::string& name, const char* expected);

  void integer(const char* name, uint64_t highest, uint64_t& out, Need need = Need::Optional);
  void size(const char* name, uint64_t highest, size_t& out, Need need = Need::Optional);
  void milliseconds(const char* name, Duration& out);
  void flag(const char* name, bool& out);
  void text(const char* name, std::string& out, Need need = Need::Optional);
  void integers(const char* name, uint64_t highest, std::vector<uint32_t>& out);
  void texts(const char* name, std::vector<std::string>& out);
  /// An array of 'host:port'.
  void addresses(const char* name, std::vector<SocketAddress>& out);
  /// A copy of a Uint8Array of at least `lowest` bytes.
  void bytes(const char* name, ByteVector& out, size_t lowest = 0);
  /// Copies of an array of them.
  void byteArrays(const char* name, std::vector<ByteVector>& out, size_t lowest);
  /// Calls `read` with a reader for each object of an array.
  template <class Read>
  void objects(const char* name, Read&& read) {
    const Napi::Value value = member(name);
    if (value.IsUndefined()) return;
    if (!value.IsArray()) return refuse(name, "an array of objects");
    const auto array = value.As<Napi::Array>();
    const uint32_t count = array.Length();
    for (uint32_t index = 0; index < count && isOk_; ++index) {
      const Napi::HandleScope scope(env_);
      const Napi::Value element = array.Get(index);
      isOk_ = !env_.IsExceptionPending();
      if (!isOk_) return;
      OptionReader reader(env_, element, name);
      read(reader);
      isOk_ = reader.ok();
    }
  }
  /// An IP address and a port, in two members.
  std::optional<SocketAddress> address(const char* host, const char* port, Need need);

  /// Undefined when it is absent or when something was wrong before.
  Napi::Value member(const char* name, Need need = Need::Optional);

 private:
  Napi::Env env_;
  Napi::Object object_;
  const char* what_;
  bool isOk_ = true;
};

}  // namespace quic::binding
