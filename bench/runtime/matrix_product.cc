// The kernel. On its own, so that it can be compiled for this very processor,
// whatever the rest is compiled for: all peers are, and what is compared is not
// the vectors of a compiler.
//
// SPDX-License-Identifier: MIT

#include "weft/bench/runtime/matrix_product.h"

namespace weft::bench {

void AddKernelProduct(Block into, Block left, Block right) {
  for (int row = 0; row < kKernelSize; ++row) {
    for (int inner = 0; inner < kKernelSize; ++inner) {
      const int factor = left.Row(row)[inner];
      for (int column = 0; column < kKernelSize; ++column) {
        into.Row(row)[column] += factor * right.Row(inner)[column];
      }
    }
  }
}

}  // namespace weft::bench
