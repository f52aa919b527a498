// Names for places, operations and orders.
//
// SPDX-License-Identifier: MIT

#include "weft/tests/explore/site.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "absl/strings/str_cat.h"

namespace weft::explore {

// "weft/" and what is before it says nothing.
std::string FileOf(const Where& where) {
  const std::string file = where.file_name();
  for (const char* const folder :
       {"/reactor/", "/runtime/", "/sync/", "/tests/"}) {
    const std::size_t begin = file.find(folder);
    if (begin != file.npos) return file.substr(begin + 1);
  }
  return file;
}

// From "bool weft::internal::Idle::Claim(int)": "Claim".
std::string FunctionOf(const Where& where) {
  std::string name = where.function_name();
  name.resize(std::min(name.size(), name.find('(')));
  return name.substr(name.find_last_of(": ") + 1);
}

const char* NameOf(std::memory_order order) {
  switch (order) {
    case std::memory_order_relaxed:
      return "relaxed";
    case std::memory_order_consume:
    case std::memory_order_acquire:
      return "acquire";
    case std::memory_order_release:
      return "release";
    case std::memory_order_acq_rel:
      return "acq_rel";
    case std::memory_order_seq_cst:
      return "seq_cst";
  }
  return "unknown";
}

const char* NameOf(Operation operation) {
  constexpr std::array<const char*, 6> kNames = {
      "load", "store", "exchange", "swap", "failed swap", "update"};
  return kNames[static_cast<std::size_t>(operation)];
}

std::string Describe(const Site& site) {
  return absl::StrCat(site.file, " ", site.function, ": ",
                      NameOf(site.operation), " ", NameOf(site.order));
}

}  // namespace weft::explore
