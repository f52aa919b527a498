// Tests of cancellation that meets a wake, a timer or an end, in both orders,
// on real threads; with another one that looks on, as a dump does.
//
// SPDX-License-Identifier: MIT

#include <atomic>
#include <memory>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/runtime/cancellation.h"
#include "weft/runtime/current.h"
#include "weft/runtime/deadline.h"
#include "weft/runtime/leaf.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/shield.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/task_context.h"
#include "weft/runtime/when_all.h"
#include "weft/runtime/when_any.h"
#include "weft/runtime/yield.h"
#include "weft/sync/semaphore.h"

namespace weft {
namespace {

constexpr int kRounds = 30;
constexpr int kTasks = 50;

using Contexts = std::vector<std::atomic<TaskContext*>>;

// Looks at the waits of tasks until it is destroyed. The tasks' handles outlive
// it, and with them the contexts.
class Onlooker {
 public:
  // `kind` is that of all their waits.
  Onlooker(const Contexts& contexts, std::string_view kind)
      : thread_([&contexts, kind](const std::stop_token& stop) {
          while (!stop.stop_requested()) {
            for (const std::atomic<TaskContext*>& each : contexts) {
              TaskContext* const context = each.load();
              if (context == nullptr) continue;
              context->Look([kind](Leaf& leaf) {
                EXPECT_EQ(leaf.Describe().kind, kind);
              });
            }
          }
        }) {}

 private:
  std::jthread thread_;
};

// How the waits of one test ended.
struct Endings {
  std::atomic<int> ok = 0;
  std::atomic<int> cancelled = 0;
  std::atomic<int> wrong = 0;

  void Count(const absl::Status& status) {
    ++(status.ok() ? ok : absl::IsCancelled(status) ? cancelled : wrong);
  }
};

bool OkOrCancelled(const absl::Status& status) {
  return status.ok() || absl::IsCancelled(status);
}

class CancellationTest : public ::testing::TestWithParam<int> {
 protected:
  // Runs `kTasks` tasks made by `make`, whose waits are all of one kind, tells
  // `wake` about each on one thread and cancels each on another, while a third
  // looks on.
  template <typename Make, typename Wake>
  void Race(Runtime& runtime, std::string_view kind, Make make, Wake wake) {
    for (int round = 0; round < kRounds; ++round) {
      Contexts contexts(kTasks);
      std::vector<JoinHandle<void>> tasks;
      for (int i = 0; i < kTasks; ++i) {
        tasks.push_back(runtime.Spawn(make(i, contexts[i])));
      }
      {
        const Onlooker onlooker(contexts, kind);
        std::jthread waker([&] {
          for (int i = 0; i < kTasks; ++i) wake(i);
        });
        std::jthread canceller([&] {
          // Now ahead of the waker, now behind it.
          if (round % 3 == 0) std::this_thread::yield();
          for (int i = 0; i < kTasks; ++i) {
            tasks[round % 2 == 0 ? i : kTasks - 1 - i].Cancel();
          }
        });
        for (JoinHandle<void>& task : tasks) {
          EXPECT_TRUE(task.BlockingJoin().ok());
        }
      }
    }
  }

  void ExpectAllEnded(const Endings& endings) {
    EXPECT_EQ(endings.wrong, 0);
    EXPECT_EQ(endings.ok + endings.cancelled, kRounds * kTasks);
  }
};

INSTANTIATE_TEST_SUITE_P(Workers, CancellationTest, ::testing::Values(1, 2, 4));

TEST_P(CancellationTest, APermitIsEitherTakenOrStillThere) {
  Runtime runtime({.workers = GetParam()});
  sync::Semaphore semaphore(0);
  Endings endings;
  auto acquire = [&](int, std::atomic<TaskContext*>& context) -> Task<> {
    context = internal::Here().context;
    absl::StatusOr<sync::Semaphore::Permit> permit =
        co_await semaphore.Acquire();
    endings.Count(permit.status());
    if (permit.ok()) permit->Forget();
  };

  Race(runtime, "semaphore", acquire, [&](int) { semaphore.Release(); });

  ExpectAllEnded(endings);
  EXPECT_EQ(endings.ok + semaphore.available(), kRounds * kTasks);
}

TEST_P(CancellationTest, AJoinThatIsCancelledCanBeDoneAgain) {
  Runtime runtime({.workers = GetParam()});
  Endings endings;
  std::atomic<int> lost = 0;
  auto answer = [](int turns) -> Task<int> {
    for (int i = 0; i < turns; ++i) co_await Yield();
    co_return 42;
  };
  auto rejoin = [](JoinHandle<int>& handle) -> Task<absl::StatusOr<int>> {
    absl::StatusOr<int> result = co_await handle.Join();
    co_return result;
  };
  auto join = [&](int number, std::atomic<TaskContext*>& context) -> Task<> {
    context = internal::Here().context;
    JoinHandle<int> child = Spawn(answer(number % 7));
    absl::StatusOr<int> joined = co_await child.Join();
    endings.Count(joined.status());
    if (!joined.ok()) joined = co_await Shield(rejoin(child));
    if (joined != absl::StatusOr<int>(42)) ++lost;
  };

  Race(runtime, "join", join, [](int) {});

  ExpectAllEnded(endings);
  EXPECT_EQ(lost, 0);
}

// Its timer and the canceller come at about the same time; whoever was
// cancelled stays so.
TEST_P(CancellationTest, ASleepEndsByTheClockOrByTheCanceller) {
  Runtime runtime({.workers = GetParam()});
  Endings endings;
  std::atomic<int> early = 0;
  std::atomic<int> forgotten = 0;
  auto sleep = [&](int number, std::atomic<TaskContext*>& context) -> Task<> {
    context = internal::Here().context;
    const absl::Duration length = absl::Microseconds(5 * number);
    const Instant begin = Now();
    absl::Status first = co_await SleepFor(length);
    if (first.ok() && Now() - begin < length) ++early;
    absl::Status second = co_await SleepFor(length);
    if (!first.ok() && !absl::IsCancelled(second)) ++forgotten;
    endings.Count(first);
  };

  Race(runtime, "sleep", sleep, [](int) {});

  ExpectAllEnded(endings);
  EXPECT_EQ(early, 0);
  EXPECT_EQ(forgotten, 0);
}

TEST_P(CancellationTest, AForkPassesACancellationToBranchesThatAreBeingWoken) {
  Runtime runtime({.workers = GetParam()});
  sync::Semaphore semaphore(0);
  Endings endings;
  std::atomic<int> acquired = 0;
  auto branch = [&]() -> Task<absl::Status> {
    absl::StatusOr<sync::Semaphore::Permit> permit =
        co_await semaphore.Acquire();
    if (permit.ok()) {
      permit->Forget();
      ++acquired;
    }
    co_return permit.status();
  };
  auto fork = [&](int, std::atomic<TaskContext*>& context) -> Task<> {
    context = internal::Here().context;
    auto [a, b] = co_await WhenAll(branch(), branch());
    endings.Count(a.ok() ? b : a);
  };

  Race(runtime, "join", fork, [&](int) { semaphore.Release(); });

  ExpectAllEnded(endings);
  EXPECT_EQ(acquired + semaphore.available(), kRounds * kTasks);
}

TEST_P(CancellationTest, DroppingAHandleWhileTheTaskEndsFreesTheTaskOnce) {
  Runtime runtime({.workers = GetParam()});
  std::atomic<int> ended = 0;
  auto counted = std::make_shared<int>(0);
  auto brief = [](std::shared_ptr<int>, std::atomic<int>& ended,
                  int turns) -> Task<> {
    for (int i = 0; i < turns; ++i) co_await Yield();
    ++ended;
  };

  for (int i = 0; i < kRounds * kTasks; ++i) {
    JoinHandle<void> handle = runtime.Spawn(brief(counted, ended, i % 3));
    if (i % 2 == 0) std::this_thread::yield();
  }
  while (ended < kRounds * kTasks) std::this_thread::yield();
  // The frame is gone before the task is: ask until it has been so for all.
  while (counted.use_count() > 1) std::this_thread::yield();

  EXPECT_EQ(ended, kRounds * kTasks);
}

TEST_P(CancellationTest, ManyThreadsMayCancelTheSameTask) {
  Runtime runtime({.workers = GetParam()});
  for (int round = 0; round < kRounds; ++round) {
    auto sleep = []() -> Task<absl::Status> {
      absl::Status slept = co_await SleepFor(absl::InfiniteDuration());
      co_return slept;
    };
    JoinHandle<absl::Status> task = runtime.Spawn(sleep());
    {
      std::vector<std::jthread> cancellers;
      for (int i = 0; i < 3; ++i) {
        cancellers.emplace_back([&task] { task.Cancel(); });
      }
    }

    EXPECT_EQ(task.BlockingJoin(), CancelledError());
  }
}

Task<absl::StatusOr<int>> GiveAfter(absl::Duration pause, int n) {
  co_await OrReturn(SleepFor(pause));
  co_return n;
}

// The body and the deadline end within microseconds of each other, on whatever
// worker: the timer may be firing while it is cancelled.
TEST_P(CancellationTest, ADeadlineFiresWhileItsTaskEnds) {
  constexpr int kForks = 400;
  constexpr int kBranches = 8;
  Runtime runtime({.workers = GetParam()});
  auto race = [](int round) -> Task<> {
    auto one = [](int pause, int timeout) -> Task<absl::StatusOr<int>> {
      co_return co_await WithTimeout(
          absl::Microseconds(timeout),
          GiveAfter(absl::Microseconds(pause), pause));
    };
    std::vector<Task<absl::StatusOr<int>>> tasks;
    for (int i = 0; i < kBranches; ++i) {
      tasks.push_back(one(30 + (round * 7) % 50, 30 + (round * 11) % 50));
    }
    std::vector<absl::StatusOr<int>> all = co_await WhenAll(std::move(tasks));
    for (const absl::StatusOr<int>& result : all) {
      EXPECT_TRUE(result.ok() || absl::IsDeadlineExceeded(result.status()))
          << result.status();
    }
  };
  std::vector<JoinHandle<void>> running;
  for (int round = 0; round < kForks; ++round) {
    running.push_back(runtime.Spawn(race(round)));
  }
  for (JoinHandle<void>& task : running) {
    EXPECT_TRUE(task.BlockingJoin().ok());
  }
}

TEST_P(CancellationTest, ARaceCancelsItsLosersWhileTheyEnd) {
  constexpr int kRaces = 500;
  Runtime runtime({.workers = GetParam()});
  auto run = [](int round) -> Task<> {
    auto any = co_await WhenAny(GiveAfter(absl::Microseconds(round % 7), 0),
                                GiveAfter(absl::Microseconds(round % 5), 1),
                                GiveAfter(absl::Microseconds(round % 3), 2));
    const absl::StatusOr<int>* const outcomes[] = {&std::get<0>(any.outcomes),
                                                   &std::get<1>(any.outcomes),
                                                   &std::get<2>(any.outcomes)};
    EXPECT_TRUE(outcomes[any.first]->ok());
    for (const absl::StatusOr<int>* const outcome : outcomes) {
      EXPECT_TRUE(OkOrCancelled(outcome->status()));
    }
  };
  std::vector<JoinHandle<void>> running;
  for (int round = 0; round < kRaces; ++round) {
    running.push_back(runtime.Spawn(run(round)));
  }
  for (JoinHandle<void>& task : running) {
    EXPECT_TRUE(task.BlockingJoin().ok());
  }
}

// Children fail and are spawned on all workers, while a thread cancels the
// scope's task from outside.
TEST_P(CancellationTest, AScopeIsCancelledFromInsideAndOutside) {
  constexpr int kScopes = 400;
  Runtime runtime({.workers = GetParam()});
  auto alive = std::make_shared<int>(0);
  auto child = [](std::shared_ptr<int>, int n) -> Task<absl::Status> {
    for (int i = 0; i < n % 4; ++i) co_await Yield();
    co_await OrReturn(SleepFor(absl::Microseconds(n)));
    if (n % 8 == 7) co_return absl::InternalError("broken");
    co_return absl::OkStatus();
  };
  auto run = [&]() -> Task<absl::Status> {
    co_return co_await WithScope([&](Scope& scope) -> Task<> {
      for (int i = 0; i < 16; ++i) {
        scope.Spawn(child, alive, i);
        if (i % 4 == 0) co_await Yield();
      }
    });
  };
  for (int round = 0; round < kScopes; ++round) {
    JoinHandle<absl::Status> task = runtime.Spawn(run());
    if (round % 2 == 0) task.Cancel();

    absl::Status ended = task.BlockingJoin();

    EXPECT_TRUE(absl::IsInternal(ended) || absl::IsCancelled(ended)) << ended;
    EXPECT_EQ(alive.use_count(), 1);
  }
}

// Some leaves ask whether they are cancelled, and so make the forks above them
// known, which then end as if nobody had.
Task<int> Fib(int n) {
  if (n < 2) {
    if (n == 1 && !IsCancelled()) co_await Yield();
    co_return n;
  }
  auto [a, b] = co_await WhenAll(Fib(n - 1), Fib(n - 2));
  co_return a + b;
}

TEST_P(CancellationTest, ForksAreStolenAndCancelledOnTheWay) {
  Runtime runtime({.workers = GetParam()});
  for (int round = 0; round < 10; ++round) {
    JoinHandle<int> undisturbed = runtime.Spawn(Fib(15));
    JoinHandle<int> cancelled = runtime.Spawn(Fib(15));

    cancelled.Cancel();  // It does not wait, so it is not stopped either.

    EXPECT_EQ(*undisturbed.BlockingJoin(), 610);
    EXPECT_EQ(*cancelled.BlockingJoin(), 610);
  }
}

// The leaves of a tree of forks are told that the tree was cancelled, and then
// ask. Whoever makes the forks above them known, and however slowly, none may
// hear that it was not.
Task<int> MissedBy(int level, const std::atomic<bool>& told) {
  if (level > 0) {
    auto [a, b] =
        co_await WhenAll(MissedBy(level - 1, told), MissedBy(level - 1, told));
    co_return a + b;
  }
  while (!told) co_await Yield();
  co_return IsCancelled() ? 0 : 1;
}

TEST_P(CancellationTest, WhoeverLearnsThatItWasCancelledIsCancelled) {
  Runtime runtime({.workers = GetParam()});
  for (int round = 0; round < 200; ++round) {
    std::atomic<bool> told = false;
    JoinHandle<int> tree = runtime.Spawn(MissedBy(6, told));
    if (round % 2 == 0) std::this_thread::yield();

    tree.Cancel();
    told = true;

    EXPECT_EQ(tree.BlockingJoin(), absl::StatusOr<int>(0));
  }
}

// All leaves wait; the canceller comes at any moment.
Task<int> Wait(int level) {
  if (level > 0) {
    auto [a, b] = co_await WhenAll(Wait(level - 1), Wait(level - 1));
    co_return a + b;
  }
  absl::Status slept = co_await SleepFor(absl::InfiniteDuration());
  co_return absl::IsCancelled(slept) ? 1 : 0;
}

TEST_P(CancellationTest, ATreeOfForksIsCancelledWhileItGrows) {
  Runtime runtime({.workers = GetParam()});
  for (int round = 0; round < 300; ++round) {
    JoinHandle<int> tree = runtime.Spawn(Wait(round % 8));
    for (int i = 0; i < round % 5; ++i) std::this_thread::yield();

    tree.Cancel();

    EXPECT_EQ(tree.BlockingJoin(), absl::StatusOr<int>(1 << (round % 8)));
  }
}

}  // namespace
}  // namespace weft
