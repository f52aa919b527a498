// CancelEverywhere: runs a program again and again and cancels it before it
// begins, then at its first suspension, at its second, and so on, until it ends
// undisturbed.
//
//     n = 0   x                       cancelled before its first step
//     n = 1   |--x                    after one step
//     n = 2   |----x
//     ...
//     n = N   |--------------------|  ended before step N: done
//
// What a program must promise at each of these points is the test's to say: it
// checks after every run.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_SUPPORT_CANCEL_EVERYWHERE_H_
#define WEFT_TESTS_SUPPORT_CANCEL_EVERYWHERE_H_

#include <concepts>
#include <cstdint>
#include <optional>
#include <utility>

#include "gtest/gtest.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/runtime/wait_result.h"

namespace weft::tests {

// `start` makes the program, with what it works on made anew; `check` is given
// its result, when everything it left running has ended as well, and whether it
// was undisturbed. Both run once for each place of cancellation, in a
// simulation of its own with these options. Returns how many places there were.
template <typename Start, typename Check>
int CancelEverywhere(testing::SimulatorOptions options, Start start,
                     Check check) {
  const std::optional<std::uint64_t> seed = options.seed;
  // A program that heeds its cancellation ends long before.
  constexpr int kPatience = 100'000;
  for (int place = 0;; ++place) {
    SCOPED_TRACE(::testing::Message()
                 << "cancelled at step " << place << ", seed "
                 << (seed.has_value() ? static_cast<std::int64_t>(*seed) : -1));
    testing::Simulator sim(options);
    auto program = sim.SpawnJoinable(start());
    int steps = 0;
    while (steps < place && !program.finished() && sim.RunOneStep()) ++steps;
    const bool undisturbed = program.finished();
    program.Cancel();
    while (!program.finished() && steps < kPatience && sim.RunOneStep()) {
      ++steps;
    }
    if (!program.finished()) {
      ADD_FAILURE() << "the cancelled program does not end";
      return place;
    }
    sim.RunUntilIdle();
    EXPECT_FALSE(sim.AnyTasks()) << "something waits for ever";
    check(program.BlockingJoin(), undisturbed);
    if (undisturbed || ::testing::Test::HasFailure()) return place;
  }
}

// With `seed` where there is one.
template <typename Start, typename Check>
int CancelEverywhere(std::optional<std::uint64_t> seed, Start start,
                     Check check) {
  return CancelEverywhere(testing::SimulatorOptions{.seed = seed},
                          std::move(start), std::move(check));
}

}  // namespace weft::tests

#endif  // WEFT_TESTS_SUPPORT_CANCEL_EVERYWHERE_H_
