// What connections tell, as records for the host; and what the host may have of their streams, by credit.
// A stream is read as far as its host has taken what came before (kStreamCredit ahead), and a batch holds at most
// kMaxBatchBytes of stream bytes: what is not read stays in the core, which then grants the peer nothing further. That is the
// back-pressure. It holds no connection and drives none.
#pragma once

#include <array>
#include <deque>
#include <optional>
#include <unordered_map>

#include "io/HostQueue.h"
#include "io/HostRecords.h"
#include "quic/api/ConnectionSet.h"

namespace quic {

/// The worker's connections, whatever socket they are on.
class ConnectionAccess {
 public:
  /// nullptr when it is gone.
  virtual QuicTransportBase* findTransport(ConnectionHandle connection) = 0;
  /// It has work now.
  virtual void touchTransport(ConnectionHandle connection) = 0;

 protected:
  ~ConnectionAccess() = default;
};

class ConnectionBridge {
 public:
  static constexpr uint64_t kStreamCredit = 256 * 1024;
  static constexpr size_t kMaxBatchBytes = 1024 * 1024;
  // Beyond either: events wait in the core, datagrams in the kernel.
  static constexpr size_t kMaxBatchRecords = 16 * 1024;
  static constexpr size_t kMostBatchBytes = 4 * kMaxBatchBytes;  // with datagrams and qlogs

  /// What it tells is appended to `up`.
  ConnectionBridge(Role role, ConnectionAccess& connections, UpBatch& up);

  void onEvent(EndpointEvent&& event);
  /// Reads streams that have something, as far as credit and room go. True: connections were touched.
  bool readStreams();
  /// Credit comes back. With 0 bytes: the application has got this unidirectional stream of the peer's. Before that nothing of
  /// it is read, so that its place is not free for another: an application that takes no streams holds the peer back.
  void onConsumed(ConnectionHandle connection, StreamId stream, uint64_t bytes);
  void addStats(ConnectionHandle connection, uint32_t request);

  /// The host knows this connection from the beginning (client).
  void onConnecting(ConnectionHandle connection);
  /// Opens this stream of ours, and those of its kind before it, unless that was done already. Nothing beyond the peer's limit.
  void openUpTo(ConnectionHandle connection, QuicTransportBase& transport, StreamId stream);

  /// When it ends, the host hears this for a reason, whatever went on the wire.
  void closesAs(ConnectionHandle connection, LocalErrorCode code);
  /// A connection that came to nothing in this process.
  void addFailure(ConnectionHandle connection, LocalErrorCode code, std::string_view reason);
  /// Nothing more will come: connections that the host knows and that have not ended are told to have ended so.
  void endAll(LocalErrorCode code);

  [[nodiscard]] bool isFull() const {
    return up_.records.records() >= kMaxBatchRecords || up_.records.bytes.size() >= kMostBatchBytes;
  }
  [[nodiscard]] bool hasReadableStreams() const { return !ready_.empty(); }

 private:
  struct Reading {
    uint64_t credit = kStreamCredit;
    bool isQueued = false;     // in ready_
    bool mayHaveMore = false;  // the last read ended for want of credit or room
    bool isTaken = true;       // false: a unidirectional stream that the application has not got yet, see onConsumed
  };
  struct Connection {
    std::unordered_map<uint64_t, Reading> streams;  // those with something read or to read; bounded by stream limits
    std::array<uint64_t, 2> opened{};               // streams that we opened, bidirectional and unidirectional
    std::optional<LocalErrorCode> closesAs;
    bool isKnown = false;  // the host has heard of it
  };
  struct StreamKey {
    ConnectionHandle connection;
    StreamId stream;
  };
  enum class Limits : uint8_t { Apply, Lift };

  void on(ConnectionHandle handle, EarlyDataReady&& event);
  void on(ConnectionHandle handle, HandshakeFinished&& event);
  void on(ConnectionHandle handle, HandshakeConfirmed&& event);
  void on(ConnectionHandle handle, StreamEvent&& event);
  void on(ConnectionHandle handle, DatagramEvent&& event);
  void on(ConnectionHandle handle, DatagramLimitChanged&& event);
  void on(ConnectionHandle handle, PathChanged&& event);
  void on(ConnectionHandle, PathFailed&&) {}            // told apart from silence by whoever asked for the move
  void on(ConnectionHandle, LocalAddressReleased&&) {}  // of the sockets' owner
  void on(ConnectionHandle handle, MigrationEvent&& event);
  void on(ConnectionHandle handle, SessionTicket&& event);
  void on(ConnectionHandle handle, AddressToken&& event);
  void on(ConnectionHandle handle, KeyLogLine&& event);
  void on(ConnectionHandle handle, QLogText&& event);
  void on(ConnectionHandle handle, ConnectionClosed&& event);

  [[nodiscard]] HandshakeFacts factsOf(ConnectionHandle handle);
  [[nodiscard]] std::optional<SocketAddress> peerOfUnknown(ConnectionHandle handle);
  void addJson(RecordKind kind, ConnectionHandle handle, const std::string& json, uint32_t flag = 0);
  void addClosed(ConnectionHandle handle, const QuicErrorCode& code, Initiator initiator, std::string_view reason);
  Reading* find(const StreamKey& key);
  void enqueue(const StreamKey& key, Reading& reading);
  void read(const StreamKey& key, Reading& reading, Limits limits);
  void readWhatIsLeft(ConnectionHandle handle);

  Role role_;
  ConnectionAccess& access_;
  UpBatch& up_;
  std::unordered_map<ConnectionHandle, Connection> connections_;
  std::deque<StreamKey> ready_;
};

}  // namespace quic
