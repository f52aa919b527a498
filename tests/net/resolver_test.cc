// Tests of remembering what hosts are called, and of asking together.
//
// SPDX-License-Identifier: MIT

#include "weft/net/resolver.h"

#include <netdb.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/shield.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/testing/cancel_everywhere.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/net/fake_names.h"

namespace weft::net {
namespace {

using ::testing::ElementsAre;
using ::weft::testing::Simulator;

const Address kFour = *Address::Parse("192.0.2.1:0");
const Address kOther = *Address::Parse("192.0.2.2:0");

// A system that knows example.org and nobody else, and a simulation on it.
class ResolverTest : public ::testing::Test {
 protected:
  ResolverTest() { system.hosts["example.org"] = {.addresses = {kFour}}; }

  Addresses Resolve(Resolver& resolver, std::string_view host,
                    std::uint16_t port = 80) {
    return sim.Run(resolver.Resolve(host, port));
  }
  JoinHandle<Addresses> StartResolving(Resolver& resolver) {
    return sim.SpawnJoinable(resolver.Resolve("example.org", 80));
  }

  FakeNames system;
  Simulator sim{{.seed = {}, .system = &system}};
};

TEST_F(ResolverTest, AsksOnceForAllPortsOfAHost) {
  Resolver resolver;

  const Addresses first = Resolve(resolver, "example.org", 80);
  const Addresses second = Resolve(resolver, "Example.ORG", 443);

  ASSERT_TRUE(first.ok()) << first.status();
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_THAT(*first, ElementsAre(kFour.WithPort(80)));
  EXPECT_THAT(*second, ElementsAre(kFour.WithPort(443)));
  EXPECT_EQ(system.lookups, 1);
}

TEST_F(ResolverTest, CountsWhatItIsAskedAndWhatItAsks) {
  Resolver resolver;

  for (int i = 0; i < 3; ++i) Resolve(resolver, "example.org").IgnoreError();
  Resolve(resolver, "10.0.0.1").IgnoreError();

  EXPECT_EQ(resolver.counters().hits, 2u);
  EXPECT_EQ(resolver.counters().misses, 1u);
  EXPECT_EQ(resolver.counters().lookups, 1u);
}

TEST_F(ResolverTest, AsksAgainWhenTheAnswerIsTooOld) {
  Resolver resolver({.time_to_live = absl::Seconds(30)});
  Resolve(resolver, "example.org").IgnoreError();
  system.hosts["example.org"] = {.addresses = {kOther}};

  sim.AdvanceClock(absl::Seconds(30) - absl::Nanoseconds(1));
  const Addresses old = Resolve(resolver, "example.org");
  sim.AdvanceClock(absl::Nanoseconds(1));
  const Addresses fresh = Resolve(resolver, "example.org");

  EXPECT_THAT(*old, ElementsAre(kFour.WithPort(80)));
  EXPECT_THAT(*fresh, ElementsAre(kOther.WithPort(80)));
}

TEST_F(ResolverTest, RemembersForAShorterTimeThatThereIsNoSuchHost) {
  Resolver resolver({.time_to_live_of_not_found = absl::Seconds(5)});

  EXPECT_TRUE(absl::IsNotFound(Resolve(resolver, "nobody").status()));
  sim.AdvanceClock(absl::Seconds(4));
  EXPECT_TRUE(absl::IsNotFound(Resolve(resolver, "nobody").status()));
  EXPECT_EQ(system.lookups, 1);
  sim.AdvanceClock(absl::Seconds(1));
  system.hosts["nobody"] = {.addresses = {kFour}};

  EXPECT_TRUE(Resolve(resolver, "nobody").ok());
  EXPECT_EQ(system.lookups, 2);
}

TEST_F(ResolverTest, RemembersNoFailureThatMayPass) {
  Resolver resolver;
  system.hosts["example.org"].answer = EAI_AGAIN;
  EXPECT_TRUE(absl::IsUnavailable(Resolve(resolver, "example.org").status()));

  system.hosts["example.org"].answer = 0;

  EXPECT_TRUE(Resolve(resolver, "example.org").ok());
}

TEST_F(ResolverTest, RemembersNothingWhereItIsToldSo) {
  for (const ResolverOptions& options :
       {ResolverOptions{.max_entries = 0},
        ResolverOptions{.time_to_live = absl::ZeroDuration()}}) {
    Resolver resolver(options);
    system.lookups = 0;

    for (int i = 0; i < 2; ++i) Resolve(resolver, "example.org").IgnoreError();

    EXPECT_EQ(system.lookups, 2);
  }
}

TEST_F(ResolverTest, RemembersForEverWhereItIsToldSo) {
  Resolver resolver({.time_to_live = absl::InfiniteDuration()});

  Resolve(resolver, "example.org").IgnoreError();
  sim.AdvanceClock(absl::Hours(24 * 365));
  Resolve(resolver, "example.org").IgnoreError();

  EXPECT_EQ(system.lookups, 1);
}

TEST_F(ResolverTest, DropsTheHostThatWasNotAskedForLongest) {
  Resolver resolver({.max_entries = 2});
  for (const char* const host : {"a", "b", "a", "c", "a", "b"}) {
    system.hosts[host] = {.addresses = {kFour}};
    Resolve(resolver, host).IgnoreError();
  }

  EXPECT_THAT(system.asked, ElementsAre("a", "b", "c", "b"));
}

TEST_F(ResolverTest, AsksForServicesApart) {
  Resolver resolver;

  for (int i = 0; i < 2; ++i) {
    const Addresses http = sim.Run(resolver.Resolve("example.org", "http"));
    const Addresses digits = sim.Run(resolver.Resolve("example.org", "8080"));
    EXPECT_THAT(*http, ElementsAre(kFour.WithPort(80)));
    EXPECT_THAT(*digits, ElementsAre(kFour.WithPort(8080)));
  }

  EXPECT_THAT(system.services, ElementsAre("http", ""));
  EXPECT_TRUE(absl::IsNotFound(
      sim.Run(resolver.Resolve("example.org", "gopher")).status()));
}

TEST_F(ResolverTest, AsksForServicesOfEachTransportApart) {
  Resolver resolver;
  constexpr Transport kUdp = Transport::kUdp;

  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(sim.Run(resolver.Resolve("example.org", "http")).ok());
    EXPECT_TRUE(sim.Run(resolver.Resolve("example.org", "http", kUdp)).ok());
    EXPECT_TRUE(sim.Run(resolver.Resolve("example.org", "8080")).ok());
    EXPECT_TRUE(sim.Run(resolver.Resolve("example.org", "8080", kUdp)).ok());
  }

  EXPECT_THAT(system.services, ElementsAre("http", "http", ""));
}

TEST_F(ResolverTest, ForgetsAHost) {
  Resolver resolver;
  system.hosts["other"] = {.addresses = {kOther}};
  for (const char* const host : {"example.org", "other"}) {
    Resolve(resolver, host).IgnoreError();
  }

  resolver.Forget("EXAMPLE.org");
  resolver.Forget("");  // Which is no host: nothing is known of it.
  for (const char* const host : {"example.org", "other"}) {
    Resolve(resolver, host).IgnoreError();
  }

  EXPECT_THAT(system.asked, ElementsAre("example.org", "other", "example.org"));
}

TEST_F(ResolverTest, ForgetsEverything) {
  Resolver resolver;
  Resolve(resolver, "example.org").IgnoreError();

  resolver.Clear();
  Resolve(resolver, "example.org").IgnoreError();

  EXPECT_EQ(system.lookups, 2);
}

// --- Asking together --------------------------------------------------------

TEST_F(ResolverTest, AsksOnceForAllWhoAskAtTheSameTime) {
  Resolver resolver;
  std::vector<JoinHandle<Addresses>> askers;
  for (int i = 0; i < 10; ++i) askers.push_back(StartResolving(resolver));

  sim.RunUntilIdle();

  for (JoinHandle<Addresses>& asker : askers) {
    ASSERT_TRUE(asker.finished());
    const Addresses addresses = asker.BlockingJoin();
    ASSERT_TRUE(addresses.ok()) << addresses.status();
    EXPECT_THAT(*addresses, ElementsAre(kFour.WithPort(80)));
  }
  EXPECT_EQ(system.lookups, 1);
  EXPECT_EQ(resolver.counters().hits, 0u);
  EXPECT_EQ(resolver.counters().misses, 10u);
  EXPECT_EQ(resolver.counters().lookups, 1u);
}

TEST_F(ResolverTest, SharesALookupAlsoWhereNothingIsRemembered) {
  Resolver resolver({.max_entries = 0});
  JoinHandle<Addresses> one = StartResolving(resolver);
  JoinHandle<Addresses> other = StartResolving(resolver);

  sim.RunUntilIdle();

  EXPECT_TRUE(one.BlockingJoin().ok());
  EXPECT_TRUE(other.BlockingJoin().ok());
  EXPECT_EQ(system.lookups, 1);
}

TEST_F(ResolverTest, TellsTheOthersWhenTheFirstAskerIsCancelled) {
  Resolver resolver;
  JoinHandle<Addresses> first = StartResolving(resolver);
  JoinHandle<Addresses> second = StartResolving(resolver);
  sim.RunOneStep();  // The first asks.
  sim.RunOneStep();  // The second joins it.
  ASSERT_EQ(resolver.counters().misses, 2u);

  first.Cancel();
  sim.RunUntilIdle();

  EXPECT_TRUE(absl::IsCancelled(first.BlockingJoin().status()));
  EXPECT_TRUE(second.BlockingJoin().ok());
  EXPECT_EQ(system.lookups, 1);
}

TEST_F(ResolverTest, FinishesALookupThatNobodyWaitsForAndRemembersIt) {
  Resolver resolver;
  JoinHandle<Addresses> asker = StartResolving(resolver);
  sim.RunOneStep();

  asker.Cancel();
  sim.RunUntilIdle();
  EXPECT_TRUE(absl::IsCancelled(asker.BlockingJoin().status()));

  EXPECT_EQ(system.lookups, 1);
  EXPECT_TRUE(Resolve(resolver, "example.org").ok());
  EXPECT_EQ(system.lookups, 1);
}

TEST_F(ResolverTest, AnswersWhoWaitsWhenTheResolverIsGone) {
  auto resolver = std::make_unique<Resolver>();
  JoinHandle<Addresses> asker = StartResolving(*resolver);
  sim.RunOneStep();

  resolver.reset();
  sim.RunUntilIdle();

  EXPECT_TRUE(asker.BlockingJoin().ok());
}

TEST_F(ResolverTest, DoesNotRememberWhatWasForgottenUnderWay) {
  for (const bool everything : {false, true}) {
    Resolver resolver;
    system.lookups = 0;
    system.during_lookup = [&] {
      everything ? resolver.Clear() : resolver.Forget("example.org");
    };
    EXPECT_TRUE(Resolve(resolver, "example.org").ok());
    system.during_lookup = nullptr;

    EXPECT_TRUE(Resolve(resolver, "example.org").ok());
    EXPECT_EQ(system.lookups, 2);
  }
}

TEST_F(ResolverTest, BeginsAnewForThoseWhoAskAfterAForget) {
  Resolver resolver;
  JoinHandle<Addresses> before = StartResolving(resolver);
  sim.RunOneStep();
  resolver.Forget("example.org");
  JoinHandle<Addresses> after = StartResolving(resolver);
  int lookups = 0;
  system.during_lookup = [&] {
    // What the first lookup finds is old by the time of the second.
    system.hosts["example.org"] = {
        .addresses = {lookups++ == 0 ? kFour : kOther}};
  };

  sim.RunUntilIdle();

  EXPECT_THAT(*before.BlockingJoin(), ElementsAre(kFour.WithPort(80)));
  EXPECT_THAT(*after.BlockingJoin(), ElementsAre(kOther.WithPort(80)));
  EXPECT_THAT(*Resolve(resolver, "example.org"),
              ElementsAre(kOther.WithPort(80)));
  EXPECT_EQ(system.lookups, 2);
}

// The lookup's task is cancelled with all others; an asker in a Shield is not.
TEST_F(ResolverTest, AsksForItselfWhereTheLookupIsGivenUp) {
  Resolver resolver;
  JoinHandle<Addresses> asker = sim.SpawnJoinable(
      [](Resolver& asked) -> Task<Addresses> {
        Addresses addresses = co_await Shield(asked.Resolve("example.org", 80));
        co_return addresses;
      },
      std::ref(resolver));
  sim.RunOneStep();
  ASSERT_EQ(resolver.counters().lookups, 1u);

  sim.CancelAll();
  sim.RunUntilIdle();

  ASSERT_TRUE(asker.finished());
  EXPECT_TRUE(asker.BlockingJoin().ok());
  EXPECT_EQ(system.lookups, 1);
}

TEST_F(ResolverTest, AnswersASecondRuntimeWhereTheFirstHasStopped) {
  Resolver resolver;
  auto first = std::make_unique<Simulator>(
      weft::testing::SimulatorOptions{.seed = {}, .system = &system});
  first->Spawn(resolver.Resolve("example.org", 80));
  first->RunOneStep();  // Its lookup is queued there, and never runs.
  JoinHandle<Addresses> asker = StartResolving(resolver);
  sim.RunUntilIdle();
  ASSERT_FALSE(asker.finished());

  first.reset();
  sim.RunUntilIdle();

  ASSERT_TRUE(asker.finished());
  EXPECT_TRUE(asker.BlockingJoin().ok());
  EXPECT_EQ(system.lookups, 1);
}

Task<absl::Status> AskTwiceAtOnce(Resolver& resolver) {
  JoinHandle<Addresses> other = Spawn(resolver.Resolve("example.org", 443));
  co_await OrReturn(resolver.Resolve("example.org", 80));
  co_await OrReturn(other.Join());
  co_await OrReturn(resolver.Resolve("example.org", "http"));
  co_return absl::OkStatus();
}

TEST(ResolverCancellationTest, AnswersTheNextWhereverAnAskerIsCancelled) {
  FakeNames system;
  system.hosts["example.org"] = {.addresses = {kFour}};
  std::optional<Resolver> resolver;

  auto start = [&] { return AskTwiceAtOnce(resolver.emplace()); };
  auto check = [&](const absl::Status& result,
                   const weft::testing::Interrupted& at) {
    EXPECT_TRUE(result.ok() || absl::IsCancelled(result)) << result;
    EXPECT_TRUE(result.ok() || !at.undisturbed);
    EXPECT_EQ(system.lists, 0);
    Simulator again({.seed = {}, .system = &system});
    EXPECT_TRUE(again.Run(resolver->Resolve("example.org", 80)).ok());
  };
  const absl::StatusOr<int> places = weft::testing::CancelEverywhere(
      {.seeds = 20, .system = &system}, start, check);

  ASSERT_TRUE(places.ok()) << places.status();
  EXPECT_GT(*places, 4);
}

}  // namespace
}  // namespace weft::net
