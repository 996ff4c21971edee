// The one class of the addon: lib/native.ts describes every method. Each reads its arguments and calls the verb of the same
// name on the host; there is nothing else in it. A server's host is made by listen(), a client's by the first connect().
#pragma once

#include "Convert.h"
#include "Lifetime.h"
#include "NodeApi.h"

namespace quic::binding {

class NativeQuic final : public Napi::ObjectWrap<NativeQuic> {
 public:
  static Napi::Function define(Napi::Env env);
  /// (role, threaded, onBatch)
  explicit NativeQuic(const Napi::CallbackInfo& info);

 private:
  using Info = Napi::CallbackInfo;

  Napi::Value listen(const Info& info);
  void connect(const Info& info);

  void streamWrite(const Info& info);
  void streamWritev(const Info& info);
  void streamConsume(const Info& info);
  void streamReset(const Info& info);
  void streamStop(const Info& info);
  void streamResetAt(const Info& info);
  void streamPriority(const Info& info);
  void sendDatagram(const Info& info);
  void updateKeys(const Info& info);
  void exportKeyingMaterial(const Info& info);
  void closeConnection(const Info& info);
  void stats(const Info& info);
  void stopQlog(const Info& info);
  void startProbing(const Info& info);
  void migrate(const Info& info);

  void prepareMigration(const Info& info);
  void networkSwitched(const Info& info);
  void cancelMigration(const Info& info);
  Napi::Value address(const Info& info);
  void refuse(const Info& info);
  void beginShutdown(const Info& info);
  void setRetryPolicy(const Info& info);
  void setSharedKeys(const Info& info);

  void thaw(const Info& info);
  void ref(const Info& info);
  void unref(const Info& info);
  void flush(const Info& info);
  void close(const Info& info);

  [[nodiscard]] QuicHost* host() const { return life_.host(); }
  /// nullptr when there is none; throws when this is the other role.
  QuicServer* server();
  QuicClient* client();
  bool isRole(Role role);
  bool begin(bool isThreaded);
  bool openClient();
  /// The callback is a member of the JavaScript object and not a reference from here: it refers to the object in its turn,
  /// and nobody could ever collect the two.
  Napi::Function onBatch();
  void throwUnless(const Result<>& result);

  Role role_ = Role::Client;
  bool isThreaded_ = false;
  SocketAddress address_;  // of a server, the last one
  bool wasBound_ = false;
  ConnectOptionsConverter connectOptions_;
  HostLife life_;
};

}  // namespace quic::binding
