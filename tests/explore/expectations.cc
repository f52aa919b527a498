// Explorations as gtest sees them.
//
// SPDX-License-Identifier: MIT

#include "weft/tests/explore/expectations.h"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace weft::explore {
namespace {

// The beginning and the end of what does not end.
std::string Shortened(const std::string& trace) {
  constexpr std::size_t kMost = 20'000;
  if (trace.size() <= 2 * kMost) return trace;
  return trace.substr(0, kMost) + "\n  ...\n" +
         trace.substr(trace.size() - kMost);
}

std::string Explain(const Report& report) {
  return absl::StrCat(report.what, "\nafter ", report.complete, " and ",
                      report.random, " executions:\n", Shortened(report.trace),
                      "again: WEFT_EXPLORE_TRAIL=", report.trail,
                      " and --gtest_filter of this test");
}

// What the environment asks for.
std::optional<std::int64_t> Number(const char* name) {
  const char* const text = std::getenv(name);
  std::int64_t number = 0;
  if (text == nullptr || !absl::SimpleAtoi(text, &number)) return std::nullopt;
  return number;
}

void Record(const std::string& what, double number) {
  ::testing::Test::RecordProperty(what, absl::StrCat(number));
}

// What an operation of that order might get by with.
std::vector<std::memory_order> Weaker(const Site& site) {
  using enum std::memory_order;
  const bool loads = site.operation == Operation::kLoad ||
                     site.operation == Operation::kFailedSwap;
  const bool stores = site.operation == Operation::kStore;
  switch (site.order) {
    case seq_cst:
      if (loads) return {acquire, relaxed};
      if (stores) return {release, relaxed};
      return {acq_rel, acquire, release};
    case acq_rel:
      return {acquire, release};
    case acquire:
    case consume:
    case release:
      return {relaxed};
    case relaxed:
      return {};
  }
  return {};
}

// What the table calls a place: where a function has several alike, they are
// numbered.
std::map<Site, std::string> NamesOf(const std::vector<Site>& sites) {
  std::map<std::string, int> count;
  std::map<Site, std::string> names;
  for (const Site& site : sites) {
    const std::string name = Describe(site);
    const int number = ++count[name];
    names[site] = number == 1 ? name : absl::StrCat(name, " ", number);
  }
  return names;
}

bool AnyFails(const std::vector<Exploration>& models, const Search& search) {
  return std::any_of(models.begin(), models.end(), [&](Exploration explore) {
    return explore(search).failed;
  });
}

}  // namespace

void ExpectHolds(Exploration explore, const Search& search) {
  Search asked = search;
  asked.random = Number("WEFT_EXPLORE_RANDOM").value_or(search.random);
  asked.seed = Number("WEFT_EXPLORE_SEED").value_or(search.seed);
  asked.preemptions = std::max(
      search.preemptions,
      static_cast<int>(Number("WEFT_EXPLORE_PREEMPTIONS").value_or(0)));
  const Report report = explore(asked);

  Record("complete", static_cast<double>(report.complete));
  Record("random", static_cast<double>(report.random));
  Record("executions_a_second",
         static_cast<double>(report.complete + report.random) / report.seconds);
  EXPECT_FALSE(report.failed) << Explain(report);
}

void ExpectFound(Bug bug, const std::vector<Exploration>& models,
                 const Search& search) {
  planted = bug;
  const bool found = AnyFails(models, search);
  planted = Bug::kNone;

  EXPECT_TRUE(found) << "no schedule shows the bug";
}

void ExpectEveryOrderIsNeeded(
    const std::vector<std::string_view>& files,
    const std::vector<Exploration>& models, const Search& search,
    const std::map<std::string, std::string>& survivors) {
  std::set<Site> met;
  for (const Exploration explore : models) {
    Search bounded = search;
    bounded.random = 0;
    const Report report = explore(bounded);
    EXPECT_FALSE(report.failed) << Explain(report);
    for (const Site& site : report.sites) {
      if (std::find(files.begin(), files.end(), site.file) != files.end()) {
        met.insert(site);
      }
    }
  }

  int killed = 0;
  std::set<std::string> survived;
  for (const auto& [site, name] : NamesOf({met.begin(), met.end()})) {
    for (const std::memory_order order : Weaker(site)) {
      Search weakened = search;
      weakened.weakened = Weakened{site, order};
      if (AnyFails(models, weakened)) {
        ++killed;
      } else {
        survived.insert(absl::StrCat(name, " -> ", NameOf(order)));
      }
    }
  }

  Record("orders_killed", killed);
  Record("orders_survived", static_cast<double>(survived.size()));
  for (const std::string& name : survived) {
    EXPECT_TRUE(survivors.contains(name)) << "nothing fails with " << name;
  }
  for (const auto& [name, reason] : survivors) {
    EXPECT_TRUE(survived.contains(name))
        << "is needed, or is not there: " << name << " (" << reason << ")";
  }
}

}  // namespace weft::explore
