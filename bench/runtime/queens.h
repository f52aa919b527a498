// The work of fork_nqueens14: boards, and where the next queen may stand. Every
// runtime that is asked the question forks in its own way and asks the same
// board.
//
// A board is three sets of columns, one bit each: those that a queen above
// attacks straight down, and down to the left and the right as far as the next
// row. So a task's own work is a few instructions, and what is measured is the
// fork.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_BENCH_RUNTIME_QUEENS_H_
#define WEFT_BENCH_RUNTIME_QUEENS_H_

#include <cstdint>

namespace weft::bench {

inline constexpr int kQueens = 14;
inline constexpr std::int64_t kQueensSolutions = 365'596;
// Boards of up to fourteen queens that do not attack each other.
inline constexpr std::int64_t kQueensBoards = 27'358'553;

class Board {
 public:
  // A set of columns.
  using Columns = std::uint32_t;

  // Without a queen.
  Board() = default;

  bool full() const { return down_ == kAll; }

  // Where the next row's queen is not attacked.
  Columns Safe() const { return ~(down_ | left_ | right_) & kAll; }

  // With a queen there, in the next row. `column` is a set of one.
  Board With(Columns column) const {
    return Board(down_ | column, (left_ | column) << 1, (right_ | column) >> 1);
  }

 private:
  static constexpr Columns kAll = (Columns{1} << kQueens) - 1;

  Board(Columns down, Columns left, Columns right)
      : down_(down), left_(left), right_(right) {}

  Columns down_ = 0;
  Columns left_ = 0;
  Columns right_ = 0;
};

// Takes one column out of a set that is not empty.
inline Board::Columns TakeOne(Board::Columns& columns) {
  const Board::Columns lowest = columns & -columns;
  columns ^= lowest;
  return lowest;
}

}  // namespace weft::bench

#endif  // WEFT_BENCH_RUNTIME_QUEENS_H_
