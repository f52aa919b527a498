// Tests that code which goes on on another thread is told about that thread: no
// compiler may keep a thread-local, or its address, across a suspension.
//
// SPDX-License-Identifier: MIT

#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "weft/reactor/reactor.h"
#include "weft/runtime/blocking_pool.h"
#include "weft/runtime/current.h"
#include "weft/runtime/generator.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/yield.h"
#include "weft/sync/semaphore.h"

namespace weft {
namespace {

// Which reactor is whose. A thread is what the kernel says it is: the answer to
// a system call is nothing that a compiler keeps.
class Atlas {
 public:
  // Whether the calling thread always had this reactor, and no other thread.
  bool Agrees(const reactor::Reactor& said, pid_t thread) {
    const std::lock_guard lock(mutex_);
    return reactors_.try_emplace(thread, &said).first->second == &said &&
           threads_.try_emplace(&said, thread).first->second == thread;
  }
  std::size_t size() {
    const std::lock_guard lock(mutex_);
    return threads_.size();
  }

 private:
  std::mutex mutex_;
  std::map<pid_t, const reactor::Reactor*> reactors_;
  std::map<const reactor::Reactor*, pid_t> threads_;
};

struct Journey {
  Atlas atlas;
  // Whoever gives one back wakes somebody who last ran elsewhere.
  sync::Semaphore permits{4};
  std::atomic<int> moves = 0;
  std::atomic<int> wrong = 0;
};

class Traveller {
 public:
  explicit Traveller(Journey& journey) : journey_(journey) {}

  // Not inline: what the traveller's coroutine was told is compared with what
  // is found out here, anew.
  [[gnu::noinline]] void Look(bool inside, const reactor::Reactor& reactor) {
    const pid_t thread = ::gettid();
    if (!inside || !journey_.atlas.Agrees(reactor, thread)) ++journey_.wrong;
    const pid_t before = std::exchange(thread_, thread);
    if (before != 0 && before != thread) ++journey_.moves;
  }

 private:
  Journey& journey_;
  pid_t thread_ = 0;
};

Task<absl::Status> Travel(Journey& journey, int moves) {
  Traveller traveller(journey);
  auto is_inside = [] { return InsideRuntime(); };
  for (int round = 0; journey.moves < moves; ++round) {
    traveller.Look(InsideRuntime(), CurrentReactor());
    sync::Semaphore::Permit permit =
        co_await OrReturn(journey.permits.Acquire());
    traveller.Look(InsideRuntime(), CurrentReactor());
    co_await Yield();
    traveller.Look(InsideRuntime(), CurrentReactor());
    if (round % 16 != 0) continue;
    const bool inside = co_await OrReturn(Blocking(is_inside));
    if (inside) ++journey.wrong;
    traveller.Look(InsideRuntime(), CurrentReactor());
  }
  co_return absl::OkStatus();
}

class CurrentTest : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Workers, CurrentTest, ::testing::Values(2, 4));

TEST_P(CurrentTest, ATaskIsToldAboutTheThreadThatItRunsOn) {
  constexpr int kTasks = 32;
  constexpr int kMoves = 2000;
  Runtime runtime({.workers = GetParam()});
  Journey journey;
  std::vector<JoinHandle<absl::Status>> travellers;
  for (int i = 0; i < kTasks; ++i) {
    travellers.push_back(runtime.Spawn(Travel(journey, kMoves)));
  }

  for (auto& each : travellers) EXPECT_TRUE(each.BlockingJoin().ok());

  EXPECT_EQ(journey.wrong, 0);
  EXPECT_GE(journey.moves, kMoves);
  EXPECT_GE(journey.atlas.size(), 2u);
}

struct Place {
  bool inside;
  const reactor::Reactor* reactor;
};

Generator<Place> Places() {
  for (;;) {
    const bool inside = InsideRuntime();
    const Place place{.inside = inside,
                      .reactor = inside ? &CurrentReactor() : nullptr};
    co_yield place;
  }
}

TEST_P(CurrentTest, AGeneratorIsToldAboutTheThreadThatAsksIt) {
  Runtime runtime({.workers = GetParam()});
  Generator<Place> places = Places();
  auto ask = [](Generator<Place>& places) -> Task<bool> {
    const std::optional<Place> place = places.Next();
    co_return place->inside && place->reactor == &CurrentReactor();
  };

  for (int i = 0; i < 100; ++i) {
    EXPECT_FALSE(places.Next()->inside);
    EXPECT_EQ(runtime.BlockOn(ask(places)), absl::StatusOr<bool>(true));
  }
}

}  // namespace
}  // namespace weft
