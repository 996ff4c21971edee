// The client connections that began on one socket, and the further sockets that some of them have moved to: each is opened for
// one connection and closed when that has left it, as the first is when all have. It is a Port of quic/api/Drive.h.
#pragma once

#include <set>
#include <vector>

#include "io/Commands.h"
#include "io/ConnectionBridge.h"
#include "io/PendingAnswers.h"
#include "io/SocketPorts.h"
#include "quic/client/QuicClientEndpoint.h"

namespace quic {

class ClientGroup {
 public:
  /// All of them outlive it.
  struct Surroundings {
    EventLoop& loop;
    ReceiveSlab& slab;
    const CryptoFactory& crypto;
    Random& random;
    ConnectionBridge& bridge;
    PendingAnswers& answers;
  };
  explicit ClientGroup(const Surroundings& surroundings);

  [[nodiscard]] QuicClientEndpoint& endpoint() { return endpoint_; }
  [[nodiscard]] const QuicClientEndpoint& endpoint() const { return endpoint_; }
  [[nodiscard]] SocketPorts& sockets() { return sockets_; }
  void connect(TimePoint now, command::Connect& command);
  /// When no connection is on the first socket any more, it is closed and one that a connection has moved to is the first.
  bool leaveFirst();
  /// RFC 9000 §9.2. Answered when the connection is there, or stays.
  void migrate(TimePoint now, const command::Migrate& command);

  // ---- the Port
  bool receive(TimePoint now, QuicClientEndpoint& to);
  [[nodiscard]] bool mayTransmit() const { return sockets_.mayTransmit(); }
  [[nodiscard]] MutableByteSpan transmitBuffer() { return sockets_.transmitBuffer(); }
  void transmit(const Transmit& transmit) { sockets_.transmit(transmit); }
  [[nodiscard]] bool mayTakeEvent() const { return !bridge_.isFull(); }
  void onEvent(TimePoint, EndpointEvent&& event);

 private:
  struct Move {
    ConnectionHandle connection;
    uint32_t request;
    SocketAddress local;
  };
  struct Further {  // a socket
    ConnectionHandle connection;
    SocketAddress bound;
  };

  Result<> begin(TimePoint now, const command::Migrate& command, UdpSocket&& socket);
  void watchFirst(const EndpointEvent& event);
  void follow(const EndpointEvent& event);
  void release(ConnectionHandle connection, const SocketAddress& local);
  void releaseAll(ConnectionHandle connection);
  /// Calls `tell` with the request of each move to there, and forgets it.
  template <class Tell>
  void settleMoves(ConnectionHandle connection, const SocketAddress& local, Tell&& tell);

  ConnectionBridge& bridge_;
  PendingAnswers& answers_;
  SocketPorts sockets_;
  QuicClientEndpoint endpoint_;
  std::set<ConnectionHandle> onFirst_;
  std::vector<ConnectionHandle> closingOnFirst_;
  std::vector<Move> moves_;       // not answered yet
  std::vector<Further> further_;  // at most kMaxPaths for each connection
};

}  // namespace quic
