// What does a fork of as many tasks as there happen to be cost?
//
// Arg 0: workers.
//
// In how many ways can fourteen queens stand on a board without attacking each
// other? A task is one board; it forks a task for each square of the next row
// that is not attacked, up to fourteen. So the number of branches is known only
// when it forks. The floor is the same search by plain calls, which is what the
// boards themselves cost.
//
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <utility>

#include "absl/base/internal/raw_logging.h"
#include "absl/container/inlined_vector.h"
#include "benchmark/benchmark.h"
#include "weft/bench/runtime/queens.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/task.h"
#include "weft/runtime/when_all.h"

namespace weft::bench {
namespace {

// --- weft -------------------------------------------------------------------

Task<std::int64_t> Solutions(Board board) {
  if (board.full()) co_return 1;
  Board::Columns safe = board.Safe();
  if (safe == 0) co_return 0;
  absl::InlinedVector<Task<std::int64_t>, kQueens> boards;
  while (safe != 0) boards.push_back(Solutions(board.With(TakeOne(safe))));
  std::int64_t solutions = 0;
  auto add = [&solutions](std::int64_t found) { solutions += found; };
  co_await WhenAll(std::move(boards), add);
  co_return solutions;
}

void WeftQueens(benchmark::State& state) {
  Runtime runtime({.workers = static_cast<int>(state.range(0))});
  for (auto _ : state) {
    const std::int64_t found = runtime.BlockOn(Solutions(Board())).value();
    ABSL_RAW_CHECK(found == kQueensSolutions, "a board was lost");
  }
  state.SetItemsProcessed(state.iterations() * kQueensBoards);
}
BENCHMARK(WeftQueens)
    ->Name("runtime/fork_nqueens14/weft")
    ->Arg(1)
    ->Arg(2)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

// --- floor ------------------------------------------------------------------

std::int64_t PlainSolutions(Board board) {
  if (board.full()) return 1;
  std::int64_t solutions = 0;
  for (Board::Columns safe = board.Safe(); safe != 0;) {
    solutions += PlainSolutions(board.With(TakeOne(safe)));
  }
  return solutions;
}

void FloorQueens(benchmark::State& state) {
  for (auto _ : state) {
    const std::int64_t found = PlainSolutions(Board());
    ABSL_RAW_CHECK(found == kQueensSolutions, "a board was lost");
  }
  state.SetItemsProcessed(state.iterations() * kQueensBoards);
}
BENCHMARK(FloorQueens)
    ->Name("runtime/fork_nqueens14/floor")
    ->Arg(1)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

}  // namespace
}  // namespace weft::bench
