// A worker of a server: one socket, the connections whose IDs name it, its part of a move.
#pragma once

#include <atomic>

#include "io/SocketPorts.h"
#include "io/Worker.h"
#include "quic/server/QuicServerEndpoint.h"

namespace quic {

/// Where a datagram goes that names another worker. Called on the thread that received it.
class DatagramForwarder {
 public:
  virtual void forward(uint8_t worker, command::Forwarded&& datagram) = 0;

 protected:
  ~DatagramForwarder() = default;
};

struct ServerWorkerOptions {
  uv_loop_t* loop = nullptr;  // null: a thread of its own
  uint8_t index = 0;
  ServerEndpointSettings endpoint;
  // Shared because every worker makes handshakes of it and the last of them frees it.
  std::shared_ptr<TlsServerContext> tls;
};

/// Of one worker, or summed. Counted since the start.
struct ServerStats {
  uint64_t connections = 0;  // now
  uint64_t accepted = 0;
  uint64_t refused = 0;
  uint64_t dropped = 0;
  uint64_t forwarded = 0;
};

class ServerWorker final : public Worker, private HandshakeFactory {
 public:
  /// nullptr: no resources for a loop, or libuv refuses the socket.
  static std::unique_ptr<ServerWorker> make(const ServerWorkerOptions& options, UdpSocket&& socket, HostSink& sink,
                                            DatagramForwarder& forwarder);
  /// Before start(): it receives there too, and sends from there what belongs there. False: libuv refuses.
  bool addSocket(UdpSocket&& socket) { return ports_->add(std::move(socket)); }
  ~ServerWorker() override;

  /// From any thread; as of the last turn.
  [[nodiscard]] ServerStats stats() const;

 private:
  struct Port;
  ServerWorker(const ServerWorkerOptions& options, HostSink& sink, DatagramForwarder& forwarder);

  std::unique_ptr<HandshakeLayer> makeHandshake() override;
  QuicTransportBase* findTransport(ConnectionHandle connection) override;
  void touchTransport(ConnectionHandle connection) override { endpoint_.touch(connection); }

  bool drive(TimePoint now) override;
  bool transmit(TimePoint now) override;
  [[nodiscard]] std::optional<TimePoint> nextTimeout() const override;
  void onThawed(TimePoint now, Duration frozenFor) override;
  void runOfRole(TimePoint now, Command& command) override;
  void closeEverything(TimePoint now) override;

  void onForwarded(TimePoint now, command::Forwarded& datagram);
  void receive(TimePoint now, const ReceivedDatagram& datagram);
  void prepare(TimePoint now, const MigrationPlans& plans);
  void switchNetwork(TimePoint now, command::SwitchNetwork& command);
  void closeUnmoved(TimePoint now, ConnectionHandle connection, LocalErrorCode as);
  void cancelMigration();
  void transmitUntilSent(TimePoint now);

  DatagramForwarder& forwarder_;
  std::shared_ptr<TlsServerContext> tls_;
  QuicServerEndpoint endpoint_;
  std::unique_ptr<SocketPorts> ports_;
  std::optional<TimePoint> alarm_;
  std::atomic<uint64_t> connections_{0}, accepted_{0}, refused_{0}, dropped_{0}, forwarded_{0};
};

}  // namespace quic
