// Tests of what runtime and sync do when memory runs out: whichever allocation
// of an operation fails, it throws std::bad_alloc, nothing is leaked, nobody
// waits for ever, and the same operation succeeds afterwards.
//
// A program of its own, since it replaces the global operator new
// (allocations.h).
//
// SPDX-License-Identifier: MIT

#include <array>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <ranges>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/runtime/async_generator.h"
#include "weft/runtime/blocking_pool.h"
#include "weft/runtime/current.h"
#include "weft/runtime/deadline.h"
#include "weft/runtime/error_group.h"
#include "weft/runtime/generator.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/race.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/shield.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/runtime/using.h"
#include "weft/runtime/when_all.h"
#include "weft/runtime/when_any.h"
#include "weft/runtime/yield.h"
#include "weft/sync/as_completed.h"
#include "weft/sync/barrier.h"
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
#include "weft/sync/semaphore.h"
#include "weft/sync/shared_mutex.h"
#include "weft/sync/transform.h"
#include "weft/sync/unbounded_channel.h"
#include "weft/tests/support/allocations.h"

namespace weft::sync {
namespace {

using Number = absl::StatusOr<int>;

absl::Status Unless(bool holds) {
  return holds ? absl::OkStatus() : absl::InternalError("it does not hold");
}

// --- What tasks are made of -------------------------------------------------

Task<Number> Give(int number) {
  co_await Yield();
  co_return number;
}

Task<Number> GiveAfter(absl::Duration pause, int number) {
  co_await OrReturn(SleepFor(pause));
  co_return number;
}

Task<absl::Status> Pause() {
  co_await Yield();
  co_return co_await SleepFor(absl::Seconds(1));
}

std::vector<Task<Number>> Givers(int count) {
  std::vector<Task<Number>> tasks;
  for (int i = 1; i <= count; ++i) {
    tasks.push_back(GiveAfter(absl::Seconds(i), i));
  }
  return tasks;
}

AsyncGenerator<int> CountTo(int last) {
  for (int i = 1; i <= last; ++i) {
    co_await Yield();
    const bool wanted = co_yield Offer(i);
    if (!wanted) break;
  }
  const absl::Status paused = co_await Shield(Pause());
  paused.IgnoreError();  // A shielded pause ends well.
}

Generator<int> CountAtOnceTo(int last) {
  for (int i = 1; i <= last; ++i) co_yield i;
}

// One beside the other; whoever fails ends both.
Task<absl::Status> Both(Task<absl::Status> one, Task<absl::Status> other) {
  co_return co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
    scope.Spawn(std::move(one));
    co_return co_await std::move(other);
  });
}

// --- Operations of runtime --------------------------------------------------

Task<absl::Status> CallATask() {
  const int number = co_await OrReturn(Give(7));
  co_return Unless(number == 7);
}

// Too large for the frame pool.
Task<Number> GiveFromALargeFrame() {
  std::array<int, 1'000> numbers{};
  numbers[999] = 7;
  co_await Yield();
  co_return numbers[999];
}
Task<absl::Status> CallATaskWithALargeFrame() {
  const int number = co_await OrReturn(GiveFromALargeFrame());
  co_return Unless(number == 7);
}

Task<Number> Descend(int depth) {
  if (depth == 0) co_return 0;
  const int below = co_await OrReturn(Descend(depth - 1));
  co_return below + 1;
}
Task<absl::Status> CallDeeply() {
  const int depth = co_await OrReturn(Descend(10));
  co_return Unless(depth == 10);
}

Task<Number> Fail() { co_return absl::NotFoundError("nothing there"); }
Task<Number> PassAnErrorOn() {
  const int number = co_await OrReturn(Fail());
  co_return number;
}
Task<absl::Status> ReturnAnError() {
  const Number number = co_await PassAnErrorOn();
  co_return Unless(absl::IsNotFound(number.status()));
}

Task<absl::Status> SpawnAndJoin() {
  JoinHandle<Number> task = Spawn(Give(7));
  const int number = co_await OrReturn(task.Join());
  co_return Unless(number == 7);
}

Task<absl::Status> SpawnAFunctionWithArguments() {
  auto give = [](std::unique_ptr<int> number) -> Task<Number> {
    co_await Yield();
    co_return *number;
  };
  JoinHandle<Number> task = Spawn(give, std::make_unique<int>(7));
  const int number = co_await OrReturn(task.Join());
  co_return Unless(number == 7);
}

Task<> End() { co_return; }
Task<absl::Status> SpawnAndDetach() {
  Spawn(End).Detach();
  co_await Yield();
  co_return absl::OkStatus();
}

Task<> WaitForLong() {
  const absl::Status slept = co_await SleepFor(absl::Hours(1));
  slept.IgnoreError();  // It was dropped.
}
Task<absl::Status> SpawnAndDrop() {
  {
    JoinHandle<void> task = Spawn(WaitForLong);
    co_await Yield();
  }
  co_return absl::OkStatus();
}

Task<absl::Status> CancelAJoin() {
  JoinHandle<void> task = Spawn(WaitForLong);
  task.Cancel();
  co_return co_await task.Join();
}

Task<absl::Status> OpenAScope() {
  co_return co_await WithScope([](Scope&) -> Task<absl::Status> {
    co_await Yield();
    co_return absl::OkStatus();
  });
}

Task<absl::Status> SpawnIntoAScope() {
  co_return co_await WithScope([](Scope& scope) -> Task<absl::Status> {
    for (int i = 0; i < 3; ++i) scope.Spawn(Give(i));
    scope.Spawn(Pause);
    co_return absl::OkStatus();
  });
}

Task<absl::Status> CancelAScope() {
  co_return co_await WithScope([](Scope& scope) -> Task<absl::Status> {
    scope.Spawn(WaitForLong);
    co_await Yield();
    scope.Cancel();
    co_return absl::OkStatus();
  });
}

Task<absl::Status> FailInAScope() {
  const absl::Status failed =
      co_await WithScope([](Scope& scope) -> Task<absl::Status> {
        scope.Spawn(Fail());
        scope.Spawn(Fail());
        co_return co_await Pause();
      });
  co_return Unless(absl::IsNotFound(failed));
}

Task<absl::Status> JoinSomeErrors() {
  std::vector<absl::Status> errors = {absl::NotFoundError("one"),
                                      absl::DataLossError("two")};
  const absl::Status joined = JoinErrors(std::move(errors));
  co_return Unless(AllErrors(joined).size() == 2);
}

Task<absl::Status> WaitForAll() {
  auto [one, two] = co_await WhenAll(Give(1), Give(2));
  co_return Unless(*one + *two == 3);
}

Task<absl::Status> WaitForAllOfAVector() {
  std::vector<Number> numbers = co_await WhenAll(Givers(3));
  co_return Unless(*numbers[2] == 3);
}

Task<absl::Status> TakeAllOfAVector() {
  int sum = 0;
  auto add = [&sum](Number number) { sum += *number; };
  co_await WhenAll(Givers(3), add);
  co_return Unless(sum == 6);
}

Task<absl::Status> WaitForAny() {
  auto any = co_await WhenAny(GiveAfter(absl::Hours(1), 1), Give(2));
  co_return Unless(any.first == 1);
}

Task<absl::Status> WaitForAnyOfAVector() {
  auto any = co_await WhenAny(Givers(3));
  co_return Unless(any.first == 0);
}

Task<absl::Status> RaceTwo() {
  auto raced = co_await Race(GiveAfter(absl::Hours(1), 1), Give(2));
  co_return Unless(raced.first == 1);
}

Task<absl::Status> RaceDifferentOnes() {
  auto raced = co_await Race(Pause(), Give(2));
  co_return Unless(raced.first == 1);
}

Task<absl::Status> RaceAVector() {
  auto raced = co_await Race(Givers(3));
  co_return Unless(raced.first == 0);
}

Task<absl::Status> BeInTime() {
  const Number number = co_await WithTimeout(absl::Minutes(1), Give(7));
  co_return number.status();
}

Task<absl::Status> BeTooLate() {
  const absl::Status late =
      co_await WithTimeout(absl::Milliseconds(1), Pause());
  co_return Unless(absl::IsDeadlineExceeded(late));
}

Task<absl::Status> MeetADeadline() {
  co_return co_await WithDeadline(Now() + absl::Hours(1), Pause());
}

Task<absl::Status> ShieldAPause() { co_return co_await Shield(Pause()); }

Task<absl::Status> Sleep() { co_return co_await SleepFor(absl::Seconds(1)); }

Task<absl::Status> SleepTillThen() {
  co_return co_await SleepUntil(Now() + absl::Seconds(1));
}

Task<absl::Status> Block() {
  const int number = co_await OrReturn(Blocking([] { return 7; }));
  co_return Unless(number == 7);
}

struct Lease {
  Task<absl::Status> Release() { return Pause(); }
};
Task<absl::Status> UseALease() {
  co_return co_await Using(Lease(), [](Lease&) -> Task<absl::Status> {
    co_return co_await Pause();
  });
}

Task<absl::Status> AskAGenerator() {
  int sum = 0;
  for (int number : CountAtOnceTo(3)) sum += number;
  co_await Yield();
  co_return Unless(sum == 6);
}

Generator<int> Twice() {
  co_yield ElementsOf(CountAtOnceTo(3));
  co_yield ElementsOf(CountAtOnceTo(3));
}
Task<absl::Status> AskAGeneratorThatDelegates() {
  int sum = 0;
  for (int number : Twice()) sum += number;
  co_await Yield();
  co_return Unless(sum == 12);
}

Task<Number> Sum(AsyncGenerator<int> numbers) {
  int sum = 0;
  while (std::optional<int> number = co_await numbers.Next()) sum += *number;
  co_return sum;
}
Task<absl::Status> AskAnAsyncGenerator() {
  const int sum = co_await OrReturn(Sum(CountTo(3)));
  co_return Unless(sum == 6);
}

AsyncGenerator<int> TwiceAsync() {
  co_yield ElementsOf(CountTo(3));
  co_yield ElementsOf(CountAtOnceTo(3));
}
Task<absl::Status> AskAnAsyncGeneratorThatDelegates() {
  const int sum = co_await OrReturn(Sum(TwiceAsync()));
  co_return Unless(sum == 12);
}

Task<absl::Status> CloseAnAsyncGenerator() {
  AsyncGenerator<int> numbers = CountTo(3);
  const std::optional<int> first = co_await numbers.Next();
  co_await numbers.Close();
  co_return Unless(first == 1);
}

// --- Operations of sync -----------------------------------------------------

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

// --- The proof --------------------------------------------------------------

struct Operation {
  const char* name;
  Task<absl::Status> (*make)();
};

using Behind = tests::FailingAllocation::Behind;

class AllocationFailureTest : public ::testing::TestWithParam<Operation> {
 protected:
  void FailEverywhere(Behind behind);
};

enum class Ended { kWell, kWithoutMemory, kBadly };

// Runs the operation to its end in `sim`.
Ended RunOperation(testing::Simulator& sim, const Operation& operation) {
  try {
    const absl::Status status = sim.Run(operation.make());
    return status.ok() ? Ended::kWell : Ended::kBadly;
  } catch (const std::bad_alloc&) {
    return Ended::kWithoutMemory;
  }
}

// As above, with the n-th allocation failing; false where there is no n-th.
// Tasks that are left have been dropped, and end undisturbed.
bool RunWithFailure(const Operation& operation, int n, Behind behind) {
  testing::Simulator sim;
  tests::ForgetFreeFrames();
  bool happened = false;
  Ended ended = Ended::kBadly;
  {
    const tests::FailingAllocation failing(n, behind);
    ended = RunOperation(sim, operation);
    happened = failing.happened();
  }
  sim.RunUntilIdle();
  EXPECT_FALSE(sim.AnyTasks());
  EXPECT_EQ(ended, happened ? Ended::kWithoutMemory : Ended::kWell);
  EXPECT_EQ(RunOperation(sim, operation), Ended::kWell);
  sim.RunUntilIdle();
  return happened;
}

void AllocationFailureTest::FailEverywhere(Behind behind) {
  constexpr int kSurelyEnough = 1'000;
  // What is made once in a program is made.
  RunWithFailure(GetParam(), kSurelyEnough, behind);

  int n = 1;
  for (; n < kSurelyEnough; ++n) {
    SCOPED_TRACE(n);
    tests::ForgetFreeFrames();
    const long live = tests::LiveAllocations();
    const bool happened = RunWithFailure(GetParam(), n, behind);
    tests::ForgetFreeFrames();
    ASSERT_EQ(tests::LiveAllocations(), live) << "something is leaked";
    if (!happened) break;
  }

  EXPECT_GT(n, 1) << "it allocates nothing";
  EXPECT_LT(n, kSurelyEnough);
}

TEST_P(AllocationFailureTest, OfOneIsReportedWhereverItHappens) {
  FailEverywhere(Behind::kSucceed);
}

TEST_P(AllocationFailureTest, OfAllFromSomewhereOnIsReported) {
  FailEverywhere(Behind::kFail);
}

constexpr Operation kOperations[] = {
    {"CallATask", CallATask},
    {"CallATaskWithALargeFrame", CallATaskWithALargeFrame},
    {"CallDeeply", CallDeeply},
    {"ReturnAnError", ReturnAnError},
    {"SpawnAndJoin", SpawnAndJoin},
    {"SpawnAFunctionWithArguments", SpawnAFunctionWithArguments},
    {"SpawnAndDetach", SpawnAndDetach},
    {"SpawnAndDrop", SpawnAndDrop},
    {"CancelAJoin", CancelAJoin},
    {"OpenAScope", OpenAScope},
    {"SpawnIntoAScope", SpawnIntoAScope},
    {"CancelAScope", CancelAScope},
    {"FailInAScope", FailInAScope},
    {"JoinSomeErrors", JoinSomeErrors},
    {"WaitForAll", WaitForAll},
    {"WaitForAllOfAVector", WaitForAllOfAVector},
    {"TakeAllOfAVector", TakeAllOfAVector},
    {"WaitForAny", WaitForAny},
    {"WaitForAnyOfAVector", WaitForAnyOfAVector},
    {"RaceTwo", RaceTwo},
    {"RaceDifferentOnes", RaceDifferentOnes},
    {"RaceAVector", RaceAVector},
    {"BeInTime", BeInTime},
    {"BeTooLate", BeTooLate},
    {"MeetADeadline", MeetADeadline},
    {"ShieldAPause", ShieldAPause},
    {"Sleep", Sleep},
    {"SleepTillThen", SleepTillThen},
    {"Block", Block},
    {"UseALease", UseALease},
    {"AskAGenerator", AskAGenerator},
    {"AskAGeneratorThatDelegates", AskAGeneratorThatDelegates},
    {"AskAnAsyncGenerator", AskAnAsyncGenerator},
    {"AskAnAsyncGeneratorThatDelegates", AskAnAsyncGeneratorThatDelegates},
    {"CloseAnAsyncGenerator", CloseAnAsyncGenerator},
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
};
INSTANTIATE_TEST_SUITE_P(Any, AllocationFailureTest,
                         ::testing::ValuesIn(kOperations),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace weft::sync
