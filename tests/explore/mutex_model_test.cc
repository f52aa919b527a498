// The mutex and the wait list under every schedule: one holder at a time, and
// none that is forgotten.
//
// SPDX-License-Identifier: MIT

#include <string>

#include "gtest/gtest.h"
#include "weft/sync/mutex.h"
#include "weft/tests/explore/expectations.h"
#include "weft/tests/explore/plain.h"
#include "weft/tests/explore/task_model.h"

namespace weft::explore {
namespace {

struct MutexModel : TaskModel {
  // False: cancelled.
  bool Lock() {
    absl::StatusOr<sync::Mutex::Guard> guard = Await(mutex.Lock());
    if (guard.ok()) Hold();
    return guard.ok();
  }
  void TryLock() {
    const sync::Mutex::Guard guard = mutex.TryLock();
    if (guard) Hold();
  }
  void Hold() {
    count.Set(count.Get() + 1);
    ++held;
  }
  void Finally() override {
    Check(count.Get() == held, "a change was lost");
    Check(static_cast<bool>(mutex.TryLock()), "it is free at last");
  }

  sync::Mutex mutex;
  Plain<int> count;
  int held = 0;
};

struct TwoLock : MutexModel {
  int threads() const override { return 2; }
  void RunTask(int) override {
    Lock();
    Lock();
  }
};

struct ThreeLock : MutexModel {
  int threads() const override { return 3; }
  void RunTask(int thread) override { thread < 2 ? void(Lock()) : TryLock(); }
};

struct OneIsCancelled : MutexModel {
  int threads() const override { return 3; }
  void RunTask(int thread) override {
    if (thread == 2) return scope(1).Cancel();
    if (!Lock()) TryLock();
  }
};

TEST(MutexModelTest, HasOneHolderOfTwo) { ExpectHolds<TwoLock>(); }

TEST(MutexModelTest, HasOneHolderOfThree) { ExpectHolds<ThreeLock>(); }

TEST(MutexModelTest, GoesOnWithoutWhoIsCancelled) {
  ExpectHolds<OneIsCancelled>();
}

TEST(MutexModelTest, FindsAForgottenWaiter) {
  ExpectFound<TwoLock>(Bug::kUnlockForgetsWhoWaits);
}

TEST(MutexModelTest, FindsAQuestionOutsideTheLock) {
  ExpectFound<TwoLock, ThreeLock>(Bug::kTriesOutsideTheLock);
}

TEST(MutexModelTest, FindsACancellationOfAnOwner) {
  ExpectFound<OneIsCancelled>(Bug::kCancelUnlinksWhoWasGranted);
}

TEST(MutexModelTest, NeedsEveryOrder) {
  ExpectEveryOrderIsNeeded<TwoLock, ThreeLock, OneIsCancelled>(
      {"sync/mutex.h", "sync/mutex.cc"});
}

}  // namespace
}  // namespace weft::explore
