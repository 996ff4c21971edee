// Facts on their way from a worker to its host, in the form in which the host wants them: fixed-size records of words and one
// run of bytes. lib/native.ts names the kinds and words; the two lists must agree.
#pragma once

#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "quic/common/Bytes.h"
#include "quic/common/Ids.h"

namespace quic {

inline constexpr size_t kRecordWords = 8;

enum class RecordKind : uint32_t {
  ConnectionOpened = 1,
  HandshakeConfirmed = 2,
  ConnectionClosed = 3,
  StreamOpened = 4,
  StreamData = 5,
  StreamReset = 6,
  StreamStopped = 7,
  StreamWritable = 8,
  StreamSendComplete = 9,
  StreamClosed = 10,
  StreamsAvailable = 11,
  PathChanged = 12,
  Migration = 13,
  SessionTicket = 14,
  KeyLog = 15,
  MigrationPrepared = 16,
  MigrationCompleted = 17,
  MigrationFailed = 18,
  Stats = 19,
  HostClosed = 20,
  EarlyDataReady = 21,
  AddressToken = 22,
  DatagramReceived = 23,
  DatagramSettled = 24,
  DatagramLimit = 25,
  DatagramsLeft = 26,
  Answer = 27,
  Qlog = 28,
};

/// Leaves what resize() adds as it is: room that is about to be read into needs no zeros. Filling it cost 64 KiB of memory
/// bandwidth for each small stream.
struct UninitializedBytes : std::allocator<uint8_t> {
  template <class T>
  struct rebind {
    using other = UninitializedBytes;
  };
  void construct(uint8_t*) noexcept {}
  template <class... Values>
  void construct(uint8_t* place, Values&&... values) {
    std::construct_at(place, std::forward<Values>(values)...);
  }
};
using BatchBytes = std::vector<uint8_t, UninitializedBytes>;

struct HostBatch {
  std::vector<uint32_t> words;  // kRecordWords for each record
  BatchBytes bytes;

  [[nodiscard]] size_t records() const { return words.size() / kRecordWords; }
  [[nodiscard]] bool empty() const { return words.empty(); }
  void clear() {
    words.clear();
    bytes.clear();
  }
  /// A record with no bytes: `value` in words 3-4, `a` and `b` in 5 and 6, `flag` in 7.
  void add(RecordKind kind, ConnectionHandle connection, uint64_t value = 0, uint32_t a = 0, uint32_t b = 0,
           uint32_t flag = 0) {
    const uint32_t record[kRecordWords] = {static_cast<uint32_t>(kind),
                                           static_cast<uint32_t>(connection),
                                           static_cast<uint32_t>(connection >> 32),
                                           static_cast<uint32_t>(value),
                                           static_cast<uint32_t>(value >> 32),
                                           a,
                                           b,
                                           flag};
    words.insert(words.end(), record, record + kRecordWords);
  }
  void addBytes(RecordKind kind, ConnectionHandle connection, uint64_t value, ByteSpan data, uint32_t flag = 0) {
    add(kind, connection, value, static_cast<uint32_t>(bytes.size()), static_cast<uint32_t>(data.size()), flag);
    bytes.insert(bytes.end(), data.begin(), data.end());
  }
};

}  // namespace quic
