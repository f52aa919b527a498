// The four forks, by oneTBB: a tbb::task_group for each.
//
// As its manual has it: the last branch is a plain call by whoever forks, where
// it is known which one is the last, so of two branches only one becomes a task
// of the library. A thread that waits for its group runs other tasks meanwhile,
// on top of its stack.
//
// SPDX-License-Identifier: MIT

#include <tbb/global_control.h>
#include <tbb/task_arena.h>
#include <tbb/task_group.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

#include "benchmark/benchmark.h"
#include "weft/bench/peers/questions.h"
#include "weft/bench/runtime/matrix_product.h"
#include "weft/bench/runtime/queens.h"

namespace weft::bench {
namespace {

// As many threads as the row has workers, ours among them.
class Workers {
 public:
  explicit Workers(const benchmark::State& state)
      : limit_(tbb::global_control::max_allowed_parallelism,
               static_cast<std::size_t>(state.range(0))),
        arena_(static_cast<int>(state.range(0))) {}

  template <typename Work>
  auto Run(Work work) {
    return arena_.execute(work);
  }

 private:
  tbb::global_control limit_;
  tbb::task_arena arena_;
};

// --- fork_fib37 -------------------------------------------------------------

std::int64_t Fib(int number) {
  if (number < 2) return number;
  std::int64_t one = 0;
  tbb::task_group group;
  group.run([&one, number] { one = Fib(number - 1); });
  const std::int64_t two = Fib(number - 2);
  group.wait();
  return one + two;
}

void ForkFib(benchmark::State& state) {
  Workers workers(state);
  for (auto _ : state) {
    const std::int64_t result = workers.Run([] { return Fib(kFibNumber); });
    Must(result == kFibResult, "a fork lost a branch");
  }
  state.SetItemsProcessed(state.iterations() * kFibCalls);
}
BENCHMARK(ForkFib)->Name("runtime/fork_fib37/onetbb")->Apply(OnWorkersForLong);

// --- fork_skynet ------------------------------------------------------------

std::int64_t Skynet(std::int64_t first, std::int64_t leaves) {
  if (leaves == 1) return first;
  const std::int64_t each = leaves / 10;
  std::array<std::int64_t, 10> sums;
  tbb::task_group group;
  for (int way = 0; way < 9; ++way) {
    group.run([&sum = sums[way], first = first + way * each, each] {
      sum = Skynet(first, each);
    });
  }
  sums[9] = Skynet(first + 9 * each, each);
  group.wait();
  return std::accumulate(sums.begin(), sums.end(), std::int64_t{0});
}

void ForkSkynet(benchmark::State& state) {
  Workers workers(state);
  for (auto _ : state) {
    const std::int64_t sum =
        workers.Run([] { return Skynet(0, kSkynetLeaves); });
    Must(sum == kSkynetSum, "a leaf was lost");
  }
  state.SetItemsProcessed(state.iterations() * kSkynetTasks);
}
BENCHMARK(ForkSkynet)
    ->Name("runtime/fork_skynet/onetbb")
    ->Apply(OnWorkersForLong);

// --- fork_nqueens14 ---------------------------------------------------------

std::int64_t Solutions(Board board) {
  if (board.full()) return 1;
  Board::Columns safe = board.Safe();
  if (safe == 0) return 0;
  std::array<std::int64_t, kQueens> solutions{};
  tbb::task_group group;
  for (int i = 0; safe != 0; ++i) {
    group.run([&found = solutions[i], next = board.With(TakeOne(safe))] {
      found = Solutions(next);
    });
  }
  group.wait();
  return std::accumulate(solutions.begin(), solutions.end(), std::int64_t{0});
}

void ForkQueens(benchmark::State& state) {
  Workers workers(state);
  for (auto _ : state) {
    const std::int64_t found = workers.Run([] { return Solutions(Board()); });
    Must(found == kQueensSolutions, "a board was lost");
  }
  state.SetItemsProcessed(state.iterations() * kQueensBoards);
}
BENCHMARK(ForkQueens)
    ->Name("runtime/fork_nqueens14/onetbb")
    ->Apply(OnWorkersForLong);

// --- fork_matmul2048 --------------------------------------------------------

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
    tbb::task_group group;
    group.run([=] { quarter(0, 0); });
    group.run([=] { quarter(0, 1); });
    group.run([=] { quarter(1, 0); });
    quarter(1, 1);
    group.wait();
  }
}

void ForkMatrixProduct(benchmark::State& state) {
  constexpr int kCells = kMatrixSize * kMatrixSize;
  Workers workers(state);
  std::vector<int> left(kCells, 1);
  std::vector<int> right(kCells, 2);
  std::vector<int> product(kCells);
  for (auto _ : state) {
    product.assign(kCells, 0);
    workers.Run([&] {
      AddProduct({product.data()}, {left.data()}, {right.data()}, kMatrixSize);
    });
  }
  for (const int cell : product) {
    Must(cell == 2 * kMatrixSize, "a block was lost");
  }
}
BENCHMARK(ForkMatrixProduct)
    ->Name("runtime/fork_matmul2048/onetbb")
    ->Apply(OnWorkersForLong);

}  // namespace
}  // namespace weft::bench
