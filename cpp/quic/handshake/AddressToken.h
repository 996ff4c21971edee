// A token of a NEW_TOKEN frame, as a client keeps it for its next connection to the same server: RFC 9000 §8.1.3. Opaque.
#pragma once

#include "quic/common/Bytes.h"

namespace quic {

struct AddressToken {
  ByteVector bytes;
  uint32_t version = 0;  // RFC 9369 §5: of the connection that it came on, and good for no other
  bool operator==(const AddressToken&) const = default;
};

}  // namespace quic
