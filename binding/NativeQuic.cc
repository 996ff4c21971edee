#include "NativeQuic.h"

#include <utility>

#include "Error.h"
#include "Reader.h"

namespace quic::binding {
namespace {

constexpr const char* kOnBatch = "onBatch";

uv_loop_t* loopOf(Napi::Env env) {
  uv_loop_t* loop = nullptr;
  napi_get_uv_event_loop(env, &loop);
  return loop;
}

}  // namespace

Napi::Function NativeQuic::define(Napi::Env env) {
  // As methods of a class in JavaScript are: a test may put another one in the place.
  constexpr napi_property_attributes kMethod = napi_default_method;
  return DefineClass(env, "NativeQuic",
                     {
                         InstanceMethod<&NativeQuic::listen>("listen", kMethod),
                         InstanceMethod<&NativeQuic::connect>("connect", kMethod),
                         InstanceMethod<&NativeQuic::streamWrite>("streamWrite", kMethod),
                         InstanceMethod<&NativeQuic::streamWritev>("streamWritev", kMethod),
                         InstanceMethod<&NativeQuic::streamConsume>("streamConsume", kMethod),
                         InstanceMethod<&NativeQuic::streamReset>("streamReset", kMethod),
                         InstanceMethod<&NativeQuic::streamStop>("streamStop", kMethod),
                         InstanceMethod<&NativeQuic::streamResetAt>("streamResetAt", kMethod),
                         InstanceMethod<&NativeQuic::streamPriority>("streamPriority", kMethod),
                         InstanceMethod<&NativeQuic::sendDatagram>("sendDatagram", kMethod),
                         InstanceMethod<&NativeQuic::updateKeys>("updateKeys", kMethod),
                         InstanceMethod<&NativeQuic::exportKeyingMaterial>("exportKeyingMaterial", kMethod),
                         InstanceMethod<&NativeQuic::closeConnection>("closeConnection", kMethod),
                         InstanceMethod<&NativeQuic::stats>("stats", kMethod),
                         InstanceMethod<&NativeQuic::stopQlog>("stopQlog", kMethod),
                         InstanceMethod<&NativeQuic::startProbing>("startProbing", kMethod),
                         InstanceMethod<&NativeQuic::migrate>("migrate", kMethod),
                         InstanceMethod<&NativeQuic::prepareMigration>("prepareMigration", kMethod),
                         InstanceMethod<&NativeQuic::networkSwitched>("networkSwitched", kMethod),
                         InstanceMethod<&NativeQuic::cancelMigration>("cancelMigration", kMethod),
                         InstanceMethod<&NativeQuic::address>("address", kMethod),
                         InstanceMethod<&NativeQuic::refuse>("refuse", kMethod),
                         InstanceMethod<&NativeQuic::beginShutdown>("beginShutdown", kMethod),
                         InstanceMethod<&NativeQuic::setRetryPolicy>("setRetryPolicy", kMethod),
                         InstanceMethod<&NativeQuic::setSharedKeys>("setSharedKeys", kMethod),
                         InstanceMethod<&NativeQuic::thaw>("thaw", kMethod),
                         InstanceMethod<&NativeQuic::ref>("ref", kMethod),
                         InstanceMethod<&NativeQuic::unref>("unref", kMethod),
                         InstanceMethod<&NativeQuic::flush>("flush", kMethod),
                         InstanceMethod<&NativeQuic::close>("close", kMethod),
                     });
}

NativeQuic::NativeQuic(const Info& info) : Napi::ObjectWrap<NativeQuic>(info) {
  Arguments args(info);
  const std::string role = args.text(0);
  isThreaded_ = args.flag(1);
  if (!args.ok()) return;
  if (role != "client" && role != "server") {
    throwError(info.Env(), kInvalidArgument, "the role must be 'client' or 'server'");
    return;
  }
  if (!info[2].IsFunction()) {
    throwError(info.Env(), kInvalidArgument, "the callback must be a function");
    return;
  }
  role_ = role == "server" ? Role::Server : Role::Client;
  info.This().As<Napi::Object>().DefineProperty(Napi::PropertyDescriptor::Value(kOnBatch, info[2], napi_default));
}

// ---- hosts

Napi::Function NativeQuic::onBatch() { return Value().Get(kOnBatch).As<Napi::Function>(); }

bool NativeQuic::isRole(Role role) {
  if (role_ == role) return true;
  throwError(Env(), kInvalidState, role == Role::Server ? "this is a client" : "this is a server");
  return false;
}

QuicServer* NativeQuic::server() { return isRole(Role::Server) ? static_cast<QuicServer*>(host()) : nullptr; }

QuicClient* NativeQuic::client() { return isRole(Role::Client) ? static_cast<QuicClient*>(host()) : nullptr; }

bool NativeQuic::begin(bool isThreaded) {
  if (!life_.isOver()) return life_.begin(Value(), onBatch(), isThreaded);
  throwError(Env(), kInvalidState, "it is closed");
  return false;
}

Napi::Value NativeQuic::listen(const Info& info) {
  const Napi::Env env = info.Env();
  if (!isRole(Role::Server)) return env.Undefined();
  if (host() != nullptr) {
    throwError(env, kInvalidState, "it listens already");
    return env.Undefined();
  }
  auto options = toServerOptions(env, info[0]);
  if (!options || !begin(options->workers > 0)) return env.Undefined();
  options->loop = loopOf(env);
  auto made = QuicServer::listen(*options, life_.sink());
  if (!made) {
    life_.abandon();
    throwError(env, made.error(), options->address.toString());
    return env.Undefined();
  }
  address_ = (*made)->address();
  wasBound_ = true;
  life_.adopt(std::move(*made));
  return toJs(env, address_);
}

bool NativeQuic::openClient() {
  if (host() != nullptr) return true;
  if (!begin(isThreaded_)) return false;
  auto made = QuicClient::make(isThreaded_ ? nullptr : loopOf(Env()), life_.sink());
  if (!made) {
    life_.abandon();
    throwError(Env(), made.error(), {});
    return false;
  }
  life_.adopt(std::move(*made));
  return true;
}

void NativeQuic::connect(const Info& info) {
  if (!isRole(Role::Client)) return;
  Arguments args(info);
  const ConnectionHandle connection = args.integer(0, (uint64_t{1} << kHandleWorkerShift) - 1);
  if (!args.ok()) return;
  if (connection == 0) return throwError(info.Env(), kInvalidArgument, "connection 0 is all connections");
  if (life_.isOver()) return throwError(info.Env(), kInvalidState, "it is closed");
  const auto options = connectOptions_.convert(info.Env(), info[1]);
  if (!options || !openClient()) return;
  const auto begun = client()->connect(connection, *options);
  if (!begun) throwError(info.Env(), begun.error(), options->peer.toString());
}

// ---- streams and connections

void NativeQuic::streamWrite(const Info& info) {
  Arguments args(info);
  const ConnectionHandle connection = args.connection(0);
  const StreamId stream = args.stream(1);
  OwnedBytes bytes = args.bytes(2);
  const bool fin = args.flag(3);
  if (args.ok() && host() != nullptr) host()->streamWrite(connection, stream, std::move(bytes), fin);
}

void NativeQuic::streamWritev(const Info& info) {
  Arguments args(info);
  const ConnectionHandle connection = args.connection(0);
  const StreamId stream = args.stream(1);
  OwnedBytes bytes = args.gathered(2);
  const bool fin = args.flag(3);
  if (args.ok() && host() != nullptr) host()->streamWrite(connection, stream, std::move(bytes), fin);
}

void NativeQuic::streamConsume(const Info& info) {
  Arguments args(info);
  const ConnectionHandle connection = args.connection(0);
  const StreamId stream = args.stream(1);
  const uint64_t bytes = args.integer(2, (uint64_t{1} << 53) - 1);
  if (args.ok() && host() != nullptr) host()->streamConsume(connection, stream, bytes);
}

void NativeQuic::streamReset(const Info& info) {
  Arguments args(info);
  const ConnectionHandle connection = args.connection(0);
  const StreamId stream = args.stream(1);
  const uint64_t code = args.code(2);
  if (args.ok() && host() != nullptr) host()->streamReset(connection, stream, code);
}

void NativeQuic::streamStop(const Info& info) {
  Arguments args(info);
  const ConnectionHandle connection = args.connection(0);
  const StreamId stream = args.stream(1);
  const uint64_t code = args.code(2);
  if (args.ok() && host() != nullptr) host()->streamStop(connection, stream, code);
}

void NativeQuic::streamResetAt(const Info& info) {
  Arguments args(info);
  const ConnectionHandle connection = args.connection(0);
  const StreamId stream = args.stream(1);
  const uint64_t code = args.code(2);
  const uint64_t reliableSize = args.integer(3, (uint64_t{1} << 53) - 1);
  if (args.ok() && host() != nullptr) host()->streamResetAt(connection, stream, code, reliableSize);
}

void NativeQuic::streamPriority(const Info& info) {
  Arguments args(info);
  const ConnectionHandle connection = args.connection(0);
  const StreamId stream = args.stream(1);
  StreamPriority priority;
  priority.urgency = static_cast<uint8_t>(args.integer(2, kUrgencies - 1));
  priority.incremental = args.flag(3);
  if (args.ok() && host() != nullptr) host()->streamPriority(connection, stream, priority);
}

void NativeQuic::sendDatagram(const Info& info) {
  Arguments args(info);
  const ConnectionHandle connection = args.connection(0);
  const uint64_t datagram = args.integer(1, (uint64_t{1} << 53) - 1);
  OwnedBytes bytes = args.bytes(2);
  const bool isWatched = args.flag(3);
  DatagramOptions options;
  options.urgency = static_cast<uint8_t>(args.integer(4, kUrgencies - 1));
  options.lifetime = args.milliseconds(5);
  if (args.ok() && host() != nullptr) host()->sendDatagram(connection, datagram, std::move(bytes), isWatched, options);
}

void NativeQuic::updateKeys(const Info& info) {
  Arguments args(info);
  const ConnectionHandle connection = args.connection(0);
  const auto request = static_cast<uint32_t>(args.integer(1, UINT32_MAX));
  if (args.ok() && host() != nullptr) host()->updateKeys(connection, request);
}

void NativeQuic::exportKeyingMaterial(const Info& info) {
  Arguments args(info);
  const ConnectionHandle connection = args.connection(0);
  const auto request = static_cast<uint32_t>(args.integer(1, UINT32_MAX));
  const std::string label = args.text(2);
  OwnedBytes context = args.bytes(3);
  const size_t size = args.integer(4, 255);
  if (!args.ok() || host() == nullptr) return;
  host()->exportKeyingMaterial(connection, request, label, std::move(context), size);
}

void NativeQuic::closeConnection(const Info& info) {
  Arguments args(info);
  const ConnectionHandle connection = args.connection(0);
  const bool isApplication = args.flag(1);
  const uint64_t code = args.code(2);
  const std::string reason = args.text(3);
  if (args.ok() && host() != nullptr) host()->closeConnection(connection, isApplication, code, reason);
}

void NativeQuic::stats(const Info& info) {
  Arguments args(info);
  const ConnectionHandle connection = args.connection(0);
  const auto request = static_cast<uint32_t>(args.integer(1, UINT32_MAX));
  if (args.ok() && host() != nullptr) host()->stats(connection, request);
}

void NativeQuic::stopQlog(const Info& info) {
  Arguments args(info);
  const ConnectionHandle connection = args.connection(0);
  if (args.ok() && host() != nullptr) host()->stopQlog(connection);
}

void NativeQuic::startProbing(const Info& info) {
  Arguments args(info);
  const ConnectionHandle connection = args.connection(0);
  if (!args.ok()) return;
  if (QuicClient* client = this->client()) client->startProbing(connection);
}

void NativeQuic::migrate(const Info& info) {
  QuicClient* client = this->client();
  if (client == nullptr) return;
  Arguments args(info);
  const ConnectionHandle connection = args.connection(0);
  const auto request = static_cast<uint32_t>(args.integer(1, UINT32_MAX));
  const bool probe = args.flag(3);
  if (!args.ok()) return;
  const auto local = toAddress(info.Env(), info[2]);
  if (local) client->migrate(connection, request, *local, probe);
}

// ---- a server's move

void NativeQuic::throwUnless(const Result<>& result) {
  if (!result) throwError(Env(), result.error());
}

void NativeQuic::prepareMigration(const Info& info) {
  QuicServer* server = this->server();
  if (server == nullptr) return;
  Arguments args(info);
  const Duration deadline = args.milliseconds(1);
  if (!args.ok()) return;
  const auto plans = toMigrationPlans(info.Env(), info[0]);
  if (plans) throwUnless(server->onImminentServerMigration(*plans, deadline));
}

void NativeQuic::networkSwitched(const Info& info) {
  QuicServer* server = this->server();
  if (server == nullptr) return;
  Arguments args(info);
  const Duration deadline = args.milliseconds(1);
  if (!args.ok()) return;
  if (info[0].IsUndefined()) return throwUnless(server->onNetworkSwitch(deadline));
  const auto address = toAddress(info.Env(), info[0]);
  if (address) throwUnless(server->onNetworkSwitch(*address, deadline));
}

void NativeQuic::cancelMigration(const Info&) {
  if (QuicServer* server = this->server()) server->cancelServerMigration();
}

Napi::Value NativeQuic::address(const Info& info) {
  if (const QuicServer* server = this->server()) address_ = server->address();
  if (info.Env().IsExceptionPending()) return info.Env().Undefined();
  if (wasBound_) return toJs(info.Env(), address_);
  throwError(info.Env(), kInvalidState, "it does not listen yet");
  return info.Env().Undefined();
}

void NativeQuic::refuse(const Info& info) {
  Arguments args(info);
  const bool refuse = args.flag(0);
  if (!args.ok()) return;
  if (QuicServer* server = this->server()) server->refuse(refuse);
}

void NativeQuic::beginShutdown(const Info&) {
  if (QuicServer* server = this->server()) server->beginShutdown();
}

void NativeQuic::setRetryPolicy(const Info& info) {
  QuicServer* server = this->server();
  if (server == nullptr) return;
  const auto policy = toRetryPolicy(info.Env(), info[0]);
  if (policy) server->setRetryPolicy(*policy);
}

void NativeQuic::setSharedKeys(const Info& info) {
  QuicServer* server = this->server();
  if (server == nullptr) return;
  const auto keys = toSharedKeys(info.Env(), info[0]);
  if (!keys) return;
  const Result<> taken = server->setTicketKeys(keys->tickets);
  throwUnless(taken);
  if (taken) server->setTokenKeys(keys->tokens);
}

// ---- the host itself

void NativeQuic::thaw(const Info& info) {
  Arguments args(info);
  const Duration frozenFor = args.milliseconds(0);
  if (args.ok() && host() != nullptr) host()->thaw(frozenFor);
}

void NativeQuic::ref(const Info&) { life_.setRef(true); }

void NativeQuic::unref(const Info&) { life_.setRef(false); }

void NativeQuic::flush(const Info&) {
  if (host() != nullptr) host()->flush();
}

void NativeQuic::close(const Info&) { life_.close(Value(), onBatch()); }

}  // namespace quic::binding
