// Tests of the explorer by programs with a known number of schedules, and known
// bugs.
//
// SPDX-License-Identifier: MIT

#include "weft/tests/explore/explorer.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/reactor/atomic.h"
#include "weft/reactor/spin_lock.h"
#include "weft/tests/explore/blocking.h"
#include "weft/tests/explore/plain.h"

namespace weft::explore {
namespace {

using reactor::Atomic;
using ::testing::HasSubstr;

// Counts without an update that is one step.
struct LostCount : Model {
  int threads() const override { return 2; }
  void Run(int) override { count.store(count.load() + 1); }
  void Finally() override { Check(count.load() == 2, "one was lost"); }

  Atomic<int> count;
};

TEST(ExplorerTest, FindsALostUpdate) {
  const Report report = Explore<LostCount>({});

  EXPECT_TRUE(report.failed);
  EXPECT_EQ(report.what, "one was lost");
  EXPECT_THAT(report.trace, HasSubstr("Run: load seq_cst #0 = 0"));
}

TEST(ExplorerTest, NeedsAPreemptionForIt) {
  EXPECT_FALSE(Explore<LostCount>({.preemptions = 0, .random = 0}).failed);
  EXPECT_TRUE(Explore<LostCount>({.preemptions = 1, .random = 0}).failed);
}

TEST(ExplorerTest, FindsItAtRandomToo) {
  // No schedule of the complete search has a switch, or an old value.
  const Report report = Explore<LostCount>({.preemptions = 0, .random = 1'000});

  EXPECT_TRUE(report.failed);
  EXPECT_GT(report.random, 0);
  EXPECT_THAT(report.trace, HasSubstr("store seq_cst"));
}

TEST(ExplorerTest, ReplaysAFailureByItsTrail) {
  for (const int preemptions : {2, 0}) {  // Without any, it is a random one.
    const Report first = Explore<LostCount>({.preemptions = preemptions});

    const Report again = Explore<LostCount>({.replay = first.trail});

    EXPECT_EQ(again.complete, 1);
    EXPECT_EQ(again.what, first.what);
    EXPECT_EQ(again.trace, first.trace);
    EXPECT_EQ(again.trail, first.trail);
  }
}

struct Counted : LostCount {
  void Run(int) override { count.fetch_add(1); }
};

// Two threads of one step each, where a thread may be left before its step.
TEST(ExplorerTest, RunsEveryScheduleOnce) {
  const auto executions = [](int preemptions) {
    return Explore<Counted>({.preemptions = preemptions, .random = 0}).complete;
  };

  EXPECT_EQ(executions(0), 2);
  EXPECT_EQ(executions(1), 2 + 4);
  EXPECT_FALSE(Explore<Counted>({}).failed);
}

// Both take two locks, each in its own order.
struct CrossedLocks : Model {
  int threads() const override { return 2; }
  void Run(int thread) override {
    const std::lock_guard first(locks[thread]);
    const std::lock_guard second(locks[1 - thread]);
  }

  reactor::SpinLock locks[2];
};

TEST(ExplorerTest, FindsADeadlock) {
  const Report report = Explore<CrossedLocks>({});

  EXPECT_TRUE(report.failed);
  EXPECT_THAT(report.what, HasSubstr("nobody can go on: 0 spins; 1 spins"));
}

// Sleeps for what was there before it looked.
struct LostWake : Model {
  int threads() const override { return 2; }
  void Run(int thread) override {
    if (thread == 0) {
      ready.store(true);
      if (asleep.load()) bell.Ring();
    } else {
      if (ready.load()) return;
      asleep.store(true);
      bell.Wait();
    }
  }

  Atomic<bool> ready, asleep;
  Bell bell;
};

TEST(ExplorerTest, FindsALostWake) {
  const Report report = Explore<LostWake>({});

  EXPECT_TRUE(report.failed);
  EXPECT_THAT(report.what, HasSubstr("1 waits for the bell"));
}

struct Endless : Model {
  int threads() const override { return 2; }
  void Run(int) override {
    while (!stop.load()) count.fetch_add(1);
  }

  Atomic<bool> stop;
  Atomic<int> count;
};

TEST(ExplorerTest, EndsWhatDoesNotEnd) {
  const Report report = Explore<Endless>({});

  EXPECT_TRUE(report.failed);
  EXPECT_THAT(report.what, HasSubstr("does not end"));
}

// A reader that outlives what it reads.
struct Dangling : Model {
  int threads() const override { return 2; }
  void Run(int thread) override {
    if (thread == 0) {
      word->load();
    } else {
      gone.fetch_add(1);
      word.reset();
    }
  }

  std::optional<Atomic<int>> word{std::in_place, 0};
  Atomic<int> gone;
};

TEST(ExplorerTest, SeesThatAnAtomicIsGone) {
  EXPECT_THAT(Explore<Dangling>({}).what, HasSubstr("gone"));
}

// A flag that publishes a value.
struct Published : Model {
  int threads() const override { return 2; }
  void Run(int thread) override {
    if (thread == 0) {
      value.Set(1);
      flag.store(true, std::memory_order_release);
    } else if (flag.load(std::memory_order_acquire)) {
      Check(value.Get() == 1, "it is there");
    }
  }

  Plain<int> value;
  Atomic<bool> flag;
};

TEST(ExplorerTest, NamesThePlacesWithAnOrder) {
  const Report report = Explore<Published>({});

  ASSERT_FALSE(report.failed) << report.what;
  ASSERT_EQ(report.sites.size(), 2u);
  EXPECT_THAT(Describe(report.sites[0]), HasSubstr("Run: store release"));
  EXPECT_THAT(Describe(report.sites[1]), HasSubstr("Run: load acquire"));
}

TEST(ExplorerTest, MissesAnOrderThatItWeakens) {
  for (const Site& site : Explore<Published>({}).sites) {
    const Report report =
        Explore<Published>({.weakened = Weakened{site, std::memory_order{}}});

    EXPECT_TRUE(report.failed) << Describe(site);
    EXPECT_THAT(report.what, HasSubstr("race"));
  }
}

}  // namespace
}  // namespace weft::explore
