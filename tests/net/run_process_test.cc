// Tests of weft::net::RunProcess.
//
// SPDX-License-Identifier: MIT

#include "weft/net/run_process.h"

#include <signal.h>
#include <sys/wait.h>

#include <cerrno>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/runtime/deadline.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/cancel_everywhere.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/support/open_descriptors.h"
#include "weft/tests/support/prompt_children.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::net {
namespace {

using testing::OpenDescriptors;
using testing::PromptChildren;
using testing::Simulator;

ProcessOptions Shell(std::string script) {
  return ProcessOptions("sh", {"-c", std::move(script)});
}

bool HasChildren() {
  return ::waitpid(-1, nullptr, WNOHANG) != -1 || errno != ECHILD;
}

TEST(RunProcessTest, CollectsWhatItWritesAndHowItEnds) {
  Simulator sim;

  const auto ended =
      sim.Run(RunProcess(Shell("echo out; echo err >&2; exit 2")));

  ASSERT_TRUE(ended.ok()) << ended.status();
  EXPECT_EQ(ended->standard_output, "out\n");
  EXPECT_EQ(ended->standard_error, "err\n");
  EXPECT_EQ(ended->status.code(), 2);
}

TEST(RunProcessTest, FeedsMoreThanAPipeHolds) {
  Simulator sim;
  const std::string input(1'000'000, 'x');

  const auto ended =
      sim.Run(RunProcess(ProcessOptions("cat"), RunProcessOptions(input)));

  ASSERT_TRUE(ended.ok()) << ended.status();
  EXPECT_TRUE(ended->standard_output == input);
}

TEST(RunProcessTest, AProgramNeedNotReadItsInput) {
  Simulator sim;

  const auto ended = sim.Run(RunProcess(
      ProcessOptions("true"), RunProcessOptions(std::string(1'000'000, 'x'))));

  ASSERT_TRUE(ended.ok()) << ended.status();
  EXPECT_TRUE(ended->status.ok());
}

TEST(RunProcessTest, TooMuchOutputEndsTheProgram) {
  Simulator sim;
  RunProcessOptions little;
  little.most_output = 100'000;

  const auto ended =
      sim.Run(RunProcess(ProcessOptions("yes"), std::move(little)));

  EXPECT_EQ(ended.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_FALSE(HasChildren());
}

// The whole group is told, so that the sleep does not outlive the shell.
TEST(RunProcessTest, TheProgramMayWriteWhileItCleansUp) {
  PromptChildren system(/*end_at_once=*/false);
  Simulator sim({.system = &system});
  const testing::TemporaryDirectory folder;
  ProcessOptions options =
      Shell(absl::StrCat("trap 'echo bye; echo tidy > ", folder / "state",
                         "; exit 0' TERM; ", "echo ready; sleep 1000 & wait"));
  options.new_group = true;
  RunProcessOptions little;
  little.most_output = 3;

  const auto ended = sim.Run(RunProcess(std::move(options), std::move(little)));

  EXPECT_EQ(ended.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(folder.Read("state"), "tidy\n");
}

TEST(RunProcessTest, ADeadlineEndsTheProgramAndWaitsForIt) {
  PromptChildren system(/*end_at_once=*/false);
  Simulator sim({.system = &system});
  auto program = []() -> Task<absl::StatusOr<ProcessOutput>> {
    ProcessOptions sleep("sleep", {"1000"});
    co_return co_await WithTimeout(absl::Seconds(1),
                                   RunProcess(std::move(sleep)));
  };

  EXPECT_EQ(sim.Run(program()).status().code(),
            absl::StatusCode::kDeadlineExceeded);
  EXPECT_FALSE(HasChildren());
}

TEST(RunProcessTest, WhereverItIsCancelledNothingIsLeftBehind) {
  PromptChildren system(/*end_at_once=*/true);
  const int open_before = OpenDescriptors();
  int ended_well = 0;
  auto start = [] { return RunProcess(Shell("echo out; echo err >&2")); };
  auto check = [&](const absl::StatusOr<ProcessOutput>& ended,
                   const testing::Interrupted& at) {
    if (HasChildren()) return absl::InternalError("a child is left");
    if (ended.ok()) {
      ++ended_well;
      return ended->standard_output == "out\n" &&
                     ended->standard_error == "err\n"
                 ? absl::OkStatus()
                 : absl::InternalError("not all of its output");
    }
    if (at.undisturbed) return ended.status();
    return absl::IsCancelled(ended.status()) ? absl::OkStatus()
                                             : ended.status();
  };

  const absl::StatusOr<int> places =
      testing::CancelEverywhere({.seeds = 5, .system = &system}, start, check);

  EXPECT_TRUE(places.ok()) << places.status();
  EXPECT_GT(ended_well, 0);
  EXPECT_EQ(OpenDescriptors(), open_before);
}

}  // namespace
}  // namespace weft::net
