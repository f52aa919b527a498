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
#include "weft/runtime/sleep.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/cancel_everywhere.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/net/child_programs.h"
#include "weft/tests/support/open_descriptors.h"
#include "weft/tests/support/prompt_children.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::net {
namespace {

using testing::OpenDescriptors;
using testing::PromptChildren;
using testing::Simulator;
using tests::Shell;

bool HasChildren() {
  return ::waitpid(-1, nullptr, WNOHANG) != -1 || errno != ECHILD;
}

// Neither running nor a zombie: the reactor has reaped it.
void AwaitReaped(Simulator& sim, pid_t process) {
  auto until_gone = [process]() -> Task<absl::Status> {
    while (::kill(process, 0) == 0) {
      co_await OrReturn(SleepFor(absl::Milliseconds(1)));
    }
    co_return absl::OkStatus();
  };
  EXPECT_EQ(sim.Run(until_gone()), absl::OkStatus());
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

TEST(RunProcessTest, OrWhatItWritesToEitherInOneText) {
  Simulator sim;
  ProcessOptions options = Shell("echo out; echo err >&2; echo out again");
  options.standard_error = Redirect::ToStandardOutput();

  const auto ended = sim.Run(RunProcess(std::move(options)));

  ASSERT_TRUE(ended.ok()) << ended.status();
  EXPECT_EQ(ended->standard_output, "out\nerr\nout again\n");
  EXPECT_EQ(ended->standard_error, "");
}

// --- Of a process that somebody has started ---------------------------------

TEST(CollectOutputTest, FeedsAndReadsThePipesThatThereAre) {
  Simulator sim;
  auto program = []() -> Task<absl::StatusOr<ProcessOutput>> {
    ProcessOptions options = Shell("cat; echo lost >&2; exit 4");
    options.standard_input = Redirect::Pipe();
    options.standard_output = Redirect::Pipe();
    options.standard_error = Redirect::Null();
    Process process = co_await OrReturn(Process::Spawn(std::move(options)));
    absl::StatusOr<ProcessOutput> output =
        co_await CollectOutput(process, "fed");
    EXPECT_FALSE(process.has_stdin() || process.has_stdout());
    EXPECT_TRUE(process.has_ended());
    co_return output;
  };

  const auto ended = sim.Run(program());

  ASSERT_TRUE(ended.ok()) << ended.status();
  EXPECT_EQ(ended->standard_output, "fed");
  EXPECT_EQ(ended->standard_error, "");
  EXPECT_EQ(ended->status.code(), 4);
}

TEST(CollectOutputTest, AProgramThatWritesTooMuchRunsOn) {
  Simulator sim;
  auto program = []() -> Task<absl::Status> {
    ProcessOptions options = Shell("echo too much; exec sleep 1000");
    options.standard_output = Redirect::Pipe();
    Process process = co_await OrReturn(Process::Spawn(std::move(options)));
    const absl::StatusOr<ProcessOutput> output =
        co_await CollectOutput(process, "", /*most=*/3);
    EXPECT_EQ(::kill(process.pid(), 0), 0);
    EXPECT_FALSE(process.has_ended());
    co_return output.status();
  };

  EXPECT_EQ(sim.Run(program()).code(), absl::StatusCode::kResourceExhausted);
}

// --- From start to end ------------------------------------------------------

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

// The whole group is told, so that the sleep does not outlive the shell. It is
// the one to say "ready": what begins behind the signal is not told.
TEST(RunProcessTest, TheProgramMayWriteWhileItCleansUp) {
  PromptChildren system(/*end_at_once=*/false);
  Simulator sim({.system = &system});
  const testing::TemporaryDirectory folder;
  ProcessOptions options = Shell(absl::StrCat(
      "trap 'echo bye; echo tidy > ", folder / "state", "; exit 0' TERM; ",
      "sh -c 'echo ready; exec sleep 1000' & wait"));
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

// A system that does not let us signal our children.
class NotOurs final : public PromptChildren {
 public:
  NotOurs() : PromptChildren(/*end_at_once=*/false) {}

  int kill(pid_t, int) override {
    errno = EPERM;
    return -1;
  }
};

TEST(RunProcessTest, SaysThatTheProgramRunsOnWhereItMayNotBeSignalled) {
  NotOurs system;
  Simulator sim({.system = &system});
  auto program = []() -> Task<absl::StatusOr<ProcessOutput>> {
    RunProcessOptions little;
    little.most_output = 3;
    ProcessOptions options = Shell("echo ready; exec sleep 1000");
    co_return co_await RunProcess(std::move(options), std::move(little));
  };

  const auto ended = sim.Run(program());

  EXPECT_EQ(ended.status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_TRUE(HasChildren());
  ::kill(system.last(), SIGKILL);
  AwaitReaped(sim, system.last());
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
