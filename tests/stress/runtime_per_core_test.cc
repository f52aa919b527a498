// Tests of a runtime whose workers share nothing: a task stays where it was
// born, what crosses over is a wake, and all cores end together.
//
// SPDX-License-Identifier: MIT

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/runtime/blocking_pool.h"
#include "weft/runtime/each_core.h"
#include "weft/runtime/error_group.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/run.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/when_all.h"
#include "weft/runtime/yield.h"
#include "weft/sync/channel.h"
#include "weft/sync/mutex.h"
#include "weft/tests/support/soak.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

constexpr int kCores = 4;

RuntimeOptions PerCore() {
  RuntimeOptions options;
  options.flavor = Flavor::kPerCore;
  options.workers = kCores;
  return options;
}

// Threads that tasks were seen on. Guarded by the mutex.
struct Threads {
  sync::Mutex mutex;
  std::set<std::thread::id> seen;
};

Task<absl::Status> StayHere(Threads& threads) {
  const std::thread::id home = std::this_thread::get_id();
  for (int i = 0; i < 100; ++i) {
    co_await Yield();
    // A lock that all cores want: it is handed over from core to core.
    sync::Mutex::Guard guard = co_await OrReturn(threads.mutex.Lock());
    if (std::this_thread::get_id() != home) {
      co_return absl::InternalError("a task has moved");
    }
    threads.seen.insert(home);
  }
  co_return absl::OkStatus();
}

TEST(PerCoreTest, EachTaskStaysOnTheCoreWhereItWasBorn) {
  Threads threads;
  Runtime runtime(PerCore());

  EXPECT_EQ(runtime.workers(), kCores);
  EXPECT_EQ(runtime.BlockOn(OnEachCore(StayHere, std::ref(threads))),
            absl::OkStatus());
  EXPECT_EQ(threads.seen.size(), std::size_t{kCores});
}

Task<absl::Status> CountOnce(std::atomic<int>& count) {
  count.fetch_add(1);
  co_return absl::OkStatus();
}

TEST(PerCoreTest, WhereWorkIsStolenThereIsOneCore) {
  std::atomic<int> count{0};
  Runtime runtime({.workers = 2});

  EXPECT_EQ(runtime.BlockOn(OnEachCore(CountOnce, std::ref(count))),
            absl::OkStatus());

  EXPECT_EQ(count.load(), 1);
}

Task<absl::Status> FailOnOneCore(std::atomic<int>& turn) {
  if (turn.fetch_add(1) == 2) co_return absl::DataLossError("mine");
  co_return co_await SleepFor(absl::Hours(1));
}

TEST(PerCoreTest, TheFirstErrorEndsTheOthersOnTheirCores) {
  std::atomic<int> turn{0};
  Runtime runtime(PerCore());

  const absl::Status status =
      runtime.BlockOn(OnEachCore(FailOnOneCore, std::ref(turn)));

  EXPECT_THAT(std::string(status.message()), HasSubstr("mine"));
}

// Each waits until all are there, so that the first error meets tasks that end.
Task<absl::Status> FailTogether(std::atomic<int>& there, bool by_exception) {
  ++there;
  while (there < kCores) co_await Yield();
  if (by_exception) throw std::runtime_error("boom");
  co_return absl::DataLossError("mine");
}

TEST(PerCoreTest, TheErrorOfEveryCoreIsKept) {
  for (std::int64_t i = 0; i < tests::Times(200); ++i) {
    std::atomic<int> there{0};
    Runtime runtime(PerCore());

    const absl::Status status =
        runtime.BlockOn(OnEachCore(FailTogether, std::ref(there), false));

    EXPECT_EQ(AllErrors(status).size(), std::size_t{kCores});
  }
}

TEST(PerCoreTest, ExceptionsOfAllCoresAreOneThatIsThrown) {
  for (std::int64_t i = 0; i < tests::Times(200); ++i) {
    std::atomic<int> there{0};
    Runtime runtime(PerCore());

    EXPECT_THROW(static_cast<void>(runtime.BlockOn(
                     OnEachCore(FailTogether, std::ref(there), true))),
                 std::runtime_error);
  }
}

TEST(PerCoreTest, ACancelledOneCancelsAndAwaitsEach) {
  std::atomic<int> turn{10};
  Runtime runtime(PerCore());
  auto handle = runtime.Spawn(
      [&turn] { return OnEachCore(FailOnOneCore, std::ref(turn)); });

  handle.Cancel();

  EXPECT_TRUE(absl::IsCancelled(handle.BlockingJoin()));
}

Task<absl::Status> Send(sync::Channel<int>& channel, int count) {
  for (int i = 0; i < count; ++i) co_await OrReturn(channel.Send(i));
  co_return absl::OkStatus();
}

Task<absl::StatusOr<long>> Sum(sync::Channel<int>& channel, int count) {
  long sum = 0;
  for (int i = 0; i < count; ++i) {
    const int value = co_await OrReturn(channel.Receive());
    sum += value;
  }
  co_return sum;
}

TEST(PerCoreTest, ChannelsCarryValuesFromCoreToCore) {
  const int count = static_cast<int>(tests::Times(20'000));
  sync::Channel<int> channel(16);
  Runtime runtime(PerCore());

  // From a plain thread each goes to the next core.
  auto sender = runtime.Spawn(Send(channel, count));
  auto receiver = runtime.Spawn(Sum(channel, count));

  EXPECT_EQ(sender.BlockingJoin(), absl::OkStatus());
  const absl::StatusOr<long> sum = receiver.BlockingJoin();
  ASSERT_TRUE(sum.ok());
  EXPECT_EQ(*sum, static_cast<long>(count) * (count - 1) / 2);
}

// One that is cancelled by the end spawns another where there was none left.
Task<> SpawnWhenCancelled(std::atomic<int>& ended, int generations) {
  const absl::Status slept = co_await SleepFor(absl::Hours(1));
  slept.IgnoreError();
  if (generations > 0) {
    Spawn(SpawnWhenCancelled(ended, generations - 1)).Detach();
  }
  ended.fetch_add(1);
}

TEST(PerCoreTest, AllEndBeforeTheRuntimeDoes) {
  for (int round = 0; round < tests::Times(50); ++round) {
    std::atomic<int> ended{0};
    {
      Runtime runtime(PerCore());
      for (int i = 0; i < 2 * kCores; ++i) {
        runtime.Spawn(SpawnWhenCancelled(ended, 3)).Detach();
      }
    }
    ASSERT_EQ(ended.load(), 2 * kCores * 4);
  }
}

Task<absl::Status> BlockOnTheCoresPool() {
  for (int i = 0; i < 20; ++i) {
    auto give = [i] { return i; };
    const absl::StatusOr<int> got = co_await Blocking(give);
    if (!got.ok()) co_return got.status();
    if (*got != i) co_return absl::InternalError("another's result");
  }
  co_return absl::OkStatus();
}

TEST(PerCoreTest, EachCoreHasThreadsThatMayBlock) {
  RuntimeOptions options = PerCore();
  options.max_blocking_threads = 1;  // Less than cores: one for each.
  Runtime runtime(options);

  EXPECT_EQ(runtime.BlockOn(OnEachCore(BlockOnTheCoresPool)), absl::OkStatus());
}

TEST(PerCoreTest, MainRunsOnOneCoreAndForksInTurn) {
  auto main = []() -> Task<int> {
    auto one = []() -> Task<int> { co_return 1; };
    auto [left, right] = co_await WhenAll(one(), one());
    co_return left + right;
  };

  EXPECT_EQ(*weft::Run(main(), PerCore()), 2);
}

}  // namespace
}  // namespace weft
