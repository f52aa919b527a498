// BareClient: a client of OpenSSL without us.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_NET_TLS_BARE_CLIENT_H_
#define WEFT_TESTS_NET_TLS_BARE_CLIENT_H_

#include <openssl/ssl.h>

#include <utility>

#include "weft/net/tls/tls_context.h"
#include "weft/tests/net/tls/bare_end.h"

namespace weft::net::tls {

class BareClient final : public BareEnd {
 public:
  explicit BareClient(TlsContext context) : BareEnd(std::move(context)) {
    SSL_set_connect_state(ssl());
  }
};

}  // namespace weft::net::tls

#endif  // WEFT_TESTS_NET_TLS_BARE_CLIENT_H_
