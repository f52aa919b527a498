// What a test expects of an exploration, and what it prints when it is not so.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_EXPLORE_EXPECTATIONS_H_
#define WEFT_TESTS_EXPLORE_EXPECTATIONS_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "planted.h"
#include "weft/tests/explore/explorer.h"

namespace weft::explore {

using Exploration = Report (*)(const Search& search);

// No schedule of the model fails.
void ExpectHolds(Exploration explore, const Search& search);
// Some schedule of one of the models does, with the bug turned on.
void ExpectFound(Bug bug, const std::vector<Exploration>& models,
                 const Search& search);
// The models fail once any one operation in `files` asks for less order than it
// does: each place, and each order that is a step weaker, by itself. Those that
// may be weaker all the same are named, with the reason.
void ExpectEveryOrderIsNeeded(
    const std::vector<std::string_view>& files,
    const std::vector<Exploration>& models, const Search& search,
    const std::map<std::string, std::string>& survivors);

template <typename M>
void ExpectHolds(const Search& search = {}) {
  ExpectHolds(Explore<M>, search);
}
template <typename... M>
void ExpectFound(Bug bug, const Search& search = {}) {
  ExpectFound(bug, {Explore<M>...}, search);
}
template <typename... M>
void ExpectEveryOrderIsNeeded(
    const std::vector<std::string_view>& files,
    const std::map<std::string, std::string>& survivors = {},
    const Search& search = {}) {
  ExpectEveryOrderIsNeeded(files, {Explore<M>...}, search, survivors);
}

}  // namespace weft::explore

#endif  // WEFT_TESTS_EXPLORE_EXPECTATIONS_H_
