// How many descriptors this process has open: a test that leaks one sees more
// at its end than at its beginning.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_SUPPORT_OPEN_DESCRIPTORS_H_
#define WEFT_TESTS_SUPPORT_OPEN_DESCRIPTORS_H_

#include <filesystem>
#include <iterator>

namespace weft::testing {

inline int OpenDescriptors() {
  // The one that counts them is among them, every time.
  return static_cast<int>(
      std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

}  // namespace weft::testing

#endif  // WEFT_TESTS_SUPPORT_OPEN_DESCRIPTORS_H_
