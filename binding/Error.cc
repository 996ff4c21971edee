#include "Error.h"

#include <cstring>
#include <variant>

namespace quic::binding {

void throwError(Napi::Env env, const std::string& code, const std::string& message, uint64_t wireCode) {
  if (env.IsExceptionPending()) return;
  const Napi::Error error = Napi::Error::New(env, message);
  if (env.IsExceptionPending()) return;
  error.Set("code", Napi::String::New(env, code));
  error.Set("wireCode", Napi::BigInt::New(env, wireCode));
  error.ThrowAsJavaScriptException();
}

void throwError(Napi::Env env, const QuicError& error) {
  const bool isLocal = std::holds_alternative<LocalErrorCode>(error.code);
  throwError(env, "ERR_QUIC_" + std::string(toString(error.code)), std::string(error.reason),
             isLocal ? 0 : wireCode(error.code));
}

void throwError(Napi::Env env, const HostFailure& failure, const std::string& subject) {
  const char* name = failure.systemError == 0 ? nullptr : strerrorname_np(failure.systemError);
  if (name != nullptr) {
    throwError(env, name, std::string(failure.error.reason) + ' ' + name + ' ' + subject);
  } else if (!failure.detail.empty()) {
    throwError(env, "ERR_QUIC_" + std::string(toString(failure.error.code)), failure.detail);
  } else {
    throwError(env, failure.error);
  }
}

/// The C functions: in an environment that is being terminated all of them may fail, and nothing is to be done about it.
void reportUncaught(Napi::Env env) {
  bool isPending = false;
  napi_value exception = nullptr;
  if (napi_is_exception_pending(env, &isPending) != napi_ok || !isPending) return;
  if (napi_get_and_clear_last_exception(env, &exception) != napi_ok) return;
  static_cast<void>(napi_fatal_exception(env, exception));
}

}  // namespace quic::binding
