// Histories of Channel, Semaphore and Mutex on several workers: each is one
// that a sequential queue, counter or flag could have.
//
// Many short rounds: a few tasks do a few operations each, all of which are
// noted with their moments, and then the round is checked.
//
// SPDX-License-Identifier: MIT

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/yield.h"
#include "weft/sync/channel.h"
#include "weft/sync/mutex.h"
#include "weft/sync/semaphore.h"
#include "weft/tests/support/linearizability.h"
#include "weft/tests/support/soak.h"

namespace weft::sync {
namespace {

using ::weft::tests::History;
using ::weft::tests::IsLinearizable;
using ::weft::tests::Moments;

constexpr int kTasks = 4;
constexpr std::int64_t kOperations = 100'000;  // Of each implementation.

// What a round's tasks note.
template <typename Operation>
struct Notes {
  Moments moments;
  std::array<History<Operation>, kTasks> of_task;

  History<Operation> All() const {
    History<Operation> all;
    for (const auto& each : of_task) {
      all.insert(all.end(), each.begin(), each.end());
    }
    return all;
  }
};

// --- The checker itself -----------------------------------------------------

struct QueueOperation {
  enum class Kind { kSend, kReceive, kClose } kind;
  int value = 0;     // Sent or received.
  bool done = true;  // False: it did nothing, and did not wait until it could.
  bool ended = false;  // It did nothing, since the queue is closed.
};

// A queue with places for so many, that can be closed.
struct SequentialQueue {
  std::size_t capacity;
  std::deque<int> values = {};
  bool closed = false;

  bool Apply(const QueueOperation& operation) {
    switch (operation.kind) {
      case QueueOperation::Kind::kClose:
        closed = true;
        return true;
      case QueueOperation::Kind::kSend:
        if (!operation.done) return closed || values.size() == capacity;
        if (closed || values.size() == capacity) return false;
        values.push_back(operation.value);
        return true;
      case QueueOperation::Kind::kReceive:
        if (operation.ended) return closed && values.empty();
        if (!operation.done) return values.empty();
        if (values.empty() || values.front() != operation.value) return false;
        values.pop_front();
        return true;
    }
    return false;
  }
  friend bool operator<(const SequentialQueue& a, const SequentialQueue& b) {
    return std::tie(a.closed, a.values) < std::tie(b.closed, b.values);
  }
};

QueueOperation Sent(int value) { return {QueueOperation::Kind::kSend, value}; }
QueueOperation Received(int value) {
  return {QueueOperation::Kind::kReceive, value};
}

TEST(LinearizabilityTest, TwoThatOverlapMayHaveHappenedInEitherOrder) {
  const History<QueueOperation> history = {
      {Sent(1), 1, 4}, {Sent(2), 2, 3}, {Received(2), 5, 6}};

  EXPECT_TRUE(IsLinearizable(history, SequentialQueue{4}));
}

TEST(LinearizabilityTest, TwoThatDoNotOverlapHappenedInTheirOrder) {
  const History<QueueOperation> history = {
      {Sent(1), 1, 2}, {Sent(2), 3, 4}, {Received(2), 5, 6}};

  EXPECT_FALSE(IsLinearizable(history, SequentialQueue{4}));
}

TEST(LinearizabilityTest, AValueCannotBeReceivedTwiceOrOutOfNothing) {
  EXPECT_FALSE(IsLinearizable(
      History<QueueOperation>{
          {Sent(1), 1, 2}, {Received(1), 3, 4}, {Received(1), 3, 4}},
      SequentialQueue{4}));
  EXPECT_FALSE(IsLinearizable(
      History<QueueOperation>{{Received(1), 1, 2}, {Sent(1), 3, 4}},
      SequentialQueue{4}));
}

TEST(LinearizabilityTest, AQueueHoldsNoMoreThanItHasPlacesFor) {
  EXPECT_FALSE(
      IsLinearizable(History<QueueOperation>{{Sent(1), 1, 2}, {Sent(2), 3, 4}},
                     SequentialQueue{1}));
}

// --- What the rounds have in common -----------------------------------------

// Notes an operation that was called at that moment and returns now.
template <typename Operation>
void Note(Notes<Operation>& notes, int name, std::uint64_t called,
          Operation operation) {
  notes.of_task[name].push_back({operation, called, notes.moments.Next()});
}

// Runs rounds of `use(object, notes, name, random)` by four tasks each, until
// so many operations have been noted, and checks each of them.
template <typename Object, typename Sequential, typename Operation,
          typename Make, typename Use>
void CheckRounds(Make make, Sequential initial, Use use) {
  Runtime runtime({.workers = 4});
  const std::int64_t enough = tests::Times(kOperations);
  std::int64_t noted = 0;
  for (std::uint32_t round = 0; noted < enough; ++round) {
    const std::unique_ptr<Object> object = make();
    Notes<Operation> notes;
    std::vector<JoinHandle<absl::Status>> tasks;
    for (int name = 0; name < kTasks; ++name) {
      tasks.push_back(runtime.Spawn(use, std::ref(*object), std::ref(notes),
                                    name, round * kTasks + name));
    }
    for (auto& task : tasks) {
      ASSERT_EQ(task.BlockingJoin(), absl::OkStatus());
    }
    const History<Operation> history = notes.All();
    noted += static_cast<std::int64_t>(history.size());
    ASSERT_TRUE(IsLinearizable(history, initial)) << "round " << round;
  }
}

// --- Channel ----------------------------------------------------------------

constexpr int kValues = 6;  // Of each of two senders.

struct ClosingChannel {
  Channel<int> channel{2};
  std::atomic<int> senders{2};
};

Task<absl::Status> SendAll(ClosingChannel& shared, Notes<QueueOperation>& notes,
                           int name, std::minstd_rand random) {
  using enum QueueOperation::Kind;
  for (int i = 0; i < kValues; ++i) {
    QueueOperation send{kSend, 100 * name + i};
    const std::uint64_t called = notes.moments.Next();
    if (random() % 2 == 0) {
      co_await OrReturn(shared.channel.Send(send.value));
    } else {
      int value = send.value;
      send.done = shared.channel.TrySend(value);
    }
    Note(notes, name, called, send);
    if (random() % 4 == 0) co_await Yield();
  }
  if (shared.senders.fetch_sub(1) == 1) {
    const std::uint64_t called = notes.moments.Next();
    shared.channel.Close();
    Note(notes, name, called, QueueOperation{kClose});
  }
  co_return absl::OkStatus();
}

Task<absl::Status> ReceiveAll(ClosingChannel& shared,
                              Notes<QueueOperation>& notes, int name,
                              std::minstd_rand random) {
  using enum QueueOperation::Kind;
  int tries = 0;
  for (bool ended = false; !ended;) {
    QueueOperation receive{kReceive};
    const std::uint64_t called = notes.moments.Next();
    if (random() % 2 == 0 || tries == kValues) {
      const absl::StatusOr<int> value = co_await shared.channel.Receive();
      ended = !value.ok();
      receive.ended = ended;
      receive.value = value.value_or(0);
    } else {
      ++tries;
      const std::optional<int> value = shared.channel.TryReceive();
      receive.done = value.has_value();
      receive.value = value.value_or(0);
    }
    Note(notes, name, called, receive);
    if (random() % 4 == 0) co_await Yield();
  }
  co_return absl::OkStatus();
}

TEST(SyncLinearizabilityStressTest, AChannelIsAQueue) {
  auto use = [](ClosingChannel& shared, Notes<QueueOperation>& notes, int name,
                std::uint32_t seed) {
    const std::minstd_rand random(seed + 1);
    return name < 2 ? SendAll(shared, notes, name, random)
                    : ReceiveAll(shared, notes, name, random);
  };
  CheckRounds<ClosingChannel, SequentialQueue, QueueOperation>(
      [] { return std::make_unique<ClosingChannel>(); }, SequentialQueue{2},
      use);
}

// --- Semaphore --------------------------------------------------------------

struct PermitOperation {
  std::int64_t taken;  // Below zero: given back.
  bool done = true;
};

struct SequentialPermits {
  std::int64_t available;

  bool Apply(const PermitOperation& operation) {
    // Where somebody waits it may fail though there is enough: no barging.
    if (!operation.done) return true;
    available -= operation.taken;
    return available >= 0;
  }
  friend bool operator<(SequentialPermits a, SequentialPermits b) {
    return a.available < b.available;
  }
};

Task<absl::Status> TakeAndGive(Semaphore& semaphore,
                               Notes<PermitOperation>& notes, int name,
                               std::uint32_t seed) {
  std::minstd_rand random(seed + 1);
  for (int i = 0; i < 6; ++i) {
    PermitOperation take{1 + static_cast<std::int64_t>(random() % 2)};
    std::uint64_t called = notes.moments.Next();
    if (random() % 2 == 0) {
      Semaphore::Permit taken =
          co_await OrReturn(semaphore.Acquire(take.taken));
      taken.Forget();
    } else {
      Semaphore::Permit taken = semaphore.TryAcquire(take.taken);
      take.done = static_cast<bool>(taken);
      taken.Forget();
    }
    Note(notes, name, called, take);
    if (random() % 2 == 0) co_await Yield();
    if (!take.done) continue;
    called = notes.moments.Next();
    semaphore.Release(take.taken);
    Note(notes, name, called, PermitOperation{-take.taken});
  }
  co_return absl::OkStatus();
}

TEST(SyncLinearizabilityStressTest, ASemaphoreIsACounter) {
  CheckRounds<Semaphore, SequentialPermits, PermitOperation>(
      [] { return std::make_unique<Semaphore>(2); }, SequentialPermits{2},
      TakeAndGive);
}

// --- Mutex ------------------------------------------------------------------

struct LockOperation {
  bool locks;
  bool done = true;
};

struct SequentialLock {
  bool held = false;

  bool Apply(const LockOperation& operation) {
    if (!operation.done) return held;
    return std::exchange(held, operation.locks) != operation.locks;
  }
  friend bool operator<(SequentialLock a, SequentialLock b) {
    return a.held < b.held;
  }
};

Task<absl::Status> LockAndUnlock(Mutex& mutex, Notes<LockOperation>& notes,
                                 int name, std::uint32_t seed) {
  std::minstd_rand random(seed + 1);
  for (int i = 0; i < 5; ++i) {
    LockOperation lock{.locks = true};
    std::uint64_t called = notes.moments.Next();
    Mutex::Guard guard = mutex.TryLock();
    lock.done = static_cast<bool>(guard);
    Note(notes, name, called, lock);
    if (!guard) {
      called = notes.moments.Next();
      Mutex::Guard waited = co_await OrReturn(mutex.Lock());
      guard.Adopt(std::move(waited));
      Note(notes, name, called, LockOperation{.locks = true});
    }
    if (random() % 2 == 0) co_await Yield();
    called = notes.moments.Next();
    guard.Unlock();
    Note(notes, name, called, LockOperation{.locks = false});
  }
  co_return absl::OkStatus();
}

TEST(SyncLinearizabilityStressTest, AMutexIsAFlag) {
  CheckRounds<Mutex, SequentialLock, LockOperation>(
      [] { return std::make_unique<Mutex>(); }, SequentialLock{},
      LockAndUnlock);
}

}  // namespace
}  // namespace weft::sync
