// Tests of the key log: what an observer is given who looks for a fault.
//
// SPDX-License-Identifier: MIT

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/net/memory_stream.h"
#include "weft/net/tls/tls_context.h"
#include "weft/net/tls/tls_stream.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/net/tls/certificates.h"
#include "weft/tests/net/tls/tls_pair.h"

namespace weft::net::tls {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAreArray;

class TlsKeyLogTest : public ::testing::Test {
 protected:
  using Lines = std::vector<std::string>;

  static TlsKeyLog Into(Lines& lines) {
    return [&lines](std::string_view line) { lines.emplace_back(line); };
  }
  TlsContext Client(TlsVersion newest = TlsVersion::kTls13) {
    return MustMake(TlsContext::Client({.system_roots = false,
                                        .extra_roots = authority_.root(),
                                        .max_version = newest,
                                        .key_log = Into(at_client_)}));
  }
  TlsContext Server(Lines& lines) {
    return MustMake(TlsContext::Server(
        {.identity = authority_.Issue(), .key_log = Into(lines)}));
  }
  static absl::Status Meet(const TlsContext& client, const TlsContext& server) {
    testing::Simulator sim;
    return sim.Run(MemoryPair(client, server)).status();
  }

  const Authority authority_;
  Lines at_client_;
  Lines at_server_;
};

TEST_F(TlsKeyLogTest, BothEndsAreToldTheSameSecrets) {
  ASSERT_EQ(Meet(Client(), Server(at_server_)), absl::OkStatus());

  EXPECT_THAT(at_client_, Contains(StartsWith("CLIENT_TRAFFIC_SECRET_0 ")));
  EXPECT_THAT(at_client_, Contains(StartsWith("SERVER_TRAFFIC_SECRET_0 ")));
  EXPECT_THAT(at_client_, Each(Not(HasSubstr("\n"))));
  EXPECT_THAT(at_server_, UnorderedElementsAreArray(at_client_));
}

TEST_F(TlsKeyLogTest, TheOlderVersionHasOneSecret) {
  ASSERT_EQ(Meet(Client(TlsVersion::kTls12), Server(at_server_)),
            absl::OkStatus());

  EXPECT_THAT(at_client_, ElementsAre(StartsWith("CLIENT_RANDOM ")));
  EXPECT_EQ(at_server_, at_client_);
}

TEST_F(TlsKeyLogTest, IsThatOfTheContextThatWasChosen) {
  Lines before;
  const TlsContext chosen = Server(at_server_);
  const TlsContext server = MustMake(TlsContext::Server(
      {.identity = authority_.Issue(),
       .choose = [chosen](std::string_view) { return std::optional(chosen); },
       .key_log = Into(before)}));

  ASSERT_EQ(Meet(Client(), server), absl::OkStatus());

  EXPECT_THAT(at_server_, UnorderedElementsAreArray(at_client_));
  EXPECT_THAT(before, IsEmpty());
}

}  // namespace
}  // namespace weft::net::tls
