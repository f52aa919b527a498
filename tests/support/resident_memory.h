// How much memory of this process is in the machine: a program that leaks has
// more at its end than when it was warm.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_SUPPORT_RESIDENT_MEMORY_H_
#define WEFT_TESTS_SUPPORT_RESIDENT_MEMORY_H_

#include <cstdint>
#include <fstream>
#include <string>

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

}  // namespace weft::testing

#endif  // WEFT_TESTS_SUPPORT_RESIDENT_MEMORY_H_
