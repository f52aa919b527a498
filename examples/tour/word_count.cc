// Counting where a word begins.
//
// SPDX-License-Identifier: MIT

#include "word_count.h"

#include "absl/strings/ascii.h"

namespace tour {

std::int64_t CountWords(std::string_view text) {
  std::int64_t words = 0;
  bool in_word = false;
  for (const char c : text) {
    const bool is_space = absl::ascii_isspace(static_cast<unsigned char>(c));
    words += !is_space && !in_word;
    in_word = !is_space;
  }
  return words;
}

}  // namespace tour
