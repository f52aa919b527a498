// A timeout that stops its work, a chain of calls, and the errors of a scope.
//
// Under virtual time; the output is in timeouts.out, and checked.
//
// SPDX-License-Identifier: MIT

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "weft/runtime/deadline.h"
#include "weft/runtime/error_group.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulator.h"

namespace {

using weft::OrReturn, weft::Scope, weft::Task;

// region: chain
// Each part needs the one before it; an error ends the whole chain.
Task<absl::StatusOr<std::string>> Fetch(int part, absl::Duration takes) {
  absl::PrintF("part %d asked for\n", part);
  co_await OrReturn(weft::SleepFor(takes));
  co_return absl::StrCat("result ", part);
}

Task<absl::StatusOr<std::string>> Chain(int first, absl::Duration takes) {
  std::string one = co_await OrReturn(Fetch(first, takes));
  std::string two = co_await OrReturn(Fetch(first + 1, takes));
  co_return absl::StrCat(one, " => ", two);
}
// endregion

void Print(const char* what, const absl::StatusOr<std::string>& result) {
  absl::PrintF("%s: %s\n", what,
               result.ok() ? *result : result.status().ToString());
}

// region: timeout
// The chain is cancelled where it waits: its second part is never asked for.
Task<> InTime() {
  absl::StatusOr<std::string> result =
      co_await WithTimeout(absl::Seconds(3), Chain(1, absl::Seconds(1)));
  Print("in time", result);
}
Task<> TooLate() {
  absl::StatusOr<std::string> result =
      co_await WithTimeout(absl::Seconds(3), Chain(5, absl::Seconds(10)));
  Print("too late", result);
}
// endregion

// region: scope
Task<absl::Status> Fail(std::string how, absl::Duration after) {
  const absl::Status slept = co_await weft::SleepFor(after);
  // Cancelled by the first error, it has an error of its own to tell.
  if (!slept.ok()) co_return absl::DataLossError("lost while it was stopped");
  co_return absl::UnavailableError(how);
}

Task<absl::Status> FailTogether() {
  co_return co_await weft::WithScope([](Scope& scope) -> Task<absl::Status> {
    scope.Spawn(Fail, "the first", absl::Seconds(1));
    scope.Spawn(Fail, "the second", absl::Seconds(2));
    co_return absl::OkStatus();
  });
}
// endregion

Task<> Report() {
  const absl::Status failed = co_await FailTogether();
  for (const absl::Status& each : weft::AllErrors(failed)) {
    absl::PrintF("the scope: %s\n", each.ToString());
  }
}

}  // namespace

int main() {
  weft::testing::Simulator sim;
  sim.Run(InTime()).IgnoreError();
  sim.Run(TooLate()).IgnoreError();
  sim.Run(Report()).IgnoreError();
}
