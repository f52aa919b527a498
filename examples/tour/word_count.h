// What the tour's service answers: how many words a text has. A word is what
// stands between white space, as wc(1) has it.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_EXAMPLES_TOUR_WORD_COUNT_H_
#define WEFT_EXAMPLES_TOUR_WORD_COUNT_H_

#include <cstdint>
#include <string_view>

namespace tour {

std::int64_t CountWords(std::string_view text);

}  // namespace tour

#endif  // WEFT_EXAMPLES_TOUR_WORD_COUNT_H_
