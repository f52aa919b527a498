// Who frees what OpenSSL has made: one owner for each kind of object.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_TLS_OPENSSL_POINTERS_H_
#define WEFT_NET_TLS_OPENSSL_POINTERS_H_

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>

namespace weft::net::tls {

struct OpensslDeleter {
  void operator()(BIO* bio) const noexcept { BIO_free(bio); }
  void operator()(BIO_METHOD* method) const noexcept { BIO_meth_free(method); }
  void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
  void operator()(GENERAL_NAMES* names) const noexcept {
    GENERAL_NAMES_free(names);
  }
  void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
  void operator()(X509* certificate) const noexcept { X509_free(certificate); }
  void operator()(X509_EXTENSION* extension) const noexcept {
    X509_EXTENSION_free(extension);
  }
};

template <typename T>
using OpensslPointer = std::unique_ptr<T, OpensslDeleter>;

}  // namespace weft::net::tls

#endif  // WEFT_NET_TLS_OPENSSL_POINTERS_H_
