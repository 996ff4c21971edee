// What a host has asked of a connection and hears of later: keys that the peer has to take too, datagrams that have to leave.
// It looks at those connections once in each turn, and knows no others.
#pragma once

#include <unordered_map>
#include <vector>

#include "io/ConnectionBridge.h"

namespace quic {

class PendingAnswers {
 public:
  /// What it tells is appended to `records`.
  PendingAnswers(ConnectionAccess& connections, HostBatch& records) : access_(connections), records_(records) {}

  void updateKeys(TimePoint now, const command::UpdateKeys& command);
  void exportKeyingMaterial(const command::ExportKeyingMaterial& command);
  void sendDatagram(TimePoint now, command::SendDatagram& command);

  void answer(ConnectionHandle connection, uint32_t request, ByteSpan bytes = {});
  void refuse(ConnectionHandle connection, uint32_t request, const QuicError& error);
  /// Once in a turn, when everything that could has left.
  void settle();

 private:
  /// DatagramsLeft is told when so many more have left, or all have.
  static constexpr uint32_t kTellAfter = 64;
  struct Asked {
    ConnectionHandle connection;
    uint32_t request;
  };
  struct Sending {
    uint64_t given = 0;  // since none waited
    uint64_t told = 0;
  };

  void settleKeyUpdates();
  void settleDatagrams();
  bool settleDatagrams(ConnectionHandle connection, Sending& sending);

  ConnectionAccess& access_;
  HostBatch& records_;
  std::vector<Asked> keyUpdates_;
  std::unordered_map<ConnectionHandle, Sending> sending_;  // where some may not have left
};

}  // namespace quic
