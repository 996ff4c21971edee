// The client connections of one environment: a socket for each local address in use, shared by the connections on it and
// closed with the last of them.
#pragma once

#include <map>

#include "io/ClientGroup.h"
#include "io/Worker.h"

namespace quic {

class ClientWorker final : public Worker {
 public:
  /// `given` null: a thread of its own. nullptr: no resources for a loop.
  static std::unique_ptr<ClientWorker> make(uv_loop_t* given, HostSink& sink);
  ~ClientWorker() override;

 private:
  ClientWorker(uv_loop_t* given, HostSink& sink);

  QuicTransportBase* findTransport(ConnectionHandle connection) override;
  void touchTransport(ConnectionHandle connection) override;

  bool drive(TimePoint now) override;
  bool transmit(TimePoint now) override;
  [[nodiscard]] std::optional<TimePoint> nextTimeout() const override;
  void runOfRole(TimePoint now, Command& command) override;
  void closeEverything(TimePoint now) override;

  void connect(TimePoint now, command::Connect& command);
  ClientGroup* groupFor(const SocketAddress& local, int* systemError);
  ClientGroup* groupOf(ConnectionHandle connection);
  void closeIdleGroups();

  std::map<SocketAddress, std::unique_ptr<ClientGroup>> groups_;  // by the address that was asked for
  std::unordered_map<ConnectionHandle, ClientGroup*> connections_;
};

}  // namespace quic
