// Tests of weft::OrReturn: what it unwraps, and how a task ends by an error.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/or_return.h"

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/runtime/cancellation.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/runtime/when_all.h"
#include "weft/runtime/yield.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Journal = std::vector<std::string>;

const char kGone[] = "gone";

Task<absl::StatusOr<int>> Give(int n) { co_return n; }

Task<absl::StatusOr<int>> Fail() { co_return absl::NotFoundError(kGone); }

Task<absl::StatusOr<int>> FailLater() {
  co_await Yield();
  co_return absl::NotFoundError(kGone);
}

// Writes its name into a journal when it dies.
class Mourned {
 public:
  Mourned(Journal& journal, std::string name)
      : journal_(&journal), name_(std::move(name)) {}
  Mourned(Mourned&& other) noexcept
      : journal_(std::exchange(other.journal_, nullptr)),
        name_(std::move(other.name_)) {}
  Mourned& operator=(Mourned&&) = delete;
  ~Mourned() {
    if (journal_ != nullptr) journal_->push_back(name_);
  }

 private:
  Journal* journal_;
  std::string name_;
};

// --- What it unwraps --------------------------------------------------------

TEST(OrReturnTest, GivesTheValueInADeclaration) {
  testing::Simulator sim;
  auto add = []() -> Task<absl::StatusOr<int>> {
    int a = co_await OrReturn(Give(20));
    int b = co_await OrReturn(Give(22));
    co_return a + b;
  };

  EXPECT_EQ(sim.Run(add()), absl::StatusOr<int>(42));
}

TEST(OrReturnTest, GivesTheValueInAWhileCondition) {
  testing::Simulator sim;
  auto count_down = [](int& left) -> Task<absl::StatusOr<int>> {
    co_return left--;
  };
  auto sum = [&]() -> Task<absl::StatusOr<int>> {
    int left = 4;
    int total = 0;
    while (int n = co_await OrReturn(count_down(left))) total += n;
    co_return total;
  };

  EXPECT_EQ(sim.Run(sum()), absl::StatusOr<int>(10));
}

TEST(OrReturnTest, EndsTheTaskFromAWhileCondition) {
  testing::Simulator sim;
  int rounds = 0;
  auto count_down = [](int& left) -> Task<absl::StatusOr<int>> {
    if (left == 2) co_return absl::DataLossError("two");
    co_return left--;
  };
  auto run = [&]() -> Task<absl::Status> {
    int left = 4;
    while (int n = co_await OrReturn(count_down(left))) rounds += n > 0;
    co_return absl::OkStatus();
  };

  EXPECT_EQ(sim.Run(run()), absl::DataLossError("two"));
  EXPECT_EQ(rounds, 2);
}

TEST(OrReturnTest, GivesWhatCanOnlyBeMoved) {
  testing::Simulator sim;
  auto make = []() -> Task<absl::StatusOr<std::unique_ptr<int>>> {
    co_return std::make_unique<int>(7);
  };
  auto read = [&]() -> Task<absl::StatusOr<int>> {
    std::unique_ptr<int> made = co_await OrReturn(make());
    co_return *made;
  };

  EXPECT_EQ(sim.Run(read()), absl::StatusOr<int>(7));
}

TEST(OrReturnTest, TakesAStatusThatIsThereAlready) {
  testing::Simulator sim;
  bool went_on = false;
  auto run = [](absl::Status status, bool& went_on) -> Task<absl::Status> {
    co_await OrReturn(status);
    went_on = true;
    co_await OrReturn(absl::AbortedError("enough"));
    ADD_FAILURE() << "went on after an error";
    co_return absl::OkStatus();
  };

  EXPECT_EQ(sim.Run(run(absl::OkStatus(), went_on)),
            absl::AbortedError("enough"));
  EXPECT_TRUE(went_on);
}

TEST(OrReturnTest, TakesAStatusOrThatIsThereAlready) {
  testing::Simulator sim;
  auto parse = [](bool good) -> absl::StatusOr<std::string> {
    if (good) return "parsed";
    return absl::InvalidArgumentError("bad");
  };
  auto run = [&](bool good) -> Task<absl::StatusOr<std::string>> {
    std::string text = co_await OrReturn(parse(good));
    co_return text + "!";
  };

  EXPECT_EQ(*sim.Run(run(true)), "parsed!");
  EXPECT_EQ(sim.Run(run(false)).status(), absl::InvalidArgumentError("bad"));
}

TEST(OrReturnTest, LeavesAStatusOrThatIsAnLvalueAsItWas) {
  testing::Simulator sim;
  auto run = []() -> Task<absl::StatusOr<int>> {
    absl::StatusOr<std::string> kept = "kept";
    std::string copy = co_await OrReturn(kept);
    EXPECT_EQ(copy, "kept");
    EXPECT_EQ(*kept, "kept");
    co_return 1;
  };

  EXPECT_TRUE(sim.Run(run()).ok());
}

TEST(OrReturnTest, AwaitsAnAwaitableThatIsAnLvalue) {
  testing::Simulator sim;
  const Instant begin = sim.now();
  auto run = []() -> Task<absl::StatusOr<int>> {
    SleepAwaiter sleep = SleepFor(absl::Seconds(1));
    co_await OrReturn(sleep);
    JoinHandle<absl::StatusOr<int>> child = Spawn(Give(3));
    JoinAwaiter<absl::StatusOr<int>> join = child.Join();
    int three = co_await OrReturn(join);
    co_return three;
  };

  EXPECT_EQ(sim.Run(run()), absl::StatusOr<int>(3));
  EXPECT_GE(sim.now() - begin, absl::Seconds(1));
}

TEST(OrReturnTest, AwaitsATaskThatIsMovedIn) {
  testing::Simulator sim;
  auto run = []() -> Task<absl::StatusOr<int>> {
    Task<absl::StatusOr<int>> child = Give(5);
    int five = co_await OrReturn(std::move(child));
    co_return five;
  };

  EXPECT_EQ(sim.Run(run()), absl::StatusOr<int>(5));
}

TEST(OrReturnTest, GivesTheErrorOfOneTypeToATaskOfAnother) {
  testing::Simulator sim;
  auto run = []() -> Task<absl::StatusOr<std::string>> {
    co_await OrReturn(Fail());
    co_return "no error";
  };

  EXPECT_EQ(sim.Run(run()).status(), absl::NotFoundError(kGone));
}

TEST(OrReturnTest, EndsTheTaskAlsoAfterARealWait) {
  testing::Simulator sim;
  auto run = []() -> Task<absl::Status> {
    co_await OrReturn(FailLater());
    ADD_FAILURE() << "went on after an error";
    co_return absl::OkStatus();
  };

  EXPECT_EQ(sim.Run(run()), absl::NotFoundError(kGone));
}

TEST(OrReturnTest, EndsTheTaskWhenItsWaitIsCancelled) {
  testing::Simulator sim;
  auto sleep_for_ever = []() -> Task<absl::Status> {
    co_await OrReturn(SleepFor(absl::InfiniteDuration()));
    ADD_FAILURE() << "went on after a cancellation";
    co_return absl::OkStatus();
  };
  JoinHandle<absl::Status> sleeper = sim.SpawnJoinable(sleep_for_ever());
  sim.RunUntilIdle();

  sleeper.Cancel();
  sim.RunUntilIdle();

  ASSERT_TRUE(sleeper.finished());
  EXPECT_EQ(sleeper.BlockingJoin(), CancelledError());
}

// --- Who dies, and when -----------------------------------------------------

Task<absl::Status> LevelThree(Journal& journal) {
  Mourned outer(journal, "three");
  {
    Mourned inner(journal, "inside three");
    co_await OrReturn(FailLater());
  }
  co_return absl::OkStatus();
}

Task<absl::StatusOr<int>> LevelTwo(Journal& journal,
                                   [[maybe_unused]] Mourned argument) {
  Mourned local(journal, "two");
  co_await OrReturn(LevelThree(journal));
  co_return 2;
}

Task<absl::Status> LevelOne(Journal& journal) {
  Mourned first(journal, "first of one");
  Mourned second(journal, "second of one");
  int two = co_await OrReturn(LevelTwo(journal, Mourned(journal, "argument")));
  ADD_FAILURE() << "went on with " << two;
  co_return absl::OkStatus();
}

TEST(OrReturnTest, EndsThreeLevelsInnermostFirstAndEachLocalOnce) {
  testing::Simulator sim;
  Journal journal;
  auto watch = [&]() -> Task<absl::Status> {
    absl::Status status = co_await LevelOne(journal);
    journal.push_back("the caller goes on");
    co_return status;
  };

  EXPECT_EQ(sim.Run(watch()), absl::NotFoundError(kGone));

  EXPECT_THAT(journal, ElementsAre("inside three", "three", "two", "argument",
                                   "second of one", "first of one",
                                   "the caller goes on"));
}

TEST(OrReturnTest, DestroysNothingEarlyWhereThereIsNoError) {
  testing::Simulator sim;
  Journal journal;
  auto run = [&]() -> Task<absl::Status> {
    Mourned local(journal, "local");
    co_await OrReturn(Give(1));
    EXPECT_THAT(journal, IsEmpty());
    co_return absl::OkStatus();
  };

  EXPECT_TRUE(sim.Run(run()).ok());

  EXPECT_THAT(journal, ElementsAre("local"));
}

TEST(OrReturnTest, DestroysTheLocalsOfASpawnedTaskBeforeItsJoinerGoesOn) {
  testing::Simulator sim;
  Journal journal;
  auto child = [](Journal& journal) -> Task<absl::Status> {
    Mourned local(journal, "local");
    co_await OrReturn(FailLater());
    co_return absl::OkStatus();
  };
  auto run = [&]() -> Task<absl::Status> {
    JoinHandle<absl::Status> handle = Spawn(child(journal));
    absl::Status status = co_await handle.Join();
    journal.push_back("joined");
    co_return status;
  };

  EXPECT_EQ(sim.Run(run()), absl::NotFoundError(kGone));

  EXPECT_THAT(journal, ElementsAre("local", "joined"));
}

// A lock that only a test on one thread can have.
class Guard {
 public:
  explicit Guard(bool& locked) : locked_(locked) { locked_ = true; }
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;
  ~Guard() { locked_ = false; }

 private:
  bool& locked_;
};

TEST(OrReturnTest, AnErrorUnderAGuardLetsTheSiblingThatWaitsForItGoOn) {
  testing::Simulator sim;
  bool locked = false;
  auto fail_with_lock = [](bool& locked) -> Task<absl::Status> {
    Guard guard(locked);
    co_await OrReturn(FailLater());
    co_return absl::OkStatus();
  };
  auto wait_for_lock = [](bool& locked) -> Task<absl::Status> {
    while (locked) co_await Yield();
    Guard guard(locked);
    co_return absl::OkStatus();
  };
  auto run = [&]() -> Task<absl::Status> {
    auto [failed, waited] =
        co_await WhenAll(fail_with_lock(locked), wait_for_lock(locked));
    EXPECT_TRUE(waited.ok());
    co_return failed;
  };

  EXPECT_EQ(sim.Run(run()), absl::NotFoundError(kGone));
}

// --- Exceptions -------------------------------------------------------------

Task<absl::StatusOr<int>> Throw(bool wait_first) {
  if (wait_first) co_await Yield();
  throw std::runtime_error("thrown");
  co_return 1;
}

Task<absl::StatusOr<std::string>> CatchOne(bool wait_first) {
  try {
    co_await OrReturn(Throw(wait_first));
  } catch (const std::runtime_error& error) {
    co_return error.what();
  }
  co_return "nothing";
}

TEST(OrReturnTest, ThrowsAnExceptionFromTheAwait) {
  testing::Simulator sim;

  EXPECT_EQ(*sim.Run(CatchOne(/*wait_first=*/false)), "thrown");
}

TEST(OrReturnTest, ThrowsAnExceptionFromTheAwaitAfterARealWait) {
  testing::Simulator sim;

  EXPECT_EQ(*sim.Run(CatchOne(/*wait_first=*/true)), "thrown");
}

TEST(OrReturnTest, LetsAnExceptionPassThroughALevelThatDoesNotCatchIt) {
  testing::Simulator sim;
  Journal journal;
  auto middle = [](Journal& journal) -> Task<absl::Status> {
    Mourned local(journal, "middle");
    co_await OrReturn(Throw(/*wait_first=*/true));
    co_return absl::OkStatus();
  };
  auto top = [&]() -> Task<absl::StatusOr<std::string>> {
    try {
      co_await OrReturn(middle(journal));
    } catch (const std::runtime_error& error) {
      journal.push_back("caught");
      co_return error.what();
    }
    co_return "nothing";
  };

  EXPECT_EQ(*sim.Run(top()), "thrown");

  EXPECT_THAT(journal, ElementsAre("middle", "caught"));
}

TEST(OrReturnTest, IsNoExceptionThatACatchAllWouldSee) {
  testing::Simulator sim;
  bool caught = false;
  auto run = [&]() -> Task<absl::Status> {
    try {
      co_await OrReturn(FailLater());
    } catch (...) {
      caught = true;
    }
    co_return absl::OkStatus();
  };

  EXPECT_EQ(sim.Run(run()), absl::NotFoundError(kGone));
  EXPECT_FALSE(caught);
}

}  // namespace
}  // namespace weft
