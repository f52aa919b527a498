// Plain threads at the primitives of sync: they block where a task would
// suspend, in the same queue.
//
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/task.h"
#include "weft/sync/channel.h"
#include "weft/sync/one_shot.h"
#include "weft/sync/unbounded_channel.h"
#include "weft/tests/support/soak.h"

namespace weft::sync {
namespace {

constexpr int kValues = 20'000;

Task<absl::Status> SendAll(Channel<int>& channel) {
  for (int i = 0; i < kValues; ++i) co_await OrReturn(channel.Send(i));
  channel.Close();
  co_return absl::OkStatus();
}

Task<std::int64_t> SumOfAll(Channel<int>& channel) {
  std::int64_t sum = 0;
  for (;;) {
    absl::StatusOr<int> value = co_await channel.Receive();
    if (!value.ok()) break;
    sum += *value;
  }
  co_return sum;
}

TEST(SyncBlockingStressTest, AThreadReceivesWhatATaskSends) {
  for (const std::size_t capacity : {0, 1, 64}) {
    Runtime runtime({.workers = 2});
    Channel<int> channel(capacity);
    JoinHandle<absl::Status> sender = runtime.Spawn(SendAll, std::ref(channel));

    int next = 0;
    for (;;) {
      absl::StatusOr<int> value = channel.BlockingReceive();
      if (!value.ok()) break;
      ASSERT_EQ(*value, next++);
    }

    EXPECT_EQ(next, kValues);
    EXPECT_EQ(sender.BlockingJoin(), absl::OkStatus());
  }
}

TEST(SyncBlockingStressTest, ATaskReceivesWhatThreadsSend) {
  for (const std::size_t capacity : {0, 1, 64}) {
    Runtime runtime({.workers = 2});
    Channel<int> channel(capacity);
    JoinHandle<std::int64_t> sum = runtime.Spawn(SumOfAll, std::ref(channel));

    {
      std::vector<std::jthread> threads;
      for (int i = 0; i < 3; ++i) {
        threads.emplace_back([&channel] {
          for (int value = 0; value < kValues; ++value) {
            EXPECT_EQ(channel.BlockingSend(value), absl::OkStatus());
          }
        });
      }
    }
    channel.Close();

    EXPECT_EQ(*sum.BlockingJoin(),
              std::int64_t{3} * kValues * (kValues - 1) / 2);
  }
}

TEST(SyncBlockingStressTest, ThreadsNeedNoRuntimeAtAll) {
  UnboundedChannel<int> requests;
  Channel<int> answers(4);
  std::jthread server([&] {
    for (;;) {
      absl::StatusOr<int> request = requests.BlockingReceive();
      if (!request.ok()) break;
      EXPECT_EQ(answers.BlockingSend(2 * *request), absl::OkStatus());
    }
  });

  for (int i = 0; i < kValues; ++i) {
    ASSERT_EQ(requests.Send(i), absl::OkStatus());
    ASSERT_EQ(*answers.BlockingReceive(), 2 * i);
  }
  requests.Close();
}

TEST(SyncBlockingStressTest, ClosingEndsTheWaitOfThreads) {
  for (int round = 0; round < 200; ++round) {
    Channel<int> channel(0);
    std::jthread receiver([&] {
      EXPECT_TRUE(absl::IsOutOfRange(channel.BlockingReceive().status()));
    });
    std::jthread other([&] {
      EXPECT_TRUE(absl::IsOutOfRange(channel.BlockingReceive().status()));
    });

    channel.Close();
  }
}

TEST(SyncBlockingStressTest, AThreadWaitsForATasksAnswer) {
  Runtime runtime({.workers = 2});
  // Who sends touches the state last; who waited may free it (FISCO-BCOS#5378).
  const auto rounds = static_cast<int>(tests::Times(100'000));
  for (int i = 0; i < rounds; ++i) {
    auto [sender, receiver] = MakeOneShot<int>();
    auto answer = [](OneShotSender<int> to, int value) -> Task<> {
      to.Send(value);
      co_return;
    };
    runtime.Spawn(answer, std::move(sender), i).Detach();

    ASSERT_EQ(*receiver.BlockingReceive(), i);
  }
}

TEST(SyncBlockingDeathTest, AWorkerMustNotBlock) {
  EXPECT_DEATH(
      {
        Runtime runtime({.workers = 1});
        Channel<int> channel(0);
        auto block = [&]() -> Task<absl::Status> {
          co_return channel.BlockingReceive().status();
        };
        static_cast<void>(runtime.BlockOn(block()));
      },
      "co_await it instead");
}

}  // namespace
}  // namespace weft::sync
