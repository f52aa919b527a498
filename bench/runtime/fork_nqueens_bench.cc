// What does a fork of as many tasks as there happen to be cost?
//
// Arg 0: workers.
//
// In how many ways can fourteen queens stand on a board without attacking each
// other? A task is one board; it forks a task for each square of the next row
// that is not attacked, up to fourteen. So the number of branches is known only
// when it forks, and the work of a task is a few comparisons.
//
// SPDX-License-Identifier: MIT

#include <array>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "absl/base/internal/raw_logging.h"
#include "benchmark/benchmark.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/task.h"
#include "weft/runtime/when_all.h"

namespace weft::bench {
namespace {

constexpr int kQueens = 14;
constexpr std::int64_t kSolutions = 365'596;
// Boards of up to fourteen queens that do not attack each other.
constexpr std::int64_t kBoards = 27'358'553;

// The column of the queen in each row.
using Board = std::array<signed char, kQueens>;

bool IsAttacked(const Board& board, int row, int column) {
  for (int above = 0; above < row; ++above) {
    const int aside = board[above] - column;
    if (aside == 0 || aside == row - above || aside == above - row) return true;
  }
  return false;
}

// The columns where the queen of that row is not attacked, and how many.
int SafeColumns(const Board& board, int row, Board& columns) {
  int safe = 0;
  for (int column = 0; column < kQueens; ++column) {
    if (IsAttacked(board, row, column)) continue;
    columns[safe++] = static_cast<signed char>(column);
  }
  return safe;
}

Task<std::int64_t> Solutions(Board board, int row) {
  if (row == kQueens) co_return 1;
  Board columns;
  const int safe = SafeColumns(board, row, columns);
  if (safe == 0) co_return 0;
  std::vector<Task<std::int64_t>> boards;
  boards.reserve(safe);
  for (int i = 0; i < safe; ++i) {
    board[row] = columns[i];
    boards.push_back(Solutions(board, row + 1));
  }
  std::vector<std::int64_t> solutions = co_await WhenAll(std::move(boards));
  co_return std::accumulate(solutions.begin(), solutions.end(),
                            std::int64_t{0});
}

void WeftQueens(benchmark::State& state) {
  Runtime runtime({.workers = static_cast<int>(state.range(0))});
  for (auto _ : state) {
    const std::int64_t found = runtime.BlockOn(Solutions({}, 0)).value();
    ABSL_RAW_CHECK(found == kSolutions, "a board was lost");
  }
  state.SetItemsProcessed(state.iterations() * kBoards);
}
BENCHMARK(WeftQueens)
    ->Name("runtime/fork_nqueens14/weft")
    ->Arg(1)
    ->Arg(2)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

}  // namespace
}  // namespace weft::bench
