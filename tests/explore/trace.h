// Trace: the account of one execution, a line an operation, for people.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_EXPLORE_TRACE_H_
#define WEFT_TESTS_EXPLORE_TRACE_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <string>

#include "weft/tests/explore/site.h"

namespace weft::explore {

class Trace {
 public:
  // `thread` has read, written or failed to swap the atomic at `word`; `age`:
  // how many stores the value that it read is behind.
  void Add(int thread, const char* operation, std::memory_order order,
           std::uint64_t value, const void* word, const Where& where,
           int age = 0);
  // `thing` may be null.
  void Note(int thread, const char* what, const void* thing);

  const std::string& text() const { return text_; }

 private:
  void BeginLine(int thread);
  // "#2": by the order in which they are met, since addresses change.
  std::string NameOf(const void* thing);

  std::string text_;
  std::map<const void*, int> things_;
};

}  // namespace weft::explore

#endif  // WEFT_TESTS_EXPLORE_TRACE_H_
