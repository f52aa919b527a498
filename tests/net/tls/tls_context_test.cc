// Tests of TlsContext and Pem: what cannot be used is said so when the context
// is made, and not in somebody's handshake.
//
// SPDX-License-Identifier: MIT

#include "weft/net/tls/tls_context.h"

#include <sys/types.h>

#include <cerrno>
#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/net/tls/pem.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/net/tls/certificates.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::net::tls {
namespace {

using ::absl::StatusCode;
using ::testing::HasSubstr;
using ::testing::Not;

std::string MessageOf(const absl::Status& status) {
  return std::string(status.message());
}

TEST(TlsContextTest, IsMadeFromFiles) {
  const testing::TemporaryDirectory directory;
  const Authority authority;
  const Authority::Texts texts = authority.IssueTexts();
  directory.Write("chain.pem", texts.chain + authority.root_text());
  directory.Write("key.pem", texts.key);

  const absl::StatusOr<TlsContext> server = TlsContext::Server(
      {.identity = {.certificate_chain = Pem::File(directory / "chain.pem"),
                    .private_key = Pem::File(directory / "key.pem")}});

  ASSERT_EQ(server.status(), absl::OkStatus());
  EXPECT_TRUE(server->is_server());
  EXPECT_FALSE(server->verifies());
}

TEST(TlsContextTest, SaysWhichFileIsMissing) {
  const testing::TemporaryDirectory directory;

  const absl::Status status =
      TlsContext::Client({.extra_roots = Pem::File(directory / "roots.pem")})
          .status();

  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_THAT(MessageOf(status), HasSubstr(directory / "roots.pem"));
}

TEST(TlsContextTest, AFilesErrorIsTheSystemsWithItsErrno) {
  class BrokenDisk final : public testing::SimulatedSystem {
   public:
    ssize_t read(int, void*, std::size_t) override {
      errno = EIO;
      return -1;
    }
  };
  const testing::TemporaryDirectory directory;
  directory.Write("roots.pem", Authority().root_text());
  BrokenDisk system;
  testing::Simulator sim({.system = &system});
  auto make = [&directory]() -> Task<absl::Status> {
    co_return TlsContext::Client(
        {.extra_roots = Pem::File(directory / "roots.pem")})
        .status();
  };

  const absl::Status status = sim.Run(make());

  EXPECT_EQ(status.code(), StatusCode::kDataLoss) << "this project's code";
  EXPECT_THAT(status.ToString(), HasSubstr("errno='5'"));
  EXPECT_THAT(MessageOf(status), HasSubstr(directory / "roots.pem"));
}

TEST(TlsContextTest, AFileWithoutACertificateIsNamed) {
  const testing::TemporaryDirectory directory;
  directory.Write("empty.pem", "");

  const absl::Status status =
      TlsContext::Client({.extra_roots = Pem::File(directory / "empty.pem")})
          .status();

  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(MessageOf(status), HasSubstr(directory / "empty.pem"));
}

TEST(TlsContextTest, SaysWhatIsNoCertificateAndDoesNotRepeatIt) {
  const absl::Status status =
      TlsContext::Client({.extra_roots = Pem::Text("a secret")}).status();

  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(MessageOf(status), HasSubstr("certificates of PEM text"));
  EXPECT_THAT(MessageOf(status), HasSubstr("no start line"));
  EXPECT_THAT(MessageOf(status), Not(HasSubstr("a secret")));
}

TEST(TlsContextTest, SaysThatOneOfSeveralCertificatesIsDamaged) {
  const Authority authority;
  std::string damaged = authority.root_text();
  damaged[damaged.size() / 2] = '!';

  const absl::Status status =
      TlsContext::Client(
          {.extra_roots = Pem::Text(authority.root_text() + damaged)})
          .status();

  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
}

TEST(TlsContextTest, RefusesAKeyOfAnotherCertificate) {
  const Authority authority;
  TlsIdentity mixed = authority.Issue();
  mixed.private_key = authority.Issue().private_key;

  const absl::Status status = TlsContext::Server({.identity = mixed}).status();

  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(MessageOf(status), HasSubstr("key values mismatch"));
}

TEST(TlsContextTest, RefusesAKeyOfAnotherKindThanTheCertificates) {
  const Authority authority;
  const TlsIdentity rsa = authority.Issue({.key = KeyKind::kRsa});
  TlsIdentity mixed = rsa;
  mixed.private_key = authority.Issue().private_key;

  const absl::Status server = TlsContext::Server({.identity = mixed}).status();
  const absl::Status client = TlsContext::Client({.identity = mixed}).status();

  EXPECT_EQ(TlsContext::Server({.identity = rsa}).status(), absl::OkStatus());
  EXPECT_EQ(server.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(MessageOf(server), HasSubstr("key type mismatch"));
  EXPECT_EQ(client.code(), StatusCode::kInvalidArgument);
}

TEST(TlsContextTest, RefusesAProtocolWithoutAName) {
  EXPECT_EQ(TlsContext::Client({.alpn = {""}}).status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(
      TlsContext::Client({.alpn = {std::string(256, 'x')}}).status().code(),
      StatusCode::kInvalidArgument);
}

TEST(TlsContextTest, NeedsRootsToJudgeClients) {
  const Authority authority;

  const absl::Status status =
      TlsContext::Server({.identity = authority.Issue(),
                          .client_certificates = ClientCertificates::kOptional})
          .status();

  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
}

TEST(TlsContextTest, VerifiesUnlessToldNotTo) {
  EXPECT_TRUE(MustMake(TlsContext::Client()).verifies());
  EXPECT_FALSE(
      MustMake(TlsContext::Client({.insecure_skip_verification = true}))
          .verifies());
}

TEST(TlsContextTest, IsEqualToItsCopiesOnly) {
  const Authority authority;
  const TlsContext one = ClientOf(authority);
  const TlsContext copy = one;

  EXPECT_EQ(one, copy);
  EXPECT_FALSE(one == ClientOf(authority));
}

}  // namespace
}  // namespace weft::net::tls
