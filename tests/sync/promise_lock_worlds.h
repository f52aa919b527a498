// The worlds of promise_test.cc that keep others out, or wait for them: locks,
// permits, events, phases, what is done once.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_SYNC_PROMISE_LOCK_WORLDS_H_
#define WEFT_TESTS_SYNC_PROMISE_LOCK_WORLDS_H_

#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/task.h"
#include "weft/runtime/yield.h"
#include "weft/sync/barrier.h"
#include "weft/sync/condition_variable.h"
#include "weft/sync/event.h"
#include "weft/sync/latch.h"
#include "weft/sync/lazy.h"
#include "weft/sync/mutex.h"
#include "weft/sync/once.h"
#include "weft/sync/semaphore.h"
#include "weft/sync/shared_mutex.h"
#include "weft/tests/sync/promise_world.h"

namespace weft::sync::worlds {

struct MutexWorld {
  Mutex mutex;
  int inside = 0;
  int visits = 0;

  Task<absl::Status> Visit() {
    for (int i = 0; i < 2; ++i) {
      Mutex::Guard guard = co_await OrReturn(mutex.Lock());
      if (++inside != 1) co_return absl::InternalError("two are inside");
      co_await Yield();
      --inside;
      ++visits;
    }
    co_return absl::OkStatus();
  }
  Task<absl::Status> Victim() { return Visit(); }
  Task<absl::Status> Other() { return Visit(); }
  absl::Status Check() {
    return Unless(visits >= 4 && mutex.TryLock(), "the lock is lost");
  }
};

struct SharedMutexWorld {
  SharedMutex mutex;
  int readers = 0;
  int writers = 0;

  Task<absl::Status> Victim() {
    co_await OrReturn(Write());
    co_return co_await Read();
  }
  Task<absl::Status> Other() {
    co_await OrReturn(Read());
    co_return co_await Write();
  }
  Task<absl::Status> Read() {
    SharedMutex::SharedGuard guard = co_await OrReturn(mutex.LockShared());
    ++readers;
    if (writers != 0) co_return absl::InternalError("a writer is inside");
    co_await Yield();
    --readers;
    co_return absl::OkStatus();
  }
  Task<absl::Status> Write() {
    SharedMutex::Guard guard = co_await OrReturn(mutex.Lock());
    if (++writers != 1 || readers != 0) {
      co_return absl::InternalError("it is not alone");
    }
    co_await Yield();
    --writers;
    SharedMutex::SharedGuard reading = std::move(guard).Downgrade();
    co_await Yield();
    co_return absl::OkStatus();
  }
  absl::Status Check() { return Unless(!!mutex.TryLock(), "it is not free"); }
};

struct SemaphoreWorld {
  Semaphore semaphore{3};

  Task<absl::Status> Take(int count) {
    for (int i = 0; i < 2; ++i) {
      Semaphore::Permit permit = co_await OrReturn(semaphore.Acquire(count));
      co_await Yield();
    }
    co_return absl::OkStatus();
  }
  Task<absl::Status> Victim() { return Take(3); }
  Task<absl::Status> Other() { return Take(2); }
  void Close() { semaphore.Close(); }
  absl::Status Check() {
    return Unless(semaphore.available() == 3,
                  absl::StrCat(semaphore.available(), " permits of 3"));
  }
};

struct EventWorld {
  Event event;
  Latch latch{2};

  Task<absl::Status> Victim() {
    co_await OrReturn(event.Wait());
    co_return co_await latch.Wait();
  }
  Task<absl::Status> Other() {
    co_await Yield();
    event.Set();
    latch.CountDown();
    co_return co_await latch.Wait();
  }
  absl::Status Check() {
    return Unless(event.is_set() && latch.is_open(), "it was not told");
  }
};

// Who is cancelled drops out, so that the others do not wait for it.
struct BarrierWorld {
  int completed = 0;
  Barrier barrier{3, [this] { ++completed; }};

  Task<absl::Status> Arrive() {
    for (int i = 0; i < 3; ++i) {
      const absl::StatusOr<std::uint64_t> phase =
          co_await barrier.ArriveAndWait();
      if (!phase.ok()) {
        barrier.ArriveAndDrop();
        co_return phase.status();
      }
    }
    co_return absl::OkStatus();
  }
  Task<absl::Status> Victim() { return Arrive(); }
  Task<absl::Status> Other() { return Arrive(); }
  absl::Status Check() {
    return Unless(completed == 3, absl::StrCat(completed, " phases of 3"));
  }
};

struct ConditionWorld {
  static constexpr int kOthers = 1;
  Mutex mutex;
  ConditionVariable changed;
  int jobs = 0;
  int done = 0;
  int victims = 0;

  Task<absl::Status> Victim() {
    co_await OrReturn(DoOne());
    ++victims;
    co_return absl::OkStatus();
  }
  // Makes one, and does one: so one is left where the victim did none.
  Task<absl::Status> Other() {
    for (int i = 0; i < 2; ++i) {
      Mutex::Guard guard = co_await OrReturn(mutex.Lock());
      ++jobs;
      changed.NotifyOne();
      guard.Unlock();
      co_await Yield();
    }
    co_return co_await DoOne();
  }
  Task<absl::Status> DoOne() {
    Mutex::Guard guard = co_await OrReturn(mutex.Lock());
    auto any = [this] { return jobs > 0; };
    const absl::Status waited = co_await changed.Wait(guard, any);
    if (!guard) co_return absl::InternalError("the lock is not held");
    co_await OrReturn(waited);
    --jobs;
    ++done;
    co_return absl::OkStatus();
  }
  absl::Status Check() {
    return Unless(done == 1 + victims && jobs == 1 - victims && mutex.TryLock(),
                  "a job is lost");
  }
};

struct LazyWorld {
  int made = 0;
  int done = 0;
  Lazy<int> lazy{[this] { return Make(); }};
  Once once;

  Task<absl::StatusOr<int>> Make() {
    co_await OrReturn(Pause());
    ++made;
    co_return 42;
  }
  Task<absl::Status> Work() {
    co_await OrReturn(Pause());
    ++done;
    co_return absl::OkStatus();
  }
  Task<absl::Status> Ask() {
    const int* const made = co_await OrReturn(lazy.Get());
    if (*made != 42) co_return absl::InternalError("it is not whole");
    auto work = [this] { return Work(); };
    co_return co_await once.Do(work);
  }
  Task<absl::Status> Victim() { return Ask(); }
  Task<absl::Status> Other() { return Ask(); }
  absl::Status Check() {
    return Unless(
        lazy.TryGet() != nullptr && once.done() && made == 1 && done == 1,
        "it was not made, or twice");
  }
};

}  // namespace weft::sync::worlds

#endif  // WEFT_TESTS_SYNC_PROMISE_LOCK_WORLDS_H_
