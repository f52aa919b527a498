// Tests of TlsCertificate and of the chain that a peer shows: what a program
// needs that trusts one certificate and no other.
//
// SPDX-License-Identifier: MIT

#include "weft/net/tls/tls_certificate.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "gtest/gtest.h"
#include "weft/net/memory_stream.h"
#include "weft/net/tls/openssl_pointers.h"
#include "weft/net/tls/pem.h"
#include "weft/net/tls/tls_context.h"
#include "weft/net/tls/tls_stream.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/net/tls/certificates.h"
#include "weft/tests/net/tls/tls_pair.h"

namespace weft::net::tls {
namespace {

OpensslPointer<X509> CertificateIn(const std::vector<std::byte>& der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  return OpensslPointer<X509>(
      d2i_X509(nullptr, &at, static_cast<long>(der.size())));
}

std::string Sha256Of(const std::vector<std::byte>& bytes) {
  std::array<unsigned char, 32> digest = {};
  EXPECT_EQ(EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr,
                       EVP_sha256(), nullptr),
            1);
  return absl::BytesToHexString(
      std::string(reinterpret_cast<const char*>(digest.data()), digest.size()));
}

TEST(TlsCertificateTest, IsAsItWasIssued) {
  const Authority authority;
  const auto issued = *authority.Issue().certificate_chain.Certificates();

  const TlsCertificate described = DescribeCertificate(*issued.front());

  const OpensslPointer<X509> read = CertificateIn(described.der);
  ASSERT_NE(read, nullptr);
  EXPECT_EQ(X509_cmp(read.get(), issued.front().get()), 0);
}

TEST(TlsCertificateTest, HasAFingerprintOfItsOwn) {
  const Authority authority;
  const auto one = *authority.Issue().certificate_chain.Certificates();
  const auto other = *authority.Issue().certificate_chain.Certificates();

  const TlsCertificate first = DescribeCertificate(*one.front());
  const TlsCertificate second = DescribeCertificate(*other.front());

  EXPECT_EQ(first.sha256.size(), 64u);
  EXPECT_EQ(first.sha256, Sha256Of(first.der));
  EXPECT_NE(first.sha256, second.sha256);
  EXPECT_EQ(first.subject, second.subject);
}

// --- The chain --------------------------------------------------------------

// An identity that shows its root, too.
TlsIdentity WithRoot(const Authority& authority, const std::string& subject) {
  Authority::Texts texts = authority.IssueTexts({.subject = subject});
  return {.certificate_chain = Pem::Text(texts.chain + authority.root_text()),
          .private_key = Pem::Text(std::move(texts.key))};
}

std::vector<std::string> SubjectsOf(const std::vector<TlsCertificate>& chain) {
  std::vector<std::string> subjects;
  for (const TlsCertificate& each : chain) subjects.push_back(each.subject);
  return subjects;
}

TEST(TlsCertificateTest, EitherEndIsToldTheWholeChainOfTheOther) {
  const Authority authority;
  const TlsContext client = MustMake(
      TlsContext::Client({.system_roots = false,
                          .extra_roots = authority.root(),
                          .identity = WithRoot(authority, "a client")}));
  const TlsContext server = MustMake(
      TlsContext::Server({.identity = WithRoot(authority, "a server"),
                          .client_certificates = ClientCertificates::kRequired,
                          .client_roots = authority.root()}));
  testing::Simulator sim;

  const auto pair = sim.Run(MemoryPair(client, server));

  ASSERT_EQ(pair.status(), absl::OkStatus());
  EXPECT_EQ(SubjectsOf(pair->client.peer_chain()),
            (std::vector<std::string>{"CN=a server", "CN=an authority"}));
  EXPECT_EQ(SubjectsOf(pair->server.peer_chain()),
            (std::vector<std::string>{"CN=a client", "CN=an authority"}));
  EXPECT_EQ(pair->client.peer_chain().front().sha256,
            pair->client.peer_certificate()->sha256);
}

TEST(TlsCertificateTest, WhoShowsNoneHasNoChain) {
  const Authority authority;
  testing::Simulator sim;

  const auto pair =
      sim.Run(MemoryPair(ClientOf(authority), ServerOf(authority)));

  ASSERT_EQ(pair.status(), absl::OkStatus());
  EXPECT_TRUE(pair->server.peer_chain().empty());
}

}  // namespace
}  // namespace weft::net::tls
