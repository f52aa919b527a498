// OneShot on real threads: plain threads send and drop while tasks receive and
// drop, and no value is lost, doubled or leaked.
//
// SPDX-License-Identifier: MIT

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/task.h"
#include "weft/sync/one_shot.h"

namespace weft::sync {
namespace {

constexpr int kPairs = 1000;

using Value = std::shared_ptr<int>;

class SyncOneShotStressTest : public ::testing::TestWithParam<int> {
 protected:
  Runtime runtime_{{.workers = GetParam()}};
};
INSTANTIATE_TEST_SUITE_P(Workers, SyncOneShotStressTest,
                         ::testing::Values(1, 2, 4));

Task<absl::StatusOr<Value>> Receive(OneShotReceiver<Value> receiver) {
  absl::StatusOr<Value> received = co_await receiver.Receive();
  co_return received;
}

struct Ends {
  std::vector<OneShotSender<Value>> senders;
  std::vector<OneShotReceiver<Value>> receivers;

  Ends() {
    for (int i = 0; i < kPairs; ++i) {
      OneShot<Value> pair = MakeOneShot<Value>();
      senders.push_back(std::move(pair.sender));
      receivers.push_back(std::move(pair.receiver));
    }
  }
};

TEST_P(SyncOneShotStressTest, AThreadSendsOrDropsWhileTasksReceive) {
  const Value counted = std::make_shared<int>(7);
  Ends ends;
  std::thread thread([&, senders = std::move(ends.senders)]() mutable {
    for (int i = 0; i < kPairs; ++i) {
      // Moved out, so that it dies here where it is not sent.
      OneShotSender<Value> sender = std::move(senders[i]);
      if (i % 3 != 0) {
        EXPECT_TRUE(sender.Send(counted));
      }
    }
  });
  std::vector<JoinHandle<absl::StatusOr<Value>>> tasks;
  for (auto& receiver : ends.receivers) {
    tasks.push_back(runtime_.Spawn(Receive(std::move(receiver))));
  }

  for (int i = 0; i < kPairs; ++i) {
    absl::StatusOr<Value> received = tasks[i].BlockingJoin();
    EXPECT_EQ(received.ok(), i % 3 != 0);
    EXPECT_EQ(absl::IsOutOfRange(received.status()), i % 3 == 0);
  }

  thread.join();
  EXPECT_EQ(counted.use_count(), 1);
}

TEST_P(SyncOneShotStressTest, ACancelledReceiverIsAnAnswerOrHasTheValue) {
  const Value counted = std::make_shared<int>(7);
  Ends ends;
  std::vector<char> sent(kPairs, false);
  std::vector<JoinHandle<absl::StatusOr<Value>>> tasks;
  for (auto& receiver : ends.receivers) {
    tasks.push_back(runtime_.Spawn(Receive(std::move(receiver))));
  }
  std::thread thread([&] {
    for (int i = 0; i < kPairs; ++i) sent[i] = ends.senders[i].Send(counted);
  });

  for (auto& task : tasks) task.Cancel();
  int received = 0;
  for (auto& task : tasks) received += task.BlockingJoin().ok() ? 1 : 0;
  thread.join();

  // A value may be sent to a receiver that is cancelled, and dies with it; none
  // is received that was not sent.
  int answered = 0;
  for (const char one : sent) answered += one ? 1 : 0;
  EXPECT_LE(received, answered);
  EXPECT_EQ(counted.use_count(), 1);
}

TEST_P(SyncOneShotStressTest, BothEndsDropTheirsAtTheSameTime) {
  const Value counted = std::make_shared<int>(7);
  Ends ends;
  std::thread thread([&, receivers = std::move(ends.receivers)]() mutable {
    for (auto& receiver : receivers) {
      const OneShotReceiver<Value> dropped = std::move(receiver);
    }
  });

  for (int i = 0; i < kPairs; ++i) {
    OneShotSender<Value> sender = std::move(ends.senders[i]);
    if (i % 2 == 0) static_cast<void>(sender.Send(counted));
  }
  thread.join();

  EXPECT_EQ(counted.use_count(), 1);
}

}  // namespace
}  // namespace weft::sync
