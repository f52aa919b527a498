// BareServer: a server of OpenSSL without us, with small records and large
// tickets, as a device with little memory may send them to a client that has
// shown a certificate. So a ticket comes in several records.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_NET_TLS_BARE_SERVER_H_
#define WEFT_TESTS_NET_TLS_BARE_SERVER_H_

#include <openssl/ssl.h>

#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "weft/net/tls/tls_context.h"
#include "weft/tests/net/tls/bare_end.h"

namespace weft::net::tls {

class BareServer final : public BareEnd {
 public:
  explicit BareServer(TlsContext context) : BareEnd(std::move(context)) {
    SSL_set_accept_state(ssl());
    EXPECT_EQ(SSL_set_max_send_fragment(ssl(), 512), 1);
    EXPECT_EQ(SSL_CTX_set_session_ticket_cb(SSL_get_SSL_CTX(ssl()), Enlarge,
                                            nullptr, nullptr),
              1);
  }

  // What it has to say, a record each (RFC 8446 section 5.1).
  std::vector<std::vector<std::byte>> GiveRecords() {
    constexpr std::size_t kHeader = 5;
    std::vector<std::vector<std::byte>> records;
    for (;;) {
      std::vector<std::byte> record(kHeader);
      if (Give(record) == 0) return records;
      const auto size = std::to_integer<std::size_t>(record[3]) << 8 |
                        std::to_integer<std::size_t>(record[4]);
      record.resize(kHeader + size);
      EXPECT_EQ(Give(std::span(record).subspan(kHeader)), size);
      records.push_back(std::move(record));
    }
  }

 private:
  static int Enlarge(SSL* ssl, void*) {
    const std::string much(1500, 'x');
    return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), much.data(),
                                           much.size());
  }
};

}  // namespace weft::net::tls

#endif  // WEFT_TESTS_NET_TLS_BARE_SERVER_H_
