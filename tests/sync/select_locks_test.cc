// Tests of the arms of a Select for locks, permits, events, and for what many
// receive: whatever loses lets the others pass.
//
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/select.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/runtime/timer_arm.h"
#include "weft/sync/broadcast.h"
#include "weft/sync/event.h"
#include "weft/sync/latch.h"
#include "weft/sync/mutex.h"
#include "weft/sync/queue.h"
#include "weft/sync/select.h"
#include "weft/sync/semaphore.h"
#include "weft/sync/shared_mutex.h"
#include "weft/sync/watch.h"
#include "weft/tests/sync/select_steps.h"

namespace weft::sync {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;
using ::weft::testing::Simulator;

// --- Locks, permits, events -------------------------------------------------

TEST(SelectLockTest, TakesALockAndLeavesTheOther) {
  Simulator sim;
  Mutex held;
  Mutex free;
  Mutex::Guard guard = held.TryLock();

  sim.Spawn([&]() -> Task<> {
    std::optional<Mutex::Guard> got;
    const Chosen chosen = co_await Select(
        OnLock(held, [](absl::StatusOr<Mutex::Guard>) { FAIL(); }),
        OnLock(free, [&](absl::StatusOr<Mutex::Guard> g) {
          got.emplace(*std::move(g));
        }));
    EXPECT_EQ(*chosen, 1u);
    EXPECT_FALSE(free.TryLock());
  });
  sim.RunUntilIdle();

  EXPECT_TRUE(free.TryLock());
  guard.Unlock();
  EXPECT_TRUE(held.TryLock());
}

TEST(SelectLockTest, ALockIsHandedPastASelectThatHasLost) {
  Simulator sim;
  Mutex mutex;
  Event event;
  Mutex::Guard guard = mutex.TryLock();
  bool locked = false;

  sim.Spawn([&]() -> Task<> {
    const Chosen chosen = co_await Select(
        OnLock(mutex, [](absl::StatusOr<Mutex::Guard>) { FAIL(); }),
        OnEvent(event));
    EXPECT_EQ(*chosen, 1u);
  });
  sim.RunUntilIdle();
  sim.Spawn([&]() -> Task<absl::Status> {
    Mutex::Guard mine = co_await OrReturn(mutex.Lock());
    locked = true;
    co_return absl::OkStatus();
  });
  sim.RunUntilIdle();
  event.Set();
  guard.Unlock();
  sim.RunUntilIdle();

  EXPECT_TRUE(locked);
  EXPECT_TRUE(mutex.TryLock());
}

TEST(SelectLockTest, TheLastToLoseALockLeavesItFree) {
  Simulator sim;
  Mutex mutex;
  Event event;
  Mutex::Guard guard = mutex.TryLock();

  sim.Spawn([&]() -> Task<> {
    std::ignore = co_await Select(
        OnLock(mutex, [](absl::StatusOr<Mutex::Guard>) {}), OnEvent(event));
  });
  sim.RunUntilIdle();
  event.Set();
  guard.Unlock();  // Its arm is in the queue still, and is dropped.
  EXPECT_TRUE(mutex.TryLock());
  sim.RunUntilIdle();

  EXPECT_TRUE(mutex.TryLock());
}

TEST(SelectLockTest, ABigRequestThatLosesHoldsUpNobody) {
  Simulator sim;
  Semaphore semaphore(1);
  Event event;
  int served = 0;

  sim.Spawn([&]() -> Task<> {
    std::ignore = co_await Select(
        OnAcquire(semaphore, 3,
                  [](absl::StatusOr<Semaphore::Permit>) { FAIL(); }),
        OnEvent(event));
  });
  sim.RunUntilIdle();
  sim.Spawn([&]() -> Task<absl::Status> {
    Semaphore::Permit permit = co_await OrReturn(semaphore.Acquire());
    ++served;
    co_return absl::OkStatus();
  });
  sim.RunUntilIdle();
  EXPECT_EQ(served, 0);  // First come, first served.
  event.Set();
  sim.RunUntilIdle();

  EXPECT_EQ(served, 1);
  EXPECT_EQ(semaphore.available(), 1);
}

TEST(SelectLockTest, ASemaphoreThatIsClosedIsReadyAndSaysSo) {
  Simulator sim;
  Semaphore semaphore(1);
  std::vector<absl::Status> said;
  auto hear = [&](const absl::StatusOr<Semaphore::Permit>& permit) {
    said.push_back(permit.status());
  };

  sim.Spawn([&]() -> Task<> {
    std::ignore = co_await Select(OnAcquire(semaphore, 2, hear));
    std::ignore = co_await Select(OnAcquire(semaphore, 1, hear));
    std::ignore = co_await Select(OnAcquire(semaphore, -1, hear));
  });
  sim.RunUntilIdle();
  semaphore.Close();
  sim.RunUntilIdle();

  ASSERT_THAT(said, SizeIs(3));
  EXPECT_TRUE(absl::IsOutOfRange(said[0]));
  EXPECT_TRUE(absl::IsOutOfRange(said[1]));
  EXPECT_TRUE(absl::IsInvalidArgument(said[2]));
}

TEST(SelectLockTest, ReadersComeInPastAWriterThatHasLost) {
  Simulator sim;
  SharedMutex mutex;
  Event event;
  bool read = false;
  const SharedMutex::SharedGuard reading = mutex.TryLockShared();

  sim.Spawn([&]() -> Task<> {
    auto keep = [](absl::StatusOr<SharedMutex::Guard>) { FAIL(); };
    std::ignore = co_await Select(OnLock(mutex, keep), OnEvent(event));
  });
  sim.RunUntilIdle();
  sim.Spawn([&]() -> Task<> {
    auto keep = [&](absl::StatusOr<SharedMutex::SharedGuard> guard) {
      read = guard.ok();
    };
    std::ignore = co_await Select(OnLockShared(mutex, keep));
  });
  sim.RunUntilIdle();
  EXPECT_FALSE(read);  // Behind the writer.
  event.Set();
  sim.RunUntilIdle();

  EXPECT_TRUE(read);
}

TEST(SelectLockTest, AnEventAndALatchAreChosenWhenTheyHappen) {
  Simulator sim;
  Event event;
  Latch latch(1);

  auto task = sim.SpawnJoinable([&]() -> Task<Chosen> {
    co_return co_await Select(OnEvent(event), OnEvent(latch));
  });
  sim.RunUntilIdle();
  latch.CountDown();
  sim.RunUntilIdle();

  EXPECT_EQ(*task.BlockingJoin(), 1u);
}

// --- Queues, broadcasts, watches --------------------------------------------

TEST(SelectLockTest, AReceiverOfABroadcastThatLosesIsFreeAgain) {
  Simulator sim;
  Broadcast<int> broadcast(4);
  Broadcast<int>::Receiver receiver = broadcast.Subscribe();
  std::vector<int> values;
  std::vector<std::size_t> chosen;

  sim.Spawn([&]() -> Task<> {
    auto arm = OnReceive(receiver, Into(values));
    for (int i = 0; i < 2; ++i) {
      chosen.push_back(*co_await Select(arm, OnDefault()));
      chosen.push_back(*co_await Select(arm, OnTimeout(absl::Seconds(1))));
      EXPECT_FALSE(receiver.TryReceive().has_value());
    }
    chosen.push_back(*co_await Select(arm));
  });
  sim.RunFor(absl::Seconds(3));
  EXPECT_TRUE(broadcast.Send(7).ok());
  sim.RunUntilIdle();

  EXPECT_THAT(chosen, ElementsAre(1, 1, 1, 1, 0));
  EXPECT_THAT(values, ElementsAre(7));
}

TEST(SelectLockTest, AnObserverThatLosesIsFreeAgain) {
  Simulator sim;
  Watch<int> watch(1);
  Watch<int>::Observer observer = watch.Observe();
  EXPECT_EQ(observer.Get(), 1);
  std::vector<int> values;

  sim.Spawn([&]() -> Task<> {
    auto arm = OnNext(observer, Into(values));
    std::ignore = co_await Select(arm, OnDefault());
    std::ignore = co_await Select(arm, OnTimeout(absl::Seconds(1)));
    EXPECT_EQ(observer.Get(), 1);
    std::ignore = co_await Select(arm);
  });
  sim.RunFor(absl::Seconds(2));
  EXPECT_TRUE(watch.Set(2).ok());
  sim.RunUntilIdle();

  EXPECT_THAT(values, ElementsAre(2));
}

TEST(SelectLockTest, WhatAnArmStoodInMayGoBeforeTheArm) {
  Simulator sim;

  sim.Spawn([]() -> Task<absl::Status> {
    auto ignore = [](absl::StatusOr<int>) {};
    auto watch = std::make_unique<Watch<int>>(1);
    auto observer = std::make_unique<Watch<int>::Observer>(watch->Observe());
    auto broadcast = std::make_unique<Broadcast<int>>(1);
    auto receiver =
        std::make_unique<Broadcast<int>::Receiver>(broadcast->Subscribe());
    co_await OrReturn(broadcast->Send(1));
    auto next = OnNext(*observer, ignore);
    auto receive = OnReceive(*receiver, ignore);
    co_await OrReturn(Select(next));
    co_await OrReturn(Select(receive));
    observer.reset();
    watch.reset();
    receiver.reset();
    broadcast.reset();
    co_return absl::OkStatus();
  });
  sim.RunUntilIdle();

  EXPECT_FALSE(sim.AnyTasks());
}

TEST(SelectLockTest, AnItemOfAQueueIsStillToBeDone) {
  Simulator sim;
  Queue<int> queue(1);
  std::vector<int> items;

  sim.Spawn([&]() -> Task<> {
    std::ignore =
        co_await Select(OnGet(queue, Into(items)), OnTimeout(absl::Seconds(1)));
  });
  sim.RunFor(absl::Milliseconds(1));
  int item = 3;
  EXPECT_TRUE(queue.TryPut(item));
  sim.RunUntilIdle();

  EXPECT_THAT(items, ElementsAre(3));
  EXPECT_EQ(queue.unfinished(), 1);
  queue.TaskDone();
}

}  // namespace
}  // namespace weft::sync
