// The work of fork_matmul: a product of square matrices, cut into blocks. Every
// runtime that is asked the question forks in its own way and ends in the same
// kernel.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_BENCH_RUNTIME_MATRIX_PRODUCT_H_
#define WEFT_BENCH_RUNTIME_MATRIX_PRODUCT_H_

#include <cstddef>

namespace weft::bench {

inline constexpr int kMatrixSize = 2048;
// Below it a product is computed and no longer cut.
inline constexpr int kKernelSize = 64;

// A block of a matrix that is kMatrixSize wide.
struct Block {
  int* first;

  int* Row(int row) const {
    return first + static_cast<std::ptrdiff_t>(row) * kMatrixSize;
  }
  // One of its four quarters; `half` is how many rows that one has.
  Block Quarter(int down, int right, int half) const {
    return {Row(down * half) + static_cast<std::ptrdiff_t>(right) * half};
  }
};

// into += left * right, for blocks of kKernelSize rows.
void AddKernelProduct(Block into, Block left, Block right);

}  // namespace weft::bench

#endif  // WEFT_BENCH_RUNTIME_MATRIX_PRODUCT_H_
