// Site: a place in the program that names a memory order, and how it is called
// in reports.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_EXPLORE_SITE_H_
#define WEFT_TESTS_EXPLORE_SITE_H_

#include <atomic>
#include <compare>
#include <source_location>
#include <string>

namespace weft::explore {

using Where = std::source_location;

enum class Operation { kLoad, kStore, kExchange, kSwap, kFailedSwap, kUpdate };

struct Site {
  std::string file;  // "runtime/internal/idle.h"
  unsigned line;
  std::string function;  // "Claim"
  Operation operation;
  std::memory_order order;

  auto operator<=>(const Site&) const = default;
};

// "runtime/internal/idle.h Claim: load seq_cst"
std::string Describe(const Site& site);
const char* NameOf(std::memory_order order);
const char* NameOf(Operation operation);

// "runtime/internal/idle.h": from the source root on.
std::string FileOf(const Where& where);
// Without its scope and its parameters.
std::string FunctionOf(const Where& where);

}  // namespace weft::explore

#endif  // WEFT_TESTS_EXPLORE_SITE_H_
