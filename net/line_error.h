// What a reader says of a line without an end. (EndedEarly in stream.h is for
// what has a size.)
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_LINE_ERROR_H_
#define WEFT_NET_LINE_ERROR_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"

namespace weft::net {

// That the stream has ended after `got` bytes of a line: OUT_OF_RANGE before
// the first, DATA_LOSS after some.
absl::Status LineEndedEarly(std::uint64_t got);

// RESOURCE_EXHAUSTED: no end within so many bytes.
absl::Status LineTooLong(std::size_t limit);

}  // namespace weft::net

#endif  // WEFT_NET_LINE_ERROR_H_
