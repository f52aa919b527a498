// Tests of weft::sync::SharedMutex: who may be inside together, in which order
// they come in, and that nobody stays in who left.
//
// SPDX-License-Identifier: MIT

#include "weft/sync/shared_mutex.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/runtime/yield.h"
#include "weft/sync/event.h"
#include "weft/tests/support/seeded_test.h"
#include "weft/tests/support/steps.h"
#include "weft/tests/support/waits.h"

namespace weft::sync {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::weft::testing::Simulator;
using ::weft::tests::DescribeWaitOf;
using ::weft::tests::ScheduleName;
using ::weft::tests::Schedules;
using ::weft::tests::SeededTest;
using ::weft::tests::Stepped;
using ::weft::tests::Steps;
using ::weft::tests::TimesBeforeAnotherHasATurn;

// A writer, or a reader, that enters, notes that it did, and leaves when it is
// told to.
class Visitor {
 public:
  Task<absl::Status> Write(SharedMutex& mutex, std::vector<std::string>& log) {
    SharedMutex::Guard guard = co_await OrReturn(mutex.Lock());
    log.push_back(name_);
    co_return co_await leave_.Wait();
  }
  Task<absl::Status> Read(SharedMutex& mutex, std::vector<std::string>& log) {
    SharedMutex::SharedGuard guard = co_await OrReturn(mutex.LockShared());
    log.push_back(name_);
    co_return co_await leave_.Wait();
  }
  void Leave() { leave_.Set(); }

  explicit Visitor(std::string name) : name_(std::move(name)) {}

 private:
  const std::string name_;
  Event leave_;
};

class SharedMutexTest : public SeededTest {
 protected:
  // One at a time, so that they come in this order whatever the seed.
  JoinHandle<absl::Status> Write(Visitor& visitor) {
    auto handle = sim_.SpawnJoinable(visitor.Write(mutex_, log_));
    sim_.RunUntilIdle();
    return handle;
  }
  JoinHandle<absl::Status> Read(Visitor& visitor) {
    auto handle = sim_.SpawnJoinable(visitor.Read(mutex_, log_));
    sim_.RunUntilIdle();
    return handle;
  }
  void LetLeave(Visitor& visitor) {
    visitor.Leave();
    sim_.RunUntilIdle();
  }

  SharedMutex mutex_;
  std::vector<std::string> log_;
  Visitor r1_{"r1"}, r2_{"r2"}, r3_{"r3"}, w1_{"w1"}, w2_{"w2"};
};
INSTANTIATE_TEST_SUITE_P(Any, SharedMutexTest, Schedules(), ScheduleName);

// --- Who is inside ----------------------------------------------------------

TEST_P(SharedMutexTest, ReadersAreInsideTogether) {
  auto a = Read(r1_);
  auto b = Read(r2_);

  EXPECT_THAT(log_, ElementsAre("r1", "r2"));
  LetLeave(r1_);
  LetLeave(r2_);
  EXPECT_TRUE(mutex_.TryLock());
}

TEST_P(SharedMutexTest, AWriterIsInsideAlone) {
  auto a = Write(w1_);
  auto b = Read(r1_);
  auto c = Write(w2_);

  EXPECT_THAT(log_, ElementsAre("w1"));
  LetLeave(w1_);
  EXPECT_THAT(log_, ElementsAre("w1", "r1"));
  LetLeave(r1_);
  EXPECT_THAT(log_, ElementsAre("w1", "r1", "w2"));
  LetLeave(w2_);
}

TEST_P(SharedMutexTest, ALotOfVisitorsNeverMeetAWriter) {
  int readers = 0;
  int writers = 0;
  int most_readers = 0;
  int visits = 0;
  auto read = [&]() -> Task<absl::Status> {
    SharedMutex::SharedGuard guard = co_await OrReturn(mutex_.LockShared());
    most_readers = std::max(most_readers, ++readers);
    EXPECT_EQ(writers, 0);
    co_await Yield();
    --readers;
    ++visits;
    co_return absl::OkStatus();
  };
  auto write = [&]() -> Task<absl::Status> {
    SharedMutex::Guard guard = co_await OrReturn(mutex_.Lock());
    EXPECT_EQ(++writers, 1);
    EXPECT_EQ(readers, 0);
    co_await Yield();
    --writers;
    ++visits;
    co_return absl::OkStatus();
  };
  for (int i = 0; i < 30; ++i) {
    if (i % 5 == 4) {
      sim_.Spawn(write());
    } else {
      sim_.Spawn(read());
    }
  }

  sim_.RunUntilIdle();

  EXPECT_EQ(visits, 30);
  EXPECT_GT(most_readers, 1);
}

// --- Order ------------------------------------------------------------------

TEST_P(SharedMutexTest, AReaderDoesNotOvertakeAWriterThatWaits) {
  auto a = Read(r1_);
  auto b = Write(w1_);
  auto c = Read(r2_);

  EXPECT_THAT(log_, ElementsAre("r1"));
  EXPECT_FALSE(mutex_.TryLockShared());
  LetLeave(r1_);
  EXPECT_THAT(log_, ElementsAre("r1", "w1"));
  LetLeave(w1_);
  EXPECT_THAT(log_, ElementsAre("r1", "w1", "r2"));
  LetLeave(r2_);
}

TEST_P(SharedMutexTest, ReadersBehindAWriterComeInTogether) {
  auto a = Write(w1_);
  auto b = Read(r1_);
  auto c = Read(r2_);
  auto d = Write(w2_);
  auto e = Read(r3_);

  LetLeave(w1_);

  std::sort(log_.begin() + 1, log_.end());
  EXPECT_THAT(log_, ElementsAre("w1", "r1", "r2"));
  LetLeave(r2_);
  EXPECT_EQ(log_.size(), 3u);
  LetLeave(r1_);
  EXPECT_EQ(log_.back(), "w2");
  LetLeave(w2_);
  EXPECT_EQ(log_.back(), "r3");
  LetLeave(r3_);
}

// --- Without waiting --------------------------------------------------------

TEST(SharedMutexTryLockTest, TakesWhatIsFreeAndNothingElse) {
  SharedMutex mutex;
  {
    SharedMutex::SharedGuard one = mutex.TryLockShared();
    SharedMutex::SharedGuard two = mutex.TryLockShared();
    EXPECT_TRUE(one);
    EXPECT_TRUE(two);
    EXPECT_FALSE(mutex.TryLock());
  }
  SharedMutex::Guard guard = mutex.TryLock();
  EXPECT_TRUE(guard);
  EXPECT_FALSE(mutex.TryLock());
  EXPECT_FALSE(mutex.TryLockShared());
}

TEST(SharedMutexGuardTest, HandsItsLockOnWhenItMoves) {
  SharedMutex mutex;
  {
    SharedMutex::Guard first = mutex.TryLock();
    SharedMutex::Guard second = std::move(first);
    EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move): it says so.
    EXPECT_TRUE(second);
    EXPECT_FALSE(mutex.TryLockShared());
  }
  SharedMutex::SharedGuard first = mutex.TryLockShared();
  SharedMutex::SharedGuard second = std::move(first);
  EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move): it says so.
  EXPECT_FALSE(mutex.TryLock());
}

// --- From writing to reading ------------------------------------------------

TEST_P(SharedMutexTest, AWriterThatOnlyReadsOnLetsTheReadersInFront) {
  Event written;
  Event leave;
  auto downgrade = [&]() -> Task<absl::Status> {
    SharedMutex::Guard writing = co_await OrReturn(mutex_.Lock());
    co_await OrReturn(written.Wait());
    SharedMutex::SharedGuard reading = std::move(writing).Downgrade();
    co_return co_await leave.Wait();
  };
  sim_.Spawn(downgrade());
  sim_.RunUntilIdle();
  auto a = Read(r1_);
  auto b = Write(w1_);
  auto c = Read(r2_);
  EXPECT_THAT(log_, IsEmpty());

  written.Set();
  sim_.RunUntilIdle();

  EXPECT_THAT(log_, ElementsAre("r1")) << "r2 came after a writer";
  LetLeave(r1_);
  EXPECT_THAT(log_, ElementsAre("r1")) << "the one that was a writer reads";
  leave.Set();
  sim_.RunUntilIdle();
  EXPECT_THAT(log_, ElementsAre("r1", "w1"));
  LetLeave(w1_);
  LetLeave(r2_);
}

// --- Cancellation -----------------------------------------------------------

TEST_P(SharedMutexTest, WhenAWriterGivesUpTheReadersBehindItComeIn) {
  auto a = Read(r1_);
  auto b = Write(w1_);
  auto c = Read(r2_);

  b.Cancel();
  sim_.RunUntilIdle();

  EXPECT_TRUE(absl::IsCancelled(b.BlockingJoin()));
  EXPECT_THAT(log_, ElementsAre("r1", "r2"));
  LetLeave(r1_);
  LetLeave(r2_);
}

TEST_P(SharedMutexTest, AGrantThatComesBeforeTheCancellationWins) {
  std::optional<SharedMutex::Guard> outside(mutex_.TryLock());
  auto reader = Read(r1_);

  outside.reset();
  reader.Cancel();
  sim_.RunUntilIdle();

  EXPECT_THAT(log_, ElementsAre("r1"));
  EXPECT_TRUE(mutex_.TryLock()) << "it has left";
}

Task<int> VisitAgain(SharedMutex& mutex, Steps& steps, bool writes) {
  int visits = 0;
  for (int i = 0; i < 3; ++i) {
    if (writes) {
      absl::StatusOr<SharedMutex::Guard> guard =
          co_await Stepped(steps, mutex.Lock());
      if (!guard.ok()) break;
      co_await Yield();
    } else {
      absl::StatusOr<SharedMutex::SharedGuard> guard =
          co_await Stepped(steps, mutex.LockShared());
      if (!guard.ok()) break;
      co_await Yield();
    }
    ++visits;
  }
  co_return visits;
}

TEST_P(SharedMutexTest, ACancellationAtAnyStepLeavesItFreeInTheEnd) {
  for (const bool victim_writes : {false, true}) {
    for (int n = 1;; ++n) {
      Simulator sim({.seed = GetParam()});
      SharedMutex mutex;
      JoinHandle<int> victim;
      Steps steps(n, [&] { victim.Cancel(); });
      victim = sim.SpawnJoinable(VisitAgain(mutex, steps, victim_writes));
      JoinHandle<int> writer =
          sim.SpawnJoinable(VisitAgain(mutex, steps, true));
      JoinHandle<int> reader =
          sim.SpawnJoinable(VisitAgain(mutex, steps, false));

      sim.RunUntilIdle();

      EXPECT_FALSE(sim.AnyTasks()) << "hangs after a cancellation at " << n;
      EXPECT_EQ(*writer.BlockingJoin(), 3) << n;
      EXPECT_EQ(*reader.BlockingJoin(), 3) << n;
      EXPECT_TRUE(mutex.TryLock()) << n;
      if (!steps.reached()) {
        EXPECT_EQ(*victim.BlockingJoin(), 3);
        break;
      }
    }
  }
}

// --- A task's turn, a dump, the end of a runtime ----------------------------

TEST(SharedMutexBudgetTest, IsTaken128TimesAndThenOthersHaveATurn) {
  SharedMutex mutex;
  auto read = [](SharedMutex& from) -> Task<absl::Status> {
    SharedMutex::SharedGuard guard = co_await OrReturn(from.LockShared());
    co_return absl::OkStatus();
  };

  EXPECT_EQ(TimesBeforeAnotherHasATurn([&] { return read(mutex); }), 128);
}

TEST_P(SharedMutexTest, AWaitSaysWhatItWaitsFor) {
  std::optional<SharedMutex::Guard> guard(mutex_.TryLock());

  const WaitDescription reading =
      DescribeWaitOf(sim_, [&] { return r1_.Read(mutex_, log_); });
  const WaitDescription writing =
      DescribeWaitOf(sim_, [&] { return w1_.Write(mutex_, log_); });

  EXPECT_EQ(reading.kind, "shared mutex, to read");
  EXPECT_EQ(writing.kind, "shared mutex, to write");
  EXPECT_EQ(writing.on, &mutex_);
  guard.reset();
  sim_.RunUntilIdle();
  LetLeave(r1_);
  LetLeave(w1_);
}

TEST(SharedMutexTeardownTest, ASimulationThatEndsLeavesIt) {
  SharedMutex mutex;
  for (const bool writes : {false, true}) {
    std::vector<std::string> log;
    Visitor first("first"), second("second"), third("third");
    std::optional<Simulator> sim(std::in_place);
    sim->Spawn(writes ? first.Write(mutex, log) : first.Read(mutex, log));
    sim->RunUntilIdle();
    sim->Spawn(second.Write(mutex, log));
    sim->Spawn(third.Read(mutex, log));
    sim->RunUntilIdle();
    EXPECT_THAT(log, ElementsAre("first"));

    sim.reset();

    EXPECT_TRUE(mutex.TryLock()) << writes;
  }
}

TEST(SharedMutexDeathTest, DestroyingALockedOneSaysWhatToDo) {
  EXPECT_DEATH(
      {
        std::optional<SharedMutex> mutex(std::in_place);
        SharedMutex::SharedGuard guard = mutex->TryLockShared();
        mutex.reset();
      },
      "let its guards go first");
}

TEST(SharedMutexWriterTest, NamesTheTaskThatWrites) {
  weft::testing::Simulator sim;
  SharedMutex mutex;
  auto write = [&]() -> Task<absl::Status> {
    SharedMutex::Guard guard = co_await OrReturn(mutex.Lock());
    co_await OrReturn(SleepFor(absl::Seconds(1)));
    SharedMutex::SharedGuard reading = std::move(guard).Downgrade();
    co_return co_await SleepFor(absl::Seconds(1));
  };

  auto task = sim.SpawnJoinable(write());
  sim.RunFor(absl::Milliseconds(500));
  EXPECT_EQ(mutex.writer(), task.task_id());
  sim.RunFor(absl::Seconds(1));
  EXPECT_EQ(mutex.writer(), 0u);  // It reads.
  sim.RunUntilIdle();

  EXPECT_TRUE(mutex.TryLock());
}

}  // namespace
}  // namespace weft::sync
