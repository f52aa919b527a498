// How much memory of this process is in the machine: a program that leaks has
// more at its end than when it was warm.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_SUPPORT_RESIDENT_MEMORY_H_
#define WEFT_TESTS_SUPPORT_RESIDENT_MEMORY_H_

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <limits>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "weft/tests/support/sanitized.h"

namespace weft::testing {

// /proc/self/statm is quicker and, as proc(5) says, inaccurate: each processor
// counts for itself first.
inline std::int64_t ResidentKibibytes() {
  std::ifstream rollup("/proc/self/smaps_rollup");
  for (std::string word; rollup >> word;) {
    std::int64_t size = 0;
    if (word == "Rss:" && rollup >> size) return size;
  }
  return 0;
}

// What leaks, leaks every time; what a thread's cache keeps differs from one
// time to another. So of some rounds there is one that leaves no more than 1 %
// of what was there, or something is lost in each.
template <typename Round>
void ExpectNoMoreAfter(int rounds, Round round) {
  round();  // What is kept for good.
  std::int64_t before = ResidentKibibytes();
  const std::int64_t bearable = before / 100;
  std::int64_t least = std::numeric_limits<std::int64_t>::max();
  for (int i = 0; i < rounds; ++i) {
    round();
    const std::int64_t after = ResidentKibibytes();
    least = std::min(least, after - std::exchange(before, after));
  }
  if (kSanitized) return;  // Which looks for leaks itself.
  EXPECT_LE(least, bearable) << "kibibytes more after every round";
}

}  // namespace weft::testing

#endif  // WEFT_TESTS_SUPPORT_RESIDENT_MEMORY_H_
