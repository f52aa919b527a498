// The operations of sync.
//
// SPDX-License-Identifier: MIT

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <ranges>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/yield.h"
#include "weft/sync/as_completed.h"
#include "weft/sync/barrier.h"
#include "weft/sync/broadcast.h"
#include "weft/sync/channel.h"
#include "weft/sync/channel_ends.h"
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
#include "weft/sync/with_results.h"
#include "weft/tests/sync/operation_parts.h"
#include "weft/tests/sync/operations.h"

namespace weft::tests {
namespace {

using namespace sync;

Task<absl::Status> HoldALock(Mutex& mutex) {
  Mutex::Guard guard = co_await OrReturn(mutex.Lock());
  co_return co_await Pause();
}
Task<absl::Status> ContendForALock() {
  Mutex mutex;
  co_return co_await Both(HoldALock(mutex), HoldALock(mutex));
}

Task<absl::Status> ReadLocked(SharedMutex& mutex) {
  SharedMutex::SharedGuard guard = co_await OrReturn(mutex.LockShared());
  co_return co_await Pause();
}
Task<absl::Status> WriteLocked(SharedMutex& mutex) {
  SharedMutex::Guard guard = co_await OrReturn(mutex.Lock());
  co_return co_await Pause();
}
Task<absl::Status> ReadAndWrite() {
  SharedMutex mutex;
  co_return co_await Both(ReadLocked(mutex), WriteLocked(mutex));
}

struct Box {
  Mutex mutex;
  ConditionVariable changed;
  bool full = false;
};
Task<absl::Status> Fill(Box& box) {
  Mutex::Guard guard = co_await OrReturn(box.mutex.Lock());
  box.full = true;
  box.changed.NotifyOne();
  co_return absl::OkStatus();
}
Task<absl::Status> WaitTillFull(Box& box) {
  Mutex::Guard guard = co_await OrReturn(box.mutex.Lock());
  auto is_full = [&box] { return box.full; };
  co_return co_await box.changed.Wait(guard, is_full);
}
Task<absl::Status> WaitForACondition() {
  Box box;
  co_return co_await Both(Fill(box), WaitTillFull(box));
}

Task<absl::Status> HoldPermits(Semaphore& semaphore) {
  Semaphore::Permit permit = co_await OrReturn(semaphore.Acquire(2));
  co_return co_await Pause();
}
Task<absl::Status> AcquirePermits() {
  Semaphore semaphore(3);
  co_return co_await Both(HoldPermits(semaphore), HoldPermits(semaphore));
}

Task<absl::Status> SetIt(Event& event) {
  co_await Yield();
  event.Set();
  co_return absl::OkStatus();
}
Task<absl::Status> WaitForIt(Event& event) { co_return co_await event.Wait(); }
Task<absl::Status> WaitForAnEvent() {
  Event event;
  co_return co_await Both(SetIt(event), WaitForIt(event));
}

Task<absl::Status> CountDown(Latch& latch) {
  latch.CountDown();
  co_return co_await latch.Wait();
}
Task<absl::Status> WaitForALatch() {
  Latch latch(2);
  co_return co_await Both(CountDown(latch), CountDown(latch));
}

Task<absl::Status> Arrive(Barrier& barrier) {
  const absl::StatusOr<std::uint64_t> phase = co_await barrier.ArriveAndWait();
  co_return phase.status();
}
Task<absl::Status> MeetAtABarrier() {
  Barrier barrier(2);
  co_return co_await Both(Arrive(barrier), Arrive(barrier));
}

Task<absl::Status> Ask(Lazy<int>& lazy) {
  const int* const made = co_await OrReturn(lazy.Get());
  co_return Unless(*made == 7);
}
Task<absl::Status> MakeALazyValue() {
  Lazy<int> lazy([] { return Give(7); });
  co_return co_await Both(Ask(lazy), Ask(lazy));
}

Task<absl::Status> DoOnce() {
  Once once;
  co_await OrReturn(once.Do(Pause));
  co_return co_await once.Do(Pause);
}

Task<absl::Status> SendOnce(OneShotSender<int> sender) {
  co_await Yield();
  co_return Unless(sender.Send(7));
}
Task<absl::Status> ReceiveOnce(OneShotReceiver<int> receiver) {
  const int number = co_await OrReturn(receiver.Receive());
  co_return Unless(number == 7);
}
Task<absl::Status> SendAOneShot() {
  auto [sender, receiver] = MakeOneShot<int>();
  co_return co_await Both(SendOnce(std::move(sender)),
                          ReceiveOnce(std::move(receiver)));
}

Task<absl::Status> SendThree(Channel<int>& channel) {
  for (int i = 1; i <= 3; ++i) co_await OrReturn(channel.Send(i));
  channel.Close();
  co_return absl::OkStatus();
}
Task<absl::Status> ReceiveThree(Channel<int>& channel) {
  for (int i = 1; i <= 3; ++i) co_await OrReturn(channel.Receive());
  co_return absl::OkStatus();
}
Task<absl::Status> SendThroughAChannel() {
  Channel<int> channel(1);
  co_return co_await Both(SendThree(channel), ReceiveThree(channel));
}
Task<absl::Status> SendThroughARendezvous() {
  Channel<int> channel(0);
  co_return co_await Both(SendThree(channel), ReceiveThree(channel));
}

Task<absl::Status> ReceiveAllOf(Channel<int>& channel) {
  std::vector<int> numbers;
  while (numbers.size() < 3) {
    co_await OrReturn(channel.ReceiveMany(numbers, 2));
  }
  co_return absl::OkStatus();
}
Task<absl::Status> ReceiveManyAtATime() {
  Channel<int> channel(2);
  co_return co_await Both(SendThree(channel), ReceiveAllOf(channel));
}

Task<absl::Status> SendAndGo(Sender<int> sender) {
  co_return co_await sender.Send(7);
}
Task<absl::Status> ReceiveTillTheyAreGone(Receiver<int> receiver) {
  for (;;) {
    const Number number = co_await receiver.Receive();
    if (!number.ok()) break;
  }
  co_return absl::OkStatus();
}
Task<absl::Status> SendFromAnEnd() {
  auto [sender, receiver] = MakeChannel<int>(1);
  co_return co_await Both(SendAndGo(std::move(sender)),
                          ReceiveTillTheyAreGone(std::move(receiver)));
}

Task<absl::Status> SendUnbounded(UnboundedChannel<int>& channel) {
  for (int i = 0; i < 3; ++i) co_await OrReturn(channel.Send(i));
  co_return absl::OkStatus();
}
Task<absl::Status> ReceiveUnbounded(UnboundedChannel<int>& channel) {
  for (int i = 0; i < 3; ++i) co_await OrReturn(channel.Receive());
  co_return absl::OkStatus();
}
Task<absl::Status> SendThroughAnUnboundedChannel() {
  UnboundedChannel<int> channel;
  co_return co_await Both(SendUnbounded(channel), ReceiveUnbounded(channel));
}

Task<absl::Status> TakeTwo(Completions<Number>& numbers) {
  co_await OrReturn(numbers.Next());
  co_await OrReturn(numbers.Next());
  co_return absl::OkStatus();
}
Task<absl::Status> TakeAsCompleted() {
  co_return co_await AsCompleted(Givers(3), TakeTwo);
}

Task<absl::Status> Drop(int) { return Pause(); }
Task<absl::Status> CallForARange() {
  co_return co_await ParallelForEach(std::views::iota(0, 5), 2, Drop);
}
Task<absl::Status> CallForAGenerator() {
  co_return co_await ParallelForEach(CountTo(5), 3, Drop);
}

Task<absl::Status> RunAPipeline() {
  auto given = Transform(CountTo(5), 2, Give);
  auto again = Transform(std::move(given), 3, Give);
  co_return co_await ParallelForEach(std::move(again), 1, Drop);
}

Task<absl::Status> TakeTheFirst() {
  auto given = Transform(CountTo(5), 2, Give);
  auto first = [](auto& numbers) -> Task<absl::Status> {
    auto number = co_await OrReturn(numbers.Next());
    co_return Unless(*number == 1);
  };
  co_return co_await WithResults(std::move(given), first);
}

Task<absl::Status> OfferThree(Channel<int>& channel) {
  for (int i = 1; i <= 3; ++i) {
    int value = i;
    co_await OrReturn(channel.Offer(value));
  }
  co_return absl::OkStatus();
}
Task<absl::Status> OfferThroughAChannel() {
  Channel<int> channel(0);
  co_return co_await Both(OfferThree(channel), ReceiveThree(channel));
}

template <typename Items>
Task<absl::Status> PutThreeAndJoin(Items& queue) {
  for (int i = 1; i <= 3; ++i) co_await OrReturn(queue.Put(i));
  co_return co_await queue.Join();
}
template <typename Items>
Task<absl::Status> DoThree(Items& queue) {
  for (int i = 1; i <= 3; ++i) {
    co_await OrReturn(queue.Get());
    const absl::Status paused = co_await Pause();
    queue.TaskDone();
    co_await OrReturn(paused);
  }
  co_return absl::OkStatus();
}
template <typename Items>
Task<absl::Status> WorkThrough() {
  Items queue(1);
  co_return co_await Both(PutThreeAndJoin(queue), DoThree(queue));
}
Task<absl::Status> WorkThroughAQueue() { return WorkThrough<Queue<int>>(); }
Task<absl::Status> WorkThroughALifoQueue() {
  return WorkThrough<LifoQueue<int>>();
}
Task<absl::Status> WorkThroughAPriorityQueue() {
  return WorkThrough<PriorityQueue<int>>();
}

Task<absl::Status> SendToAll(Broadcast<int>& broadcast) {
  for (int i = 1; i <= 3; ++i) {
    co_await OrReturn(broadcast.Send(i));
    co_await Yield();
  }
  co_return absl::OkStatus();
}
Task<absl::Status> HearThree(Broadcast<int>::Receiver& receiver) {
  for (int i = 1; i <= 3; ++i) co_await OrReturn(receiver.Receive());
  co_return absl::OkStatus();
}
Task<absl::Status> HearABroadcast() {
  Broadcast<int> broadcast(4);
  Broadcast<int>::Receiver receiver = broadcast.Subscribe();
  co_return co_await Both(SendToAll(broadcast), HearThree(receiver));
}

Task<absl::Status> SetThree(Watch<int>& watch) {
  for (int i = 1; i <= 3; ++i) {
    co_await OrReturn(Pause());
    co_await OrReturn(watch.Set(i));
  }
  co_return absl::OkStatus();
}
Task<absl::Status> SeeThree(Watch<int>::Observer& observer) {
  int seen = observer.Get();
  while (seen < 3) seen = co_await OrReturn(observer.Next());
  co_return absl::OkStatus();
}
Task<absl::Status> SeeTheThird(Watch<int>::Observer& observer) {
  auto third = [](int value) { return value == 3; };
  const int seen = co_await OrReturn(observer.WaitUntil(third));
  co_return Unless(seen == 3);
}
Task<absl::Status> WatchAValue() {
  Watch<int> watch(0);
  Watch<int>::Observer observer = watch.Observe();
  co_return co_await Both(SetThree(watch), SeeThree(observer));
}
Task<absl::Status> WatchForAValue() {
  Watch<int> watch(0);
  Watch<int>::Observer observer = watch.Observe();
  co_return co_await Both(SetThree(watch), SeeTheThird(observer));
}

// Two that offer and take, a lock, permits and an event, until three values
// have come.
Task<absl::Status> SelectThree(Channel<int>& channel, Mutex& mutex) {
  Semaphore semaphore(1);
  Event never;
  int received = 0;
  auto count = [&](const Number& number) { received += number.ok() ? 1 : 0; };
  auto drop = [](auto guard) { static_cast<void>(guard); };
  while (received < 3) {
    co_await OrReturn(Select(OnReceive(channel, count), OnLock(mutex, drop),
                             OnAcquire(semaphore, 2, drop), OnEvent(never)));
  }
  co_return absl::OkStatus();
}
Task<absl::Status> SelectWhatComes() {
  Channel<int> channel(0);
  Mutex mutex;
  const Mutex::Guard guard = mutex.TryLock();
  co_return co_await Both(OfferThree(channel), SelectThree(channel, mutex));
}
Task<absl::Status> SelectOrGoOn() {
  Channel<int> channel(0);
  auto ignore = [](const Number&) {};
  auto chosen =
      co_await OrReturn(Select(OnReceive(channel, ignore), OnDefault()));
  ArmSet arms(
      2, [&](std::size_t) { return OnReceive(channel, [](const Number&) {}); });
  JoinHandle<absl::Status> sender = Spawn(OfferThree(channel));
  for (int i = 0; i < 3; ++i) co_await OrReturn(Select(arms));
  co_await OrReturn(sender.Join());
  co_return Unless(chosen == 1);
}

}  // namespace

std::vector<Operation> SyncOperations() {
  return {
      {"ContendForALock", ContendForALock},
      {"ReadAndWrite", ReadAndWrite},
      {"WaitForACondition", WaitForACondition},
      {"AcquirePermits", AcquirePermits},
      {"WaitForAnEvent", WaitForAnEvent},
      {"WaitForALatch", WaitForALatch},
      {"MeetAtABarrier", MeetAtABarrier},
      {"MakeALazyValue", MakeALazyValue},
      {"DoOnce", DoOnce},
      {"SendAOneShot", SendAOneShot},
      {"SendThroughAChannel", SendThroughAChannel},
      {"SendThroughARendezvous", SendThroughARendezvous},
      {"ReceiveManyAtATime", ReceiveManyAtATime},
      {"SendFromAnEnd", SendFromAnEnd},
      {"SendThroughAnUnboundedChannel", SendThroughAnUnboundedChannel},
      {"TakeAsCompleted", TakeAsCompleted},
      {"CallForARange", CallForARange},
      {"CallForAGenerator", CallForAGenerator},
      {"RunAPipeline", RunAPipeline},
      {"TakeTheFirst", TakeTheFirst},
      {"OfferThroughAChannel", OfferThroughAChannel},
      {"WorkThroughAQueue", WorkThroughAQueue},
      {"WorkThroughALifoQueue", WorkThroughALifoQueue},
      {"WorkThroughAPriorityQueue", WorkThroughAPriorityQueue},
      {"HearABroadcast", HearABroadcast},
      {"WatchAValue", WatchAValue},
      {"WatchForAValue", WatchForAValue},
      {"SelectWhatComes", SelectWhatComes},
      {"SelectOrGoOn", SelectOrGoOn},
  };
}

}  // namespace weft::tests
