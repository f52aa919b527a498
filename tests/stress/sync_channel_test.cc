// Channel on real threads: four senders and four receivers, one of each
// cancelled at a random moment, and every value counted.
//
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <functional>
#include <optional>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/task.h"
#include "weft/sync/channel.h"

namespace weft::sync {
namespace {

constexpr int kSenders = 4;
constexpr int kReceivers = 4;
constexpr int kValues = 200;  // Of each sender.

struct Traffic {
  explicit Traffic(std::size_t capacity) : channel(capacity) {}

  Channel<int> channel;
  std::atomic<int> senders{kSenders};
  // For whoever picks a moment: how far they are. relaxed: only a hint.
  std::atomic<int> received{0};
};

// Gives what it has sent.
Task<std::vector<int>> Send(Traffic& traffic, int first) {
  std::vector<int> sent;
  for (int value = first; value < first + kValues; ++value) {
    absl::Status status = co_await traffic.channel.Send(value);
    if (!status.ok()) break;
    sent.push_back(value);
  }
  // The last one closes; the channel's lock orders the rest.
  if (traffic.senders.fetch_sub(1, std::memory_order_relaxed) == 1) {
    traffic.channel.Close();
  }
  co_return sent;
}

// Gives what it has received.
Task<std::vector<int>> Receive(Traffic& traffic) {
  std::vector<int> received;
  for (;;) {
    absl::StatusOr<int> value = co_await traffic.channel.Receive();
    if (!value.ok()) break;
    received.push_back(*value);
    traffic.received.fetch_add(1, std::memory_order_relaxed);
  }
  co_return received;
}

using Handle = JoinHandle<std::vector<int>>;

std::vector<int> JoinAll(std::vector<Handle>& handles) {
  std::vector<int> all;
  for (Handle& handle : handles) {
    const std::vector<int> some = *handle.BlockingJoin();
    all.insert(all.end(), some.begin(), some.end());
  }
  std::sort(all.begin(), all.end());
  return all;
}

// Spins until the traffic is so far; it goes on whatever we do.
void WaitFor(const Traffic& traffic, int received) {
  while (traffic.received.load(std::memory_order_relaxed) < received) {
    std::this_thread::yield();
  }
}

class SyncChannelStressTest : public ::testing::TestWithParam<int> {
 protected:
  // One round: what was sent must have been received, or still be there.
  static void Run(Runtime& of_senders, Runtime& of_receivers,
                  std::size_t capacity, std::optional<int> cancel_at) {
    Traffic traffic(capacity);
    std::vector<Handle> senders;
    std::vector<Handle> receivers;
    for (int i = 0; i < kReceivers; ++i) {
      receivers.push_back(of_receivers.Spawn(Receive(traffic)));
    }
    for (int i = 0; i < kSenders; ++i) {
      senders.push_back(of_senders.Spawn(Send(traffic, i * kValues)));
    }

    if (cancel_at.has_value()) {
      WaitFor(traffic, *cancel_at);
      senders[*cancel_at % kSenders].Cancel();
      receivers[*cancel_at % kReceivers].Cancel();
    }

    const std::vector<int> sent = JoinAll(senders);
    const std::vector<int> received = JoinAll(receivers);
    EXPECT_EQ(received, sent) << "capacity " << capacity;
    EXPECT_EQ(traffic.channel.TryReceive(), std::nullopt);
    if (!cancel_at.has_value()) {
      EXPECT_EQ(sent.size(), static_cast<std::size_t>(kSenders) * kValues);
    }
  }

  Runtime runtime_{{.workers = GetParam()}};
};
INSTANTIATE_TEST_SUITE_P(Workers, SyncChannelStressTest,
                         ::testing::Values(1, 2, 4));

TEST_P(SyncChannelStressTest, FourSendersAndFourReceiversLoseNothing) {
  for (std::size_t capacity : {0, 1, 64}) {
    for (int round = 0; round < 4; ++round) {
      Run(runtime_, runtime_, capacity, std::nullopt);
    }
  }
}

TEST_P(SyncChannelStressTest, WhoeverIsCancelledLosesNothingAndDoublesNothing) {
  std::minstd_rand random(GetParam());
  for (std::size_t capacity : {0, 1, 64}) {
    for (int round = 0; round < 20; ++round) {
      // While at least one sender must still be at it.
      Run(runtime_, runtime_, capacity, static_cast<int>(random() % kValues));
    }
  }
}

TEST_P(SyncChannelStressTest, AChannelJoinsTwoRuntimes) {
  Runtime other({.workers = GetParam()});
  std::minstd_rand random(GetParam());
  for (std::size_t capacity : {0, 1, 64}) {
    Run(runtime_, other, capacity, std::nullopt);
    Run(other, runtime_, capacity, static_cast<int>(random() % kValues));
  }
}

TEST_P(SyncChannelStressTest, APlainThreadSendsAndReceivesWithoutWaiting) {
  Traffic traffic(8);
  traffic.senders = 1;
  Handle receiver = runtime_.Spawn(Receive(traffic));
  Handle sender = runtime_.Spawn(Send(traffic, 0));
  std::vector<int> sent;
  std::vector<int> received;

  // Until the sender has closed the channel.
  for (int value = kValues; !traffic.channel.closed();) {
    int offered = value;
    if (traffic.channel.TrySend(offered)) sent.push_back(value++);
    if (std::optional<int> taken = traffic.channel.TryReceive()) {
      received.push_back(*taken);
      traffic.received.fetch_add(1, std::memory_order_relaxed);
    }
    std::this_thread::yield();
  }

  const std::vector<int> sent_by_task = *sender.BlockingJoin();
  const std::vector<int> received_by_task = *receiver.BlockingJoin();
  sent.insert(sent.end(), sent_by_task.begin(), sent_by_task.end());
  received.insert(received.end(), received_by_task.begin(),
                  received_by_task.end());
  std::sort(sent.begin(), sent.end());
  std::sort(received.begin(), received.end());
  EXPECT_EQ(received, sent);
}

}  // namespace
}  // namespace weft::sync
