// Soak: how often a test repeats what only chance brings out.
//
// WEFT_SOAK is a factor: 1 unless it is set. ./dev sets less under sanitizers,
// which are slow, and who has a night to spare sets more:
//
//     WEFT_SOAK=20 build/gcc/tests/stress_test --gtest_filter='WakeTest.*'
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_SUPPORT_SOAK_H_
#define WEFT_TESTS_SUPPORT_SOAK_H_

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace weft::tests {

inline std::int64_t Times(std::int64_t usually) {
  const char* const factor = std::getenv("WEFT_SOAK");
  if (factor == nullptr) return usually;
  const double times = static_cast<double>(usually) * std::atof(factor);
  return std::max<std::int64_t>(1, static_cast<std::int64_t>(times));
}

}  // namespace weft::tests

#endif  // WEFT_TESTS_SUPPORT_SOAK_H_
