// Tests of weft::sync::Queue: its order, and that a join ends exactly when
// everything that was put has been done, whatever becomes of a put.
//
// SPDX-License-Identifier: MIT

#include "weft/sync/queue.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/support/seeded_test.h"
#include "weft/tests/support/waits.h"

namespace weft::sync {
namespace {

using ::testing::ElementsAre;
using ::weft::testing::Simulator;
using ::weft::tests::DescribeWaitOf;
using ::weft::tests::ScheduleName;
using ::weft::tests::Schedules;
using ::weft::tests::SeededTest;

// Room for two.
class QueueTest : public SeededTest {
 protected:
  Task<absl::Status> Put(int item) { co_return co_await queue_.Put(item); }
  Task<absl::StatusOr<int>> Get() { co_return co_await queue_.Get(); }
  Task<absl::Status> Join() { co_return co_await queue_.Join(); }

  // Starts a task and lets it run as far as it can.
  template <typename T>
  JoinHandle<T> Settle(Task<T> task) {
    JoinHandle<T> handle = sim_.SpawnJoinable(std::move(task));
    sim_.RunUntilIdle();
    return handle;
  }
  void DoAll() {
    while (queue_.TryGet().has_value()) queue_.TaskDone();
    sim_.RunUntilIdle();
  }

  Queue<int> queue_{2};
};
INSTANTIATE_TEST_SUITE_P(Any, QueueTest, Schedules(), ScheduleName);

// --- Order ------------------------------------------------------------------

template <typename Items>
std::vector<int> OrderOf(Items& queue, std::vector<int> items) {
  for (int item : items) EXPECT_TRUE(queue.TryPut(item));
  std::vector<int> got;
  while (std::optional<int> item = queue.TryGet()) got.push_back(*item);
  return got;
}

TEST(QueueOrderTest, GivesItemsInTheOrderOfItsKind) {
  Queue<int> queue(3);
  LifoQueue<int> lifo(3);
  PriorityQueue<int> smallest(3);
  PriorityQueue<int, std::greater<>> largest(3);

  EXPECT_THAT(OrderOf(queue, {2, 1, 3}), ElementsAre(2, 1, 3));
  EXPECT_THAT(OrderOf(lifo, {2, 1, 3}), ElementsAre(3, 1, 2));
  EXPECT_THAT(OrderOf(smallest, {2, 1, 3}), ElementsAre(1, 2, 3));
  EXPECT_THAT(OrderOf(largest, {2, 1, 3}), ElementsAre(3, 2, 1));
}

TEST(QueueOrderTest, AnItemThatWaitedToBePutHasItsRankOnceItIsInside) {
  Simulator sim;
  PriorityQueue<int> queue(2);
  auto put = [&queue](int item) -> Task<absl::Status> {
    co_return co_await queue.Put(item);
  };
  for (int item : {5, 4, 1}) {
    sim.Spawn(put, item);
    sim.RunUntilIdle();
  }

  EXPECT_EQ(queue.TryGet(), 4) << "1 was outside still";
  EXPECT_EQ(queue.TryGet(), 1);
  EXPECT_EQ(queue.TryGet(), 5);
  sim.RunUntilIdle();
}

TEST(QueueOrderTest, MovesWhatCannotBeCopied) {
  LifoQueue<std::unique_ptr<int>> queue(1);

  EXPECT_EQ(queue.BlockingPut(std::make_unique<int>(7)), absl::OkStatus());

  EXPECT_EQ(**queue.BlockingGet(), 7);
}

// --- Join -------------------------------------------------------------------

TEST_P(QueueTest, AJoinEndsWhenEveryItemHasBeenDone) {
  EXPECT_EQ(sim_.Run(Put(1)), absl::OkStatus());
  EXPECT_EQ(sim_.Run(Put(2)), absl::OkStatus());
  JoinHandle<absl::Status> first = Settle(Join());
  JoinHandle<absl::Status> second = Settle(Join());

  EXPECT_EQ(*sim_.Run(Get()), 1);
  EXPECT_EQ(*sim_.Run(Get()), 2);
  queue_.TaskDone();
  sim_.RunUntilIdle();
  EXPECT_FALSE(first.finished()) << "one has been got, and not done";
  queue_.TaskDone();
  sim_.RunUntilIdle();

  EXPECT_EQ(first.BlockingJoin(), absl::OkStatus());
  EXPECT_EQ(second.BlockingJoin(), absl::OkStatus());
}

TEST_P(QueueTest, AJoinOfNothingDoesNotWait) {
  EXPECT_EQ(sim_.Run(Join()), absl::OkStatus());
  EXPECT_EQ(queue_.BlockingJoin(), absl::OkStatus());
}

TEST_P(QueueTest, AnItemCountsFromWhenItsPutBeginsAlsoWhereThatWaits) {
  for (int item : {1, 2}) EXPECT_EQ(sim_.Run(Put(item)), absl::OkStatus());
  JoinHandle<absl::Status> waiting = Settle(Put(3));
  EXPECT_FALSE(waiting.finished());

  EXPECT_EQ(queue_.size(), 2u);
  EXPECT_EQ(queue_.unfinished(), 3);
  DoAll();

  EXPECT_EQ(queue_.unfinished(), 0);
}

TEST_P(QueueTest, APutThatIsCancelledCountsNoMoreAndMayEndAJoin) {
  for (int item : {1, 2}) EXPECT_EQ(sim_.Run(Put(item)), absl::OkStatus());
  JoinHandle<absl::Status> put = Settle(Put(3));
  queue_.TaskDone();
  queue_.TaskDone();
  JoinHandle<absl::Status> join = Settle(Join());
  EXPECT_FALSE(join.finished());

  put.Cancel();
  sim_.RunUntilIdle();

  EXPECT_TRUE(absl::IsCancelled(put.BlockingJoin()));
  EXPECT_EQ(join.BlockingJoin(), absl::OkStatus());
  EXPECT_EQ(queue_.size(), 2u);
}

TEST_P(QueueTest, APutThatIsRefusedOrNeverAwaitedCountsNoMore) {
  {
    auto dropped = queue_.Put(1);
  }
  EXPECT_EQ(queue_.unfinished(), 0);

  queue_.Close();

  EXPECT_TRUE(absl::IsOutOfRange(sim_.Run(Put(2))));
  int item = 3;
  EXPECT_FALSE(queue_.TryPut(item));
  EXPECT_TRUE(absl::IsOutOfRange(queue_.BlockingPut(4)));
  EXPECT_EQ(queue_.unfinished(), 0);
}

TEST_P(QueueTest, ClosingEndsPutsAndGetsButNoJoin) {
  for (int item : {1, 2}) EXPECT_EQ(sim_.Run(Put(item)), absl::OkStatus());
  JoinHandle<absl::Status> put = Settle(Put(3));
  JoinHandle<absl::Status> join = Settle(Join());

  queue_.Close();
  sim_.RunUntilIdle();

  EXPECT_TRUE(queue_.closed());
  EXPECT_TRUE(absl::IsOutOfRange(put.BlockingJoin()));
  EXPECT_FALSE(join.finished());
  DoAll();
  EXPECT_EQ(join.BlockingJoin(), absl::OkStatus());
  EXPECT_TRUE(absl::IsOutOfRange(sim_.Run(Get()).status()));
}

TEST_P(QueueTest, ACancelledJoinLeavesTheCountAsItIs) {
  EXPECT_EQ(sim_.Run(Put(1)), absl::OkStatus());
  JoinHandle<absl::Status> join = Settle(Join());

  join.Cancel();
  sim_.RunUntilIdle();

  EXPECT_TRUE(absl::IsCancelled(join.BlockingJoin()));
  EXPECT_EQ(queue_.unfinished(), 1);
}

TEST_P(QueueTest, WhoJoinedMayDestroyTheQueue) {
  auto queue = std::make_unique<Queue<int>>(1);
  Queue<int>& borrowed = *queue;
  int item = 1;
  EXPECT_TRUE(borrowed.TryPut(item));
  auto own = [](std::unique_ptr<Queue<int>> mine) -> Task<absl::Status> {
    co_return co_await mine->Join();
  };
  sim_.Spawn(own(std::move(queue)));
  sim_.RunUntilIdle();

  EXPECT_EQ(borrowed.TryGet(), 1);
  borrowed.TaskDone();
  sim_.RunUntilIdle();

  EXPECT_FALSE(sim_.AnyTasks());
}

TEST_P(QueueTest, AJoinSaysWhatItWaitsFor) {
  EXPECT_EQ(sim_.Run(Put(1)), absl::OkStatus());

  EXPECT_EQ(DescribeWaitOf(sim_, [&] { return Join(); }).kind, "queue join");

  DoAll();
}

// --- The end ----------------------------------------------------------------

// Calls a function when it dies, wherever it was moved to.
struct Mortal {
  explicit Mortal(std::function<void()> on_death)
      : on_death(std::move(on_death)) {}
  Mortal(Mortal&& other) noexcept
      : on_death(std::exchange(other.on_death, nullptr)) {}
  Mortal& operator=(Mortal&&) = delete;
  ~Mortal() {
    if (on_death) on_death();
  }

  std::function<void()> on_death;
};

TEST(QueueEndTest, AnItemOfACancelledPutIsDestroyedBeforeItCountsNoMore) {
  Simulator sim;
  Queue<Mortal> queue(0);
  std::int64_t unfinished_at_death = -1;
  auto put = [&]() -> Task<absl::Status> {
    Mortal item([&] { unfinished_at_death = queue.unfinished(); });
    co_return co_await queue.Put(std::move(item));
  };
  auto putter = sim.SpawnJoinable(put());
  sim.RunUntilIdle();

  putter.Cancel();
  sim.RunUntilIdle();

  EXPECT_EQ(unfinished_at_death, 1);
  EXPECT_EQ(queue.unfinished(), 0);
}

TEST(QueueEndTest, APutThatDiesWithItsRuntimeCountsNoMore) {
  Queue<int> queue(1);
  int item = 1;
  EXPECT_TRUE(queue.TryPut(item));
  {
    Simulator sim;
    auto put = [&]() -> Task<absl::Status> { co_return co_await queue.Put(2); };
    sim.Spawn(put());
    sim.RunUntilIdle();
    EXPECT_EQ(queue.unfinished(), 2);
  }

  EXPECT_EQ(queue.unfinished(), 1);
}

TEST(QueueDeathTest, DoingMoreThanWasPutSaysSo) {
  Queue<int> queue(1);

  EXPECT_DEATH(queue.TaskDone(), "once for each item that Get gave");
}

}  // namespace
}  // namespace weft::sync
