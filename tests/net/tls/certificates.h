// Certificates made on the spot, for tests of TLS: an authority, and identities
// that it vouches for, which are right or wrong in whatever way a test wants.
//
//     Authority authority;
//     TlsIdentity identity = authority.Issue({.names = "DNS:localhost"});
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_NET_TLS_CERTIFICATES_H_
#define WEFT_TESTS_NET_TLS_CERTIFICATES_H_

#include <string>

#include "weft/net/tls/openssl_pointers.h"
#include "weft/net/tls/pem.h"
#include "weft/net/tls/tls_context.h"

namespace weft::net::tls {

// What signatures are made by.
enum class KeyKind { kEc, kRsa };

struct Wanted {
  std::string subject = "a server";
  // As X509V3_EXT_conf_nid reads them.
  std::string names = "DNS:localhost,IP:127.0.0.1";
  // In seconds from now.
  long valid_from = -60;
  long valid_until = 3600;
  KeyKind key = KeyKind::kEc;
};

class Authority {
 public:
  explicit Authority(std::string name = "an authority");

  // The root that clients are to trust.
  Pem root() const { return Pem::Text(root_text()); }
  std::string root_text() const;
  // The chain and the key, each as text.
  struct Texts {
    std::string chain;
    std::string key;
  };
  Texts IssueTexts(const Wanted& wanted = {}) const;
  TlsIdentity Issue(const Wanted& wanted = {}) const;

 private:
  OpensslPointer<EVP_PKEY> key_;
  OpensslPointer<X509> certificate_;
};

// Contexts of the usual kind; a test that cannot have them ends.
TlsContext ServerOf(const Authority& authority);
TlsContext ClientOf(const Authority& authority);
TlsContext MustMake(absl::StatusOr<TlsContext> context);

}  // namespace weft::net::tls

#endif  // WEFT_TESTS_NET_TLS_CERTIFICATES_H_
