// TlsCertificate: what a certificate says of whoever shows it, as text; and the
// certificate itself.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_TLS_TLS_CERTIFICATE_H_
#define WEFT_NET_TLS_TLS_CERTIFICATE_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "weft/net/tls/openssl_pointers.h"

namespace weft::net::tls {

struct TlsCertificate {
  std::string subject;  // As in RFC 2253: "CN=example.com,O=Example".
  std::string issuer;
  // Whom it is for: "DNS:example.com", "IP:192.0.2.1", "email:...", "URI:...".
  // Names are compared with these, and never with the subject (RFC 9525).
  std::vector<std::string> names;
  absl::Time not_before;
  absl::Time not_after;
  // All of it, in DER.
  std::vector<std::byte> der;
  // The SHA-256 of `der`, as 64 lower-case hexadecimal digits. Whoever compares
  // it with one that is known trusts this certificate alone, and has to know
  // the next one when it is renewed ("pinning").
  std::string sha256;
};

TlsCertificate DescribeCertificate(const X509& certificate);

}  // namespace weft::net::tls

#endif  // WEFT_NET_TLS_TLS_CERTIFICATE_H_
