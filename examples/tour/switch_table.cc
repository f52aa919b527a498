// Calibrating, measuring and printing.
//
// SPDX-License-Identifier: MIT

#include "switch_table.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "weft/bench/switches/switches.h"

namespace tour {
namespace {

using std::chrono::duration;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using weft::bench::Switch;

constexpr int kRuns = 11;
constexpr milliseconds kRunTime{25};

double NanosecondsEach(const Switch& kind, std::int64_t count) {
  return duration<double, std::nano>(kind.run(count)).count() /
         static_cast<double>(count);
}

// How many take about kRunTime.
std::int64_t Calibrate(const Switch& kind) {
  std::int64_t count = 1'000;
  nanoseconds elapsed = kind.run(count);
  while (elapsed < kRunTime / 5) {
    count *= 4;
    elapsed = kind.run(count);
  }
  const double each =
      duration<double>(elapsed).count() / static_cast<double>(count);
  return static_cast<std::int64_t>(duration<double>(kRunTime).count() / each);
}

}  // namespace

void PrintSwitchTable() {
  const std::vector<Switch> kinds = weft::bench::AllSwitches();
  std::vector<std::int64_t> counts;
  counts.reserve(kinds.size());
  for (const Switch& kind : kinds) counts.push_back(Calibrate(kind));
  // Interleaved, so that a slow moment of the machine meets every kind.
  std::vector<std::vector<double>> results(kinds.size());
  for (int run = 0; run < kRuns; ++run) {
    for (std::size_t i = 0; i < kinds.size(); ++i) {
      results[i].push_back(NanosecondsEach(kinds[i], counts[i]));
    }
  }
  absl::PrintF("\n  What a switch costs, in nanoseconds (%d runs)\n\n", kRuns);
  absl::PrintF("    %-32s %10s   %s\n", "", "median", "middle half");
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    std::vector<double>& runs = results[i];
    std::sort(runs.begin(), runs.end());
    absl::PrintF("    %-32s %10.1f   %.1f to %.1f\n",
                 std::string(kinds[i].name), runs[kRuns / 2], runs[kRuns / 4],
                 runs[kRuns - 1 - kRuns / 4]);
  }
}

}  // namespace tour
