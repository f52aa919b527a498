// MetSites: every place in the program that an exploration came by and that
// names an order above relaxed.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_EXPLORE_MET_SITES_H_
#define WEFT_TESTS_EXPLORE_MET_SITES_H_

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <utility>
#include <vector>

#include "weft/tests/explore/site.h"

namespace weft::explore {

class MetSites {
 public:
  void Add(Operation operation, std::memory_order order, const Where& where) {
    const Met met = {where.file_name(), where.line(), operation, order};
    const std::size_t hash = met.line * 8 + static_cast<unsigned>(operation);
    Met& known = lately_[hash % lately_.size()];
    if (known == met) return;
    known = met;
    Site site = {FileOf(where), where.line(), FunctionOf(where), operation,
                 order};
    if (std::find(sites_.begin(), sites_.end(), site) == sites_.end()) {
      sites_.push_back(std::move(site));
    }
  }

  // Each once, in their order.
  std::vector<Site> Sorted() const {
    std::vector<Site> sorted = sites_;
    std::sort(sorted.begin(), sorted.end());
    return sorted;
  }

 private:
  // As a site, but cheap to compare: of one that was met lately nobody makes
  // strings again.
  struct Met {
    const char* file = nullptr;
    unsigned line = 0;
    Operation operation{};
    std::memory_order order{};
    bool operator==(const Met&) const = default;
  };

  std::array<Met, 512> lately_;
  std::vector<Site> sites_;
};

}  // namespace weft::explore

#endif  // WEFT_TESTS_EXPLORE_MET_SITES_H_
