// What Node finds when it loads the addon. There is no state of the module's own: each environment, and each loading of it,
// gets its own class, and everything else hangs on that class's objects.
#include "NativeQuic.h"
#include "NodeApi.h"

namespace {

Napi::Object init(Napi::Env env, Napi::Object exports) {
  exports.Set("NativeQuic", quic::binding::NativeQuic::define(env));
  exports.Set("tlsVersion", Napi::String::New(env, std::string(quic::tlsVersion())));
  return exports;
}

}  // namespace

NODE_API_MODULE(NODE_GYP_MODULE_NAME, init)
