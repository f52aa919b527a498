// TlsContext: what many connections have in common: whom they trust, who they
// are, what they agree to.
//
//     auto context = TlsContext::Client();               the system's roots
//     auto context = TlsContext::Server({.identity = identity});
//
// It is made once and never changes; copies share it. What a program wants to
// change (a certificate that was renewed), it makes a new one for; connections
// keep the one that they began with.
//
// A server for several names gives each a context, and chooses (SNI, RFC 6066
// section 3) as soon as the client has said whom it wants, before a session is
// resumed: the sessions of one context are none of another's, or a client could
// skip there the certificate that it was not asked for here.
//
// Time and chance are OpenSSL's own: it judges certificates by the system's
// clock, and a simulation does not make a handshake's bytes the same each time.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_TLS_TLS_CONTEXT_H_
#define WEFT_NET_TLS_TLS_CONTEXT_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "weft/net/tls/openssl_pointers.h"
#include "weft/net/tls/pem.h"

namespace weft::net::tls {

class TlsContext;

// Told the secrets of connections as they are agreed on, each as a line without
// its end, in the form that Wireshark reads (an NSS key log). INSECURE: whoever
// has the lines can read the connections. For looking for faults.
//
// It is never there by itself: who wants what browsers do with SSLKEYLOGFILE
// asks for that (std::getenv), and appends the lines to the file of that name.
//
// Threads: any, several at a time; it runs in the handshake, and may neither
//          block, throw nor use the stream.
using TlsKeyLog = std::function<void(std::string_view line)>;

// Those before 1.2 are out of use (RFC 8996).
enum class TlsVersion { kTls12, kTls13 };

struct TlsClientSettings {
  // Whether whom the system trusts is trusted.
  bool system_roots = true;
  // Who is trusted besides.
  std::optional<Pem> extra_roots = {};
  // The protocols that may be spoken, in the order of liking: {"h2",
  // "http/1.1"} (ALPN, RFC 7301).
  std::vector<std::string> alpn = {};
  TlsVersion min_version = TlsVersion::kTls12;
  TlsVersion max_version = TlsVersion::kTls13;
  // For servers that ask their clients who they are.
  std::optional<TlsIdentity> identity = {};
  // INSECURE: speaks to anybody who answers, whatever certificate is shown. The
  // connection is secret, but nobody knows with whom. For a test at a desk.
  bool insecure_skip_verification = false;
  // Nothing: they are nobody's but the two ends'.
  TlsKeyLog key_log = {};
};

enum class ClientCertificates { kNotAsked, kOptional, kRequired };

struct TlsServerSettings {
  TlsIdentity identity;
  // As a client's; the server's order counts. A client that offers protocols,
  // and none of these, is refused.
  std::vector<std::string> alpn = {};
  TlsVersion min_version = TlsVersion::kTls12;
  TlsVersion max_version = TlsVersion::kTls13;
  // Whether clients show a certificate; one that does not lead to
  // `client_roots` is refused in either case.
  ClientCertificates client_certificates = ClientCertificates::kNotAsked;
  std::optional<Pem> client_roots = {};
  // Chooses the context for the name that a client asks for, "" where it names
  // none. Nothing: refuses it. Runs in the handshake: it may neither block nor
  // throw. Of the context it gives, `choose` is not asked again.
  std::function<std::optional<TlsContext>(std::string_view server_name)>
      choose = {};
  // As a client's. Of a context that was chosen, its own counts.
  TlsKeyLog key_log = {};
};

// Threads: any; it is immutable.
class TlsContext {
 public:
  // Threads: any. Blocks where files are read: those of the settings, and the
  //          system's roots. Inside a task that matters, call it in Blocking().
  // Errors:  INVALID_ARGUMENT for certificates, keys and protocols that cannot
  //          be used; the system's, for a file.
  // Cost:    milliseconds for the system's roots: make one, keep it.
  static absl::StatusOr<TlsContext> Client(
      const TlsClientSettings& settings = {});
  // As Client.
  static absl::StatusOr<TlsContext> Server(const TlsServerSettings& settings);

  bool is_server() const noexcept { return shared_->is_server; }
  // Whether the other side's certificate is looked at.
  bool verifies() const noexcept;

  // A connection for TlsEngine. `serving` is this context, or a copy; it is
  // replaced by the one that `choose` gives, and must outlive the connection.
  // Null where there is no memory.
  static OpensslPointer<SSL> NewConnection(TlsContext& serving) noexcept;

  // Whether both are copies of one.
  friend bool operator==(const TlsContext&, const TlsContext&) = default;

 private:
  struct Shared {
    OpensslPointer<SSL_CTX> context;
    bool is_server;
    std::string alpn = {};  // As it is sent.
    decltype(TlsServerSettings::choose) choose = {};
    TlsKeyLog key_log = {};
  };

  explicit TlsContext(std::shared_ptr<const Shared> shared) noexcept
      : shared_(std::move(shared)) {}

  static absl::StatusOr<Shared> Prepare(bool is_server, TlsVersion min_version,
                                        TlsVersion max_version,
                                        const std::vector<std::string>& alpn,
                                        const TlsKeyLog& key_log);
  static void LogKey(const SSL* ssl, const char* line) noexcept;
  // What OpenSSL calls in a server's handshake.
  static int ChooseContext(SSL* ssl, int* alert, void*) noexcept;
  static int ChooseProtocol(SSL* ssl, const unsigned char** chosen,
                            unsigned char* chosen_size,
                            const unsigned char* offered, unsigned offered_size,
                            void*) noexcept;

  std::shared_ptr<const Shared> shared_;
};

}  // namespace weft::net::tls

#endif  // WEFT_NET_TLS_TLS_CONTEXT_H_
