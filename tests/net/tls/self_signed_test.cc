// Tests of MakeSelfSigned.
//
// SPDX-License-Identifier: MIT

#include "weft/net/tls/self_signed.h"

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/net/tls/tls_context.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/task.h"
#include "weft/tests/net/tcp_pair.h"
#include "weft/tests/net/tls/certificates.h"
#include "weft/tests/net/tls/tls_pair.h"

namespace weft::net::tls {
namespace {

using ::testing::ElementsAre;

TEST(SelfSignedTest, IsTrustedByThoseWhoAreGivenIt) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    const absl::StatusOr<TlsIdentity> identity =
        MakeSelfSigned({"localhost", "::1"});
    const TlsContext server =
        MustMake(TlsContext::Server({.identity = identity.value()}));
    const TlsContext client = MustMake(TlsContext::Client(
        {.system_roots = false, .extra_roots = identity->certificate_chain}));

    auto by_name = co_await OrReturn(MemoryPair(client, server, "localhost"));
    auto by_address = co_await OrReturn(MemoryPair(client, server, "::1"));

    EXPECT_THAT(by_name.client.peer_certificate()->names,
                ElementsAre("DNS:localhost", "IP:::1"));
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(SelfSignedTest, IsNotMadeForWhatIsNoName) {
  EXPECT_EQ(MakeSelfSigned({}).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(MakeSelfSigned({"a,DNS:b"}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace weft::net::tls
