// Selects on several workers: what is offered in many queues at once is taken
// once, and nobody is left asleep.
//
// SPDX-License-Identifier: MIT

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/yield.h"
#include "weft/sync/channel.h"
#include "weft/sync/mutex.h"
#include "weft/sync/select.h"
#include "weft/tests/support/soak.h"

namespace weft::sync {
namespace {

using Number = absl::StatusOr<std::int64_t>;
// A value that can be lost, or sent empty.
using Box = std::unique_ptr<std::int64_t>;

void JoinAll(std::vector<JoinHandle<absl::Status>>& tasks) {
  for (auto& task : tasks) EXPECT_EQ(task.BlockingJoin(), absl::OkStatus());
}

// Some with a queue, some without.
struct Channels {
  std::array<Channel<Box>, 4> all{Channel<Box>(0), Channel<Box>(1),
                                  Channel<Box>(0), Channel<Box>(8)};
};

// Offers each value to all.
Task<absl::Status> SendToAny(Channels& to, std::int64_t count) {
  auto& [a, b, c, d] = to.all;
  for (std::int64_t number = 1; number <= count; ++number) {
    Box value = std::make_unique<std::int64_t>(number);
    co_await OrReturn(Select(OnSend(a, value), OnSend(b, value),
                             OnSend(c, value), OnSend(d, value)));
    if (value != nullptr) co_return absl::DataLossError("it is still here");
  }
  co_return absl::OkStatus();
}

Task<absl::StatusOr<std::int64_t>> ReceiveFromAny(Channels& from,
                                                  std::int64_t count) {
  std::int64_t sum = 0;
  auto add = [&](absl::StatusOr<Box> value) { sum += **value; };
  auto& [a, b, c, d] = from.all;
  for (std::int64_t i = 0; i < count; ++i) {
    co_await OrReturn(Select(OnReceive(a, add), OnReceive(b, add),
                             OnReceive(c, add), OnReceive(d, add)));
  }
  co_return sum;
}

TEST(SyncSelectStressTest, SelectsMeetSelectsInEveryChannel) {
  constexpr int kPairs = 4;
  const std::int64_t count = tests::Times(10'000);
  Channels channels;
  Runtime runtime({.workers = 4});

  std::vector<JoinHandle<absl::Status>> senders;
  std::vector<JoinHandle<absl::StatusOr<std::int64_t>>> receivers;
  for (int i = 0; i < kPairs; ++i) {
    senders.push_back(runtime.Spawn(SendToAny(channels, count)));
    receivers.push_back(runtime.Spawn(ReceiveFromAny(channels, count)));
  }
  JoinAll(senders);
  std::int64_t sum = 0;
  for (auto& receiver : receivers) sum += *receiver.BlockingJoin();

  EXPECT_EQ(sum, kPairs * (count * (count + 1) / 2));
}

TEST(SyncSelectStressTest, SelectsOfTwoRuntimesMeet) {
  const std::int64_t count = tests::Times(5'000);
  Channels channels;
  Runtime here({.workers = 2});
  Runtime there({.workers = 1});

  std::vector<JoinHandle<absl::Status>> senders;
  senders.push_back(here.Spawn(SendToAny(channels, count)));
  senders.push_back(there.Spawn(SendToAny(channels, count)));
  JoinHandle<Number> near = here.Spawn(ReceiveFromAny(channels, count));
  JoinHandle<Number> far = there.Spawn(ReceiveFromAny(channels, count));
  JoinAll(senders);
  const std::int64_t sum = *near.BlockingJoin() + *far.BlockingJoin();

  EXPECT_EQ(sum, count * (count + 1));
}

// Both may send and both may receive: exactly one of the two happens.
Task<absl::Status> Exchange(Channel<std::int64_t>& mine,
                            Channel<std::int64_t>& others, std::int64_t count,
                            std::atomic<std::int64_t>& balance) {
  auto received = [&](Number) { balance.fetch_sub(1); };
  auto sent = [&](const absl::Status&) { balance.fetch_add(1); };
  for (std::int64_t i = 0; i < count; ++i) {
    co_await OrReturn(
        Select(OnSend(mine, i, sent), OnReceive(others, received)));
  }
  co_return absl::OkStatus();
}

TEST(SyncSelectStressTest, TwoThatLookForEachOtherMeet) {
  const std::int64_t count = tests::Times(20'000);
  Channel<std::int64_t> here(0);
  Channel<std::int64_t> there(0);
  std::atomic<std::int64_t> balance{0};
  Runtime runtime({.workers = 4});

  std::vector<JoinHandle<absl::Status>> tasks;
  for (int i = 0; i < 4; ++i) {
    tasks.push_back(runtime.Spawn(Exchange(
        i % 2 == 0 ? here : there, i % 2 == 0 ? there : here, count, balance)));
  }
  JoinAll(tasks);

  EXPECT_EQ(balance.load(), 0);
}

// On both sides of a channel, which others fill and drain meanwhile.
TEST(SyncSelectStressTest, BothSidesOfAQueueAmongOthers) {
  const std::int64_t count = tests::Times(10'000);
  Channel<std::int64_t> channel(1);
  std::atomic<std::int64_t> balance{0};
  auto both = [&]() -> Task<absl::Status> {
    auto received = [&](Number) { balance.fetch_sub(1); };
    auto sent = [&](const absl::Status&) { balance.fetch_add(1); };
    for (std::int64_t i = 0; i < count; ++i) {
      co_await OrReturn(
          Select(OnSend(channel, i, sent), OnReceive(channel, received)));
    }
    co_return absl::OkStatus();
  };
  Runtime runtime({.workers = 2});

  std::vector<JoinHandle<absl::Status>> tasks;
  for (int i = 0; i < 2; ++i) tasks.push_back(runtime.Spawn(both()));
  for (std::int64_t i = 0; i < count; ++i) {
    std::int64_t value = i;
    balance.fetch_add(channel.TrySend(value) ? 1 : 0);
    balance.fetch_sub(channel.TryReceive().has_value() ? 1 : 0);
  }
  JoinAll(tasks);
  balance.fetch_sub(static_cast<std::int64_t>(channel.size()));

  EXPECT_EQ(balance.load(), 0);
}

// The lock, or a timer that fires at about that moment.
TEST(SyncSelectStressTest, ALockAndATimerRace) {
  const std::int64_t count = tests::Times(5'000);
  Mutex mutex;
  std::int64_t visits = 0;  // Guarded by the mutex.
  std::atomic<std::int64_t> locked{0};
  auto visit = [&]() -> Task<absl::Status> {
    for (std::int64_t i = 0; i < count; ++i) {
      std::optional<Mutex::Guard> guard;
      co_await OrReturn(Select(OnLock(mutex,
                                      [&](absl::StatusOr<Mutex::Guard> got) {
                                        guard.emplace(*std::move(got));
                                      }),
                               OnTimeout(absl::Microseconds(40))));
      if (!guard.has_value()) continue;
      ++visits;
      locked.fetch_add(1);
      co_await Yield();
    }
    co_return absl::OkStatus();
  };
  Runtime runtime({.workers = 4});

  std::vector<JoinHandle<absl::Status>> tasks;
  for (int i = 0; i < 8; ++i) tasks.push_back(runtime.Spawn(visit()));
  JoinAll(tasks);

  EXPECT_EQ(visits, locked.load());
  EXPECT_TRUE(mutex.TryLock());
}

// A task that ends at about the moment when something else is chosen.
TEST(SyncSelectStressTest, AJoinAndAValueRace) {
  const std::int64_t count = tests::Times(10'000);
  Channel<std::int64_t> channel(1);
  auto end = []() -> Task<std::int64_t> { co_return 1; };
  auto send = [&](std::int64_t value) -> Task<absl::Status> {
    co_return co_await channel.Send(value);
  };
  auto choose = [&]() -> Task<absl::Status> {
    for (std::int64_t i = 0; i < count; ++i) {
      JoinHandle<std::int64_t> task = Spawn(end());
      JoinHandle<absl::Status> sender = Spawn(send(i));
      std::int64_t got = 0;
      auto take = [&](Number value) { got += value.ok() ? 1 : 0; };
      const std::size_t chosen = co_await OrReturn(
          Select(OnJoin(task, take), OnReceive(channel, take)));
      EXPECT_EQ(got, 1);
      if (chosen == 0) {
        co_await OrReturn(channel.Receive());
      } else {
        co_await OrReturn(task.Join());
      }
      co_await OrReturn(sender.Join());
    }
    co_return absl::OkStatus();
  };
  Runtime runtime({.workers = 4});

  EXPECT_EQ(runtime.BlockOn(choose()), absl::OkStatus());
  EXPECT_EQ(channel.size(), 0u);
}

// Tasks that select, and plain threads that block, in the same queues.
TEST(SyncSelectStressTest, PlainThreadsMeetSelects) {
  const std::int64_t count = tests::Times(5'000);
  Channels channels;
  Runtime runtime({.workers = 2});

  JoinHandle<Number> receiver =
      runtime.Spawn(ReceiveFromAny(channels, 2 * count));
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&, i] {
      for (std::int64_t value = 1; value <= count; ++value) {
        Box box = std::make_unique<std::int64_t>(value);
        EXPECT_TRUE(channels.all[i].BlockingSend(std::move(box)).ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(*receiver.BlockingJoin(), count * (count + 1));
}

// Whoever is cancelled while others grant has got nothing, or says what.
TEST(SyncSelectStressTest, ACancellationRacesWithTheArms) {
  const std::int64_t count = tests::Times(5'000);
  Channel<std::int64_t> left(1);
  Channel<std::int64_t> right(0);
  std::int64_t sent = 0;
  std::int64_t received = 0;
  auto take = [&]() -> Task<absl::Status> {
    auto note = [&](Number value) { received += value.ok() ? 1 : 0; };
    co_return (co_await Select(OnReceive(left, note), OnReceive(right, note)))
        .status();
  };
  auto race = [&]() -> Task<absl::Status> {
    for (std::int64_t i = 0; i < count; ++i) {
      JoinHandle<absl::Status> taker = Spawn(take());
      co_await Yield();
      std::int64_t value = i;
      sent += left.TrySend(value) ? 1 : 0;
      taker.Cancel();
      sent += right.TrySend(value) ? 1 : 0;
      const absl::Status ended = co_await taker.Join();
      EXPECT_TRUE(ended.ok() || absl::IsCancelled(ended));
      while (left.TryReceive().has_value()) ++received;
    }
    co_return absl::OkStatus();
  };
  Runtime runtime({.workers = 4});

  EXPECT_EQ(runtime.BlockOn(race()), absl::OkStatus());
  EXPECT_EQ(sent, received);
}

}  // namespace
}  // namespace weft::sync
