// What a server and the clients of one environment have in common, seen from the thread that made them: verbs down by
// (connection, stream), batches of records up. lib/native.ts describes both; the binding is a translation of this header.
//
// All methods are called on one thread. None blocks, but for the destructor, which may wait for threads (at most about
// kClosePatience each, all at once). A verb on what is gone does nothing.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "io/Worker.h"

namespace quic {

/// Why a host could not be made, or a connection not begun. `systemError` is errno where the kernel refused; `detail` is
/// for people.
struct HostFailure {
  QuicError error;
  int systemError = 0;
  std::string detail;
};
template <class T = Unit>
using HostResult = Expected<T, HostFailure>;

class QuicHost {
 public:
  virtual ~QuicHost();
  QuicHost(const QuicHost&) = delete;
  QuicHost& operator=(const QuicHost&) = delete;

  /// Opens the stream when it is the next one of ours of its kind.
  void streamWrite(ConnectionHandle connection, StreamId stream, OwnedBytes&& bytes, bool fin);
  /// So many bytes of StreamData were taken: as many more may come.
  void streamConsume(ConnectionHandle connection, StreamId stream, uint64_t bytes);
  void streamReset(ConnectionHandle connection, StreamId stream, uint64_t code);
  void streamStop(ConnectionHandle connection, StreamId stream, uint64_t code);
  /// The first `reliableSize` bytes arrive all the same, where the peer knows how.
  void streamResetAt(ConnectionHandle connection, StreamId stream, uint64_t code, uint64_t reliableSize);
  void streamPriority(ConnectionHandle connection, StreamId stream, const StreamPriority& priority);
  /// DatagramsLeft tells how many wait no longer; DatagramSettled, when it is watched, what became of it.
  /// `options.id` counts for nothing.
  void sendDatagram(ConnectionHandle connection, uint64_t datagram, OwnedBytes&& bytes, bool isWatched,
                    const DatagramOptions& options = {});
  /// Each is answered by an Answer record with this number.
  void updateKeys(ConnectionHandle connection, uint32_t request);
  void exportKeyingMaterial(ConnectionHandle connection, uint32_t request, const std::string& label,
                            OwnedBytes&& context, size_t size);
  /// CONNECTION_CLOSE now.
  void closeConnection(ConnectionHandle connection, bool application, uint64_t code, const std::string& reason);
  /// Its qlog costs nothing from now on.
  void stopQlog(ConnectionHandle connection);
  /// Answered by a Stats record with this number.
  virtual void stats(ConnectionHandle connection, uint32_t request);

  /// The next batch; call until false. `out` is replaced, its buffers are used again.
  bool takeBatch(HostBatch& out);
  /// On a given loop: send now what was asked for. With threads that happens by itself.
  void flush();
  /// On a given loop: whether open sockets keep it alive. With threads it is the sink's owner that does.
  void setRef(bool ref);
  /// The process was frozen and goes on, perhaps elsewhere or as a copy: fresh entropy, and time that did not pass is not counted
  /// (idle timeouts, handshakes, announcements). What workers notice by their clocks needs no telling, and is not counted twice
  /// when it is told within ten seconds. 0: for how long is not known.
  void thaw(Duration frozenFor = Duration{0});
  /// Closes every connection, then everything else. Answered by HostClosed, the last record.
  void close();

 protected:
  QuicHost() = default;
  void adopt(std::unique_ptr<Worker> worker) { workers_.push_back(std::move(worker)); }
  /// False: no resources for a thread.
  bool startAll();
  /// To be called first in the destructor of a subclass.
  void shutDown();

  [[nodiscard]] size_t workerCount() const { return workers_.size(); }
  [[nodiscard]] Worker& worker(size_t index) const { return *workers_[index]; }
  void postTo(ConnectionHandle connection, Command&& command);
  /// Goes up with the next batch, after its records; poke() makes sure that there is one.
  void addRecord(RecordKind kind, const std::string& json, uint32_t flag = 0);
  void poke();
  [[nodiscard]] bool isClosing() const { return isClosing_; }

  virtual void onFact(size_t worker, const HostFact& fact) = 0;

 private:
  struct OwnRecord {
    RecordKind kind;
    std::string json;
    uint32_t flag;
  };
  void onStopped();

  std::vector<std::unique_ptr<Worker>> workers_;
  UpBatch taken_;
  std::vector<OwnRecord> own_;
  size_t next_ = 0;  // the worker whose turn it is
  size_t stopped_ = 0;
  bool isClosing_ = false;
  bool isEnded_ = false;
};

}  // namespace quic
