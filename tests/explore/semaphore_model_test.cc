// The semaphore and the event under every schedule: no permit is lost or given
// twice, and whoever waits for an event goes on.
//
// SPDX-License-Identifier: MIT

#include <optional>
#include <string>

#include "gtest/gtest.h"
#include "weft/sync/event.h"
#include "weft/sync/semaphore.h"
#include "weft/tests/explore/expectations.h"
#include "weft/tests/explore/plain.h"
#include "weft/tests/explore/task_model.h"

namespace weft::explore {
namespace {

struct SemaphoreModel : TaskModel {
  void Acquire(int count) {
    auto permit = Await(semaphore.Acquire(count));
    if (!permit.ok()) return;
    taken += count;
    Check(taken <= 2, "no more permits are out than there are");
    Point();
    taken -= count;
  }
  void Finally() override { Check(semaphore.available() == 2, "all are back"); }

  sync::Semaphore semaphore{2};
  int taken = 0;
};

struct ThreeTake : SemaphoreModel {
  int threads() const override { return 3; }
  void RunTask(int thread) override { Acquire(thread == 0 ? 2 : 1); }
};

// One asks for both while one is taken, and is cancelled before a small one.
struct TheBigOneIsCancelled : SemaphoreModel {
  int threads() const override { return 4; }
  void RunTask(int thread) override {
    if (thread == 3) return scope(1).Cancel();
    if (thread == 0) {
      sync::Semaphore::Permit permit = semaphore.TryAcquire(1);
      first_may_go.Take();
      return;
    }
    Acquire(thread == 1 ? 2 : 1);
    if (thread == 2) first_may_go.Give();
  }

  HandOver first_may_go;
};

// tokio-rs/tokio#8074: permits that came back to a closed one were lost.
struct ClosedWithPermitsOut : SemaphoreModel {
  int threads() const override { return 4; }
  void RunTask(int thread) override {
    if (thread == 2) return semaphore.Close();
    if (thread == 3) return scope(1).Cancel();
    Acquire(thread == 0 ? 1 : 2);
  }
};

TEST(SemaphoreModelTest, GetsItsPermitsBackWhenItIsClosed) {
  ExpectHolds<ClosedWithPermitsOut>();
}

TEST(SemaphoreModelTest, GivesOutWhatItHas) { ExpectHolds<ThreeTake>(); }

TEST(SemaphoreModelTest, ServesTheNextWhenOneIsCancelled) {
  ExpectHolds<TheBigOneIsCancelled>();
}

TEST(SemaphoreModelTest, FindsACancellationThatServesNobody) {
  ExpectFound<TheBigOneIsCancelled>(Bug::kACancelledRequestServesNobody);
}

struct EventModel : TaskModel {
  int threads() const override { return 3; }
  void RunTask(int thread) override {
    if (thread == 2) {
      content.Set(1);
      return event->Set();
    }
    if (!Await(event->Wait()).ok()) return;
    Check(content.Get() == 1, "it sees what was before");
    if (++over == 2) event.reset();  // Who is woken last may destroy it.
  }

  std::optional<sync::Event> event{std::in_place};
  Plain<int> content;
  int over = 0;
};

struct SetOrCancelled : TaskModel {
  int threads() const override { return 3; }
  void RunTask(int thread) override {
    if (thread == 0) {
      const absl::Status status = Await(event.Wait());
      if (status.ok()) Check(content.Get() == 1, "it sees what was before");
    } else if (thread == 1) {
      content.Set(1);
      event.Set();
    } else {
      scope(0).Cancel();
    }
  }

  sync::Event event;
  Plain<int> content;
};

TEST(EventModelTest, WakesEverybodyAndMayBeDestroyed) {
  ExpectHolds<EventModel>();
}

TEST(EventModelTest, EndsAWaitThatIsSetOrCancelled) {
  ExpectHolds<SetOrCancelled>();
}

TEST(EventModelTest, FindsAQuestionOutsideTheLock) {
  ExpectFound<EventModel>(Bug::kTriesOutsideTheLock);
}

TEST(EventModelTest, NeedsEveryOrder) {
  ExpectEveryOrderIsNeeded<EventModel, SetOrCancelled>(
      {"sync/event.h", "sync/event.cc"});
}

}  // namespace
}  // namespace weft::explore
