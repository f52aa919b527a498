// CancelEverywhere: runs a program again and again and interrupts it before it
// begins, then at its first suspension, at its second, and so on, until it ends
// undisturbed.
//
//     n = 0   x                       before its first step
//     n = 1   |--x                    after one step
//     n = 2   |----x
//     ...
//     n = N   |--------------------|  ended before step N: done
//
// What a program must promise at each of these points is yours to say:
//
//     std::optional<Store> store;
//     auto start = [&] { return Transfer(store.emplace()); };
//     auto check = [&](const absl::Status& result, const Interrupted& at) {
//       if (store->sum() != 100) return absl::InternalError("money is lost");
//       return absl::OkStatus();
//     };
//     EXPECT_THAT(CancelEverywhere({.seeds = 1000}, start, check), IsOk());
//
// Every run is a simulation of its own; with seeds, every place is tried in
// that many schedules. Siblings let a deadline pass there (ExpireEverywhere),
// close what the program works on (CloseEverywhere), or do what you like
// (InterruptEverywhere).
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_TESTING_CANCEL_EVERYWHERE_H_
#define WEFT_RUNTIME_TESTING_CANCEL_EVERYWHERE_H_

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "weft/runtime/awaitable.h"
#include "weft/runtime/deadline.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/testing/simulator.h"

namespace weft::testing {

struct EverywhereOptions {
  // 0: in the order of a real worker. Else with the seeds 1 to `seeds` as well.
  int seeds = 0;
  // The first seed, to see a failure again.
  std::uint64_t first_seed = 1;
  // The system calls and the clock of every run; null for a simulation's own.
  SimulatedSystem* system = nullptr;
};

// Where a run was interrupted.
struct Interrupted {
  int step;
  std::optional<std::uint64_t> seed;
  bool undisturbed;  // It had ended by then.
};

namespace everywhere {

inline absl::Status Annotate(const absl::Status& status,
                             const Interrupted& at) {
  return absl::Status(
      status.code(),
      absl::StrCat(status.message(), " (interrupted at step ", at.step, ", ",
                   at.seed.has_value() ? absl::StrCat("seed ", *at.seed)
                                       : "without a seed",
                   ")"));
}

// OK, or what does not hold.
template <typename Check, typename Result>
absl::Status Ask(Check& check, Result&& result, const Interrupted& at) {
  if constexpr (std::is_void_v<
                    std::invoke_result_t<Check&, Result, const Interrupted&>>) {
    check(std::forward<Result>(result), at);
    return absl::OkStatus();
  } else {
    return check(std::forward<Result>(result), at);
  }
}

// The clock of a system that all runs share must not come to its end.
constexpr absl::Duration kFarAway = absl::Hours(1);

// Gives the task a deadline that only ExpireEverywhere lets pass.
//
// Suspends: until the task has completed.
// Cancel:   passed on to the task.
template <StatusLike T>
Task<T> UntilFarAway(Task<T> task) {
  T result = co_await WithTimeout(kFarAway, std::move(task));
  co_return result;
}

// What is done beside the program, as a task of its own. `act` outlives every
// run.
//
// Suspends: never.
// Cancel:   has no effect.
// Borrows:  `act`.
template <std::invocable Act>
Task<> Perform(Act& act) {
  act();
  co_return;
}

// One run. Sets at.undisturbed.
template <typename Start, typename Interrupt, typename Check>
absl::Status RunInterrupted(SimulatedSystem& system, Start& start,
                            Interrupt& interrupt, Check& check,
                            Interrupted& at) {
  // A program that heeds its interruption ends long before.
  constexpr int kPatience = 100'000;
  Simulator sim({.seed = at.seed, .system = &system});
  auto program = sim.SpawnJoinable(start());
  int steps = 0;
  while (steps < at.step && !program.finished() && sim.RunOneStep()) ++steps;
  at.undisturbed = program.finished();
  if (steps < at.step && !at.undisturbed) {
    return absl::InternalError("it waits for ever where nobody disturbs it");
  }
  interrupt(program, sim);
  while (!program.finished() && steps < kPatience && sim.RunOneStep()) ++steps;
  if (!program.finished()) return absl::InternalError("it does not end");
  sim.RunUntilIdle();
  if (sim.AnyTasks()) {
    return absl::InternalError("something it left behind waits for ever");
  }
  return Ask(check, program.BlockingJoin(), at);
}

}  // namespace everywhere

// `start()` makes the program, a Task, with what it works on made anew. At each
// place `interrupt(program, sim)` is called with its JoinHandle and the
// simulation. `check(result, interrupted)` is given the result when
// everything that the program left running has ended as well; it returns a
// Status, or nothing.
//
// Returns how many places there were, in the schedule with the most; or what
// was wrong first, and where.
template <typename Start, typename Interrupt, typename Check>
absl::StatusOr<int> InterruptEverywhere(const EverywhereOptions& options,
                                        Start start, Interrupt interrupt,
                                        Check check) {
  int most = 0;
  for (int i = 0; i <= options.seeds; ++i) {
    Interrupted at{};
    if (i > 0) at.seed = options.first_seed + i - 1;
    do {
      SimulatedSystem own;
      SimulatedSystem& system =
          options.system != nullptr ? *options.system : own;
      const absl::Status held =
          everywhere::RunInterrupted(system, start, interrupt, check, at);
      if (!held.ok()) return everywhere::Annotate(held, at);
      ++at.step;
    } while (!at.undisturbed);
    most = std::max(most, at.step - 1);
  }
  return most;
}

// Cancels the program at each place.
template <typename Start, typename Check>
absl::StatusOr<int> CancelEverywhere(const EverywhereOptions& options,
                                     Start start, Check check) {
  return InterruptEverywhere(
      options, std::move(start),
      [](auto& program, Simulator&) { program.Cancel(); }, std::move(check));
}

// Calls `close_it()` at each place, to close a stream that the program works
// on, say: once between two steps, as another thread would, and in another run
// from a task of the simulation, which has its turn among the others. At place
// 0 the program has made nothing yet, and at the last one it is gone, so
// `close_it` looks what there is to close. The number is that of the second.
template <typename Start, std::invocable Close, typename Check>
absl::StatusOr<int> CloseEverywhere(const EverywhereOptions& options,
                                    Start start, Close close_it, Check check) {
  const absl::StatusOr<int> by_a_thread = InterruptEverywhere(
      options, std::ref(start), [&](auto&, Simulator&) { close_it(); },
      std::ref(check));
  if (!by_a_thread.ok()) return by_a_thread;
  return InterruptEverywhere(
      options, std::ref(start),
      [&](auto&, Simulator& sim) { sim.Spawn(everywhere::Perform(close_it)); },
      std::ref(check));
}

// Lets a deadline pass at each place but the first, where it has not begun yet:
// the program gets DEADLINE_EXCEEDED where CancelEverywhere would give it
// CANCELLED. It is a Task of a Status or a StatusOr, and must not sleep for an
// hour itself.
template <typename Start, typename Check>
absl::StatusOr<int> ExpireEverywhere(const EverywhereOptions& options,
                                     Start start, Check check) {
  return InterruptEverywhere(
      options, [&start] { return everywhere::UntilFarAway(start()); },
      [](auto&, Simulator& sim) { sim.AdvanceClock(everywhere::kFarAway); },
      std::move(check));
}

}  // namespace weft::testing

#endif  // WEFT_RUNTIME_TESTING_CANCEL_EVERYWHERE_H_
