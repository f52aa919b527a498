// Tests of WithTimeout and WithDeadline: when a passed deadline is an error,
// and when it is not.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/deadline.h"

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/reactor/reactor.h"
#include "weft/runtime/cancellation.h"
#include "weft/runtime/current.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/shield.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/task_context.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/runtime/when_all.h"
#include "weft/runtime/yield.h"
#include "weft/tests/support/mourned.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using tests::Journal;
using tests::Mourned;

constexpr absl::Duration kSecond = absl::Seconds(1);
constexpr absl::Duration kHour = absl::Hours(1);

Task<absl::StatusOr<int>> GiveAfter(absl::Duration pause, int n) {
  co_await OrReturn(SleepFor(pause));
  co_return n;
}

Task<absl::Status> Sleep(absl::Duration pause) {
  co_return co_await SleepFor(pause);
}

// --- The four conditions ---

TEST(DeadlineTest, ATaskThatIsOverInTimeGivesItsResult) {
  testing::Simulator sim;
  auto main = []() -> Task<absl::StatusOr<int>> {
    co_return co_await WithTimeout(kHour, GiveAfter(kSecond, 7));
  };

  EXPECT_EQ(*sim.Run(main()), 7);
}

TEST(DeadlineTest, ATaskThatTheDeadlineCancelledExceededIt) {
  testing::Simulator sim;
  const Instant begin = sim.now();
  auto main = []() -> Task<absl::StatusOr<int>> {
    co_return co_await WithTimeout(kSecond, GiveAfter(kHour, 7));
  };

  EXPECT_TRUE(absl::IsDeadlineExceeded(sim.Run(main()).status()));

  EXPECT_GE(sim.now() - begin, kSecond);
  EXPECT_LT(sim.now() - begin, 2 * kSecond);
}

TEST(DeadlineTest, AStatusTaskExceedsItToo) {
  testing::Simulator sim;
  auto main = []() -> Task<absl::Status> {
    co_return co_await WithTimeout(kSecond, Sleep(kHour));
  };

  EXPECT_TRUE(absl::IsDeadlineExceeded(sim.Run(main())));
}

TEST(DeadlineTest, ATaskThatSaysCancelledInTimeDidNotExceedIt) {
  testing::Simulator sim;
  auto give_up = []() -> Task<absl::Status> {
    co_await OrReturn(SleepFor(kSecond));
    co_return absl::CancelledError("by its own choice");
  };
  auto main = [&]() -> Task<absl::Status> {
    co_return co_await WithTimeout(kHour, give_up());
  };

  EXPECT_EQ(sim.Run(main()), absl::CancelledError("by its own choice"));
}

TEST(DeadlineTest, ATaskThatSucceedsAfterItsCancellationHasSucceeded) {
  testing::Simulator sim;
  auto succeed_late = []() -> Task<absl::StatusOr<int>> {
    absl::Status slept = co_await SleepFor(kHour);
    EXPECT_TRUE(absl::IsCancelled(slept));
    co_return 7;
  };
  auto main = [&]() -> Task<absl::StatusOr<int>> {
    co_return co_await WithTimeout(kSecond, succeed_late());
  };

  EXPECT_EQ(*sim.Run(main()), 7);
}

TEST(DeadlineTest, AnotherErrorAfterTheDeadlineIsThatError) {
  testing::Simulator sim;
  auto fail_late = []() -> Task<absl::Status> {
    absl::Status slept = co_await SleepFor(kHour);
    EXPECT_TRUE(absl::IsCancelled(slept));
    co_return absl::DataLossError("half written");
  };
  auto main = [&]() -> Task<absl::Status> {
    co_return co_await WithTimeout(kSecond, fail_late());
  };

  EXPECT_EQ(sim.Run(main()), absl::DataLossError("half written"));
}

TEST(DeadlineTest, ATaskCancelledFromOutsideIsCancelled) {
  testing::Simulator sim;
  auto main = []() -> Task<absl::StatusOr<int>> {
    co_return co_await WithTimeout(kHour, GiveAfter(2 * kHour, 7));
  };
  JoinHandle<absl::StatusOr<int>> task = sim.SpawnJoinable(main());
  sim.RunFor(kSecond);

  task.Cancel();
  sim.RunFor(kSecond);

  ASSERT_TRUE(task.finished());
  EXPECT_TRUE(absl::IsCancelled(task.BlockingJoin().status()));
}

// The deadline passes first, and then the caller is cancelled too, while the
// task cleans up.
TEST(DeadlineTest, ACallerThatIsCancelledAfterTheDeadlineIsCancelled) {
  testing::Simulator sim;
  auto clean_up = []() -> Task<absl::Status> {
    absl::Status slept = co_await SleepFor(2 * kHour);
    absl::Status cleaned = co_await Shield(Sleep(kHour));
    EXPECT_TRUE(cleaned.ok());
    co_return slept;
  };
  auto main = [&]() -> Task<absl::Status> {
    co_return co_await WithTimeout(kSecond, clean_up());
  };
  JoinHandle<absl::Status> task = sim.SpawnJoinable(main());
  sim.RunFor(absl::Minutes(1));

  task.Cancel();
  sim.RunUntilIdle();

  EXPECT_TRUE(absl::IsCancelled(task.BlockingJoin()));
}

TEST(DeadlineTest, InACancelledTaskItIsCancelledAtOnce) {
  testing::Simulator sim;
  const Instant begin = sim.now();
  auto main = []() -> Task<absl::Status> {
    co_return co_await WithTimeout(kHour, Sleep(2 * kHour));
  };
  JoinHandle<absl::Status> task = sim.SpawnJoinable(main());
  task.Cancel();

  sim.RunUntilIdle();

  EXPECT_TRUE(absl::IsCancelled(task.BlockingJoin()));
  EXPECT_EQ(sim.now(), begin);
}

TEST(DeadlineTest, TheCallerIsNotCancelledByItsDeadline) {
  testing::Simulator sim;
  auto main = []() -> Task<absl::Status> {
    absl::Status exceeded = co_await WithTimeout(kSecond, Sleep(kHour));
    EXPECT_TRUE(absl::IsDeadlineExceeded(exceeded));
    EXPECT_FALSE(IsCancelled());
    co_return co_await SleepFor(kHour);
  };

  EXPECT_TRUE(sim.Run(main()).ok());
}

TEST(DeadlineTest, AfterTheDeadlineEveryWaitOfTheTaskIsCancelled) {
  testing::Simulator sim;
  auto stubborn = []() -> Task<absl::StatusOr<int>> {
    int refused = 0;
    for (int i = 0; i < 3; ++i) {
      absl::Status slept = co_await SleepFor(kHour);
      if (absl::IsCancelled(slept)) ++refused;
    }
    co_return refused;
  };
  auto main = [&]() -> Task<absl::StatusOr<int>> {
    co_return co_await WithTimeout(kSecond, stubborn());
  };

  EXPECT_EQ(*sim.Run(main()), 3);
}

// --- Special moments ---

TEST(DeadlineTest, ADeadlineInThePastCancelsTheTaskBeforeItsFirstWait) {
  testing::Simulator sim;
  const Instant begin = sim.now();
  bool ran = false;
  auto note = [](bool& flag) -> Task<absl::Status> {
    flag = true;
    EXPECT_TRUE(IsCancelled());
    co_return co_await SleepFor(kHour);
  };
  auto main = [&]() -> Task<absl::Status> {
    co_return co_await WithDeadline(Now() - kHour, note(ran));
  };

  EXPECT_TRUE(absl::IsDeadlineExceeded(sim.Run(main())));

  EXPECT_TRUE(ran);
  EXPECT_EQ(sim.now(), begin);
}

TEST(DeadlineTest, ATimeoutOfZeroOrLessHasPassed) {
  testing::Simulator sim;
  auto main = []() -> Task<> {
    absl::Status zero =
        co_await WithTimeout(absl::ZeroDuration(), Sleep(kSecond));
    absl::Status negative = co_await WithTimeout(-kHour, Sleep(kSecond));
    EXPECT_TRUE(absl::IsDeadlineExceeded(zero));
    EXPECT_TRUE(absl::IsDeadlineExceeded(negative));
  };

  EXPECT_TRUE(sim.Run(main()).ok());
}

TEST(DeadlineTest, ATaskThatNeedsNoWaitSucceedsAlsoAfterItsDeadline) {
  testing::Simulator sim;
  auto give = []() -> Task<absl::StatusOr<int>> { co_return 7; };
  auto main = [&]() -> Task<absl::StatusOr<int>> {
    co_return co_await WithTimeout(-kHour, give());
  };

  EXPECT_EQ(*sim.Run(main()), 7);
}

TEST(DeadlineTest, ForEverNeverPasses) {
  testing::Simulator sim;
  auto main = []() -> Task<absl::StatusOr<int>> {
    co_return co_await WithTimeout(absl::InfiniteDuration(),
                                   GiveAfter(absl::Hours(24 * 365), 7));
  };

  EXPECT_EQ(*sim.Run(main()), 7);
}

TEST(DeadlineTest, CancelledFromOutsideBeforeAPassedDeadlineIsCancelled) {
  testing::Simulator sim;
  auto main = []() -> Task<absl::Status> {
    co_return co_await WithTimeout(-kHour, Sleep(kHour));
  };
  JoinHandle<absl::Status> task = sim.SpawnJoinable(main());
  task.Cancel();

  sim.RunUntilIdle();

  EXPECT_TRUE(absl::IsCancelled(task.BlockingJoin()));
}

// The clock jumps over both moments: the wait that ended first was woken before
// the deadline fires, and nobody takes that back.
TEST(DeadlineTest, ASuccessAtTheLastMomentIsASuccess) {
  testing::SimulatedSystem system;
  testing::Simulator sim(testing::SimulatorOptions{.system = &system});
  auto main = []() -> Task<absl::StatusOr<int>> {
    co_return co_await WithTimeout(2 * kSecond, GiveAfter(kSecond, 7));
  };
  JoinHandle<absl::StatusOr<int>> task = sim.SpawnJoinable(main());
  sim.RunFor(absl::Milliseconds(1));

  system.AdvanceTo(sim.now() + kHour);
  sim.RunUntilIdle();

  EXPECT_EQ(*task.BlockingJoin(), 7);
}

TEST(DeadlineTest, ADeadlineThatPassesFirstCancelsAWaitThatIsDueAsWell) {
  testing::SimulatedSystem system;
  testing::Simulator sim(testing::SimulatorOptions{.system = &system});
  auto main = []() -> Task<absl::StatusOr<int>> {
    co_return co_await WithTimeout(kSecond, GiveAfter(2 * kSecond, 7));
  };
  JoinHandle<absl::StatusOr<int>> task = sim.SpawnJoinable(main());
  sim.RunFor(absl::Milliseconds(1));

  system.AdvanceTo(sim.now() + kHour);
  sim.RunUntilIdle();

  EXPECT_TRUE(absl::IsDeadlineExceeded(task.BlockingJoin().status()));
}

// A timer of the test's own, which fires before the deadline in the same batch
// and there cancels the sleeping task from outside.
class CancelOnTimer final : public reactor::Timer {
 public:
  explicit CancelOnTimer(JoinHandle<absl::Status>& task) : task_(task) {}
  void OnTimer() noexcept override { task_.Cancel(); }

 private:
  JoinHandle<absl::Status>& task_;
};

TEST(DeadlineTest, ACancellationWhileTheDeadlineIsAboutToFireIsCancelled) {
  testing::SimulatedSystem system;
  testing::Simulator sim(testing::SimulatorOptions{.system = &system});
  JoinHandle<absl::Status> task;
  CancelOnTimer cancel(task);
  auto main = [&]() -> Task<absl::Status> {
    CurrentReactor().timers().Arm(cancel, Now() + kSecond);
    co_return co_await WithTimeout(2 * kSecond, Sleep(kHour));
  };
  task = sim.SpawnJoinable(main());
  sim.RunFor(absl::Milliseconds(1));

  system.AdvanceTo(sim.now() + kHour);
  sim.RunUntilIdle();

  EXPECT_TRUE(absl::IsCancelled(task.BlockingJoin()));
}

TEST(DeadlineTest, ItsTimerIsGoneWhenItReturns) {
  testing::Simulator sim;
  auto main = []() -> Task<> {
    absl::StatusOr<int> given =
        co_await WithTimeout(kHour, GiveAfter(kSecond, 7));
    EXPECT_TRUE(given.ok());
    EXPECT_TRUE(CurrentReactor().timers().empty());
    absl::Status exceeded = co_await WithTimeout(kSecond, Sleep(kHour));
    EXPECT_TRUE(absl::IsDeadlineExceeded(exceeded));
    EXPECT_TRUE(CurrentReactor().timers().empty());
  };

  EXPECT_TRUE(sim.Run(main()).ok());
}

// --- Nesting ---

TEST(DeadlineTest, TheInnerDeadlineEndsTheInnerTaskOnly) {
  testing::Simulator sim;
  auto outer = []() -> Task<absl::StatusOr<int>> {
    absl::Status inner = co_await WithTimeout(kSecond, Sleep(2 * kHour));
    EXPECT_TRUE(absl::IsDeadlineExceeded(inner));
    EXPECT_FALSE(IsCancelled());
    co_await OrReturn(SleepFor(kSecond));
    co_return 7;
  };
  auto main = [&]() -> Task<absl::StatusOr<int>> {
    co_return co_await WithTimeout(kHour, outer());
  };

  EXPECT_EQ(*sim.Run(main()), 7);
}

TEST(DeadlineTest, ForTheInnerOneTheOuterDeadlineIsACancellation) {
  testing::Simulator sim;
  absl::Status inner;
  auto outer = [](absl::Status& into) -> Task<absl::Status> {
    into = co_await WithTimeout(kHour, Sleep(2 * kHour));
    co_return into;
  };
  auto main = [&]() -> Task<absl::Status> {
    co_return co_await WithTimeout(kSecond, outer(inner));
  };

  EXPECT_TRUE(absl::IsDeadlineExceeded(sim.Run(main())));
  EXPECT_TRUE(absl::IsCancelled(inner));
}

TEST(DeadlineTest, OfTwoAtTheSameTimeTheOuterOneCounts) {
  testing::Simulator sim;
  absl::Status inner;
  auto outer = [](Instant deadline, absl::Status& into) -> Task<absl::Status> {
    into = co_await WithDeadline(deadline, Sleep(kHour));
    co_return into;
  };
  auto main = [&]() -> Task<absl::Status> {
    const Instant deadline = Now() + kSecond;
    co_return co_await WithDeadline(deadline, outer(deadline, inner));
  };

  EXPECT_TRUE(absl::IsDeadlineExceeded(sim.Run(main())));
  EXPECT_TRUE(absl::IsCancelled(inner));
}

TEST(DeadlineTest, ManyNestedDeadlinesWithTheShortestInside) {
  testing::Simulator sim;
  struct Nest {
    static Task<absl::Status> Down(int depth) {
      if (depth == 0) co_return co_await SleepFor(absl::Hours(1000));
      co_return co_await WithTimeout(absl::Minutes(depth), Down(depth - 1));
    }
  };

  // The innermost exceeds its minute; for those around that is an error like
  // any other, and it is in time.
  EXPECT_TRUE(absl::IsDeadlineExceeded(sim.Run(Nest::Down(100))));
}

TEST(DeadlineTest, AnErrorInAScopeInsideIsNotTheDeadlines) {
  testing::Simulator sim;
  auto body = []() -> Task<absl::Status> {
    co_return co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
      scope.Spawn(Sleep(2 * kHour));
      co_await OrReturn(SleepFor(kSecond));
      co_return absl::InternalError("broken");
    });
  };
  auto main = [&]() -> Task<absl::Status> {
    co_return co_await WithTimeout(kHour, body());
  };

  EXPECT_EQ(sim.Run(main()), absl::InternalError("broken"));
}

TEST(DeadlineTest, ItReachesTheChildrenOfAScope) {
  testing::Simulator sim;
  auto body = []() -> Task<absl::Status> {
    co_return co_await WithScope([&](Scope& scope) -> Task<> {
      scope.Spawn(Sleep(2 * kHour));
      scope.Spawn(Sleep(3 * kHour));
      co_return;
    });
  };
  auto main = [&]() -> Task<absl::Status> {
    co_return co_await WithTimeout(kSecond, body());
  };

  EXPECT_TRUE(absl::IsDeadlineExceeded(sim.Run(main())));
}

// --- The rest of what it promises ---

TEST(DeadlineTest, WaitsForATaskThatCleansUpBeyondTheDeadline) {
  testing::Simulator sim;
  const Instant begin = sim.now();
  Journal journal;
  auto slow = [](Journal& into) -> Task<absl::Status> {
    Mourned local(into, "local");
    absl::Status slept = co_await SleepFor(absl::InfiniteDuration());
    absl::Status cleaned = co_await Shield(Sleep(kHour));
    into.push_back(cleaned.ok() ? "cleaned up" : "cut short");
    co_return slept;
  };
  auto main = [&]() -> Task<absl::Status> {
    absl::Status ended = co_await WithTimeout(kSecond, slow(journal));
    journal.push_back("over");
    co_return ended;
  };

  EXPECT_TRUE(absl::IsDeadlineExceeded(sim.Run(main())));

  EXPECT_THAT(journal, ElementsAre("cleaned up", "local", "over"));
  EXPECT_GE(sim.now() - begin, kHour);
}

TEST(DeadlineTest, AnExceptionIsThrownFromTheAwait) {
  testing::Simulator sim;
  auto fail = []() -> Task<absl::Status> {
    absl::Status slept = co_await SleepFor(kHour);
    throw std::runtime_error(absl::IsCancelled(slept) ? "late" : "early");
  };
  auto main = [&]() -> Task<std::string> {
    std::string text = "nothing thrown";
    try {
      absl::Status ended = co_await WithTimeout(kSecond, fail());
      text = ended.ToString();
    } catch (const std::runtime_error& error) {
      text = error.what();
    }
    co_return text;
  };

  EXPECT_EQ(*sim.Run(main()), "late");
}

TEST(DeadlineTest, OrReturnEndsTheCallerWithIt) {
  testing::Simulator sim;
  Journal journal;
  auto main = [&]() -> Task<absl::Status> {
    Mourned local(journal, "caller");
    int given = co_await OrReturn(WithTimeout(kSecond, GiveAfter(kHour, 7)));
    journal.push_back("never " + std::to_string(given));
    co_return absl::OkStatus();
  };

  EXPECT_TRUE(absl::IsDeadlineExceeded(sim.Run(main())));

  EXPECT_THAT(journal, ElementsAre("caller"));
}

TEST(DeadlineTest, AWaitingOneDescribesItself) {
  testing::Simulator sim;
  TaskContext* context = nullptr;
  auto main = [&]() -> Task<> {
    context = internal::Here().context;
    absl::Status ended = co_await WithTimeout(kHour, Sleep(kSecond));
    EXPECT_TRUE(ended.ok());
  };
  sim.Spawn(main());
  sim.RunFor(absl::Milliseconds(1));

  std::string_view kind;
  context->Look([&kind](Leaf& leaf) { kind = leaf.Describe().kind; });

  EXPECT_EQ(kind, "deadline");
  sim.RunUntilIdle();
}

// Deadline, sleep and the caller's cancellation all at one moment: whatever the
// schedule, the answer is one of the three, and everything is counted.
TEST(DeadlineTest, AllAtOnceInEverySchedule) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE(seed);
    testing::Simulator sim(seed);
    auto main = []() -> Task<absl::StatusOr<int>> {
      co_return co_await WithTimeout(kSecond, GiveAfter(kSecond, 7));
    };
    auto cancel = [](JoinHandle<absl::StatusOr<int>>& task) -> Task<> {
      absl::Status slept = co_await SleepFor(kSecond);
      EXPECT_TRUE(slept.ok());
      task.Cancel();
    };
    JoinHandle<absl::StatusOr<int>> task = sim.SpawnJoinable(main());
    sim.Spawn(cancel(task));

    sim.RunUntilIdle();

    ASSERT_TRUE(task.finished());
    absl::StatusOr<int> ended = task.BlockingJoin();
    EXPECT_TRUE(ended.ok() || absl::IsCancelled(ended.status()) ||
                absl::IsDeadlineExceeded(ended.status()))
        << ended.status();
    EXPECT_FALSE(sim.AnyTasks());
  }
}

}  // namespace
}  // namespace weft
