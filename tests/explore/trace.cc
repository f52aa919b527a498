// A line for each operation.
//
// SPDX-License-Identifier: MIT

#include "weft/tests/explore/trace.h"

#include "absl/strings/str_cat.h"

namespace weft::explore {

void Trace::Add(int thread, const char* operation, std::memory_order order,
                std::uint64_t value, const void* word, const Where& where,
                int age) {
  BeginLine(thread);
  absl::StrAppend(&text_, FunctionOf(where), ": ", operation, " ",
                  explore::NameOf(order), " ", NameOf(word), " = ");
  if (value < 1'000'000) {
    absl::StrAppend(&text_, value);
  } else {
    absl::StrAppend(&text_, "0x", absl::Hex(value));
  }
  if (age > 0) absl::StrAppend(&text_, " (older by ", age, ")");
  absl::StrAppend(&text_, "   ", FileOf(where), ":", where.line(), "\n");
}

void Trace::Note(int thread, const char* what, const void* thing) {
  BeginLine(thread);
  absl::StrAppend(&text_, what, " ", thing == nullptr ? "" : NameOf(thing),
                  "\n");
}

void Trace::BeginLine(int thread) {
  absl::StrAppend(&text_, std::string(2 + 2 * thread, ' '), thread, "  ");
}

std::string Trace::NameOf(const void* thing) {
  const int next = static_cast<int>(things_.size());
  return absl::StrCat("#", things_.emplace(thing, next).first->second);
}

}  // namespace weft::explore
