// Does a fork cost anything beside real work?
//
// Arg 0: workers.
//
// The product of two matrices of 2048 rows, cut into quarters until a block has
// 64 rows: 9,362 forks of four, and 32,768 times the same kernel. What is
// measured is how well the workers are kept busy, and what forking does to
// their caches.
//
// SPDX-License-Identifier: MIT

#include <vector>

#include "absl/base/internal/raw_logging.h"
#include "benchmark/benchmark.h"
#include "weft/bench/runtime/matrix_product.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/task.h"
#include "weft/runtime/when_all.h"

namespace weft::bench {
namespace {

// into += left * right, for blocks of `size` rows. The four quarters of the sum
// do not meet, their two terms do: so twice four at a time.
Task<> AddProduct(Block into, Block left, Block right, int size) {
  if (size == kKernelSize) {
    AddKernelProduct(into, left, right);
    co_return;
  }
  const int half = size / 2;
  for (int term = 0; term < 2; ++term) {
    auto quarter = [=](int down, int across) {
      return AddProduct(into.Quarter(down, across, half),
                        left.Quarter(down, term, half),
                        right.Quarter(term, across, half), half);
    };
    co_await WhenAll(quarter(0, 0), quarter(0, 1), quarter(1, 0),
                     quarter(1, 1));
  }
}

void WeftMatrixProduct(benchmark::State& state) {
  constexpr int kCells = kMatrixSize * kMatrixSize;
  Runtime runtime({.workers = static_cast<int>(state.range(0))});
  std::vector<int> left(kCells, 1);
  std::vector<int> right(kCells, 2);
  std::vector<int> product(kCells);
  for (auto _ : state) {
    product.assign(kCells, 0);
    const absl::Status multiplied = runtime.BlockOn(AddProduct(
        {product.data()}, {left.data()}, {right.data()}, kMatrixSize));
    ABSL_RAW_CHECK(multiplied.ok(), "the product was not computed");
  }
  for (const int cell : product) {
    ABSL_RAW_CHECK(cell == 2 * kMatrixSize, "a block was lost");
  }
}
BENCHMARK(WeftMatrixProduct)
    ->Name("runtime/fork_matmul2048/weft")
    ->Arg(1)
    ->Arg(2)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

}  // namespace
}  // namespace weft::bench
