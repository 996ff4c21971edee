// The two directions in bulk: options of lib/native.ts become the option structs of io, and batches of records become the
// arguments of the callback. No decision about QUIC is made here: what an option does is said where the struct is.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "NodeApi.h"
#include "Reader.h"
#include "io/HostBatch.h"
#include "io/QuicClient.h"
#include "io/QuicServer.h"

namespace quic::binding {

// ---- down. Nothing: an exception is pending.

std::optional<ServerOptions> toServerOptions(Napi::Env env, Napi::Value value);
std::optional<MigrationPlans> toMigrationPlans(Napi::Env env, Napi::Value value);
std::optional<RetryPolicy> toRetryPolicy(Napi::Env env, Napi::Value value);

/// What several processes may have in common; the first of each seals.
struct SharedKeys {
  std::vector<ByteVector> tickets;
  std::vector<AddressTokenKey> tokens;
};
std::optional<SharedKeys> toSharedKeys(Napi::Env env, Napi::Value value);
/// { host, port }.
std::optional<SocketAddress> toAddress(Napi::Env env, Napi::Value value);

/// Remembers the authorities of the last call: Node's own are 200 KB of text, given with every connection in the same array.
class ConnectOptionsConverter {
 public:
  std::optional<ClientConnectOptions> convert(Napi::Env env, Napi::Value value);
  void forget() { authorities_.Reset(); }

 private:
  void readAuthorities(OptionReader& reader, std::vector<std::string>& out);

  Napi::Reference<Napi::Array> authorities_;  // whoever gives an array does not change it afterwards
  std::vector<std::string> pems_;
};

// ---- up

/// { family, host, port }.
Napi::Value toJs(Napi::Env env, const SocketAddress& address);

/// A batch as the arguments (words, records, bytes) of OnBatch.
class BatchConverter {
 public:
  struct Arguments {
    napi_value values[3];
  };

  /// May take the bytes away from `batch`. Nothing: an exception is pending, or the environment is being terminated.
  std::optional<Arguments> convert(Napi::Env env, HostBatch& batch);
  void forget() { words_.Reset(); }

 private:
  napi_value wordsToJs(Napi::Env env, const std::vector<uint32_t>& words);

  Napi::Reference<Napi::Value> words_;  // one Uint32Array for all batches, replaced by a larger one when it must
};

}  // namespace quic::binding
