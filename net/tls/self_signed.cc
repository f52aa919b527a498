// Making and signing a certificate.
//
// SPDX-License-Identifier: MIT

#include "weft/net/tls/self_signed.h"

#include <openssl/pem.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "weft/net/tls/openssl_pointers.h"
#include "weft/net/tls/tls_error.h"

namespace weft::net::tls {
namespace {

constexpr long kDay = 24 * 60 * 60;
constexpr long kValidity = 30 * kDay;

bool IsAddress(const std::string& name) {
  ASN1_OCTET_STRING* const address = a2i_IPADDRESS(name.c_str());
  ASN1_OCTET_STRING_free(address);
  return address != nullptr;
}

// As X509V3_EXT_conf_nid reads it: "DNS:localhost,IP:127.0.0.1". A comma in a
// name would make it two.
std::string AlternativeNames(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    if (name.empty() || absl::StrContains(name, ',')) return "";
    absl::StrAppend(&text, text.empty() ? "" : ",",
                    IsAddress(name) ? "IP:" : "DNS:", name);
  }
  return text;
}

bool AddExtension(X509* certificate, int kind, const std::string& value) {
  const OpensslPointer<X509_EXTENSION> extension(
      X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str()));
  return extension != nullptr &&
         X509_add_ext(certificate, extension.get(), -1) == 1;
}

// Valid from yesterday on, since clocks differ.
bool Fill(X509* certificate, EVP_PKEY* key, const std::string& names) {
  X509_NAME* const subject = X509_get_subject_name(certificate);
  constexpr std::string_view kName = "weft, self-signed";
  return X509_set_version(certificate, X509_VERSION_3) == 1 &&
         ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) == 1 &&
         X509_gmtime_adj(X509_getm_notBefore(certificate), -kDay) != nullptr &&
         X509_gmtime_adj(X509_getm_notAfter(certificate), kValidity) !=
             nullptr &&
         X509_NAME_add_entry_by_txt(
             subject, "CN", MBSTRING_UTF8,
             reinterpret_cast<const unsigned char*>(kName.data()),
             static_cast<int>(kName.size()), -1, 0) == 1 &&
         X509_set_issuer_name(certificate, subject) == 1 &&
         X509_set_pubkey(certificate, key) == 1 &&
         AddExtension(certificate, NID_subject_alt_name, names) &&
         X509_sign(certificate, key, EVP_sha256()) > 0;
}

std::string TextIn(BIO* memory) {
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory, &text);
  return std::string(text, static_cast<std::size_t>(size));
}

}  // namespace

absl::StatusOr<TlsIdentity> MakeSelfSigned(
    const std::vector<std::string>& names) {
  ClearErrors();
  const OpensslPointer<EVP_PKEY> key(EVP_EC_gen("P-256"));
  const OpensslPointer<X509> certificate(X509_new());
  const OpensslPointer<BIO> certificate_text(BIO_new(BIO_s_mem()));
  const OpensslPointer<BIO> key_text(BIO_new(BIO_s_mem()));
  const std::string alternatives = AlternativeNames(names);
  if (key != nullptr && certificate != nullptr && certificate_text != nullptr &&
      key_text != nullptr && Fill(certificate.get(), key.get(), alternatives) &&
      PEM_write_bio_X509(certificate_text.get(), certificate.get()) == 1 &&
      PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0,
                               nullptr, nullptr) == 1) {
    ClearErrors();  // Whether a name is an address was asked of it, too.
    return TlsIdentity{
        .certificate_chain = Pem::Text(TextIn(certificate_text.get())),
        .private_key = Pem::Text(TextIn(key_text.get()))};
  }
  return TakeErrors(absl::StatusCode::kInvalidArgument,
                    "making a self-signed certificate");
}

}  // namespace weft::net::tls
