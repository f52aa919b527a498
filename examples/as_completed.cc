// Three downloads of different length, shown as they come in; and the same
// where the first is enough.
//
// Under virtual time; the output is in as_completed.out, and checked.
//
// SPDX-License-Identifier: MIT

#include "weft/sync/as_completed.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulator.h"

namespace {

using weft::OrReturn, weft::Task;
using Page = absl::StatusOr<std::string>;
using Pages = weft::sync::Completions<Page>;

Task<Page> Download(std::string name, absl::Duration takes) {
  const absl::Status slept = co_await weft::SleepFor(takes);
  if (!slept.ok()) absl::PrintF("(%s was not needed)\n", name);
  co_await OrReturn(slept);
  co_return name;
}

std::vector<Task<Page>> Downloads() {
  std::vector<Task<Page>> downloads;
  downloads.push_back(Download("a long page", absl::Seconds(3)));
  downloads.push_back(Download("a short one", absl::Seconds(1)));
  downloads.push_back(Download("one between", absl::Seconds(2)));
  return downloads;
}

// region: all
Task<absl::Status> ShowAll() {
  auto show = [](Pages& pages) -> Task<absl::Status> {
    while (auto page = co_await OrReturn(pages.Next())) {
      std::string name = co_await OrReturn(std::move(page->result));
      absl::PrintF("%d: %s\n", page->index, name);
    }
    co_return absl::OkStatus();
  };
  co_return co_await weft::sync::AsCompleted(Downloads(), show);
}
// endregion

// Leaving the body cancels those that still run, and waits for them.
Task<absl::Status> ShowFirst() {
  auto show = [](Pages& pages) -> Task<absl::Status> {
    auto page = co_await OrReturn(pages.Next());
    absl::PrintF("the first is %d\n", page->index);
    co_return absl::OkStatus();
  };
  co_return co_await weft::sync::AsCompleted(Downloads(), show);
}

}  // namespace

int main() {
  weft::testing::Simulator sim;
  absl::PrintF("all: %s\n", sim.Run(ShowAll()).ToString());
  absl::PrintF("one: %s\n", sim.Run(ShowFirst()).ToString());
}
