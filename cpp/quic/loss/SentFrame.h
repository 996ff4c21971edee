// What a packet carried, as small records: enough to know later what its acknowledgment and its loss mean.
// loss/ keeps and hands them back; what they mean is said once, in api/SentFrames.
#pragma once

#include <variant>

#include "quic/common/Ids.h"
#include "quic/common/SmallVector.h"

namespace quic {

struct SentAck {
  PacketNum largest = 0;  // once acknowledged, ranges up to here need not be reported again (RFC 9000 §13.2.4)
  PacketNumberSpace space = PacketNumberSpace::Initial;
};
struct SentPing {};
struct SentCrypto {
  uint64_t offset = 0;
  uint32_t size = 0;
  PacketNumberSpace space = PacketNumberSpace::Initial;
};
struct SentStream {
  StreamId id;
  uint64_t offset = 0;
  uint32_t size = 0;
  bool fin = false;
};
struct SentResetStream {
  StreamId id;
  uint64_t reliableSize = 0;  // of RESET_STREAM_AT
};
struct SentStopSending {
  StreamId id;
};
struct SentMaxData {
  uint64_t limit = 0;
};
struct SentMaxStreamData {
  StreamId id;
  uint64_t limit = 0;
};
struct SentMaxStreams {
  uint64_t limit = 0;
  bool unidirectional = false;
};
struct SentDataBlocked {
  uint64_t limit = 0;
};
struct SentStreamDataBlocked {
  StreamId id;
  uint64_t limit = 0;
};
struct SentStreamsBlocked {
  uint64_t limit = 0;
  bool unidirectional = false;
};
struct SentNewConnectionId {
  uint64_t sequence = 0;
};
struct SentRetireConnectionId {
  uint64_t sequence = 0;
};
struct SentPathChallenge {
  PathId path;
};
struct SentPathResponse {
  PathId path;
};
struct SentHandshakeDone {};
struct SentNewToken {
  uint32_t generation = 0;  // of the token: a late loss of an older one means nothing
};
/// The announcement of one preparation; `epoch` tells a late acknowledgment from a fitting one.
struct SentServerMigration {
  uint32_t epoch = 0;
};
struct SentServerMigrated {};
struct SentAckFrequency {
  uint64_t sequence = 0;
};
struct SentImmediateAck {};
struct SentPoolMigrationAddress {
  uint32_t index = 0;  // in the order in which the pool was configured
};
struct SentDatagram {
  uint64_t id = 0;  // the application's; nothing else is kept, for nothing is sent again (RFC 9221 §5.2)
};

using SentFrame =
    std::variant<SentPing, SentAck, SentCrypto, SentStream, SentResetStream, SentStopSending, SentMaxData,
                 SentMaxStreamData, SentMaxStreams, SentDataBlocked, SentStreamDataBlocked, SentStreamsBlocked,
                 SentNewConnectionId, SentRetireConnectionId, SentPathChallenge, SentPathResponse, SentHandshakeDone,
                 SentNewToken, SentServerMigration, SentServerMigrated, SentPoolMigrationAddress, SentDatagram,
                 SentAckFrequency, SentImmediateAck>;

using SentFrames = SmallVector<SentFrame, 3>;

}  // namespace quic
