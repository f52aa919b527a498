// Pem: certificates or a key in the text form of RFC 7468, or the name of a
// file that holds them; and TlsIdentity, the two that prove who one is.
//
//     Pem::File("/etc/ssl/example.pem")
//     Pem::Text("-----BEGIN CERTIFICATE-----\n...")
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_TLS_PEM_H_
#define WEFT_NET_TLS_PEM_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "weft/net/tls/openssl_pointers.h"

namespace weft::net::tls {

class Pem {
 public:
  static Pem Text(std::string text) { return Pem(std::move(text), false); }
  // Read each time it is needed, which blocks the thread; a megabyte at most.
  static Pem File(std::string path) { return Pem(std::move(path), true); }

  // All certificates in it, in their order, at least one.
  //
  // Threads: blocks on a file; any.
  // Errors:  INVALID_ARGUMENT for text without a certificate, or with one that
  //          cannot be read; of a file RESOURCE_EXHAUSTED where it is too
  //          large, and the system's.
  absl::StatusOr<std::vector<OpensslPointer<X509>>> Certificates() const;

  // The private key in it, which must not be encrypted: there is nobody to ask
  // for a password.
  //
  // Threads: blocks on a file; any.
  // Errors:  as Certificates.
  absl::StatusOr<OpensslPointer<EVP_PKEY>> PrivateKey() const;

 private:
  Pem(std::string value, bool is_file)
      : value_(std::move(value)), is_file_(is_file) {}

  absl::StatusOr<OpensslPointer<BIO>> Open() const;
  // For messages. Never the text: it may be a key.
  std::string Name() const;

  std::string value_;  // The text, or the path.
  bool is_file_;
};

struct TlsIdentity {
  // One's own certificate first, then those that lead to a root; not the root.
  Pem certificate_chain;
  Pem private_key;
};

}  // namespace weft::net::tls

#endif  // WEFT_NET_TLS_PEM_H_
