// TlsSession: what a client keeps of a connection, so that the next one to the
// same server begins faster: no certificates, and no signature to check.
//
//     std::optional<TlsSession> session = stream.session();   having read once
//     ...
//     TlsClientOptions options("example.com");
//     options.session = session;
//
// A server may refuse it; then a whole handshake is done. Use each only once
// where it matters that two connections cannot be told to be of one client (RFC
// 8446 appendix C.4).
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_TLS_TLS_SESSION_H_
#define WEFT_NET_TLS_TLS_SESSION_H_

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "weft/net/tls/openssl_pointers.h"
#include "weft/net/tls/tls_context.h"

namespace weft::net::tls {

// Threads: any; copies share it.
class TlsSession {
 public:
  // Takes over one reference to the session.
  TlsSession(SSL_SESSION* session, TlsContext context, std::string server_name)
      : session_(session, SSL_SESSION_free),
        context_(std::move(context)),
        server_name_(std::move(server_name)) {}

  // A resumed connection shows no certificate, so that of the first must have
  // been judged by the same rules and for the same name.
  bool Fits(const TlsContext& context, std::string_view name) const noexcept {
    return context_ == context && server_name_ == name;
  }
  SSL_SESSION* get() const noexcept { return session_.get(); }

 private:
  std::shared_ptr<SSL_SESSION> session_;
  TlsContext context_;
  std::string server_name_;
};

}  // namespace weft::net::tls

#endif  // WEFT_NET_TLS_TLS_SESSION_H_
