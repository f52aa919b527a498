// The product of two matrices, by fibers: one for each branch but the last.
//
// A branch is begun at once, and whoever forked is what waits or is stolen: so
// blocks are multiplied in an order that a cache likes.
//
// SPDX-License-Identifier: MIT

#include <boost/fiber/all.hpp>
#include <vector>

#include "benchmark/benchmark.h"
#include "weft/bench/peers/boost_fiber/workers.h"
#include "weft/bench/peers/questions.h"
#include "weft/bench/runtime/matrix_product.h"

namespace weft::bench {
namespace {

void AddProduct(Block into, Block left, Block right, int size) {
  if (size == kKernelSize) {
    AddKernelProduct(into, left, right);
    return;
  }
  const int half = size / 2;
  for (int term = 0; term < 2; ++term) {
    auto quarter = [=](int down, int across) {
      AddProduct(into.Quarter(down, across, half),
                 left.Quarter(down, term, half),
                 right.Quarter(term, across, half), half);
    };
    auto fork = [&quarter](int down, int across) {
      return Spawn([=] { quarter(down, across); },
                   boost::fibers::launch::dispatch, kLargeStack);
    };
    boost::fibers::fiber others[] = {fork(0, 0), fork(0, 1), fork(1, 0)};
    quarter(1, 1);
    for (boost::fibers::fiber& other : others) other.join();
  }
}

void ForkMatrixProduct(benchmark::State& state) {
  constexpr int kCells = kMatrixSize * kMatrixSize;
  std::vector<int> left(kCells, 1);
  std::vector<int> right(kCells, 2);
  std::vector<int> product(kCells);
  for (auto _ : state) {
    product.assign(kCells, 0);
    RunOn(state.range(0), [&] {
      AddProduct({product.data()}, {left.data()}, {right.data()}, kMatrixSize);
    });
  }
  for (const int cell : product) {
    Must(cell == 2 * kMatrixSize, "a block was lost");
  }
}
BENCHMARK(ForkMatrixProduct)
    ->Name("runtime/fork_matmul2048/boost_fiber")
    ->Apply(OnWorkersForLong);

}  // namespace
}  // namespace weft::bench
