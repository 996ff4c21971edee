// A lock for what the handshakes of one context share, whatever thread they run on. It is OpenSSL's, because this layer
// has no threads of its own.
#pragma once

#include <openssl/crypto.h>

#include <cstdlib>
#include <memory>

#include "quic/tls/OpenSslPtr.h"

namespace quic {

class OpenSslLock {
 public:
  OpenSslLock() : lock_(CRYPTO_THREAD_lock_new()) {
    if (!lock_) std::abort();  // as any failed allocation
  }
  class Guard {
   public:
    explicit Guard(const OpenSslLock& lock) : lock_(lock.lock_.get()) { (void)CRYPTO_THREAD_write_lock(lock_); }
    ~Guard() { (void)CRYPTO_THREAD_unlock(lock_); }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

   private:
    CRYPTO_RWLOCK* lock_;
  };

 private:
  struct Free {
    void operator()(CRYPTO_RWLOCK* lock) const { CRYPTO_THREAD_lock_free(lock); }
  };
  std::unique_ptr<CRYPTO_RWLOCK, Free> lock_;
};

}  // namespace quic
