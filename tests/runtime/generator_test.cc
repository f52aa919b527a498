// Tests of weft::Generator. No runtime: a generator runs on its consumer's
// stack.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/generator.h"

#include <exception>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace weft {
namespace {

using ::testing::ElementsAre;

// Deep enough to overflow a stack that grows by one small frame a level.
constexpr int kDeep = 1'000'000;
// As deep as a throw a level allows: it costs microseconds, or under the
// address sanitizer some tens of them.
constexpr int kDeepThrows = 100'000;

static_assert(std::ranges::input_range<Generator<std::string>>);
static_assert(std::ranges::viewable_range<Generator<int>>);
static_assert(!std::is_copy_constructible_v<Generator<int>>);

// Writes its name into a journal when it dies.
class Mourned {
 public:
  Mourned(std::vector<std::string>& journal, std::string name)
      : journal_(journal), name_(std::move(name)) {}
  Mourned(const Mourned&) = delete;
  Mourned& operator=(const Mourned&) = delete;
  ~Mourned() { journal_.push_back(name_); }

 private:
  std::vector<std::string>& journal_;
  const std::string name_;
};

// Counts the copies that are alive.
class Counted {
 public:
  explicit Counted(int& alive) : alive_(&alive) { ++*alive_; }
  Counted(const Counted& other) : alive_(other.alive_) { ++*alive_; }
  Counted(Counted&& other) noexcept : alive_(other.alive_) { ++*alive_; }
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --*alive_; }

 private:
  int* alive_;
};

template <typename G>
auto Drain(G& generator) {
  std::vector<typename std::decay_t<decltype(generator.Next())>::value_type>
      items;
  while (auto item = generator.Next()) items.push_back(*std::move(item));
  return items;
}

Generator<int> CountTo(int last) {
  for (int i = 1; i <= last; ++i) co_yield i;
}

TEST(GeneratorTest, GivesItsItemsOneByOneAndThenNothing) {
  Generator<int> numbers = CountTo(2);

  EXPECT_EQ(numbers.Next(), 1);
  EXPECT_EQ(numbers.Next(), 2);
  EXPECT_EQ(numbers.Next(), std::nullopt);
  EXPECT_EQ(numbers.Next(), std::nullopt);
}

TEST(GeneratorTest, DoesNotBeginBeforeItIsAsked) {
  bool began = false;
  auto begin = [](bool& flag) -> Generator<int> {
    flag = true;
    co_yield 1;
  };

  Generator<int> generator = begin(began);
  EXPECT_FALSE(began);
  generator.Next();

  EXPECT_TRUE(began);
}

TEST(GeneratorTest, IsARange) {
  int sum = 0;

  for (int i : CountTo(4)) sum += i;

  EXPECT_EQ(sum, 10);
}

TEST(GeneratorTest, CanBePipedThroughViews) {
  std::vector<int> doubled;

  for (int i : CountTo(5) | std::views::filter([](int i) {
                 return i % 2 == 1;
               }) | std::views::transform([](int i) { return 2 * i; })) {
    doubled.push_back(i);
  }

  EXPECT_THAT(doubled, ElementsAre(2, 6, 10));
}

TEST(GeneratorTest, ARangeLoopGoesOnWhereNextStopped) {
  Generator<int> numbers = CountTo(4);
  std::vector<int> rest;

  numbers.Next();
  for (int i : numbers) rest.push_back(i);

  EXPECT_THAT(rest, ElementsAre(2, 3, 4));
}

TEST(GeneratorTest, ARangeLoopMayMoveTheItemsOut) {
  auto words = []() -> Generator<std::unique_ptr<std::string>> {
    co_yield std::make_unique<std::string>("warp");
    co_yield std::make_unique<std::string>("weft");
  };
  std::vector<std::unique_ptr<std::string>> taken;

  for (std::unique_ptr<std::string>& word : words()) {
    taken.push_back(std::move(word));
  }

  ASSERT_EQ(taken.size(), 2u);
  EXPECT_EQ(*taken[1], "weft");
}

TEST(GeneratorTest, ConvertsWhatIsYielded) {
  auto words = []() -> Generator<std::string> {
    const std::string kept = "a word that does not fit into a short string";
    co_yield "a literal that does not fit into a short string either";
    co_yield kept;
    co_yield std::string(3, 'x');
    co_yield kept;
  };

  Generator<std::string> generator = words();

  EXPECT_THAT(
      Drain(generator),
      ElementsAre("a literal that does not fit into a short string either",
                  "a word that does not fit into a short string", "xxx",
                  "a word that does not fit into a short string"));
}

TEST(GeneratorTest, EveryItemDiesOnce) {
  int alive = 0;
  auto make = [](int& count) -> Generator<Counted> {
    for (int i = 0; i < 3; ++i) co_yield Counted(count);
    Counted local(count);
    co_yield local;
    co_yield std::move(local);
  };
  {
    Generator<Counted> all = make(alive);
    while (std::optional<Counted> item = all.Next()) EXPECT_GE(alive, 1);
    EXPECT_EQ(alive, 0);

    Generator<Counted> abandoned = make(alive);
    abandoned.Next();
    EXPECT_GE(alive, 1);
  }
  EXPECT_EQ(alive, 0);
}

TEST(GeneratorTest, AMovedGeneratorGoesOn) {
  Generator<int> first = CountTo(3);
  first.Next();

  Generator<int> second = std::move(first);

  EXPECT_EQ(second.Next(), 2);
}

TEST(GeneratorTest, MoveAssignmentClosesTheGeneratorThatWasThere) {
  std::vector<std::string> journal;
  auto mourn = [](std::vector<std::string>& into,
                  std::string name) -> Generator<int> {
    Mourned local(into, std::move(name));
    co_yield 1;
    co_yield 2;
  };
  Generator<int> generator = mourn(journal, "first");
  generator.Next();

  generator = mourn(journal, "second");

  EXPECT_THAT(journal, ElementsAre("first"));
  EXPECT_EQ(generator.Next(), 1);
}

// --- Exceptions ---

Generator<int> FailAfter(int items) {
  for (int i = 1; i <= items; ++i) co_yield i;
  throw std::runtime_error("the source is dry");
}

TEST(GeneratorTest, AnExceptionReachesWhoeverAsked) {
  Generator<int> generator = FailAfter(1);
  generator.Next();

  EXPECT_THROW(generator.Next(), std::runtime_error);
  EXPECT_EQ(generator.Next(), std::nullopt);
}

TEST(GeneratorTest, AnExceptionReachesARangeLoop) {
  std::vector<int> seen;

  auto visit = [&seen] {
    for (int i : FailAfter(2)) seen.push_back(i);
  };

  EXPECT_THROW(visit(), std::runtime_error);
  EXPECT_THAT(seen, ElementsAre(1, 2));
}

// --- PEP 342: send, throw, close ---

// Gives the average of what it has been sent.
Generator<double, double> RunningAverage() {
  double sum = 0;
  double average = 0;
  for (int count = 1;; ++count) {
    const double value = co_yield average;
    sum += value;
    average = sum / count;
  }
}

TEST(GeneratorTest, CoYieldGivesWhatWasSent) {
  Generator<double, double> average = RunningAverage();
  average.Next();

  EXPECT_EQ(average.Send(10), 10);
  EXPECT_EQ(average.Send(20), 15);
  EXPECT_EQ(average.Send(60), 30);
}

TEST(GeneratorTest, NextSendsAnEmptyValue) {
  auto echo = []() -> Generator<std::string, std::string> {
    std::string heard = "ready";
    for (;;) {
      std::string next = co_yield heard;
      heard = "<" + next + ">";
    }
  };
  Generator<std::string, std::string> generator = echo();

  EXPECT_EQ(generator.Next(), "ready");
  EXPECT_EQ(generator.Send("a"), "<a>");
  EXPECT_EQ(generator.Next(), "<>");
  EXPECT_EQ(generator.Send("b"), "<b>");
}

TEST(GeneratorTest, SendsWhatCanOnlyBeMoved) {
  auto unwrap = []() -> Generator<int, std::unique_ptr<int>> {
    int last = 0;
    for (;;) {
      const std::unique_ptr<int> box = co_yield last;
      last = *box;
    }
  };
  Generator<int, std::unique_ptr<int>> generator = unwrap();
  generator.Next();

  EXPECT_EQ(generator.Send(std::make_unique<int>(7)), 7);
}

TEST(GeneratorTest, SendingToAGeneratorThatHasEndedGivesNothing) {
  auto once = []() -> Generator<int, int> { co_yield 1; };
  Generator<int, int> generator = once();
  generator.Next();

  EXPECT_EQ(generator.Send(1), std::nullopt);
  EXPECT_EQ(generator.Send(2), std::nullopt);
}

struct Restart {};

Generator<int> RestartableCount() {
  for (int i = 0;;) {
    bool restart = false;
    try {
      co_yield i;
    } catch (const Restart&) {
      restart = true;
    }
    i = restart ? 0 : i + 1;
  }
}

TEST(GeneratorTest, ThrowRaisesAtTheCoYield) {
  Generator<int> count = RestartableCount();
  count.Next();
  count.Next();
  EXPECT_EQ(count.Next(), 2);

  EXPECT_EQ(count.Throw(std::make_exception_ptr(Restart())), 0);
  EXPECT_EQ(count.Next(), 1);
}

TEST(GeneratorTest, AnUncaughtThrowComesBackAndEndsTheGenerator) {
  Generator<int> numbers = CountTo(9);
  numbers.Next();

  EXPECT_THROW(numbers.Throw(std::make_exception_ptr(Restart())), Restart);
  EXPECT_EQ(numbers.Next(), std::nullopt);
  EXPECT_THROW(numbers.Throw(std::make_exception_ptr(Restart())), Restart);
}

TEST(GeneratorTest, ThrowEndsAGeneratorThatHasNotBegun) {
  Generator<int> count = RestartableCount();

  EXPECT_THROW(count.Throw(std::make_exception_ptr(Restart())), Restart);
  EXPECT_EQ(count.Next(), std::nullopt);
}

Generator<int> NestedMourning(std::vector<std::string>& journal, int depth) {
  Mourned outer(journal, "outer " + std::to_string(depth));
  {
    Mourned inner(journal, "inner " + std::to_string(depth));
    if (depth == 0) {
      co_yield 1;
      co_yield 2;
    } else {
      co_yield ElementsOf(NestedMourning(journal, depth - 1));
    }
  }
  journal.push_back("past the end");
}

TEST(GeneratorTest, CloseDestroysLocalsInnermostFirst) {
  std::vector<std::string> journal;
  Generator<int> generator = NestedMourning(journal, 1);
  generator.Next();

  generator.Close();

  EXPECT_THAT(journal, ElementsAre("inner 0", "outer 0", "inner 1", "outer 1"));
  EXPECT_EQ(generator.Next(), std::nullopt);
  generator.Close();
}

TEST(GeneratorTest, TheDestructorCloses) {
  std::vector<std::string> journal;
  {
    Generator<int> generator = NestedMourning(journal, 0);
    generator.Next();
  }
  EXPECT_THAT(journal, ElementsAre("inner 0", "outer 0"));
}

TEST(GeneratorTest, LeavingARangeLoopCloses) {
  std::vector<std::string> journal;

  for (int i : NestedMourning(journal, 1)) {
    if (i == 1) break;
  }

  EXPECT_EQ(journal.size(), 4u);
}

TEST(GeneratorTest, CloseEntersNoCatch) {
  bool caught = false;
  auto guarded = [](bool& flag) -> Generator<int> {
    try {
      co_yield 1;
    } catch (...) {
      flag = true;
    }
  };
  Generator<int> generator = guarded(caught);
  generator.Next();

  generator.Close();

  EXPECT_FALSE(caught);
}

TEST(GeneratorTest, ALocalThatOwnsAGeneratorClosesItToo) {
  std::vector<std::string> journal;
  auto relay = [](std::vector<std::string>& into) -> Generator<int> {
    Generator<int> inner = NestedMourning(into, 1);
    while (std::optional<int> item = inner.Next()) co_yield *item;
  };
  {
    auto wrap = [](Generator<int> inner) -> Generator<int> {
      co_yield ElementsOf(std::move(inner));
    };
    Generator<int> outer = wrap(relay(journal));
    EXPECT_EQ(outer.Next(), 1);
  }
  EXPECT_THAT(journal, ElementsAre("inner 0", "outer 0", "inner 1", "outer 1"));
}

// --- Results ---

Generator<int, void, std::string> CountAndName(int last) {
  for (int i = 1; i <= last; ++i) co_yield i;
  co_return "counted to " + std::to_string(last);
}

TEST(GeneratorTest, KeepsItsResultUntilItIsTaken) {
  Generator<int, void, std::string> generator = CountAndName(2);
  Drain(generator);

  EXPECT_EQ(generator.Next(), std::nullopt);
  EXPECT_EQ(generator.TakeResult(), "counted to 2");
}

TEST(GeneratorTest, AResultNobodyTakesIsDestroyed) {
  auto make = [](int& count) -> Generator<int, void, Counted> {
    co_return Counted(count);
  };
  int alive = 0;
  {
    Generator<int, void, Counted> generator = make(alive);
    EXPECT_EQ(generator.Next(), std::nullopt);
    EXPECT_EQ(alive, 1);
  }

  EXPECT_EQ(alive, 0);
}

// --- PEP 380: delegation ---

TEST(GeneratorTest, ElementsOfYieldsWhatAnotherGeneratorYields) {
  auto twice = []() -> Generator<int> {
    co_yield ElementsOf(CountTo(2));
    co_yield ElementsOf(CountTo(0));
    co_yield ElementsOf(CountTo(3));
  };
  Generator<int> generator = twice();

  EXPECT_THAT(Drain(generator), ElementsAre(1, 2, 1, 2, 3));
}

TEST(GeneratorTest, ElementsOfGivesTheInnerResult) {
  auto outer = []() -> Generator<int, void, std::string> {
    std::string first = co_yield ElementsOf(CountAndName(1));
    std::string second = co_yield ElementsOf(CountAndName(2));
    co_return first + ", " + second;
  };
  Generator<int, void, std::string> generator = outer();

  EXPECT_THAT(Drain(generator), ElementsAre(1, 1, 2));
  EXPECT_EQ(generator.TakeResult(), "counted to 1, counted to 2");
}

TEST(GeneratorTest, ElementsOfAGeneratorThatHasEndedGivesItsResultAtOnce) {
  auto outer = []() -> Generator<int, void, std::string> {
    Generator<int, void, std::string> inner = CountAndName(1);
    while (inner.Next()) {
    }
    std::string result = co_yield ElementsOf(std::move(inner));
    Generator<int> closed = CountTo(3);
    closed.Close();
    co_yield ElementsOf(std::move(closed));
    co_return result;
  };
  Generator<int, void, std::string> generator = outer();

  EXPECT_THAT(Drain(generator), ElementsAre());
  EXPECT_EQ(generator.TakeResult(), "counted to 1");
}

TEST(GeneratorTest, ElementsOfARangeYieldsItsElements) {
  auto outer = []() -> Generator<int> {
    const std::vector<int> kept = {3, 4};
    co_yield ElementsOf(std::views::iota(1, 3));
    co_yield ElementsOf(kept);
  };
  Generator<int> generator = outer();

  EXPECT_THAT(Drain(generator), ElementsAre(1, 2, 3, 4));
}

TEST(GeneratorTest, ElementsOfGoesOnWhereTheInnerGeneratorStands) {
  // The inner one brings a chain of its own, two deep.
  auto relay = [](Generator<int> inner) -> Generator<int> {
    co_yield ElementsOf(std::move(inner));
    co_yield 10;
  };
  auto outer = [](Generator<int> inner) -> Generator<int> {
    co_yield 0;
    co_yield ElementsOf(std::move(inner));
    co_yield 20;
  };
  Generator<int> begun = relay(relay(CountTo(3)));
  EXPECT_EQ(begun.Next(), 1);

  Generator<int> generator = outer(std::move(begun));

  EXPECT_THAT(Drain(generator), ElementsAre(0, 2, 3, 10, 10, 20));
}

TEST(GeneratorTest, WhatIsSentArrivesInTheInnermostGenerator) {
  auto sum = []() -> Generator<int, int, int> {
    int total = 0;
    for (;;) {
      const int value = co_yield total;
      if (value == 0) co_return total;
      total += value;
    }
  };
  auto sums = [sum]() -> Generator<int, int> {
    for (;;) {
      const int total = co_yield ElementsOf(sum());
      const int next = co_yield 100 * total;
      EXPECT_EQ(next, 0);
    }
  };
  auto make_sums = sums;  // Outlives the coroutine.
  Generator<int, int> generator = make_sums();

  EXPECT_EQ(generator.Next(), 0);
  EXPECT_EQ(generator.Send(3), 3);
  EXPECT_EQ(generator.Send(4), 7);
  EXPECT_EQ(generator.Send(0), 700);
  EXPECT_EQ(generator.Next(), 0);
  EXPECT_EQ(generator.Send(5), 5);
}

TEST(GeneratorTest, AGeneratorThatHadBegunIsSentNothingWhenItIsDelegatedTo) {
  auto echo = []() -> Generator<int, int> {
    int heard = -1;
    for (;;) {
      const int next = co_yield heard;
      heard = next;
    }
  };
  auto outer = [](Generator<int, int> inner) -> Generator<int, int> {
    co_yield -2;
    co_yield ElementsOf(std::move(inner));
  };
  Generator<int, int> inner = echo();
  inner.Next();
  Generator<int, int> generator = outer(std::move(inner));
  generator.Next();

  // 5 is the outer generator's; the inner one begins its turn with nothing.
  EXPECT_EQ(generator.Send(5), 0);
  EXPECT_EQ(generator.Send(6), 6);
}

TEST(GeneratorTest, ThrowArrivesInTheInnermostGenerator) {
  auto outer = []() -> Generator<int> {
    co_yield ElementsOf(RestartableCount());
  };
  Generator<int> generator = outer();
  generator.Next();
  EXPECT_EQ(generator.Next(), 1);

  EXPECT_EQ(generator.Throw(std::make_exception_ptr(Restart())), 0);
}

TEST(GeneratorTest, AnExceptionOfTheInnerGeneratorIsThrownFromElementsOf) {
  auto outer = []() -> Generator<int> {
    bool failed = false;
    try {
      co_yield ElementsOf(FailAfter(1));
    } catch (const std::runtime_error&) {
      failed = true;
    }
    if (failed) co_yield -1;
  };
  Generator<int> generator = outer();

  EXPECT_THAT(Drain(generator), ElementsAre(1, -1));
}

struct Node {
  int value;
  std::unique_ptr<Node> left;
  std::unique_ptr<Node> right;
};

std::unique_ptr<Node> BalancedTree(int first, int last) {
  if (first > last) return nullptr;
  const int middle = (first + last) / 2;
  return std::make_unique<Node>(Node{middle, BalancedTree(first, middle - 1),
                                     BalancedTree(middle + 1, last)});
}

Generator<int> InOrder(const Node* node) {
  if (node == nullptr) co_return;
  co_yield ElementsOf(InOrder(node->left.get()));
  co_yield node->value;
  co_yield ElementsOf(InOrder(node->right.get()));
}

TEST(GeneratorTest, WalksATree) {
  const std::unique_ptr<Node> tree = BalancedTree(1, 1000);
  int expected = 0;

  for (int value : InOrder(tree.get())) EXPECT_EQ(value, ++expected);

  EXPECT_EQ(expected, 1000);
}

// --- Constant stack ---

// One level a number: delegates, then yields its own depth.
Generator<int> Descend(int depth) {
  if (depth > 0) co_yield ElementsOf(Descend(depth - 1));
  co_yield depth;
}

Generator<int, void, int> DescendAndFail(int depth) {
  if (depth == 0) {
    co_yield 0;
    throw Restart();
  }
  const int result = co_yield ElementsOf(DescendAndFail(depth - 1));
  co_return result + 1;
}

TEST(GeneratorTest, AMillionItemsDoNotGrowTheStack) {
  long sum = 0;

  for (int i : CountTo(kDeep)) sum += i;

  EXPECT_EQ(sum, long{kDeep} * (kDeep + 1) / 2);
}

TEST(GeneratorTest, AMillionDelegationsCompleteOnAFlatStack) {
  int expected = 0;

  for (int i : Descend(kDeep)) EXPECT_EQ(i, expected++);

  EXPECT_EQ(expected, kDeep + 1);
}

TEST(GeneratorTest, AMillionSuspendedDelegationsAreDestroyedOnAFlatStack) {
  Generator<int> generator = Descend(kDeep);

  EXPECT_EQ(generator.Next(), 0);
  EXPECT_EQ(generator.Next(), 1);
}

TEST(GeneratorTest, AnExceptionPassesManyLevelsOnAFlatStack) {
  Generator<int, void, int> generator = DescendAndFail(kDeepThrows);
  generator.Next();

  EXPECT_THROW(generator.Next(), Restart);
}

TEST(GeneratorTest, ThrowPassesManyLevelsOnAFlatStack) {
  Generator<int> generator = Descend(kDeepThrows);
  generator.Next();

  EXPECT_THROW(generator.Throw(std::make_exception_ptr(Restart())), Restart);
}

TEST(GeneratorTest, AMillionDelegationsThatYieldNothingRunOnAFlatStack) {
  auto silent = [](int times) -> Generator<int> {
    for (int i = 0; i < times; ++i) co_yield ElementsOf(CountTo(0));
    co_yield 1;
  };
  Generator<int> generator = silent(kDeep);

  EXPECT_EQ(generator.Next(), 1);
}

// --- Broken contracts ---

TEST(GeneratorDeathTest, SendingBeforeTheBeginningSaysWhatToDo) {
  Generator<double, double> average = RunningAverage();

  EXPECT_DEATH(average.Send(1), "Call Next\\(\\) first");
}

TEST(GeneratorDeathTest, AGeneratorCannotAskItself) {
  auto ask_myself = [](Generator<int>*& myself) -> Generator<int> {
    co_yield *myself->Next();
  };
  Generator<int>* pointer = nullptr;
  Generator<int> generator = ask_myself(pointer);
  pointer = &generator;

  EXPECT_DEATH(generator.Next(), "cannot ask itself");
}

TEST(GeneratorDeathTest, AResultIsTakenAfterTheEndOnly) {
  Generator<int, void, std::string> generator = CountAndName(1);

  EXPECT_DEATH(generator.TakeResult(), "until Next\\(\\) gives nothing");
}

}  // namespace
}  // namespace weft
