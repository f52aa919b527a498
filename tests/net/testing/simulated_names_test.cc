// Tests of names in a simulated network: programs that know each other by name
// run there as they are.
//
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/net/address.h"
#include "weft/net/name_lookup.h"
#include "weft/net/resolver.h"
#include "weft/net/tcp_listener.h"
#include "weft/net/tcp_stream.h"
#include "weft/net/testing/simulated_network.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/net/tcp_pair.h"
#include "weft/tests/net/testing/two_hosts.h"

namespace weft::net::testing {
namespace {

using ::testing::ElementsAre;

class SimulatedNamesTest : public TwoHosts {
 protected:
  // What a host is found at, with port 80.
  std::vector<std::string> Find(std::string_view name) {
    const Addresses found = sim_.Run(LookUpHost(name, std::uint16_t{80}));
    std::vector<std::string> texts;
    for (const Address& address : found.value()) {
      texts.push_back(address.ToString());
    }
    return texts;
  }
};

Task<absl::Status> Greet() {
  TcpListener listener = co_await OrReturn(TcpListener::Bind(kService));
  TcpStream client = co_await OrReturn(listener.Accept());
  co_return co_await client.WriteAll(Bytes("good day"));
}

Task<absl::StatusOr<std::string>> BeGreetedBy(std::string service) {
  TcpStream stream = co_await OrReturn(TcpStream::Connect(service));
  co_return co_await ReadText(stream);
}

TEST_F(SimulatedNamesTest, LeadToTheHostThatIsCalledSo) {
  network_.AddName("db", kServer);
  OnServer(Greet()).Detach();

  const auto greeting =
      sim_.Run(network_.OnHost(kClient, BeGreetedBy("db:80")));

  EXPECT_EQ(greeting.value_or("nothing"), "good day");
}

TEST_F(SimulatedNamesTest, GoOnToTheNextHostOfAName) {
  network_.AddName("db", "10.0.0.9");  // Nobody is there.
  network_.AddName("db", kServer);
  OnServer(Greet()).Detach();

  const auto greeting =
      sim_.Run(network_.OnHost(kClient, BeGreetedBy("db:80")));

  EXPECT_EQ(greeting.value_or("nothing"), "good day");
}

TEST_F(SimulatedNamesTest, TakeAService) {
  network_.AddName("db", kServer);
  OnServer(Greet()).Detach();

  const auto greeting =
      sim_.Run(network_.OnHost(kClient, BeGreetedBy("db:http")));

  EXPECT_EQ(greeting.value_or("nothing"), "good day");
}

TEST_F(SimulatedNamesTest, AreEqualWhateverTheirCapitalsAndTheLastDot) {
  network_.AddName("DB.Example.", kServer);

  EXPECT_THAT(Find("db.example"), ElementsAre("10.0.0.1:80"));
  EXPECT_THAT(Find("Db.eXample."), ElementsAre("10.0.0.1:80"));
}

TEST_F(SimulatedNamesTest, GiveTheHostsInTheOrderInWhichTheyWereAdded) {
  network_.AddName("db", kClient);
  network_.AddName("db", "2001:db8::7");
  network_.AddName("db", kServer);

  EXPECT_THAT(Find("db"),
              ElementsAre("10.0.0.2:80", "[2001:db8::7]:80", "10.0.0.1:80"));
}

TEST_F(SimulatedNamesTest, KnowThisHostByItsUsualName) {
  EXPECT_THAT(Find("localhost"), ElementsAre("[::1]:80", "127.0.0.1:80"));
}

TEST_F(SimulatedNamesTest, DoNotExistWhereNobodyHasAddedThem) {
  network_.AddName("db", kServer);
  network_.RemoveName("db");

  const auto gone = sim_.Run(BeGreetedBy("db:80"));
  const auto real = sim_.Run(BeGreetedBy("example.org:80"));

  EXPECT_TRUE(absl::IsNotFound(gone.status())) << gone.status();
  EXPECT_TRUE(absl::IsNotFound(real.status())) << real.status();
}

TEST_F(SimulatedNamesTest, HaveNoServiceThatDoesNotExist) {
  network_.AddName("db", kServer);

  const auto none = sim_.Run(BeGreetedBy("db:no-such-service"));

  EXPECT_TRUE(absl::IsNotFound(none.status())) << none.status();
}

TEST_F(SimulatedNamesTest, AreRememberedByAResolver) {
  Resolver resolver;
  network_.AddName("db", kServer);
  const auto first = sim_.Run(resolver.Resolve("db", std::uint16_t{80}));
  network_.RemoveName("db");

  const auto again = sim_.Run(resolver.Resolve("db", std::uint16_t{80}));

  ASSERT_TRUE(first.ok() && again.ok());
  EXPECT_EQ(*first, *again);
}

TEST(SlowNamesTest, AreFoundAfterTheTimeThatALookupTakes) {
  SimulatedNetwork network({.lookup_time = absl::Seconds(3)});
  weft::testing::Simulator sim({.system = &network});
  network.AddName("db", kServer);
  const Instant start = sim.now();

  const auto found = sim.Run(LookUpHost("db", std::uint16_t{80}));

  EXPECT_TRUE(found.ok());
  EXPECT_EQ(sim.now() - start, absl::Seconds(3));
}

TEST(SlowNamesTest, CountForTheTimeoutOfAConnect) {
  SimulatedNetwork network(
      {.links = {.latency = kLatency}, .lookup_time = absl::Seconds(3)});
  weft::testing::Simulator sim({.system = &network});
  network.AddName("db", kServer);

  const auto late =
      sim.Run(TcpStream::Connect("db:80", {.timeout = absl::Seconds(2)}));

  EXPECT_TRUE(absl::IsDeadlineExceeded(late.status())) << late.status();
}

}  // namespace
}  // namespace weft::net::testing
