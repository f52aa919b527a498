// The worlds of promise_test.cc that do several things at once: a select,
// results as they come, elements side by side, pipelines.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_SYNC_PROMISE_CALL_WORLDS_H_
#define WEFT_TESTS_SYNC_PROMISE_CALL_WORLDS_H_

#include <cstddef>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "weft/runtime/async_generator.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/task.h"
#include "weft/runtime/yield.h"
#include "weft/sync/as_completed.h"
#include "weft/sync/channel.h"
#include "weft/sync/mutex.h"
#include "weft/sync/parallel_for_each.h"
#include "weft/sync/select.h"
#include "weft/sync/semaphore.h"
#include "weft/sync/transform.h"
#include "weft/sync/with_results.h"
#include "weft/tests/sync/promise_world.h"

namespace weft::sync::worlds {

// Whatever an arm did not do is not done.
struct SelectWorld {
  static constexpr int kOthers = 1;
  Channel<int> in{1};
  Channel<int> out{0};
  Mutex mutex;
  Semaphore permits{2};
  int sent_in = 0;
  int taken_in = 0;
  int sent_out = 0;
  int taken_out = 0;

  Task<absl::Status> Victim() {
    for (int i = 0; i < 4; ++i) {
      co_await Yield();
      int value = 1;
      const absl::StatusOr<std::size_t> chosen = co_await Select(
          OnReceive(in, [&](absl::StatusOr<int> got) { taken_in += *got; }),
          OnSend(out, value, [&] { ++sent_out; }),
          OnLock(mutex, [](absl::StatusOr<Mutex::Guard>) {}),
          OnAcquire(permits, 2, [](absl::StatusOr<Semaphore::Permit>) {}),
          OnTimeout(absl::Minutes(1)));
      co_await OrReturn(chosen.status());
    }
    co_return absl::OkStatus();
  }
  // Holds what it can, and never waits for the victim.
  Task<absl::Status> Other() {
    for (int i = 0; i < 4; ++i) {
      Mutex::Guard guard = co_await OrReturn(mutex.Lock());
      Semaphore::Permit permit = co_await OrReturn(permits.Acquire());
      co_await Yield();
      int value = 1;
      if (in.TrySend(value)) ++sent_in;
      co_await Yield();
      if (out.TryReceive().has_value()) ++taken_out;
    }
    co_return absl::OkStatus();
  }
  absl::Status Check() {
    const auto inside = static_cast<int>(in.size());
    return Unless(sent_in == taken_in + inside && sent_out == taken_out &&
                      permits.available() == 2 && mutex.TryLock(),
                  "an arm that lost has done something");
  }
};

// What runs on behalf of the victim has ended when the victim has.
struct Offspring {
  int running = 0;
  int done = 0;
  bool outlived = false;

  class Running {
   public:
    explicit Running(Offspring& all) noexcept : all_(all) { ++all_.running; }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;
    ~Running() { --all_.running; }

   private:
    Offspring& all_;
  };

  Task<absl::StatusOr<int>> Work(int pauses) {
    Running running(*this);
    for (int i = 0; i < pauses; ++i) co_await OrReturn(Pause());
    ++done;
    co_return pauses;
  }
  void VictimIsOver() { outlived = running != 0; }
  absl::Status Check() {
    return Unless(!outlived && running == 0, "somebody has outlived it");
  }
};

struct AsCompletedWorld : Offspring {
  static constexpr int kOthers = 0;

  Task<absl::Status> Victim() {
    std::vector<Task<absl::StatusOr<int>>> tasks;
    for (int pauses : {3, 1, 2}) tasks.push_back(Work(pauses));
    auto add = [](Completions<absl::StatusOr<int>>& results)
        -> Task<absl::StatusOr<int>> {
      int sum = 0;
      while (results.left() > 1) {
        auto next = co_await OrReturn(results.Next());
        sum += co_await OrReturn(std::move(next->result));
      }
      co_return sum;
    };
    const int sum = co_await OrReturn(AsCompleted(std::move(tasks), add));
    co_return Unless(sum >= 3, "a result is lost");
  }
};

// The generator, too, has cleaned up.
struct ParallelForEachWorld : Offspring {
  static constexpr int kOthers = 0;
  bool open = false;

  AsyncGenerator<int> Count() {
    open = true;
    for (int i = 0; i < 5; ++i) {
      co_await Yield();
      const bool wanted = co_yield Offer(i % 3);
      if (!wanted) break;
    }
    co_await Yield();
    open = false;
  }
  Task<absl::Status> Victim() {
    auto work = [this](int pauses) -> Task<absl::Status> {
      co_return (co_await Work(pauses)).status();
    };
    co_await OrReturn(ParallelForEach(Count(), 2, work));
    co_return Unless(done == 5, "an element is lost");
  }
  absl::Status Check() {
    if (open) return absl::InternalError("the generator was not closed");
    return Offspring::Check();
  }
};

// Two stages, whose results are taken by a third.
struct TransformWorld : ParallelForEachWorld {
  Task<absl::Status> Victim() {
    auto work = [this](int pauses) { return Work(pauses); };
    std::vector<int> taken;
    auto take = [&taken](int pauses) -> Task<absl::Status> {
      taken.push_back(pauses);
      co_return absl::OkStatus();
    };
    auto first = Transform(Count(), 2, work);
    auto second = Transform(std::move(first), 3, work);
    co_await OrReturn(ParallelForEach(std::move(second), 1, take));
    co_return Unless(done == 10 && taken == std::vector({0, 1, 2, 0, 1}),
                     "an element is lost, or out of order");
  }
};

// A body that leaves when it has seen enough.
struct WithResultsWorld : ParallelForEachWorld {
  Task<absl::Status> Victim() {
    auto work = [this](int pauses) { return Work(pauses); };
    auto add = [](auto& results) -> Task<absl::StatusOr<int>> {
      int sum = 0;
      for (int i = 0; i < 3; ++i) {
        auto next = co_await OrReturn(results.Next());
        sum += *next;
      }
      co_return sum;
    };
    auto results = Transform(Count(), 2, work);
    const int sum = co_await OrReturn(WithResults(std::move(results), add));
    co_return Unless(sum == 3, "a result is lost");
  }
};

}  // namespace weft::sync::worlds

#endif  // WEFT_TESTS_SYNC_PROMISE_CALL_WORLDS_H_
