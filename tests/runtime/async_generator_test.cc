// Tests of weft::AsyncGenerator, in virtual time.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/async_generator.h"

#include <memory>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/runtime/current.h"
#include "weft/runtime/generator.h"
#include "weft/runtime/shield.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/task_context.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/runtime/using.h"
#include "weft/runtime/yield.h"
#include "weft/tests/support/mourned.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using tests::Journal;
using tests::Mourned;

// Deep enough to overflow a stack that grows by one small frame a level.
constexpr int kDeep = 1'000'000;
// As deep as a throw a level allows: it costs microseconds, or under the
// address sanitizer some tens of them.
constexpr int kDeepThrows = 100'000;

template <typename T>
Task<std::vector<T>> Collect(AsyncGenerator<T> generator) {
  std::vector<T> items;
  while (std::optional<T> item = co_await generator.Next()) {
    items.push_back(*std::move(item));
  }
  co_return items;
}

AsyncGenerator<int> CountTo(int last) {
  for (int i = 1; i <= last; ++i) co_yield i;
}

AsyncGenerator<int> CountSlowlyTo(int last) {
  for (int i = 1; i <= last; ++i) {
    absl::Status slept = co_await SleepFor(absl::Seconds(1));
    if (!slept.ok()) co_return;
    co_yield i;
  }
}

TEST(AsyncGeneratorTest, GivesItsItemsOneByOneAndThenNothing) {
  testing::Simulator sim;
  auto consume = []() -> Task<> {
    AsyncGenerator<int> numbers = CountTo(2);
    EXPECT_EQ(co_await numbers.Next(), 1);
    EXPECT_EQ(co_await numbers.Next(), 2);
    EXPECT_EQ(co_await numbers.Next(), std::nullopt);
    EXPECT_EQ(co_await numbers.Next(), std::nullopt);
  };

  EXPECT_TRUE(sim.Run(consume()).ok());
}

TEST(AsyncGeneratorTest, MayWaitBetweenItsItems) {
  testing::Simulator sim;
  const Instant begin = sim.now();

  EXPECT_THAT(*sim.Run(Collect(CountSlowlyTo(3))), ElementsAre(1, 2, 3));
  EXPECT_GE(sim.now() - begin, absl::Seconds(3));
}

TEST(AsyncGeneratorTest, GivesWhatCanOnlyBeMoved) {
  testing::Simulator sim;
  auto words = []() -> AsyncGenerator<std::unique_ptr<std::string>> {
    co_yield std::make_unique<std::string>("weft");
  };
  auto consume = [&]() -> Task<std::string> {
    AsyncGenerator<std::unique_ptr<std::string>> generator = words();
    std::optional<std::unique_ptr<std::string>> word =
        co_await generator.Next();
    co_return **word;
  };

  EXPECT_EQ(*sim.Run(consume()), "weft");
}

TEST(AsyncGeneratorTest, DoesNotBeginBeforeItIsAsked) {
  bool began = false;
  auto begin = [](bool& flag) -> AsyncGenerator<int> {
    flag = true;
    co_yield 1;
  };

  {
    AsyncGenerator<int> generator = begin(began);
  }

  EXPECT_FALSE(began);
}

AsyncGenerator<int> FailAfter(int items) {
  for (int i = 1; i <= items; ++i) co_yield i;
  co_await Yield();
  throw std::runtime_error("the source is dry");
}

TEST(AsyncGeneratorTest, AnExceptionIsThrownFromNext) {
  testing::Simulator sim;
  auto consume = []() -> Task<> {
    AsyncGenerator<int> generator = FailAfter(1);
    EXPECT_EQ(co_await generator.Next(), 1);
    bool thrown = false;
    try {
      static_cast<void>(co_await generator.Next());
    } catch (const std::runtime_error&) {
      thrown = true;
    }
    EXPECT_TRUE(thrown);
    EXPECT_EQ(co_await generator.Next(), std::nullopt);
  };

  EXPECT_TRUE(sim.Run(consume()).ok());
}

TEST(AsyncGeneratorTest, MayBeAskedByOneTaskAfterAnother) {
  testing::Simulator sim;
  AsyncGenerator<int> numbers = CountSlowlyTo(2);
  auto ask = [](AsyncGenerator<int>& generator) -> Task<int> {
    std::optional<int> item = co_await generator.Next();
    co_return item.value_or(0);
  };

  EXPECT_EQ(*sim.Run(ask(numbers)), 1);
  EXPECT_EQ(*sim.Run(ask(numbers)), 2);
  EXPECT_EQ(*sim.Run(ask(numbers)), 0);
}

// --- Cancellation ---

TEST(AsyncGeneratorTest, ItsOwnCodeSeesTheCancellationOfItsConsumer) {
  testing::Simulator sim;
  auto statuses = []() -> AsyncGenerator<absl::StatusCode> {
    for (;;) {
      absl::Status slept = co_await SleepFor(absl::Hours(1));
      co_yield slept.code();
    }
  };
  auto consume = [&]() -> Task<std::vector<absl::StatusCode>> {
    std::vector<absl::StatusCode> seen;
    AsyncGenerator<absl::StatusCode> generator = statuses();
    for (int i = 0; i < 2; ++i) {
      std::optional<absl::StatusCode> code = co_await generator.Next();
      seen.push_back(*code);
    }
    co_return seen;
  };

  JoinHandle<std::vector<absl::StatusCode>> consumer =
      sim.SpawnJoinable(consume());
  sim.RunFor(absl::Minutes(90));
  consumer.Cancel();
  sim.RunUntilIdle();

  EXPECT_THAT(*consumer.BlockingJoin(),
              ElementsAre(absl::StatusCode::kOk, absl::StatusCode::kCancelled));
}

// --- Delegation ---

TEST(AsyncGeneratorTest, ElementsOfYieldsWhatAnotherGeneratorYields) {
  testing::Simulator sim;
  auto outer = []() -> AsyncGenerator<int> {
    co_yield 0;
    co_yield ElementsOf(CountSlowlyTo(2));
    co_yield ElementsOf(CountTo(0));
    co_yield ElementsOf(CountTo(1));
  };

  EXPECT_THAT(*sim.Run(Collect(outer())), ElementsAre(0, 1, 2, 1));
}

TEST(AsyncGeneratorTest, ElementsOfTakesARangeOrASynchronousGenerator) {
  testing::Simulator sim;
  auto squares = [](int last) -> Generator<int> {
    for (int i = 1; i <= last; ++i) co_yield i* i;
  };
  auto outer = [&]() -> AsyncGenerator<int> {
    co_yield ElementsOf(std::views::iota(1, 3));
    co_yield ElementsOf(squares(3));
  };

  EXPECT_THAT(*sim.Run(Collect(outer())), ElementsAre(1, 2, 1, 4, 9));
}

TEST(AsyncGeneratorTest, ElementsOfGoesOnWhereTheInnerGeneratorStands) {
  testing::Simulator sim;
  auto relay = [](AsyncGenerator<int> inner) -> AsyncGenerator<int> {
    co_yield ElementsOf(std::move(inner));
    co_yield 10;
  };
  auto consume = [&]() -> Task<std::vector<int>> {
    AsyncGenerator<int> begun = relay(relay(CountSlowlyTo(3)));
    EXPECT_EQ(co_await begun.Next(), 1);
    co_return co_await Collect(relay(std::move(begun)));
  };

  EXPECT_THAT(*sim.Run(consume()), ElementsAre(2, 3, 10, 10, 10));
}

TEST(AsyncGeneratorTest, AnExceptionOfTheInnerGeneratorIsThrownFromElementsOf) {
  testing::Simulator sim;
  auto outer = []() -> AsyncGenerator<int> {
    bool failed = false;
    try {
      co_yield ElementsOf(FailAfter(1));
    } catch (const std::runtime_error&) {
      failed = true;
    }
    if (failed) co_yield -1;
  };

  EXPECT_THAT(*sim.Run(Collect(outer())), ElementsAre(1, -1));
}

TEST(AsyncGeneratorTest, TheAsynchronousStackLeadsThroughTheGenerators) {
  testing::Simulator sim;
  auto outer = []() -> AsyncGenerator<int> {
    co_yield ElementsOf(CountSlowlyTo(1));
  };
  TaskContext* context = nullptr;
  auto consume = [&]() -> Task<> {
    context = internal::Here().context;
    AsyncGenerator<int> generator = outer();
    while (co_await generator.Next()) {
    }
  };
  sim.Spawn(consume());
  sim.RunFor(absl::Milliseconds(1));

  int depth = 0;
  context->Look([&depth](Leaf& leaf) {
    for (PromiseBase* frame = leaf.awaiting_promise(); frame != nullptr;
         frame = frame->continuation().promise()) {
      EXPECT_GT(frame->awaiting_at().line(), 0u);
      ++depth;
    }
  });

  EXPECT_EQ(depth, 3);  // The inner generator, the outer one, the consumer.
}

// --- Close ---

AsyncGenerator<int> Mourning(Journal& journal, int depth) {
  Mourned outer(journal, "outer " + std::to_string(depth));
  Mourned inner(journal, "inner " + std::to_string(depth));
  if (depth > 0) {
    co_yield ElementsOf(Mourning(journal, depth - 1));
  } else {
    co_yield 1;
  }
  journal.push_back("past the co_yield");
}

TEST(AsyncGeneratorTest, CloseEndsAGeneratorAtItsCoYieldInnermostFirst) {
  testing::Simulator sim;
  Journal journal;
  auto consume = [&]() -> Task<> {
    AsyncGenerator<int> generator = Mourning(journal, 1);
    EXPECT_EQ(co_await generator.Next(), 1);
    co_await generator.Close();
    journal.push_back("closed");
    EXPECT_EQ(co_await generator.Next(), std::nullopt);
    co_await generator.Close();
  };

  EXPECT_TRUE(sim.Run(consume()).ok());

  EXPECT_THAT(journal, ElementsAre("inner 0", "outer 0", "inner 1", "outer 1",
                                   "closed"));
}

TEST(AsyncGeneratorTest, DroppingOneRunsNoCodeOfItsOwn) {
  testing::Simulator sim;
  Journal journal;
  auto consume = [&]() -> Task<> {
    AsyncGenerator<int> generator = Mourning(journal, 1);
    EXPECT_EQ(co_await generator.Next(), 1);
  };

  EXPECT_TRUE(sim.Run(consume()).ok());

  EXPECT_THAT(journal, ElementsAre("inner 0", "outer 0", "inner 1", "outer 1"));
}

TEST(AsyncGeneratorTest, CloseOfOneThatHasNotBegunRunsNoCode) {
  testing::Simulator sim;
  Journal journal;
  auto consume = [&]() -> Task<> {
    AsyncGenerator<int> generator = Mourning(journal, 0);
    co_await generator.Close();
    EXPECT_EQ(co_await generator.Next(), std::nullopt);
  };

  EXPECT_TRUE(sim.Run(consume()).ok());

  EXPECT_THAT(journal, ElementsAre());
}

// Takes a second to say goodbye.
Task<> SayGoodbye(Journal& journal, std::string name) {
  absl::Status slept = co_await SleepFor(absl::Seconds(1));
  journal.push_back(name + (slept.ok() ? " says goodbye" : " is cut short"));
}

// Yields without end; asks to be told when that is enough.
AsyncGenerator<int> Polite(Journal& journal, std::string name) {
  Mourned local(journal, name + " dies");
  for (int i = 1;; ++i) {
    const bool wanted = co_yield Offer(i);
    if (!wanted) break;
  }
  co_await Shield(SayGoodbye(journal, name));
}

TEST(AsyncGeneratorTest, OfferIsTrueWhenTheConsumerAsksForMore) {
  testing::Simulator sim;
  auto offers = [](std::vector<bool>& answers) -> AsyncGenerator<int> {
    for (int i = 0; i < 2; ++i) {
      const bool wanted = co_yield Offer(i);
      answers.push_back(wanted);
    }
  };
  std::vector<bool> answers;

  EXPECT_THAT(*sim.Run(Collect(offers(answers))), ElementsAre(0, 1));
  EXPECT_THAT(answers, ElementsAre(true, true));
}

TEST(AsyncGeneratorTest, CloseAwaitsTheCleanUpOfOneThatAsked) {
  testing::Simulator sim;
  Journal journal;
  auto consume = [&]() -> Task<> {
    AsyncGenerator<int> generator = Polite(journal, "a");
    EXPECT_EQ(co_await generator.Next(), 1);
    EXPECT_EQ(co_await generator.Next(), 2);
    co_await generator.Close();
    journal.push_back("closed");
  };

  EXPECT_TRUE(sim.Run(consume()).ok());

  EXPECT_THAT(journal, ElementsAre("a says goodbye", "a dies", "closed"));
}

TEST(AsyncGeneratorTest, AShieldedCleanUpIsNotCutShortByCancellation) {
  testing::Simulator sim;
  Journal journal;
  auto consume = [&]() -> Task<> {
    AsyncGenerator<int> generator = Polite(journal, "a");
    EXPECT_EQ(co_await generator.Next(), 1);
    EXPECT_FALSE((co_await SleepFor(absl::Hours(1))).ok());
    co_await generator.Close();
  };
  JoinHandle<void> consumer = sim.SpawnJoinable(consume());
  sim.RunFor(absl::Minutes(1));

  consumer.Cancel();
  sim.RunUntilIdle();

  EXPECT_TRUE(consumer.finished());
  EXPECT_THAT(journal, ElementsAre("a says goodbye", "a dies"));
}

TEST(AsyncGeneratorTest, OneThatYieldsAgainAfterItWasToldEndsThere) {
  testing::Simulator sim;
  Journal journal;
  auto stubborn = [](Journal& into) -> AsyncGenerator<int> {
    Mourned local(into, "dies");
    for (int i = 1;; ++i) {
      const bool wanted = co_yield Offer(i);
      into.push_back(wanted ? "wanted" : "not wanted");
    }
  };
  auto consume = [&]() -> Task<> {
    AsyncGenerator<int> generator = stubborn(journal);
    EXPECT_EQ(co_await generator.Next(), 1);
    co_await generator.Close();
  };

  EXPECT_TRUE(sim.Run(consume()).ok());

  EXPECT_THAT(journal, ElementsAre("not wanted", "dies"));
}

TEST(AsyncGeneratorTest, CloseEndsTheOuterGeneratorAfterTheInnerCleanUp) {
  testing::Simulator sim;
  Journal journal;
  auto outer = [](Journal& into) -> AsyncGenerator<int> {
    Mourned local(into, "outer dies");
    co_yield ElementsOf(Polite(into, "inner"));
    into.push_back("past the delegation");
  };
  auto consume = [&]() -> Task<> {
    AsyncGenerator<int> generator = outer(journal);
    EXPECT_EQ(co_await generator.Next(), 1);
    co_await generator.Close();
  };

  EXPECT_TRUE(sim.Run(consume()).ok());

  EXPECT_THAT(journal,
              ElementsAre("inner says goodbye", "inner dies", "outer dies"));
}

TEST(AsyncGeneratorTest, ADelegationMayAskToBeToldToo) {
  testing::Simulator sim;
  Journal journal;
  auto outer = [](Journal& into) -> AsyncGenerator<int> {
    const bool first = co_yield Offer(ElementsOf(CountTo(1)));
    into.push_back(first ? "wanted" : "not wanted");
    const bool second = co_yield Offer(ElementsOf(Mourning(into, 0)));
    into.push_back(second ? "wanted" : "not wanted");
    co_await SayGoodbye(into, "outer");
  };
  auto consume = [&]() -> Task<> {
    AsyncGenerator<int> generator = outer(journal);
    EXPECT_EQ(co_await generator.Next(), 1);
    EXPECT_EQ(co_await generator.Next(), 1);
    co_await generator.Close();
  };

  EXPECT_TRUE(sim.Run(consume()).ok());

  EXPECT_THAT(journal, ElementsAre("wanted", "inner 0", "outer 0", "not wanted",
                                   "outer says goodbye"));
}

TEST(AsyncGeneratorTest, AnExceptionOfTheCleanUpIsThrownFromClose) {
  testing::Simulator sim;
  Journal journal;
  auto inner = []() -> AsyncGenerator<int> {
    const bool wanted = co_yield Offer(1);
    if (!wanted) throw std::runtime_error("cannot clean up");
  };
  auto outer = [&](Journal& into) -> AsyncGenerator<int> {
    Mourned local(into, "outer dies");
    co_yield ElementsOf(inner());
  };
  auto consume = [&]() -> Task<> {
    AsyncGenerator<int> generator = outer(journal);
    EXPECT_EQ(co_await generator.Next(), 1);
    try {
      co_await generator.Close();
    } catch (const std::runtime_error& error) {
      journal.push_back(error.what());
    }
  };

  EXPECT_TRUE(sim.Run(consume()).ok());

  EXPECT_THAT(journal, ElementsAre("outer dies", "cannot clean up"));
}

TEST(AsyncGeneratorTest, ACaughtExceptionOfTheCleanUpDoesNotStopClose) {
  testing::Simulator sim;
  Journal journal;
  auto inner = []() -> AsyncGenerator<int> {
    const bool wanted = co_yield Offer(1);
    if (!wanted) throw std::runtime_error("cannot clean up");
  };
  auto outer = [&](Journal& into) -> AsyncGenerator<int> {
    Mourned local(into, "outer dies");
    try {
      co_yield ElementsOf(inner());
    } catch (const std::runtime_error&) {
      into.push_back("caught");
    }
    co_yield 2;
    into.push_back("past the second co_yield");
  };
  auto consume = [&]() -> Task<> {
    AsyncGenerator<int> generator = outer(journal);
    EXPECT_EQ(co_await generator.Next(), 1);
    co_await generator.Close();
  };

  EXPECT_TRUE(sim.Run(consume()).ok());

  EXPECT_THAT(journal, ElementsAre("caught", "outer dies"));
}

TEST(AsyncGeneratorTest, UsingClosesOnEveryWayOut) {
  testing::Simulator sim;
  Journal journal;
  auto consume = [&]() -> Task<absl::Status> {
    absl::Status done =
        co_await Using(Polite(journal, "a"),
                       [&](AsyncGenerator<int>& numbers) -> Task<absl::Status> {
                         static_cast<void>(co_await numbers.Next());
                         co_return absl::NotFoundError("not among them");
                       });
    journal.push_back("released");
    co_return done;
  };

  EXPECT_EQ(sim.Run(consume()), absl::NotFoundError("not among them"));

  EXPECT_THAT(journal, ElementsAre("a says goodbye", "a dies", "released"));
}

// --- A runtime that stops ---

TEST(AsyncGeneratorTest, AStoppedRuntimeDestroysWhatIsSuspendedLeafFirst) {
  Journal journal;
  auto inner = [](Journal& into) -> AsyncGenerator<int> {
    Mourned local(into, "inner");
    static_cast<void>(co_await SleepFor(absl::Hours(1)));
    co_yield 1;
  };
  auto outer = [&](Journal& into) -> AsyncGenerator<int> {
    Mourned local(into, "outer");
    co_yield ElementsOf(inner(into));
  };
  auto consume = [&](Journal& into) -> Task<> {
    Mourned local(into, "consumer");
    AsyncGenerator<int> generator = outer(into);
    while (co_await generator.Next()) {
    }
  };
  {
    testing::Simulator sim;
    sim.Spawn(consume(journal));
    sim.RunFor(absl::Minutes(1));
  }
  EXPECT_THAT(journal, ElementsAre("inner", "outer", "consumer"));
}

TEST(AsyncGeneratorTest, AStoppedRuntimeDestroysAGeneratorThatIsBeingClosed) {
  Journal journal;
  auto consume = [&](Journal& into) -> Task<> {
    Mourned local(into, "consumer");
    AsyncGenerator<int> generator = Polite(into, "generator");
    static_cast<void>(co_await generator.Next());
    co_await generator.Close();
  };
  {
    testing::Simulator sim;
    sim.Spawn(consume(journal));
    sim.RunFor(absl::Milliseconds(1));
  }
  EXPECT_THAT(journal, ElementsAre("generator dies", "consumer"));
}

TEST(AsyncGeneratorTest, AStoppedRuntimeDestroysAGeneratorNobodyAsks) {
  Journal journal;
  auto consume = [&](Journal& into) -> Task<> {
    AsyncGenerator<int> generator = Mourning(into, 1);
    Mourned local(into, "consumer");
    static_cast<void>(co_await generator.Next());
    static_cast<void>(co_await SleepFor(absl::Hours(1)));
  };
  {
    testing::Simulator sim;
    sim.Spawn(consume(journal));
    sim.RunFor(absl::Minutes(1));
  }
  EXPECT_THAT(journal, ElementsAre("consumer", "inner 0", "outer 0", "inner 1",
                                   "outer 1"));
}

// --- Constant stack ---

AsyncGenerator<int> Descend(int depth) {
  if (depth > 0) co_yield ElementsOf(Descend(depth - 1));
  co_yield depth;
}

TEST(AsyncGeneratorTest, AMillionItemsDoNotGrowTheStack) {
  testing::Simulator sim;
  auto consume = []() -> Task<int> {
    int last = 0;
    AsyncGenerator<int> numbers = CountTo(kDeep);
    while (std::optional<int> item = co_await numbers.Next()) last = *item;
    co_return last;
  };

  EXPECT_EQ(*sim.Run(consume()), kDeep);
}

TEST(AsyncGeneratorTest, AMillionDelegationsCompleteOnAFlatStack) {
  testing::Simulator sim;
  auto consume = []() -> Task<int> {
    int expected = 0;
    AsyncGenerator<int> numbers = Descend(kDeep);
    while (std::optional<int> item = co_await numbers.Next()) {
      EXPECT_EQ(*item, expected++);
    }
    co_return expected;
  };

  EXPECT_EQ(*sim.Run(consume()), kDeep + 1);
}

TEST(AsyncGeneratorTest, AMillionSuspendedDelegationsAreDroppedOnAFlatStack) {
  testing::Simulator sim;
  auto consume = []() -> Task<> {
    AsyncGenerator<int> numbers = Descend(kDeep);
    EXPECT_EQ(co_await numbers.Next(), 0);
  };

  EXPECT_TRUE(sim.Run(consume()).ok());
}

TEST(AsyncGeneratorTest, AMillionSuspendedDelegationsAreClosedOnAFlatStack) {
  testing::Simulator sim;
  auto consume = []() -> Task<> {
    AsyncGenerator<int> numbers = Descend(kDeep);
    EXPECT_EQ(co_await numbers.Next(), 0);
    co_await numbers.Close();
  };

  EXPECT_TRUE(sim.Run(consume()).ok());
}

AsyncGenerator<int> DescendAndSleep(int depth, int& destroyed) {
  struct Count {
    int& n;
    ~Count() { ++n; }
  } count{destroyed};
  if (depth > 0) {
    co_yield ElementsOf(DescendAndSleep(depth - 1, destroyed));
  } else {
    static_cast<void>(co_await SleepFor(absl::Hours(1)));
  }
}

TEST(AsyncGeneratorTest, AMillionWaitingDelegationsAreTornDownOnAFlatStack) {
  int destroyed = 0;
  auto consume = [](int& count) -> Task<> {
    AsyncGenerator<int> numbers = DescendAndSleep(kDeep, count);
    static_cast<void>(co_await numbers.Next());
  };
  {
    testing::Simulator sim;
    sim.Spawn(consume(destroyed));
    sim.RunFor(absl::Minutes(1));
    EXPECT_EQ(destroyed, 0);
  }
  EXPECT_EQ(destroyed, kDeep + 1);
}

AsyncGenerator<int> DescendAndFail(int depth) {
  if (depth == 0) throw std::runtime_error("at the bottom");
  co_yield ElementsOf(DescendAndFail(depth - 1));
}

TEST(AsyncGeneratorTest, AnExceptionPassesManyLevelsOnAFlatStack) {
  testing::Simulator sim;
  auto consume = []() -> Task<bool> {
    AsyncGenerator<int> generator = DescendAndFail(kDeepThrows);
    try {
      static_cast<void>(co_await generator.Next());
    } catch (const std::runtime_error&) {
      co_return true;
    }
    co_return false;
  };

  EXPECT_TRUE(*sim.Run(consume()));
}

// --- Broken contracts ---

TEST(AsyncGeneratorDeathTest, TwoTasksCannotAskAtTheSameTime) {
  testing::Simulator sim;
  AsyncGenerator<int> numbers = CountSlowlyTo(2);
  auto ask = [](AsyncGenerator<int>& generator) -> Task<> {
    static_cast<void>(co_await generator.Next());
  };
  sim.Spawn(ask(numbers));
  sim.Spawn(ask(numbers));

  EXPECT_DEATH(sim.RunUntilIdle(), "one consumer at a time");
}

}  // namespace
}  // namespace weft
