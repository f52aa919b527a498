// Numbers: text in which a piece that is lost, doubled or displaced is noticed.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_FS_NUMBERS_H_
#define WEFT_TESTS_FS_NUMBERS_H_

#include <cstddef>
#include <string>

#include "absl/strings/str_cat.h"

namespace weft::fs {

inline std::string Numbers(std::size_t size) {
  std::string text;
  for (int i = 0; text.size() < size; ++i) absl::StrAppend(&text, i, " ");
  text.resize(size);
  return text;
}

}  // namespace weft::fs

#endif  // WEFT_TESTS_FS_NUMBERS_H_
