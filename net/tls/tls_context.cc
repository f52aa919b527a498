// Making contexts, and what a server chooses in the handshake.
//
// SPDX-License-Identifier: MIT

#include "weft/net/tls/tls_context.h"

#include <openssl/rand.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/base/internal/raw_logging.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "weft/net/tls/tls_error.h"

namespace weft::net::tls {
namespace {

using ::absl::StatusCode;

// RFC 7301 section 3.1: each name behind its length.
absl::StatusOr<std::string> AlpnAsSent(const std::vector<std::string>& names) {
  std::string sent;
  for (const std::string& name : names) {
    if (name.empty() || name.size() > 255) {
      return absl::InvalidArgumentError(
          absl::StrCat("ALPN: a protocol's name has 1 to 255 bytes, and \"",
                       name, "\" has ", name.size()));
    }
    sent += static_cast<char>(name.size());
    sent += name;
  }
  return sent;
}

absl::Status Use(SSL_CTX* context, const TlsIdentity& identity) {
  auto chain = identity.certificate_chain.Certificates();
  if (!chain.ok()) return std::move(chain).status();
  auto key = identity.private_key.PrivateKey();
  if (!key.ok()) return std::move(key).status();
  ClearErrors();
  bool used = SSL_CTX_use_certificate(context, chain->front().get()) == 1;
  for (std::size_t i = 1; used && i < chain->size(); ++i) {
    used = SSL_CTX_add1_chain_cert(context, (*chain)[i].get()) == 1;
  }
  // To use a key is to ask whether the two belong together only where there is
  // a certificate of the key's kind. (SSL_CTX_check_private_key would then say
  // that there is none, and not that they are of different kinds.)
  if (used && X509_check_private_key(chain->front().get(), key->get()) == 1 &&
      SSL_CTX_use_PrivateKey(context, key->get()) == 1) {
    return absl::OkStatus();
  }
  return TakeErrors(StatusCode::kInvalidArgument, "certificate and key");
}

absl::Status Trust(SSL_CTX* context, const Pem& roots) {
  auto certificates = roots.Certificates();
  if (!certificates.ok()) return std::move(certificates).status();
  X509_STORE* const store = SSL_CTX_get_cert_store(context);
  ClearErrors();
  for (const OpensslPointer<X509>& root : *certificates) {
    if (X509_STORE_add_cert(store, root.get()) != 1) {
      return TakeErrors(StatusCode::kInvalidArgument, "root certificate");
    }
  }
  return absl::OkStatus();
}

// Whom it trusts is also told to clients: they may have several certificates.
absl::Status AskClients(SSL_CTX* context, const TlsServerSettings& settings) {
  if (settings.client_certificates == ClientCertificates::kNotAsked) {
    return absl::OkStatus();
  }
  if (!settings.client_roots.has_value()) {
    return absl::InvalidArgumentError(
        "a server that asks for certificates needs client_roots to judge them");
  }
  absl::Status trusted = Trust(context, *settings.client_roots);
  if (!trusted.ok()) return trusted;
  auto roots = settings.client_roots->Certificates();
  if (!roots.ok()) return std::move(roots).status();
  for (const OpensslPointer<X509>& root : *roots) {
    if (SSL_CTX_add_client_CA(context, root.get()) != 1) {
      return TakeErrors(StatusCode::kInvalidArgument, "root certificate");
    }
  }
  int mode = SSL_VERIFY_PEER;
  if (settings.client_certificates == ClientCertificates::kRequired) {
    mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  }
  SSL_CTX_set_verify(context, mode, nullptr);
  return absl::OkStatus();
}

// Sessions are kept by the clients, in tickets (RFC 8446 section 4.6.1); the
// server remembers nothing, so a context stays what it is. The name of their
// own keeps the tickets of one context from being taken by another.
absl::Status NameSessions(SSL_CTX* context) {
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  std::array<unsigned char, 16> name;
  ClearErrors();
  if (RAND_bytes(name.data(), name.size()) == 1 &&
      SSL_CTX_set_session_id_context(context, name.data(), name.size()) == 1) {
    return absl::OkStatus();
  }
  return TakeErrors(StatusCode::kInternal, "session tickets");
}

int OpensslVersion(TlsVersion version) noexcept {
  return version == TlsVersion::kTls12 ? TLS1_2_VERSION : TLS1_3_VERSION;
}

// The name in a ClientHello, or "". RFC 6066 section 3: the length of a list,
// and of the one kind of name that there is (0) its length and the name.
std::string_view ServerNameIn(SSL* ssl) noexcept {
  const unsigned char* data = nullptr;
  std::size_t size = 0;
  if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &data, &size) !=
      1) {
    return "";
  }
  constexpr std::size_t kHeader = 5;
  const std::span bytes(data, size);
  if (size < kHeader || bytes[2] != TLSEXT_NAMETYPE_host_name) return "";
  const std::size_t length = std::size_t{bytes[3]} * 256 + bytes[4];
  if (length > size - kHeader) return "";
  return std::string_view(reinterpret_cast<const char*>(data) + kHeader,
                          length);
}

TlsContext& ServingOf(const SSL* ssl) noexcept {
  return *static_cast<TlsContext*>(SSL_get_app_data(ssl));
}

// Where a connection keeps whether its context was chosen: not with that
// context, which has none of its connections' state, and may choose as well.
int ChosenIndex() noexcept {
  static const int index =
      SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

}  // namespace

absl::StatusOr<TlsContext::Shared> TlsContext::Prepare(
    bool is_server, TlsVersion min_version, TlsVersion max_version,
    const std::vector<std::string>& alpn, const TlsKeyLog& key_log) {
  absl::StatusOr<std::string> sent = AlpnAsSent(alpn);
  if (!sent.ok()) return std::move(sent).status();
  ClearErrors();
  Shared shared{.context = OpensslPointer<SSL_CTX>(SSL_CTX_new(
                    is_server ? TLS_server_method() : TLS_client_method())),
                .is_server = is_server,
                .alpn = *std::move(sent),
                .key_log = key_log};
  SSL_CTX* const context = shared.context.get();
  if (context == nullptr ||
      SSL_CTX_set_min_proto_version(context, OpensslVersion(min_version)) !=
          1 ||
      SSL_CTX_set_max_proto_version(context, OpensslVersion(max_version)) !=
          1) {
    return TakeErrors(StatusCode::kInternal, "TLS context");
  }
  // An idle connection keeps no buffers. And no second handshake within one:
  // it is gone from TLS 1.3, and before was good for attacks only (RFC 5746).
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
  if (key_log != nullptr) SSL_CTX_set_keylog_callback(context, LogKey);
  return shared;
}

absl::StatusOr<TlsContext> TlsContext::Client(
    const TlsClientSettings& settings) {
  absl::StatusOr<Shared> shared =
      Prepare(false, settings.min_version, settings.max_version, settings.alpn,
              settings.key_log);
  if (!shared.ok()) return std::move(shared).status();
  SSL_CTX* const context = shared->context.get();
  SSL_CTX_set_verify(
      context,
      settings.insecure_skip_verification ? SSL_VERIFY_NONE : SSL_VERIFY_PEER,
      nullptr);
  absl::Status made = absl::OkStatus();
  if (settings.system_roots && SSL_CTX_set_default_verify_paths(context) != 1) {
    made = TakeErrors(StatusCode::kInternal, "the system's root certificates");
  }
  if (made.ok() && settings.extra_roots.has_value()) {
    made = Trust(context, *settings.extra_roots);
  }
  if (made.ok() && settings.identity.has_value()) {
    made = Use(context, *settings.identity);
  }
  const std::string& alpn = shared->alpn;
  // This one function gives 0 for success.
  if (made.ok() && !alpn.empty() &&
      SSL_CTX_set_alpn_protos(
          context, reinterpret_cast<const unsigned char*>(alpn.data()),
          static_cast<unsigned>(alpn.size())) != 0) {
    made = TakeErrors(StatusCode::kInternal, "ALPN");
  }
  if (!made.ok()) return made;
  return TlsContext(std::make_shared<const Shared>(*std::move(shared)));
}

absl::StatusOr<TlsContext> TlsContext::Server(
    const TlsServerSettings& settings) {
  absl::StatusOr<Shared> shared =
      Prepare(true, settings.min_version, settings.max_version, settings.alpn,
              settings.key_log);
  if (!shared.ok()) return std::move(shared).status();
  SSL_CTX* const context = shared->context.get();
  absl::Status made = Use(context, settings.identity);
  if (made.ok()) made = AskClients(context, settings);
  if (made.ok()) made = NameSessions(context);
  if (!made.ok()) return made;
  if (!shared->alpn.empty()) {
    SSL_CTX_set_alpn_select_cb(context, ChooseProtocol, nullptr);
  }
  if (settings.choose != nullptr) {
    shared->choose = settings.choose;
    SSL_CTX_set_client_hello_cb(context, ChooseContext, nullptr);
  }
  return TlsContext(std::make_shared<const Shared>(*std::move(shared)));
}

bool TlsContext::verifies() const noexcept {
  return SSL_CTX_get_verify_mode(shared_->context.get()) != SSL_VERIFY_NONE;
}

OpensslPointer<SSL> TlsContext::NewConnection(TlsContext& serving) noexcept {
  OpensslPointer<SSL> ssl(SSL_new(serving.shared_->context.get()));
  if (ssl != nullptr) SSL_set_app_data(ssl.get(), &serving);
  return ssl;
}

void TlsContext::LogKey(const SSL* ssl, const char* line) noexcept {
  ServingOf(ssl).shared_->key_log(line);
}

int TlsContext::ChooseContext(SSL* ssl, int* alert, void*) noexcept {
  TlsContext& serving = ServingOf(ssl);
  // After a HelloRetryRequest the client speaks a second time, and then it is
  // the chosen context that OpenSSL calls this for.
  if (SSL_get_ex_data(ssl, ChosenIndex()) != nullptr) {
    return SSL_CLIENT_HELLO_SUCCESS;
  }
  std::optional<TlsContext> chosen = serving.shared_->choose(ServerNameIn(ssl));
  if (!chosen.has_value()) {
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    return SSL_CLIENT_HELLO_ERROR;
  }
  ABSL_RAW_CHECK(chosen->is_server(),
                 "`choose` gave a client's context: make it with "
                 "TlsContext::Server");
  // Certificates, protocols and the name of the sessions come with the context;
  // what a connection has copied when it was made does not.
  SSL_CTX* const context = chosen->shared_->context.get();
  *alert = SSL_AD_INTERNAL_ERROR;
  if (SSL_set_ex_data(ssl, ChosenIndex(), ssl) != 1 ||
      SSL_set_SSL_CTX(ssl, context) != context ||
      SSL_set_min_proto_version(
          ssl, static_cast<int>(SSL_CTX_get_min_proto_version(context))) != 1 ||
      SSL_set_max_proto_version(
          ssl, static_cast<int>(SSL_CTX_get_max_proto_version(context))) != 1) {
    return SSL_CLIENT_HELLO_ERROR;
  }
  SSL_set_verify(ssl, SSL_CTX_get_verify_mode(context), nullptr);
  serving = *std::move(chosen);
  return SSL_CLIENT_HELLO_SUCCESS;
}

int TlsContext::ChooseProtocol(SSL* ssl, const unsigned char** chosen,
                               unsigned char* chosen_size,
                               const unsigned char* offered,
                               unsigned offered_size, void*) noexcept {
  const std::string& ours = ServingOf(ssl).shared_->alpn;
  // It wants to write, and does not: what it gives lies in one of the lists.
  unsigned char* found = nullptr;
  const int outcome = SSL_select_next_proto(
      &found, chosen_size, reinterpret_cast<const unsigned char*>(ours.data()),
      static_cast<unsigned>(ours.size()), offered, offered_size);
  *chosen = found;
  // RFC 7301 section 3.2: no_application_protocol.
  return outcome == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK
                                           : SSL_TLSEXT_ERR_ALERT_FATAL;
}

}  // namespace weft::net::tls
