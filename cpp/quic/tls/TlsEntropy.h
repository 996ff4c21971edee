// OpenSSL's own random numbers: keys of handshakes, nonces of tickets. A process that was copied, frozen and thawed shares its
// generator's state with the copy until this is called; after fork() OpenSSL sees to it by itself.
#pragma once

namespace quic {

/// Fresh entropy from the kernel, for the generators of all threads before they are used next.
void reseedTlsEntropy();

}  // namespace quic
