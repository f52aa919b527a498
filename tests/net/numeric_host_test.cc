// Tests of telling addresses from names.
//
// SPDX-License-Identifier: MIT

#include "weft/net/numeric_host.h"

#include <cerrno>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/reactor/os_error.h"
#include "weft/reactor/system.h"
#include "weft/tests/net/fake_names.h"

namespace weft::net {
namespace {

using ::testing::StartsWith;

// What the address is, in words; or why it is none.
std::string Read(std::string_view host) {
  FakeNames system;
  const std::optional<absl::StatusOr<Address>> read =
      ParseNumericHost(system, host);
  if (!read.has_value()) return "a name";
  return read->ok() ? (*read)->ToString() : read->status().ToString();
}

TEST(NumericHostTest, ReadsAddressesOfBothFamilies) {
  EXPECT_EQ(Read("192.0.2.1"), "192.0.2.1:0");
  EXPECT_EQ(Read("::1"), "[::1]:0");
  EXPECT_EQ(Read("::ffff:192.0.2.1"), "[::ffff:192.0.2.1]:0");
}

TEST(NumericHostTest, ReadsTheNumberAndTheNameOfAnInterface) {
  EXPECT_EQ(Read("fe80::1%3"), "[fe80::1%3]:0");
  EXPECT_EQ(Read("fe80::1%eth0"), "[fe80::1%7]:0");
}

TEST(NumericHostTest, KnowsTheLoopbackInterfaceByItsName) {
  const std::optional<absl::StatusOr<Address>> read =
      ParseNumericHost(reactor::System::Kernel(), "fe80::1%lo");

  ASSERT_TRUE(read.has_value());
  ASSERT_TRUE(read->ok()) << read->status();
  EXPECT_NE((*read)->scope(), 0u);
}

TEST(NumericHostTest, LeavesNamesToOthers) {
  for (const char* const host : {"localhost", "example.org", "1.2.3.4.5",
                                 "256.1.1.1", "127.1", "", "1.2.3.4%eth0"}) {
    EXPECT_EQ(Read(host), "a name") << host;
  }
}

TEST(NumericHostTest, RefusesAColonInWhatIsNoAddress) {
  for (const char* const host :
       {"a:b", "::g", ":::", "::1%", "fe80::g%eth0", "::1%4294967296"}) {
    EXPECT_EQ(Read(host),
              std::string("INVALID_ARGUMENT: host \"") +
                  std::string(host).substr(0, std::string(host).find("%eth0")) +
                  "\": it is no IPv6 address, and a name has no "
                  "\":\"");
  }
}

TEST(NumericHostTest, SaysThatThereIsNoSuchInterface) {
  FakeNames system;

  const absl::Status status =
      ParseNumericHost(system, "fe80::1%Wlan7")->status();

  EXPECT_EQ(reactor::ErrnoOf(status), ENODEV);
  EXPECT_THAT(std::string(status.message()),
              StartsWith("if_nametoindex(\"Wlan7\"): "));
}

}  // namespace
}  // namespace weft::net
