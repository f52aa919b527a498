// Skynet: every task has ten children, eight levels deep, and adds up what they
// give; the leaves give their numbers. After Atemerev, "Skynet 1M concurrency
// microbenchmark", with a hundred times as many.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_BENCH_RUNTIME_SKYNET_H_
#define WEFT_BENCH_RUNTIME_SKYNET_H_

#include <cstddef>
#include <cstdint>
#include <tuple>
#include <utility>

#include "absl/base/internal/raw_logging.h"
#include "weft/runtime/task.h"
#include "weft/runtime/when_all.h"

namespace weft::bench {

inline constexpr std::int64_t kSkynetLeaves = 100'000'000;
inline constexpr std::int64_t kSkynetTasks = 111'111'111;

inline Task<std::int64_t> Skynet(std::int64_t first, std::int64_t leaves);

template <std::size_t... kWays>
auto ForkTenWays(std::int64_t first, std::int64_t leaves,
                 std::index_sequence<kWays...> /*ways*/) {
  return WhenAll(
      Skynet(first + static_cast<std::int64_t>(kWays) * leaves, leaves)...);
}

inline Task<std::int64_t> Skynet(std::int64_t first, std::int64_t leaves) {
  if (leaves == 1) co_return first;
  auto sums =
      co_await ForkTenWays(first, leaves / 10, std::make_index_sequence<10>());
  co_return std::apply([](auto... each) { return (each + ...); }, sums);
}

// All of it.
inline Task<> WholeSkynet() {
  const std::int64_t sum = co_await Skynet(0, kSkynetLeaves);
  ABSL_RAW_CHECK(sum == kSkynetLeaves * (kSkynetLeaves - 1) / 2,
                 "a leaf was lost");
}

}  // namespace weft::bench

#endif  // WEFT_BENCH_RUNTIME_SKYNET_H_
