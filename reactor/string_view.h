// The standard's string_view as Abseil's: Debian's Abseil of 2022 has one of
// its own, newer ones an alias.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_REACTOR_STRING_VIEW_H_
#define WEFT_REACTOR_STRING_VIEW_H_

#include <string_view>

#include "absl/strings/string_view.h"

namespace weft::reactor {

// For what Abseil takes: StrCat, Cord, the payload of a Status.
inline absl::string_view ToAbseil(std::string_view text) noexcept {
  return absl::string_view(text.data(), text.size());
}

}  // namespace weft::reactor

#endif  // WEFT_REACTOR_STRING_VIEW_H_
