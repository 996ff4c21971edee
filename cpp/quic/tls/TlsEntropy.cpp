#include "quic/tls/TlsEntropy.h"

#include <openssl/rand.h>

namespace quic {

// The generators of threads notice that the one above them was seeded anew. Without entropy OpenSSL refuses to give numbers.
void reseedTlsEntropy() { static_cast<void>(RAND_poll()); }

}  // namespace quic
