// Tests of asking the system what a host is called: what it is asked, what its
// answers and its errors become, and who is not asked at all.
//
// SPDX-License-Identifier: MIT

#include "weft/net/name_lookup.h"

#include <netdb.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/reactor/os_error.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/net/fake_names.h"

namespace weft::net {
namespace {

using ::testing::ElementsAre;
using ::testing::StartsWith;

const Address kFour = *Address::Parse("192.0.2.1:0");
const Address kSix = *Address::Parse("[2001:db8::1]:0");

template <typename Port>
Addresses LookUpOn(FakeNames& system, std::string_view host, Port port) {
  weft::testing::Simulator sim({.seed = {}, .system = &system});
  return sim.Run(LookUpHost(host, port));
}

Addresses LookUpOn(FakeNames& system, std::string_view host) {
  return LookUpOn(system, host, std::uint16_t{80});
}

TEST(NameLookupTest, GivesTheAddressesInTheOrderOfTheSystem) {
  FakeNames system;
  system.hosts["example.org"] = {.addresses = {kSix, kFour}};

  const Addresses addresses = LookUpOn(system, "example.org");

  ASSERT_TRUE(addresses.ok()) << addresses.status();
  EXPECT_THAT(*addresses, ElementsAre(kSix.WithPort(80), kFour.WithPort(80)));
  EXPECT_EQ(system.kind_of_socket, SOCK_STREAM);
  EXPECT_EQ(system.lists, 0);
}

TEST(NameLookupTest, GivesEachAddressOnce) {
  FakeNames system;
  system.hosts["twice"] = {.addresses = {kFour, kSix, kFour}};

  const Addresses addresses = LookUpOn(system, "twice");

  ASSERT_TRUE(addresses.ok()) << addresses.status();
  EXPECT_THAT(*addresses, ElementsAre(kFour.WithPort(80), kSix.WithPort(80)));
}

TEST(NameLookupTest, AsksForHostsInSmallLetters) {
  FakeNames system;
  system.hosts["example.org"] = {.addresses = {kFour}};

  EXPECT_TRUE(LookUpOn(system, "EXAMPLE.org").ok());
}

TEST(NameLookupTest, FindsThePortOfAService) {
  FakeNames system;
  system.hosts["example.org"] = {.addresses = {kFour}};

  const Addresses addresses = LookUpOn(system, "example.org", "http");

  ASSERT_TRUE(addresses.ok()) << addresses.status();
  EXPECT_THAT(*addresses, ElementsAre(kFour.WithPort(80)));
  EXPECT_THAT(system.services, ElementsAre("http"));
}

TEST(NameLookupTest, TakesAServiceInDigitsForItsPort) {
  FakeNames system;
  system.hosts["example.org"] = {.addresses = {kFour}};

  const Addresses addresses = LookUpOn(system, "example.org", "8080");

  ASSERT_TRUE(addresses.ok()) << addresses.status();
  EXPECT_THAT(*addresses, ElementsAre(kFour.WithPort(8080)));
  EXPECT_THAT(system.services, ElementsAre(""));
}

TEST(NameLookupTest, AsksNobodyAboutAnAddress) {
  FakeNames system;

  for (const auto& [host, address] :
       {std::pair("192.0.2.1", "192.0.2.1:80"),
        std::pair("FE80::1%eth0", "[fe80::1%7]:80")}) {
    const Addresses addresses = LookUpOn(system, host);

    ASSERT_TRUE(addresses.ok()) << addresses.status();
    EXPECT_THAT(*addresses, ElementsAre(*Address::Parse(address)));
  }
  EXPECT_EQ(system.lookups, 0);
}

TEST(NameLookupTest, RefusesWhatCannotBeAHostAndAsksNobody) {
  FakeNames system;
  const std::string zero("local\0host", 10);
  const std::string long_name(255, 'a');

  for (const std::string& host :
       {std::string(), zero, long_name, std::string("a:b"), std::string("::g"),
        std::string("fe80::g%eth0")}) {
    const absl::Status status = LookUpOn(system, host).status();

    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  }
  EXPECT_EQ(LookUpOn(system, "a", std::string_view("b\0c", 3)).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(system.lookups, 0);
}

struct Meaning {
  int answer;
  absl::StatusCode code;
};

class NameLookupErrorTest : public ::testing::TestWithParam<Meaning> {};

TEST_P(NameLookupErrorTest, SaysWhatTheSystemSays) {
  FakeNames system;
  system.hosts["example.org"] = {.addresses = {}, .answer = GetParam().answer};

  const absl::Status status = LookUpOn(system, "example.org", "http").status();

  EXPECT_EQ(status.code(), GetParam().code);
  EXPECT_EQ(std::string(status.message()),
            std::string("resolve(\"example.org\", \"http\"): ") +
                ::gai_strerror(GetParam().answer));
}

INSTANTIATE_TEST_SUITE_P(
    All, NameLookupErrorTest,
    ::testing::Values(Meaning{EAI_NONAME, absl::StatusCode::kNotFound},
                      Meaning{EAI_NODATA, absl::StatusCode::kNotFound},
                      Meaning{EAI_ADDRFAMILY, absl::StatusCode::kNotFound},
                      Meaning{EAI_SERVICE, absl::StatusCode::kNotFound},
                      Meaning{EAI_AGAIN, absl::StatusCode::kUnavailable},
                      Meaning{EAI_FAIL, absl::StatusCode::kUnknown},
                      Meaning{EAI_MEMORY,
                              absl::StatusCode::kResourceExhausted}));

TEST(NameLookupTest, SaysWhichSystemErrorItWas) {
  FakeNames system;
  system.hosts["example.org"] = {
      .addresses = {}, .answer = EAI_SYSTEM, .error = EMFILE};

  const absl::Status status = LookUpOn(system, "example.org").status();

  EXPECT_EQ(reactor::ErrnoOf(status), EMFILE);
  EXPECT_THAT(std::string(status.message()),
              StartsWith("resolve(\"example.org\"): "));
}

TEST(NameLookupTest, FindsNothingInAListWithoutAddresses) {
  FakeNames system;
  system.hosts["empty"] = {};

  const absl::Status status = LookUpOn(system, "empty").status();

  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(system.lists, 0);
}

TEST(NameLookupTest, KnowsThisMachineByItsName) {
  weft::testing::Simulator sim;

  const Addresses addresses =
      sim.Run(LookUpHost("localhost", std::uint16_t{80}));

  ASSERT_TRUE(addresses.ok()) << addresses.status();
  for (const Address& address : *addresses) {
    EXPECT_THAT((std::vector{Address::Loopback(80), Address::LoopbackIpv6(80)}),
                ::testing::Contains(address));
  }
}

TEST(NameLookupTest, AsksNobodyInAScopeThatIsCancelled) {
  FakeNames system;
  system.hosts["example.org"] = {.addresses = {kFour}};
  for (const char* const host : {"example.org", "192.0.2.1"}) {
    weft::testing::Simulator sim({.seed = {}, .system = &system});
    JoinHandle<Addresses> asking =
        sim.SpawnJoinable(LookUpHost(host, std::uint16_t{80}));

    asking.Cancel();
    sim.RunUntilIdle();

    ASSERT_TRUE(asking.finished());
    EXPECT_TRUE(absl::IsCancelled(asking.BlockingJoin().status()));
  }
  EXPECT_EQ(system.lookups, 0);
}

}  // namespace
}  // namespace weft::net
