// The errors of line_error.h in words.
//
// SPDX-License-Identifier: MIT

#include "weft/net/line_error.h"

#include "absl/strings/str_cat.h"

namespace weft::net {

absl::Status LineEndedEarly(std::uint64_t got) {
  if (got == 0) {
    return absl::OutOfRangeError("the stream ended where a line was to begin");
  }
  return absl::DataLossError(absl::StrCat("the stream ended after ", got,
                                          " bytes of a line without an end"));
}

absl::Status LineTooLong(std::size_t limit) {
  return absl::ResourceExhaustedError(
      absl::StrCat("no end of the line within ", limit, " bytes"));
}

}  // namespace weft::net
