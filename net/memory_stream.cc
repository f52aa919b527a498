// Tying two pipes into a pair of streams.
//
// SPDX-License-Identifier: MIT

#include "weft/net/memory_stream.h"

namespace weft::net {

std::pair<MemoryStream, MemoryStream> MakeMemoryPipe(std::size_t capacity) {
  auto there = std::make_shared<BytePipe>(capacity);
  auto back = std::make_shared<BytePipe>(capacity);
  return {MemoryStream(back, there), MemoryStream(there, back)};
}

}  // namespace weft::net
