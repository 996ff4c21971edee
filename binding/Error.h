// Errors of calls: what went wrong, as a JavaScript Error with `code` and `wireCode`, thrown into the caller. lib/errors.ts
// makes a QuicError of it. Errors of connections are not here: they travel as records.
// There are no C++ exceptions: after a throw the native function returns at once.
#pragma once

#include <string>
#include <string_view>

#include "NodeApi.h"
#include "io/QuicHost.h"

namespace quic::binding {

inline constexpr const char* kInvalidArgument = "ERR_QUIC_INVALID_ARGUMENT";
inline constexpr const char* kInvalidState = "ERR_QUIC_INVALID_STATE";

/// Does nothing when an exception is pending already.
void throwError(Napi::Env env, const std::string& code, const std::string& message, uint64_t wireCode = 0);

void throwError(Napi::Env env, const QuicError& error);
/// `subject`: the address, where the kernel is to be blamed. Its own name for the error is the code then (EADDRINUSE).
void throwError(Napi::Env env, const HostFailure& failure, const std::string& subject);

/// Hands an exception that is pending, because a callback threw, to `uncaughtException`.
void reportUncaught(Napi::Env env);

}  // namespace quic::binding
