// Tests that nothing in sync allocates once it has been made: two tasks that
// wait for each other, a hundred times, and not one allocation.
//
// SPDX-License-Identifier: MIT

#include <cstddef>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/select.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/runtime/timer_arm.h"
#include "weft/runtime/yield.h"
#include "weft/sync/broadcast.h"
#include "weft/sync/channel.h"
#include "weft/sync/event.h"
#include "weft/sync/mutex.h"
#include "weft/sync/queue.h"
#include "weft/sync/select.h"
#include "weft/sync/semaphore.h"
#include "weft/sync/watch.h"
#include "weft/tests/support/allocations.h"

namespace weft::tests {
namespace {

using namespace sync;

constexpr int kRounds = 100;
constexpr int kFirst = 10;  // In which frames and nodes are made.

// What the rounds from the tenth on allocate.
class Rounds {
 public:
  void Note(int round) {
    if (round == kFirst) before_ = Allocations();
    if (round == kRounds - 1) made_ = Allocations() - before_;
  }
  long made() const { return made_; }

 private:
  long before_ = 0;
  long made_ = -1;
};

// Runs one(round) beside other(round), each `kRounds` times.
template <typename One, typename Other>
long AllocationsOf(One one, Other other) {
  testing::Simulator sim;
  Rounds rounds;
  auto repeat = [&](auto& step, Rounds* noted) -> Task<absl::Status> {
    for (int round = 0; round < kRounds; ++round) {
      if (noted != nullptr) noted->Note(round);
      co_await OrReturn(step(round));
    }
    co_return absl::OkStatus();
  };
  sim.Spawn(repeat(one, &rounds));
  sim.Spawn(repeat(other, nullptr));
  sim.RunUntilIdle();
  EXPECT_FALSE(sim.AnyTasks());
  return rounds.made();
}

TEST(AllocationFreeTest, AChannelWithAndWithoutAQueue) {
  for (const std::size_t capacity : {0, 1}) {
    Channel<int> channel(capacity);
    auto send = [&](int value) { return channel.Send(value); };
    auto receive = [&](int) { return channel.Receive(); };

    EXPECT_EQ(AllocationsOf(send, receive), 0);
  }
}

TEST(AllocationFreeTest, LocksAndPermits) {
  Mutex mutex;
  Semaphore semaphore(1);
  auto both = [&](int) -> Task<absl::Status> {
    Mutex::Guard guard = co_await OrReturn(mutex.Lock());
    Semaphore::Permit permit = co_await OrReturn(semaphore.Acquire());
    co_await Yield();
    co_return absl::OkStatus();
  };

  EXPECT_EQ(AllocationsOf(both, both), 0);
}

TEST(AllocationFreeTest, AQueueThatIsWorkedThrough) {
  Queue<int> queue(1);
  auto put = [&](int value) -> Task<absl::Status> {
    co_await OrReturn(queue.Put(value));
    co_return co_await queue.Join();
  };
  auto work = [&](int) -> Task<absl::Status> {
    co_await OrReturn(queue.Get());
    queue.TaskDone();
    co_return absl::OkStatus();
  };

  EXPECT_EQ(AllocationsOf(put, work), 0);
}

TEST(AllocationFreeTest, ABroadcastAndAWatch) {
  Broadcast<int> broadcast(4);
  Watch<int> watch(-1);
  Broadcast<int>::Receiver receiver = broadcast.Subscribe();
  Watch<int>::Observer observer = watch.Observe();
  Channel<int> next(0);
  auto tell = [&](int value) -> Task<absl::Status> {
    co_await OrReturn(broadcast.Send(value));
    co_await OrReturn(watch.Set(value));
    co_return co_await next.Send(value);
  };
  auto hear = [&](int) -> Task<absl::Status> {
    co_await OrReturn(receiver.Receive());
    co_await OrReturn(observer.Next());
    co_return (co_await next.Receive()).status();
  };

  EXPECT_EQ(AllocationsOf(tell, hear), 0);
}

TEST(AllocationFreeTest, ASelectThatWaitsAndOneThatNeedNot) {
  Channel<int> there(0);
  Channel<int> back(1);
  Event never;
  auto ignore = [](const absl::StatusOr<int>&) {};
  auto ask = [&](int value) -> Task<absl::Status> {
    co_await OrReturn(Select(OnSend(there, value), OnEvent(never),
                             OnTimeout(absl::Hours(1))));
    co_await OrReturn(Select(OnReceive(back, ignore), OnEvent(never)));
    co_return absl::OkStatus();
  };
  auto answer = [&](int value) -> Task<absl::Status> {
    co_await OrReturn(Select(OnReceive(there, ignore), OnEvent(never)));
    co_await OrReturn(Select(OnSend(back, value), OnDefault()));
    co_return absl::OkStatus();
  };

  EXPECT_EQ(AllocationsOf(ask, answer), 0);
}

}  // namespace
}  // namespace weft::tests
