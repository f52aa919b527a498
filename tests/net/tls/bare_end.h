// BareEnd: one end of OpenSSL without us, which can send what is no text.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_NET_TLS_BARE_END_H_
#define WEFT_TESTS_NET_TLS_BARE_END_H_

#include <openssl/bio.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "gtest/gtest.h"
#include "weft/net/tls/openssl_pointers.h"
#include "weft/net/tls/tls_context.h"

namespace weft::net::tls {

class BareEnd {
 public:
  // Goes on with the handshake, and tells whether it is done.
  bool ShakeHands() { return SSL_do_handshake(ssl_.get()) == 1; }

  // Has that many KeyUpdates to send (RFC 8446 section 4.6.3), each of which
  // asks for one in return, or none does.
  void ChangeKeys(int times, int kind = SSL_KEY_UPDATE_NOT_REQUESTED) {
    for (int i = 0; i < times; ++i) {
      EXPECT_EQ(SSL_key_update(ssl_.get(), kind), 1);
      EXPECT_EQ(SSL_do_handshake(ssl_.get()), 1);
    }
  }

  void Write(std::string_view text) {
    const int size = static_cast<int>(text.size());
    EXPECT_EQ(SSL_write(ssl_.get(), text.data(), size), size);
  }
  // Says that it ends.
  void Close() { EXPECT_EQ(SSL_shutdown(ssl_.get()), 0); }
  bool HasHeardTheEnd() const {
    return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
  }
  // What is there; nothing where that is no whole record.
  std::string Read() {
    std::array<char, 4096> buffer;
    const int got = SSL_read(ssl_.get(), buffer.data(), buffer.size());
    return std::string(buffer.data(),
                       static_cast<std::size_t>(std::max(got, 0)));
  }

  // What it has to send, as far as there is room.
  std::size_t Give(std::span<std::byte> into) {
    const int count =
        BIO_read(out_, into.data(), static_cast<int>(into.size()));
    return static_cast<std::size_t>(std::max(count, 0));
  }
  // What has come for it.
  void Take(std::span<const std::byte> bytes) {
    BIO_write(in_, bytes.data(), static_cast<int>(bytes.size()));
  }

 protected:
  explicit BareEnd(TlsContext context)
      : context_(std::move(context)),
        ssl_(TlsContext::NewConnection(context_)) {
    SSL_set_bio(ssl_.get(), in_, out_);
  }
  ~BareEnd() = default;

  SSL* ssl() const noexcept { return ssl_.get(); }

 private:
  TlsContext context_;
  BIO* const in_ = BIO_new(BIO_s_mem());  // The connection's, as `out_`.
  BIO* const out_ = BIO_new(BIO_s_mem());
  OpensslPointer<SSL> ssl_;
};

}  // namespace weft::net::tls

#endif  // WEFT_TESTS_NET_TLS_BARE_END_H_
