// The promise of sync about cancellation, proved for every operation: whoever
// is interrupted at whatever suspension, by a cancellation, a deadline or a
// close, in a thousand schedules, no value is lost or doubled, no permit leaks,
// the lock is free in the end, and nobody waits for ever.
//
// A world is a primitive with what its tasks have done to it. Its victim is
// interrupted; its others go on undisturbed and must all come to their end.
//
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "weft/runtime/async_generator.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/cancel_everywhere.h"
#include "weft/runtime/yield.h"
#include "weft/sync/as_completed.h"
#include "weft/sync/barrier.h"
#include "weft/sync/broadcast.h"
#include "weft/sync/channel.h"
#include "weft/sync/condition_variable.h"
#include "weft/sync/event.h"
#include "weft/sync/latch.h"
#include "weft/sync/lazy.h"
#include "weft/sync/mutex.h"
#include "weft/sync/once.h"
#include "weft/sync/one_shot.h"
#include "weft/sync/parallel_for_each.h"
#include "weft/sync/queue.h"
#include "weft/sync/select.h"
#include "weft/sync/semaphore.h"
#include "weft/sync/shared_mutex.h"
#include "weft/sync/transform.h"
#include "weft/sync/unbounded_channel.h"
#include "weft/sync/watch.h"
#include "weft/tests/support/soak.h"

namespace weft::sync {
namespace {

using ::weft::testing::CancelEverywhere;
using ::weft::testing::ExpireEverywhere;
using ::weft::testing::Interrupted;
using ::weft::testing::InterruptEverywhere;

absl::Status Unless(bool holds, std::string what) {
  return holds ? absl::OkStatus() : absl::InternalError(what);
}

// --- Worlds -----------------------------------------------------------------

struct MutexWorld {
  Mutex mutex;
  int inside = 0;
  int visits = 0;

  Task<absl::Status> Visit() {
    for (int i = 0; i < 2; ++i) {
      Mutex::Guard guard = co_await OrReturn(mutex.Lock());
      if (++inside != 1) co_return absl::InternalError("two are inside");
      co_await Yield();
      --inside;
      ++visits;
    }
    co_return absl::OkStatus();
  }
  Task<absl::Status> Victim() { return Visit(); }
  Task<absl::Status> Other() { return Visit(); }
  absl::Status Check() {
    return Unless(visits >= 4 && mutex.TryLock(), "the lock is lost");
  }
};

struct SharedMutexWorld {
  SharedMutex mutex;
  int readers = 0;
  int writers = 0;

  Task<absl::Status> Victim() {
    co_await OrReturn(Write());
    co_return co_await Read();
  }
  Task<absl::Status> Other() {
    co_await OrReturn(Read());
    co_return co_await Write();
  }
  Task<absl::Status> Read() {
    SharedMutex::SharedGuard guard = co_await OrReturn(mutex.LockShared());
    ++readers;
    if (writers != 0) co_return absl::InternalError("a writer is inside");
    co_await Yield();
    --readers;
    co_return absl::OkStatus();
  }
  Task<absl::Status> Write() {
    SharedMutex::Guard guard = co_await OrReturn(mutex.Lock());
    if (++writers != 1 || readers != 0) {
      co_return absl::InternalError("it is not alone");
    }
    co_await Yield();
    --writers;
    SharedMutex::SharedGuard reading = std::move(guard).Downgrade();
    co_await Yield();
    co_return absl::OkStatus();
  }
  absl::Status Check() { return Unless(!!mutex.TryLock(), "it is not free"); }
};

struct SemaphoreWorld {
  Semaphore semaphore{3};

  Task<absl::Status> Take(int count) {
    for (int i = 0; i < 2; ++i) {
      Semaphore::Permit permit = co_await OrReturn(semaphore.Acquire(count));
      co_await Yield();
    }
    co_return absl::OkStatus();
  }
  Task<absl::Status> Victim() { return Take(3); }
  Task<absl::Status> Other() { return Take(2); }
  void Close() { semaphore.Close(); }
  absl::Status Check() {
    return Unless(semaphore.available() == 3,
                  absl::StrCat(semaphore.available(), " permits of 3"));
  }
};

struct EventWorld {
  Event event;
  Latch latch{2};

  Task<absl::Status> Victim() {
    co_await OrReturn(event.Wait());
    co_return co_await latch.Wait();
  }
  Task<absl::Status> Other() {
    co_await Yield();
    event.Set();
    latch.CountDown();
    co_return co_await latch.Wait();
  }
  absl::Status Check() {
    return Unless(event.is_set() && latch.is_open(), "it was not told");
  }
};

// Who is cancelled drops out, so that the others do not wait for it.
struct BarrierWorld {
  int completed = 0;
  Barrier barrier{3, [this] { ++completed; }};

  Task<absl::Status> Arrive() {
    for (int i = 0; i < 3; ++i) {
      const absl::StatusOr<std::uint64_t> phase =
          co_await barrier.ArriveAndWait();
      if (!phase.ok()) {
        barrier.ArriveAndDrop();
        co_return phase.status();
      }
    }
    co_return absl::OkStatus();
  }
  Task<absl::Status> Victim() { return Arrive(); }
  Task<absl::Status> Other() { return Arrive(); }
  absl::Status Check() {
    return Unless(completed == 3, absl::StrCat(completed, " phases of 3"));
  }
};

struct ConditionWorld {
  static constexpr int kOthers = 1;
  Mutex mutex;
  ConditionVariable changed;
  int jobs = 0;
  int done = 0;
  int victims = 0;

  Task<absl::Status> Victim() {
    co_await OrReturn(DoOne());
    ++victims;
    co_return absl::OkStatus();
  }
  // Makes one, and does one: so one is left where the victim did none.
  Task<absl::Status> Other() {
    for (int i = 0; i < 2; ++i) {
      Mutex::Guard guard = co_await OrReturn(mutex.Lock());
      ++jobs;
      changed.NotifyOne();
      guard.Unlock();
      co_await Yield();
    }
    co_return co_await DoOne();
  }
  Task<absl::Status> DoOne() {
    Mutex::Guard guard = co_await OrReturn(mutex.Lock());
    auto any = [this] { return jobs > 0; };
    const absl::Status waited = co_await changed.Wait(guard, any);
    if (!guard) co_return absl::InternalError("the lock is not held");
    co_await OrReturn(waited);
    --jobs;
    ++done;
    co_return absl::OkStatus();
  }
  absl::Status Check() {
    return Unless(done == 1 + victims && jobs == 1 - victims && mutex.TryLock(),
                  "a job is lost");
  }
};

struct OneShotWorld {
  static constexpr int kOthers = 1;
  OneShot<int> ends = MakeOneShot<int>();
  bool received = false;

  Task<absl::Status> Victim() {
    const int value = co_await OrReturn(ends.receiver.Receive());
    received = value == 7;
    co_return absl::OkStatus();
  }
  Task<absl::Status> Other() {
    co_await Yield();
    ends.sender.Send(7);
    co_return absl::OkStatus();
  }
  // What the victim did not get can be received later.
  absl::Status Check() {
    const absl::StatusOr<int> left = ends.receiver.BlockingReceive();
    return Unless(left.ok() != received, "the value is lost, or doubled");
  }
};

// Whatever was sent is received by the victim, by the other, or is still there.
template <std::size_t kCapacity, bool kVictimSends>
struct ChannelWorld {
  static constexpr int kOthers = 1;
  static constexpr int kValues = 4;
  Channel<int> channel{kCapacity};
  std::vector<int> sent;
  std::vector<int> received;

  Task<absl::Status> Send(int first) {
    for (int value = first; value < first + kValues; ++value) {
      const absl::Status status = co_await channel.Send(value);
      co_await OrReturn(status);
      sent.push_back(value);
    }
    co_return absl::OkStatus();
  }
  Task<absl::Status> Receive() {
    for (int i = 0; i < kValues; ++i) {
      const int value = co_await OrReturn(channel.Receive());
      received.push_back(value);
    }
    co_return absl::OkStatus();
  }
  Task<absl::Status> Victim() { return kVictimSends ? Send(100) : Receive(); }
  // Sends and receives until the victim's partner part is done: what is left
  // afterwards is taken by Check, and closing ends who still waits.
  Task<absl::Status> Other() {
    JoinHandle<absl::Status> beside =
        kVictimSends ? Spawn(ReceiveRest()) : Spawn(Send(200));
    co_return co_await beside.Join();
  }
  Task<absl::Status> ReceiveRest() {
    for (;;) {
      const absl::StatusOr<int> value = co_await channel.Receive();
      if (!value.ok()) break;
      received.push_back(*value);
    }
    co_return absl::OkStatus();
  }
  void VictimIsOver() { channel.Close(); }
  void Close() { channel.Close(); }
  absl::Status Check() {
    while (std::optional<int> value = channel.TryReceive()) {
      received.push_back(*value);
    }
    const bool in_order = std::is_sorted(received.begin(), received.end());
    std::sort(sent.begin(), sent.end());
    return Unless(
        in_order && received == sent,
        absl::StrCat(sent.size(), " sent, ", received.size(), " received"));
  }
};

struct ReceiveManyWorld : ChannelWorld<2, false> {
  Task<absl::Status> Victim() {
    std::vector<int> values;
    while (received.size() < kValues) {
      const absl::StatusOr<std::size_t> count =
          co_await channel.ReceiveMany(values, 3);
      received.insert(received.end(), values.begin(), values.end());
      values.clear();
      co_await OrReturn(count);
    }
    co_return absl::OkStatus();
  }
};

struct UnboundedWorld {
  static constexpr int kOthers = 1;
  UnboundedChannel<int> channel;
  std::vector<int> sent;
  std::vector<int> received;

  Task<absl::Status> Victim() {
    for (int i = 0; i < 3; ++i) {
      const int value = co_await OrReturn(channel.Receive());
      received.push_back(value);
    }
    co_return absl::OkStatus();
  }
  Task<absl::Status> Other() {
    for (int i = 0; i < 3; ++i) {
      co_await OrReturn(channel.Send(i));
      sent.push_back(i);
      co_await Yield();
    }
    co_return absl::OkStatus();
  }
  void Close() { channel.Close(); }
  absl::Status Check() {
    while (std::optional<int> value = channel.TryReceive()) {
      received.push_back(*value);
    }
    return Unless(received == sent, "a value is lost");
  }
};

// Whatever was put is got once, by whoever, and then a join ends: no item is
// forgotten, and none that was not put is waited for.
template <typename Items, bool kVictimPuts>
struct QueueWorld {
  static constexpr int kOthers = 1;
  static constexpr int kItems = 3;
  Items queue{1};
  int put = 0;
  int done = 0;

  Task<absl::Status> Victim() {
    if (kVictimPuts) co_return co_await PutAndJoin();
    co_return co_await Work(kItems);
  }
  // Beside one who puts, does all that there is, until it is closed.
  Task<absl::Status> Other() {
    if (kVictimPuts) co_return co_await Work(2 * kItems);
    co_return co_await PutAndJoin();
  }
  Task<absl::Status> PutAndJoin() {
    for (int i = 0; i < kItems; ++i) {
      const absl::Status status = co_await queue.Put(i);
      co_await OrReturn(status);
      ++put;
    }
    co_await OrReturn(queue.Join());
    co_return Unless(queue.unfinished() == 0, "the join came too early");
  }
  Task<absl::Status> Work(int items) {
    for (int i = 0; i < items; ++i) {
      co_await OrReturn(queue.Get());
      co_await Yield();
      queue.TaskDone();
      ++done;
    }
    co_return absl::OkStatus();
  }
  // What it did not do is done in its place; what it did not put is not.
  void VictimIsOver() {
    queue.Close();
    DoRest();
  }
  void DoRest() {
    while (queue.TryGet().has_value()) {
      queue.TaskDone();
      ++done;
    }
  }
  void Close() { queue.Close(); }
  absl::Status Check() {
    DoRest();
    return Unless(put == done && queue.unfinished() == 0,
                  absl::StrCat(put, " put, ", done, " done, ",
                               queue.unfinished(), " unfinished"));
  }
};

// Every value is received, in order, or counted among those that were missed.
struct BroadcastWorld {
  static constexpr int kOthers = 1;
  static constexpr int kValues = 6;
  using Receiver = Broadcast<int>::Receiver;
  struct Side {
    Receiver receiver;
    int next = 0;
    bool in_order = true;

    void Account(const absl::StatusOr<int>& got) {
      if (got.ok()) in_order = in_order && *got == next;
      if (got.ok()) ++next;
      if (absl::IsDataLoss(got.status())) {
        next += static_cast<int>(receiver.missed());
      }
    }
  };
  Broadcast<int> broadcast{2};
  Side victim{broadcast.Subscribe()};
  Side other{broadcast.Subscribe()};
  int sent = 0;

  static Task<absl::Status> Receive(Side& side) {
    while (side.next < kValues) {
      const absl::StatusOr<int> got = co_await side.receiver.Receive();
      side.Account(got);
      if (!got.ok() && !absl::IsDataLoss(got.status())) co_return got.status();
    }
    co_return absl::OkStatus();
  }
  Task<absl::Status> Victim() { return Receive(victim); }
  Task<absl::Status> Other() {
    JoinHandle<absl::Status> beside = Spawn(Receive(other));
    while (sent < kValues) {
      co_await OrReturn(broadcast.Send(sent));
      ++sent;
      if (sent % 4 != 0) co_await Yield();
    }
    co_return co_await beside.Join();
  }
  void Close() { broadcast.Close(); }
  absl::Status Check() {
    broadcast.Close();
    for (Side* const side : {&victim, &other}) {
      std::optional<absl::StatusOr<int>> got;
      do {
        got = side->receiver.TryReceive();
        side->Account(*got);
      } while (!absl::IsOutOfRange(got->status()));
      if (!side->in_order || side->next != sent) {
        return absl::InternalError(
            absl::StrCat(side->next, " accounted for, of ", sent));
      }
    }
    return absl::OkStatus();
  }
};

// Whatever was set last is what was seen last, or can still be seen.
struct WatchWorld {
  static constexpr int kOthers = 1;
  Watch<int> watch{0};
  Watch<int>::Observer observer = watch.Observe();
  int set = 0;
  int seen = -1;

  Task<absl::Status> Victim() {
    for (int i = 0; i < 2; ++i) {
      const int value = co_await OrReturn(observer.Next());
      if (value <= seen) co_return absl::InternalError("it was seen before");
      seen = value;
    }
    auto is_last = [this](int value) {
      seen = value;
      return value == 4;
    };
    const int last = co_await OrReturn(observer.WaitUntil(is_last));
    co_return Unless(last == 4, "it is not what was asked for");
  }
  Task<absl::Status> Other() {
    while (set < 4) {
      co_await OrReturn(watch.Set(set + 1));
      ++set;
      co_await Yield();
    }
    co_return absl::OkStatus();
  }
  void Close() { watch.Close(); }
  absl::Status Check() {
    if (observer.HasNext()) {
      const absl::StatusOr<int> next = observer.BlockingNext();
      if (!next.ok() || *next <= seen) return absl::InternalError("no news");
      seen = *next;
    }
    return Unless(seen == set, absl::StrCat(seen, " seen, ", set, " set"));
  }
};

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

struct LazyWorld {
  int made = 0;
  int done = 0;
  Lazy<int> lazy{[this] { return Make(); }};
  Once once;

  Task<absl::StatusOr<int>> Make() {
    co_await OrReturn(Pause());
    ++made;
    co_return 42;
  }
  Task<absl::Status> Work() {
    co_await OrReturn(Pause());
    ++done;
    co_return absl::OkStatus();
  }
  // Somewhere to be cancelled.
  static Task<absl::Status> Pause() {
    Event soon;
    soon.Set();
    co_await Yield();
    co_return co_await soon.Wait();
  }
  Task<absl::Status> Ask() {
    const int* const made = co_await OrReturn(lazy.Get());
    if (*made != 42) co_return absl::InternalError("it is not whole");
    auto work = [this] { return Work(); };
    co_return co_await once.Do(work);
  }
  Task<absl::Status> Victim() { return Ask(); }
  Task<absl::Status> Other() { return Ask(); }
  absl::Status Check() {
    return Unless(
        lazy.TryGet() != nullptr && once.done() && made == 1 && done == 1,
        "it was not made, or twice");
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
    for (int i = 0; i < pauses; ++i) co_await OrReturn(LazyWorld::Pause());
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

// --- The proof --------------------------------------------------------------

// Runs the victim beside the others: two, or as many as the world says.
template <typename World>
class Proof {
 public:
  Task<absl::Status> Start() {
    world_.emplace();
    return Run(*this);
  }

  // After the run: the victim succeeded or says why not; the others succeeded.
  absl::Status Check(const absl::Status& victim, absl::StatusCode why,
                     const Interrupted& at) {
    if (at.undisturbed && !victim.ok()) return victim;
    if (!victim.ok() && victim.code() != why) return victim;
    return world_->Check();
  }

  std::optional<World> world_;

 private:
  static Task<absl::Status> Run(Proof& self) {
    World& world = *self.world_;
    // Detached: the driver waits for all that is left running.
    if constexpr (Others() > 0) {
      for (int i = 0; i < Others(); ++i) {
        Spawn(Undisturbed(world.Other())).Detach();
      }
    }
    const absl::Status victim = co_await world.Victim();
    if constexpr (requires { world.VictimIsOver(); }) world.VictimIsOver();
    co_return victim;
  }
  static constexpr int Others() {
    if constexpr (requires { World::kOthers; }) return World::kOthers;
    return 2;
  }
  // A close reaches them, too; anything else that they say is an error.
  static Task<> Undisturbed(Task<absl::Status> other) {
    const absl::Status ended = co_await std::move(other);
    EXPECT_TRUE(ended.ok() || absl::IsOutOfRange(ended)) << ended;
  }
};

int Seeds() { return static_cast<int>(tests::Times(1'000)); }

template <typename World>
class PromiseTest : public ::testing::Test {};

using Worlds = ::testing::Types<
    MutexWorld, SharedMutexWorld, SemaphoreWorld, EventWorld, BarrierWorld,
    ConditionWorld, OneShotWorld, ChannelWorld<0, true>, ChannelWorld<0, false>,
    ChannelWorld<1, true>, ChannelWorld<1, false>, ChannelWorld<3, true>,
    ChannelWorld<3, false>, ReceiveManyWorld, UnboundedWorld,
    QueueWorld<Queue<int>, true>, QueueWorld<PriorityQueue<int>, false>,
    BroadcastWorld, WatchWorld, SelectWorld, LazyWorld, AsCompletedWorld,
    ParallelForEachWorld, TransformWorld>;
TYPED_TEST_SUITE(PromiseTest, Worlds);

TYPED_TEST(PromiseTest, HoldsWhereverATaskIsCancelled) {
  Proof<TypeParam> proof;

  const absl::StatusOr<int> places = CancelEverywhere(
      {.seeds = Seeds()}, [&] { return proof.Start(); },
      [&](const absl::Status& victim, const Interrupted& at) {
        return proof.Check(victim, absl::StatusCode::kCancelled, at);
      });

  EXPECT_TRUE(places.ok()) << places.status();
  EXPECT_GT(places.value_or(0), 3);
}

TYPED_TEST(PromiseTest, HoldsWhereverADeadlinePasses) {
  Proof<TypeParam> proof;

  const absl::StatusOr<int> places = ExpireEverywhere(
      {.seeds = Seeds()}, [&] { return proof.Start(); },
      [&](const absl::Status& victim, const Interrupted& at) {
        return proof.Check(victim, absl::StatusCode::kDeadlineExceeded, at);
      });

  EXPECT_TRUE(places.ok()) << places.status();
  EXPECT_GT(places.value_or(0), 3);
}

template <typename World>
class ClosedPromiseTest : public ::testing::Test {};

using ClosableWorlds = ::testing::Types<
    SemaphoreWorld, ChannelWorld<0, true>, ChannelWorld<0, false>,
    ChannelWorld<1, true>, ChannelWorld<1, false>, ReceiveManyWorld,
    UnboundedWorld, QueueWorld<Queue<int>, true>,
    QueueWorld<PriorityQueue<int>, false>, BroadcastWorld, WatchWorld>;
TYPED_TEST_SUITE(ClosedPromiseTest, ClosableWorlds);

TYPED_TEST(ClosedPromiseTest, HoldsWhereverItIsClosed) {
  Proof<TypeParam> proof;

  const absl::StatusOr<int> places = InterruptEverywhere(
      {.seeds = Seeds()}, [&] { return proof.Start(); },
      [&](auto&, testing::Simulator&) {
        if (proof.world_.has_value()) proof.world_->Close();
      },
      [&](const absl::Status& victim, const Interrupted& at) {
        return proof.Check(victim, absl::StatusCode::kOutOfRange, at);
      });

  EXPECT_TRUE(places.ok()) << places.status();
  EXPECT_GT(places.value_or(0), 3);
}

}  // namespace
}  // namespace weft::sync
