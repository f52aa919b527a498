// Whether this is a build with the address or the thread sanitizer. They keep
// shadows of memory, and what was freed; and open pipes of their own, to look
// whether an object is there before it is used.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_SUPPORT_SANITIZED_H_
#define WEFT_TESTS_SUPPORT_SANITIZED_H_

#include "absl/base/config.h"

namespace weft::testing {

#if defined(ABSL_HAVE_ADDRESS_SANITIZER) || defined(ABSL_HAVE_THREAD_SANITIZER)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

}  // namespace weft::testing

#endif  // WEFT_TESTS_SUPPORT_SANITIZED_H_
