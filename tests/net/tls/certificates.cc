// Making and signing certificates with OpenSSL.
//
// SPDX-License-Identifier: MIT

#include "weft/tests/net/tls/certificates.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <string>
#include <utility>

#include "absl/base/internal/raw_logging.h"

namespace weft::net::tls {
namespace {

void Must(bool done) {
  ABSL_RAW_CHECK(done, "OpenSSL made no certificate for a test");
}

std::string TextIn(BIO* memory) {
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory, &text);
  return std::string(text, static_cast<std::size_t>(size));
}

std::string TextOf(X509* certificate) {
  const OpensslPointer<BIO> memory(BIO_new(BIO_s_mem()));
  Must(PEM_write_bio_X509(memory.get(), certificate) == 1);
  return TextIn(memory.get());
}

std::string TextOf(EVP_PKEY* key) {
  const OpensslPointer<BIO> memory(BIO_new(BIO_s_mem()));
  Must(PEM_write_bio_PrivateKey(memory.get(), key, nullptr, nullptr, 0, nullptr,
                                nullptr) == 1);
  return TextIn(memory.get());
}

void SetCommonName(X509_NAME* name, const std::string& text) {
  Must(X509_NAME_add_entry_by_txt(
           name, "CN", MBSTRING_UTF8,
           reinterpret_cast<const unsigned char*>(text.data()),
           static_cast<int>(text.size()), -1, 0) == 1);
}

void AddExtension(X509* certificate, int kind, const std::string& value) {
  const OpensslPointer<X509_EXTENSION> extension(
      X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str()));
  Must(extension != nullptr);
  Must(X509_add_ext(certificate, extension.get(), -1) == 1);
}

OpensslPointer<EVP_PKEY> MakeKey(KeyKind kind) {
  return OpensslPointer<EVP_PKEY>(kind == KeyKind::kEc ? EVP_EC_gen("P-256")
                                                       : EVP_RSA_gen(2048));
}

OpensslPointer<X509> Begin(EVP_PKEY* key, const Wanted& wanted) {
  static long serial = 0;
  OpensslPointer<X509> made(X509_new());
  Must(made != nullptr);
  X509_set_version(made.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(made.get()), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), wanted.valid_from);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), wanted.valid_until);
  SetCommonName(X509_get_subject_name(made.get()), wanted.subject);
  X509_set_pubkey(made.get(), key);
  return made;
}

void Sign(X509* certificate, EVP_PKEY* key, const X509* issuer) {
  X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
  Must(X509_sign(certificate, key, EVP_sha256()) > 0);
}

}  // namespace

Authority::Authority(std::string name)
    : key_(EVP_EC_gen("P-256")),
      certificate_(Begin(key_.get(), {.subject = std::move(name)})) {
  AddExtension(certificate_.get(), NID_basic_constraints, "critical,CA:TRUE");
  Sign(certificate_.get(), key_.get(), certificate_.get());
}

std::string Authority::root_text() const { return TextOf(certificate_.get()); }

Authority::Texts Authority::IssueTexts(const Wanted& wanted) const {
  const OpensslPointer<EVP_PKEY> key = MakeKey(wanted.key);
  const OpensslPointer<X509> made = Begin(key.get(), wanted);
  if (!wanted.names.empty()) {
    AddExtension(made.get(), NID_subject_alt_name, wanted.names);
  }
  Sign(made.get(), key_.get(), certificate_.get());
  return {.chain = TextOf(made.get()), .key = TextOf(key.get())};
}

TlsIdentity Authority::Issue(const Wanted& wanted) const {
  Texts texts = IssueTexts(wanted);
  return {.certificate_chain = Pem::Text(std::move(texts.chain)),
          .private_key = Pem::Text(std::move(texts.key))};
}

TlsContext MustMake(absl::StatusOr<TlsContext> context) {
  ABSL_RAW_CHECK(context.ok(), "a test's TlsContext cannot be made");
  return *std::move(context);
}

TlsContext ServerOf(const Authority& authority) {
  return MustMake(TlsContext::Server({.identity = authority.Issue()}));
}

TlsContext ClientOf(const Authority& authority) {
  return MustMake(TlsContext::Client(
      {.system_roots = false, .extra_roots = authority.root()}));
}

}  // namespace weft::net::tls
