// What the floors of the benchmarks of TLS are made of: OpenSSL without us.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_BENCH_NET_TLS_BARE_PAIR_H_
#define WEFT_BENCH_NET_TLS_BARE_PAIR_H_

#include "absl/base/internal/raw_logging.h"
#include "weft/bench/net/tls/tls_contexts.h"
#include "weft/net/tls/openssl_pointers.h"
#include "weft/net/tls/tls_context.h"

namespace weft::bench {

// Two ends of OpenSSL, tied by memory BIOs.
struct BarePair {
  net::tls::TlsContext client_context;
  net::tls::TlsContext server_context;
  net::tls::OpensslPointer<SSL> client =
      net::tls::TlsContext::NewConnection(client_context);
  net::tls::OpensslPointer<SSL> server =
      net::tls::TlsContext::NewConnection(server_context);

  explicit BarePair(const TlsContexts& contexts)
      : client_context(contexts.client), server_context(contexts.server) {
    BIO* const there = BIO_new(BIO_s_mem());
    BIO* const back = BIO_new(BIO_s_mem());
    BIO_up_ref(there);
    BIO_up_ref(back);
    SSL_set_bio(client.get(), back, there);
    SSL_set_bio(server.get(), there, back);
    SSL_set1_host(client.get(), TlsContexts::kName);
    SSL_set_connect_state(client.get());
    SSL_set_accept_state(server.get());
    for (bool done = false; !done;) {
      done = SSL_do_handshake(client.get()) == 1;
      done = SSL_do_handshake(server.get()) == 1 && done;
      ABSL_RAW_CHECK(
          done || SSL_want_read(client.get()) || SSL_want_read(server.get()),
          "the floor's handshake failed");
    }
  }
};

}  // namespace weft::bench

#endif  // WEFT_BENCH_NET_TLS_BARE_PAIR_H_
