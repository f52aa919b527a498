// Reading a certificate out.
//
// SPDX-License-Identifier: MIT

#include "weft/net/tls/tls_certificate.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace weft::net::tls {
namespace {

std::string TextOf(const X509_NAME* name) {
  const OpensslPointer<BIO> memory(BIO_new(BIO_s_mem()));
  if (memory == nullptr ||
      X509_NAME_print_ex(memory.get(), name, 0, XN_FLAG_RFC2253) < 0) {
    return "";
  }
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &text);
  return std::string(text, static_cast<std::size_t>(size));
}

std::string_view BytesOf(const ASN1_STRING* string) {
  return std::string_view(
      reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
      static_cast<std::size_t>(ASN1_STRING_length(string)));
}

// The rest of a certificate's text is anything that its issuer has signed.
std::string Escaped(const char* kind, const ASN1_STRING* string) {
  const std::string bytes(BytesOf(string));
  return absl::StrCat(kind, ":", absl::CHexEscape(bytes));
}

std::string IpText(const ASN1_STRING* address) {
  const std::string_view bytes = BytesOf(address);
  std::array<char, INET6_ADDRSTRLEN> text = {};
  const int family = bytes.size() == 4 ? AF_INET : AF_INET6;
  if ((bytes.size() != 4 && bytes.size() != 16) ||
      inet_ntop(family, bytes.data(), text.data(), text.size()) == nullptr) {
    return Escaped("IP", address);
  }
  return absl::StrCat("IP:", text.data());
}

std::vector<std::string> NamesOf(const X509& certificate) {
  const OpensslPointer<GENERAL_NAMES> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::vector<std::string> texts;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names.get(), i);
    switch (name->type) {
      case GEN_DNS:
        texts.push_back(Escaped("DNS", name->d.dNSName));
        break;
      case GEN_EMAIL:
        texts.push_back(Escaped("email", name->d.rfc822Name));
        break;
      case GEN_URI:
        texts.push_back(Escaped("URI", name->d.uniformResourceIdentifier));
        break;
      case GEN_IPADD:
        texts.push_back(IpText(name->d.iPAddress));
        break;
      default:  // Kinds that nobody compares a server's name with.
        break;
    }
  }
  return texts;
}

absl::Time TimeOf(const ASN1_TIME* time) {
  std::tm parts = {};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return absl::InfinitePast();
  return absl::FromTM(parts, absl::UTCTimeZone());
}

std::vector<std::byte> DerOf(const X509& certificate) {
  const int size = i2d_X509(&certificate, nullptr);
  std::vector<std::byte> der(static_cast<std::size_t>(std::max(size, 0)));
  auto* end = reinterpret_cast<unsigned char*>(der.data());
  if (!der.empty()) i2d_X509(&certificate, &end);
  return der;
}

std::string FingerprintOf(const X509& certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  if (X509_digest(&certificate, EVP_sha256(), digest.data(), &size) != 1) {
    return "";
  }
  const std::string bytes(reinterpret_cast<const char*>(digest.data()), size);
  return absl::BytesToHexString(bytes);
}

}  // namespace

TlsCertificate DescribeCertificate(const X509& certificate) {
  return {.subject = TextOf(X509_get_subject_name(&certificate)),
          .issuer = TextOf(X509_get_issuer_name(&certificate)),
          .names = NamesOf(certificate),
          .not_before = TimeOf(X509_get0_notBefore(&certificate)),
          .not_after = TimeOf(X509_get0_notAfter(&certificate)),
          .der = DerOf(certificate),
          .sha256 = FingerprintOf(certificate)};
}

}  // namespace weft::net::tls
