// Tests of the end of a runtime under thousands of tasks in every kind of wait:
// all of them end, and no frame, thread or descriptor is left.
//
// SPDX-License-Identifier: MIT

#include <array>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <iterator>
#include <latch>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/reactor.h"
#include "weft/reactor/source.h"
#include "weft/reactor/source_pool.h"
#include "weft/reactor/system.h"
#include "weft/runtime/blocking_pool.h"
#include "weft/runtime/cancellation.h"
#include "weft/runtime/current.h"
#include "weft/runtime/deadline.h"
#include "weft/runtime/ready_awaiter.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/shield.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/when_all.h"
#include "weft/runtime/when_any.h"
#include "weft/runtime/yield.h"
#include "weft/sync/channel.h"
#include "weft/sync/event.h"
#include "weft/sync/mutex.h"
#include "weft/sync/one_shot.h"
#include "weft/sync/semaphore.h"

namespace weft {
namespace {

int EntriesOf(const char* folder) {
  return static_cast<int>(
      std::distance(std::filesystem::directory_iterator(folder), {}));
}

// A thread that has been joined is still listed for a moment, on a busy machine
// for a long one.
int SettledThreads(int expected) {
  int threads = EntriesOf("/proc/self/task");
  for (int i = 0; i < 10'000 && threads > expected; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    threads = EntriesOf("/proc/self/task");
  }
  return threads;
}

// Counts who lives.
class Counted {
 public:
  explicit Counted(std::atomic<int>& living) : living_(living) { ++living_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --living_; }

 private:
  std::atomic<int>& living_;
};

// Every kind of wait, and what is waited for.
class Waits {
 public:
  Waits() {
    std::array<int, 2> ends{-1, -1};
    for (int i = 0; i < kPipes; ++i) {
      EXPECT_EQ(reactor::System::Kernel().pipe(ends.data()), 0);
      readers_.emplace_back(ends[0]);
      writers_.emplace_back(ends[1]);
    }
  }

  static constexpr int kKinds = 15;
  static constexpr int kPipes = 200;

  std::atomic<int>& living() { return living_; }

  // `number` chooses the kind.
  Task<> Wait(int number) {
    const Counted counted(living_);
    switch (number % kKinds) {
      case 0:
        static_cast<void>(co_await SleepFor(absl::InfiniteDuration()));
        break;
      case 1:
        static_cast<void>(co_await SleepFor(absl::Hours(1)));
        break;
      case 2:
        static_cast<void>(co_await event_.Wait());
        break;
      case 3:
        static_cast<void>(co_await semaphore_.Acquire());
        break;
      case 4: {
        // One of them gets it, and sleeps with it.
        absl::StatusOr<sync::Mutex::Guard> guard = co_await mutex_.Lock();
        static_cast<void>(co_await SleepFor(absl::InfiniteDuration()));
        break;
      }
      case 5:
        static_cast<void>(co_await empty_.Receive());
        break;
      case 6:
        static_cast<void>(co_await full_.Send(1));
        break;
      case 7: {
        auto [sender, receiver] = sync::MakeOneShot<int>();
        static_cast<void>(co_await receiver.Receive());
        break;
      }
      case 8: {
        JoinHandle<void> child = Spawn(Sleep());
        static_cast<void>(co_await child.Join());
        break;
      }
      case 9:
        co_await WhenAll(Sleep(), Sleep(), Sleep());
        break;
      case 10:
        co_await WhenAny(Sleep(), Sleep());
        break;
      case 11:
        static_cast<void>(
            co_await WithTimeout(absl::Hours(1), SleepWithStatus()));
        break;
      case 12:
        static_cast<void>(co_await WithScope([&](Scope& scope) -> Task<> {
          scope.Spawn(Sleep());
          scope.Spawn(Sleep());
          co_await Sleep();
        }));
        break;
      case 13:
        co_await WaitForPipe();
        break;
      case 14:
        // Not a wait: in a queue, again and again, until it is told.
        while (!IsCancelled()) co_await Yield();
        break;
      default:
        ADD_FAILURE() << "kKinds says that there are more";
    }
  }

  // Deaf to cancellation: what a runtime can only destroy.
  Task<> WaitShielded(int number) {
    const Counted counted(living_);
    co_await Shield(WaitUnlessYield(number));
  }

 private:
  Task<> WaitUnlessYield(int number) {
    const int kind = number % kKinds == 14 ? 0 : number;
    co_await Wait(kind);
  }
  Task<> Sleep() {
    const Counted counted(living_);
    static_cast<void>(co_await SleepFor(absl::InfiniteDuration()));
  }
  Task<absl::Status> SleepWithStatus() {
    const Counted counted(living_);
    absl::Status slept = co_await SleepFor(absl::InfiniteDuration());
    co_return slept;
  }
  Task<> WaitForPipe() {
    const int turn = next_pipe_++;
    if (turn >= kPipes) {
      co_await Sleep();
      co_return;
    }
    reactor::SourceHandle source = CurrentReactor().sources().Adopt(
        std::move(readers_[turn]), reactor::System::Kernel());
    source->TakeReady(reactor::Direction::kRead);
    static_cast<void>(co_await WaitReady(*source, reactor::Direction::kRead));
  }

  std::atomic<int> living_ = 0;
  sync::Event event_;
  sync::Semaphore semaphore_{0};
  sync::Mutex mutex_;
  sync::Channel<int> empty_{1};
  sync::Channel<int> full_{0};
  std::atomic<int> next_pipe_ = 0;
  std::vector<reactor::Fd> readers_;
  std::vector<reactor::Fd> writers_;
};

class ShutdownTest : public ::testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    // What the first runtime of a process leaves behind for good is no leak.
    Runtime runtime({.workers = GetParam()});
  }

  // Runs `body`, and sees what is left afterwards.
  template <typename Body>
  void ExpectNothingIsLeft(Body body) {
    const int descriptors = EntriesOf("/proc/self/fd");
    const int threads = EntriesOf("/proc/self/task");

    body();

    EXPECT_EQ(EntriesOf("/proc/self/fd"), descriptors);
    // Fewer, where one of an earlier runtime's was still listed before.
    EXPECT_LE(SettledThreads(threads), threads);
  }
};

INSTANTIATE_TEST_SUITE_P(Workers, ShutdownTest, ::testing::Values(1, 2, 4));

constexpr int kTasks = 3000;

TEST_P(ShutdownTest, EndsThousandsOfTasksInEveryKindOfWait) {
  ExpectNothingIsLeft([] {
    Waits waits;
    {
      Runtime runtime({.workers = GetParam()});
      for (int i = 0; i < kTasks; ++i) runtime.Spawn(waits.Wait(i)).Detach();
      while (waits.living() < kTasks) std::this_thread::yield();
    }

    EXPECT_EQ(waits.living(), 0);
  });
}

TEST_P(ShutdownTest, EndsTasksThatHaveHardlyBegun) {
  ExpectNothingIsLeft([] {
    for (int round = 0; round < 10; ++round) {
      Waits waits;
      {
        Runtime runtime({.workers = GetParam()});
        for (int i = 0; i < 300; ++i) runtime.Spawn(waits.Wait(i)).Detach();
      }

      EXPECT_EQ(waits.living(), 0);
    }
  });
}

TEST_P(ShutdownTest, DestroysThousandsOfTasksThatDoNotHeed) {
  ExpectNothingIsLeft([] {
    Waits waits;
    {
      Runtime runtime(
          {.workers = GetParam(), .drain_timeout = absl::Milliseconds(20)});
      for (int i = 0; i < kTasks; ++i) {
        runtime.Spawn(waits.WaitShielded(i)).Detach();
      }
      while (waits.living() < 2 * kTasks) std::this_thread::yield();
    }

    EXPECT_EQ(waits.living(), 0);
  });
}

TEST_P(ShutdownTest, EndsWithWorkInTheBlockingPool) {
  ExpectNothingIsLeft([] {
    constexpr int kCalls = 200;
    std::atomic<int> calls = 0;
    std::atomic<int> cancelled = 0;
    std::latch begun(1);
    {
      Runtime runtime({.workers = GetParam(), .max_blocking_threads = 1});
      auto call = [&]() -> Task<> {
        // The others are behind it. Only the runtime's end cancels them.
        auto function = [&] {
          if (calls++ == 0) begun.count_down();
          while (cancelled < kCalls - 1) std::this_thread::yield();
        };
        absl::Status status = co_await Blocking(function);
        cancelled += absl::IsCancelled(status);
      };
      for (int i = 0; i < kCalls; ++i) runtime.Spawn(call).Detach();
      begun.wait();
    }

    EXPECT_EQ(calls, 1);
    EXPECT_EQ(cancelled, kCalls - 1);
  });
}

TEST_P(ShutdownTest, EndsUnderThreadsThatStillWakeItsTasks) {
  ExpectNothingIsLeft([] {
    for (int round = 0; round < 20; ++round) {
      sync::Semaphore semaphore(0);
      std::atomic<bool> over = false;
      std::jthread releaser([&] {
        while (!over) {
          semaphore.Release();
          std::this_thread::yield();
        }
      });
      {
        Runtime runtime({.workers = GetParam()});
        auto acquire = [&]() -> Task<> {
          for (;;) {
            absl::StatusOr<sync::Semaphore::Permit> permit =
                co_await semaphore.Acquire();
            if (!permit.ok()) co_return;
            permit->Forget();
          }
        };
        for (int i = 0; i < 20; ++i) runtime.Spawn(acquire).Detach();
        auto turn = []() -> Task<> {
          static_cast<void>(co_await SleepFor(absl::Microseconds(200)));
        };
        EXPECT_TRUE(runtime.BlockOn(turn()).ok());
      }
      over = true;
    }
  });
}

}  // namespace
}  // namespace weft
