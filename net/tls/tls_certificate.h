// TlsCertificate: what a certificate says of whoever shows it, as text.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_TLS_TLS_CERTIFICATE_H_
#define WEFT_NET_TLS_TLS_CERTIFICATE_H_

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
};

TlsCertificate DescribeCertificate(const X509& certificate);

}  // namespace weft::net::tls

#endif  // WEFT_NET_TLS_TLS_CERTIFICATE_H_
