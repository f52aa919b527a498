// The operations of runtime.
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
#include "weft/runtime/async_generator.h"
#include "weft/runtime/blocking_pool.h"
#include "weft/runtime/current.h"
#include "weft/runtime/deadline.h"
#include "weft/runtime/error_group.h"
#include "weft/runtime/generator.h"
#include "weft/runtime/join_arm.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/race.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/select.h"
#include "weft/runtime/shield.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/task_local.h"
#include "weft/runtime/timer_arm.h"
#include "weft/runtime/using.h"
#include "weft/runtime/when_all.h"
#include "weft/runtime/when_any.h"
#include "weft/runtime/yield.h"
#include "weft/tests/sync/operation_parts.h"
#include "weft/tests/sync/operations.h"

namespace weft::tests {
namespace {

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
  co_return Unless(one == Number(1) && two == Number(2));
}

Task<absl::Status> WaitForAllOfAVector() {
  std::vector<Number> numbers = co_await WhenAll(Givers(3));
  co_return Unless(numbers[2] == Number(3));
}

Task<absl::Status> TakeAllOfAVector() {
  int sum = 0;
  auto add = [&sum](Number number) { sum += number.value_or(0); };
  co_await WhenAll(Givers(3), add);
  co_return Unless(sum == 6);
}

Task<absl::Status> WaitForAny() {
  auto any = co_await WhenAny(GiveAfter(absl::Hours(1), 1), Give(2));
  co_return Unless(any.first == 1);
}

Task<absl::Status> WaitForAnyOfAVector() {
  auto any = co_await WhenAny(Givers(3));
  co_return Unless(any.first < 3);  // Where time leaps, any of them.
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
  co_return Unless(raced.first < 3);  // As above.
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

constinit TaskLocal<int> local;
Task<absl::Status> AskALocal() {
  co_await OrReturn(Pause());
  co_return Unless(local.Get() != nullptr && *local.Get() == 7);
}
Task<absl::Status> SpawnAndAskALocal() {
  JoinHandle<absl::Status> child = Spawn(AskALocal());
  co_await OrReturn(AskALocal());
  co_return co_await child.Join();
}
Task<absl::Status> BindALocal() {
  co_return co_await local.With(7, SpawnAndAskALocal());
}

Task<absl::Status> SelectATask() {
  JoinHandle<Number> task = Spawn(GiveAfter(absl::Seconds(1), 7));
  auto ignore = [](const Number&) {};
  auto chosen = co_await OrReturn(
      Select(OnTimeout(absl::Hours(1)), OnJoin(task, ignore)));
  co_return Unless(chosen == 1);
}
Task<absl::Status> SelectATimer() {
  JoinHandle<Number> task = Spawn(GiveAfter(absl::Hours(1), 7));
  auto ignore = [](const Number&) {};
  auto chosen = co_await OrReturn(
      Select(OnTimeout(absl::Seconds(1)), OnJoin(task, ignore)));
  co_return Unless(chosen == 0);
}

}  // namespace

std::vector<Operation> RuntimeOperations() {
  return {
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
      {"BindALocal", BindALocal},
      {"SelectATask", SelectATask},
      {"SelectATimer", SelectATimer},
  };
}

}  // namespace weft::tests
