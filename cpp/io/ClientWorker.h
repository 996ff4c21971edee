// The client connections of one environment: a socket for each local address in use, shared by the connections on it and
// closed with the last of them.
#pragma once

#include <map>
#include <vector>

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

  void onThawed(TimePoint now, Duration frozenFor) override;
  bool drive(TimePoint now) override;
  bool transmit(TimePoint now) override;
  [[nodiscard]] std::optional<TimePoint> nextTimeout() const override;
  void runOfRole(TimePoint now, Command& command) override;
  void closeEverything(TimePoint now) override;

  void connect(TimePoint now, command::Connect& command);
  ClientGroup* groupFor(const SocketAddress& local, int* systemError);
  ClientGroup* groupOf(ConnectionHandle connection);
  void closeIdleGroups();
  /// A group that has left the address that was asked for is not found there any more.
  void parkMovedGroups();
  template <class Visit>
  void forEachGroup(Visit&& visit) const {
    for (const auto& [local, group] : groups_) visit(*group);
    for (const auto& group : moved_) visit(*group);
  }

  std::map<SocketAddress, std::unique_ptr<ClientGroup>> groups_;  // by the address that was asked for
  std::vector<std::unique_ptr<ClientGroup>> moved_;               // away from there, all of their connections
  std::unordered_map<ConnectionHandle, ClientGroup*> connections_;
};

}  // namespace quic
