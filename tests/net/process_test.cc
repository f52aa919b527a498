// Tests of weft::net::Process, with programs that every system has.
//
// SPDX-License-Identifier: MIT

#include "weft/net/process.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/signal_mask.h"
#include "weft/runtime/deadline.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/shield.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/cancel_everywhere.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/runtime/when_all.h"
#include "weft/tests/net/child_programs.h"
#include "weft/tests/net/without_stream.h"
#include "weft/tests/support/open_descriptors.h"
#include "weft/tests/support/prompt_children.h"
#include "weft/tests/support/temporary_directory.h"

extern "C" char** environ;  // environ(7): declared by nobody.

namespace weft::net {
namespace {

using ::testing::HasSubstr;
using testing::OpenDescriptors;
using testing::PromptChildren;
using testing::Simulator;
using testing::TemporaryDirectory;
using tests::OutputOf;
using tests::ReadAll;
using tests::RunIt;
using tests::Shell;
using tests::SleepForEver;
using tests::WithoutStream;

// Neither running nor a zombie. The reactor reaps, in its own time.
Task<absl::Status> UntilGone(pid_t process) {
  while (::kill(process, 0) == 0) {
    co_await OrReturn(SleepFor(absl::Milliseconds(1)));
  }
  co_return absl::OkStatus();
}

TEST(ProcessTest, TellsHowItHasEnded) {
  Simulator sim;

  const auto good = sim.Run(RunIt(Shell("exit 0")));
  const auto bad = sim.Run(RunIt(Shell("exit 3")));
  const auto killed = sim.Run(RunIt(Shell("kill -9 $$")));

  ASSERT_TRUE(good.ok() && bad.ok() && killed.ok()) << good.status();
  EXPECT_TRUE(good->ok());
  EXPECT_EQ(bad->code(), 3);
  EXPECT_EQ(bad->ToString(), "exit code 3");
  EXPECT_EQ(killed->signal(), SIGKILL);
  EXPECT_EQ(killed->code(), std::nullopt);
  EXPECT_EQ(killed->ToString(), "signal 9");
}

TEST(ProcessTest, AllWhoWaitGetTheSameAnswer) {
  Simulator sim;
  auto program = []() -> Task<absl::Status> {
    Process process = co_await OrReturn(Process::Spawn(Shell("exit 5")));
    auto both = co_await WhenAll(process.Wait(), process.Wait());
    EXPECT_EQ(std::get<0>(both)->code(), 5);
    EXPECT_EQ(std::get<1>(both)->code(), 5);
    ExitStatus again = co_await OrReturn(process.Wait());
    EXPECT_EQ(again.code(), 5);
    EXPECT_TRUE(process.has_ended());
    co_return absl::OkStatus();
  };

  EXPECT_TRUE(sim.Run(program()).ok());
}

TEST(ProcessTest, TryWaitTellsHowItHasEndedAndNothingBefore) {
  Simulator sim;
  auto program = []() -> Task<absl::Status> {
    Process process = co_await OrReturn(Process::Spawn(SleepForEver()));
    EXPECT_FALSE(process.TryWait().has_value());
    EXPECT_EQ(process.Kill(), absl::OkStatus());
    while (!process.TryWait().has_value()) {
      co_await OrReturn(SleepFor(absl::Milliseconds(1)));
    }
    const absl::StatusOr<ExitStatus> ended = *process.TryWait();
    const ExitStatus waited = co_await OrReturn(process.Wait());
    EXPECT_EQ(ended->signal(), SIGKILL);
    EXPECT_EQ(*ended, waited);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(sim.Run(program()), absl::OkStatus());
}

// As a library may that waits for any child.
TEST(ProcessTest, SoItDoesWhereSomebodyElseHasWaitedForIt) {
  Simulator sim;
  auto program = []() -> Task<absl::Status> {
    Process process = co_await OrReturn(Process::Spawn(SleepForEver()));
    EXPECT_EQ(::kill(process.pid(), SIGKILL), 0);
    EXPECT_EQ(::waitpid(process.pid(), nullptr, 0), process.pid());
    while (!process.TryWait().has_value()) {
      co_await OrReturn(SleepFor(absl::Milliseconds(1)));
    }
    co_return process.TryWait()->status();
  };

  EXPECT_EQ(sim.Run(program()).code(), absl::StatusCode::kFailedPrecondition);
}

TEST(ProcessTest, ItsPipesLeadHere) {
  Simulator sim;
  auto program = []() -> Task<absl::StatusOr<std::string>> {
    ProcessOptions cat("cat");
    cat.standard_input = Redirect::Pipe();
    cat.standard_output = Redirect::Pipe();
    Process process = co_await OrReturn(Process::Spawn(std::move(cat)));
    PipeWriter input = process.TakeStdin();
    std::string_view text = "through another program";
    co_await OrReturn(input.WriteAll(std::as_bytes(std::span(text))));
    input.Close();
    co_return co_await ReadAll(process.TakeStdout());
  };

  EXPECT_EQ(*sim.Run(program()), "through another program");
}

TEST(ProcessTest, StandardErrorIsAStreamOfItsOwn) {
  Simulator sim;
  auto program = []() -> Task<absl::StatusOr<std::string>> {
    ProcessOptions options = Shell("echo lost; echo kept >&2");
    options.standard_output = Redirect::Null();
    options.standard_error = Redirect::Pipe();
    Process process = co_await OrReturn(Process::Spawn(std::move(options)));
    co_return co_await ReadAll(process.TakeStderr());
  };

  EXPECT_EQ(*sim.Run(program()), "kept\n");
}

TEST(ProcessTest, SaysWhichOfItsPipesAreThereToTake) {
  Simulator sim;
  auto program = []() -> Task<absl::Status> {
    ProcessOptions options = Shell("exit 0");
    options.standard_input = Redirect::Pipe();
    options.standard_error = Redirect::Pipe();
    Process process = co_await OrReturn(Process::Spawn(std::move(options)));
    EXPECT_TRUE(process.has_stdin());
    EXPECT_FALSE(process.has_stdout());
    EXPECT_TRUE(process.has_stderr());

    process.TakeStdin();
    process.TakeStderr();

    EXPECT_FALSE(process.has_stdin());
    EXPECT_FALSE(process.has_stderr());
    co_return absl::OkStatus();
  };

  EXPECT_EQ(sim.Run(program()), absl::OkStatus());
}

TEST(ProcessTest, NullHasNothingToRead) {
  Simulator sim;
  ProcessOptions cat("cat");
  cat.standard_input = Redirect::Null();

  EXPECT_EQ(*sim.Run(OutputOf(std::move(cat))), "");
}

TEST(ProcessTest, AStreamMayLeadToADescriptor) {
  Simulator sim;
  const TemporaryDirectory folder;
  ProcessOptions echo = Shell("echo woven");
  echo.standard_output = Redirect::To(reactor::Fd(
      ::open((folder / "out").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)));

  EXPECT_TRUE(sim.Run(RunIt(std::move(echo)))->ok());
  EXPECT_EQ(folder.Read("out"), "woven\n");
}

TEST(ProcessTest, ItsEnvironmentIsOursWithChanges) {
  Simulator sim;
  ::setenv("WEFT_TEST_OURS", "ours", 1);
  ::setenv("WEFT_TEST_GONE", "gone", 1);
  ProcessOptions options =
      Shell("echo $WEFT_TEST_OURS/$WEFT_TEST_GONE/$WEFT_TEST_NEW");
  options.environment = {{"WEFT_TEST_GONE", std::nullopt},
                         {"WEFT_TEST_NEW", "new"}};

  EXPECT_EQ(*sim.Run(OutputOf(std::move(options))), "ours//new\n");
}

TEST(ProcessTest, OrOnlyWhatItIsGiven) {
  Simulator sim;
  ProcessOptions options("env");
  options.inherit_environment = false;
  options.environment = {{"ONLY", "this"}};

  EXPECT_EQ(*sim.Run(OutputOf(std::move(options))), "ONLY=this\n");
}

TEST(ProcessTest, StartsWhereTheEnvironmentIsGone) {
  Simulator sim;
  char** const ours = std::exchange(environ, nullptr);  // As clearenv(3) does.
  ProcessOptions options("/usr/bin/env");
  options.environment = {{"ONLY", "this"}};

  const absl::StatusOr<std::string> output =
      sim.Run(OutputOf(std::move(options)));
  environ = ours;

  EXPECT_EQ(output.value(), "ONLY=this\n");
}

TEST(ProcessTest, WorksInItsFolder) {
  Simulator sim;
  const TemporaryDirectory folder;
  folder.Write("here", "found");
  ProcessOptions cat("cat", {"here"});
  cat.folder = folder.path();

  EXPECT_EQ(*sim.Run(OutputOf(std::move(cat))), "found");
}

TEST(ProcessTest, WhatCannotBeStartedIsNamed) {
  Simulator sim;
  ProcessOptions nowhere = Shell("true");
  nowhere.folder = "/no/such/folder";

  const auto program = sim.Run(RunIt(ProcessOptions("no-such-program")));
  const auto folder = sim.Run(RunIt(std::move(nowhere)));
  const auto text = sim.Run(RunIt(Shell(std::string("a\0b", 3))));

  EXPECT_EQ(program.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(program.status().message(), HasSubstr("\"no-such-program\""));
  EXPECT_EQ(folder.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(folder.status().message(), HasSubstr("\"/no/such/folder\""));
  EXPECT_EQ(text.status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(ProcessTest, AFolderWithAZeroByteIsRefused) {
  Simulator sim;
  ProcessOptions options = Shell("true");
  options.folder = std::string("/\0nowhere", 9);

  EXPECT_EQ(sim.Run(RunIt(std::move(options))).status().code(),
            absl::StatusCode::kInvalidArgument);
}

// "A=B" would be the variable A.
TEST(ProcessTest, SoIsANameThatNoVariableCanHave) {
  Simulator sim;
  for (const std::string name : {"", "A=B", "="}) {
    ProcessOptions options("env");
    options.environment = {{name, "value"}};

    const auto status = sim.Run(RunIt(std::move(options))).status();

    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << name;
    EXPECT_THAT(status.message(), HasSubstr("start(\"env\")"));
    EXPECT_THAT(status.message(), HasSubstr("\"" + name + "\""));
  }
}

TEST(ProcessTest, SoIsAStreamThatLeadsToAnEmptyDescriptor) {
  Simulator sim;
  ProcessOptions options("cat");
  options.standard_output = Redirect::To(reactor::Fd());

  const auto status = sim.Run(RunIt(std::move(options))).status();

  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("start(\"cat\")"));
  EXPECT_THAT(status.message(), HasSubstr("standard output"));
}

TEST(ProcessTest, InheritsNoDescriptorOfOurs) {
  Simulator sim;
  constexpr int kLeftOpen = 77;
  ASSERT_EQ(::dup2(STDERR_FILENO, kLeftOpen), kLeftOpen);

  const auto missing = sim.Run(OutputOf(
      Shell("test -e /proc/$$/fd/2 && ! test -e /proc/$$/fd/77 && echo none")));

  ::close(kLeftOpen);
  EXPECT_EQ(*missing, "none\n");
}

TEST(ProcessTest, AndNoPipeOfOursInPlaceOfAStreamThatIsClosed) {
  Simulator sim;
  ProcessOptions options = Shell("test -e /proc/$$/fd/2 || echo none");
  options.standard_input = Redirect::Pipe();

  const auto missing = [&] {
    const WithoutStream output(STDOUT_FILENO);
    const WithoutStream error(STDERR_FILENO);
    return sim.Run(OutputOf(std::move(options)));
  }();

  EXPECT_EQ(*missing, "none\n");
}

TEST(ProcessTest, BlocksAndIgnoresNoSignalOfOurs) {
  Simulator sim;
  const auto blocked = reactor::BlockedSignals::Create({SIGUSR1});
  const auto before = ::signal(SIGUSR2, SIG_IGN);

  const auto first = sim.Run(RunIt(Shell("kill -USR1 $$")));
  const auto second = sim.Run(RunIt(Shell("kill -USR2 $$")));

  ::signal(SIGUSR2, before);
  EXPECT_EQ(first->signal(), SIGUSR1);
  EXPECT_EQ(second->signal(), SIGUSR2);
}

// Not even where the simulation ends before the child that it kills has.
TEST(ProcessTest, NothingOfItStaysBehind) {
  auto drop = []() -> Task<absl::Status> {
    Process process = co_await OrReturn(Process::Spawn(SleepForEver()));
    co_return absl::OkStatus();
  };
  const int open_before = OpenDescriptors();
  {
    Simulator sim;
    EXPECT_EQ(*sim.Run(OutputOf(Shell("echo x"))), "x\n");
    EXPECT_TRUE(sim.Run(drop()).ok());
  }
  EXPECT_EQ(OpenDescriptors(), open_before);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST(ProcessTest, DroppingItKillsIt) {
  Simulator sim;
  auto program = []() -> Task<absl::Status> {
    Process spawned = co_await OrReturn(Process::Spawn(SleepForEver()));
    std::optional<Process> process(std::move(spawned));
    const pid_t number = process->pid();
    EXPECT_EQ(::kill(number, 0), 0);
    process.reset();
    co_return co_await UntilGone(number);
  };

  EXPECT_TRUE(sim.Run(program()).ok());
}

TEST(ProcessTest, SoDoesAssigningAnotherToIt) {
  Simulator sim;
  auto program = []() -> Task<absl::Status> {
    ProcessOptions piped = SleepForEver();
    piped.standard_input = Redirect::Pipe();
    Process process = co_await OrReturn(Process::Spawn(SleepForEver()));
    Process other = co_await OrReturn(Process::Spawn(std::move(piped)));
    const pid_t dropped = process.pid();
    const pid_t kept = other.pid();

    process = std::move(other);

    co_await OrReturn(UntilGone(dropped));
    EXPECT_EQ(process.pid(), kept);
    EXPECT_TRUE(process.has_stdin());
    EXPECT_EQ(::kill(kept, 0), 0);
    EXPECT_EQ(process.Kill(), absl::OkStatus());
    const ExitStatus ended = co_await OrReturn(process.Wait());
    EXPECT_EQ(ended.signal(), SIGKILL);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(sim.Run(program()), absl::OkStatus());
}

TEST(ProcessTest, OrLeavesItAndItIsReapedAllTheSame) {
  Simulator sim;
  auto program = []() -> Task<absl::Status> {
    ProcessOptions options = SleepForEver();
    options.on_drop = OnDrop::kLeave;
    Process spawned = co_await OrReturn(Process::Spawn(std::move(options)));
    std::optional<Process> process(std::move(spawned));
    const pid_t number = process->pid();
    process.reset();
    EXPECT_EQ(::kill(number, SIGTERM), 0);
    co_return co_await UntilGone(number);
  };

  EXPECT_TRUE(sim.Run(program()).ok());
}

TEST(ProcessTest, ACancelledWaitLeavesItRunning) {
  Simulator sim;
  auto program = []() -> Task<absl::StatusOr<ExitStatus>> {
    Process process = co_await OrReturn(Process::Spawn(SleepForEver()));
    absl::StatusOr<ExitStatus> none =
        co_await WithTimeout(absl::Seconds(1), process.Wait());
    EXPECT_TRUE(absl::IsDeadlineExceeded(none.status()));
    EXPECT_FALSE(process.has_ended());
    EXPECT_TRUE(process.Signal(SIGINT).ok());
    co_return co_await process.Wait();
  };

  EXPECT_EQ(sim.Run(program())->signal(), SIGINT);
}

TEST(ProcessTest, ASignalToOneThatHasEndedReachesNobody) {
  Simulator sim;
  auto program = []() -> Task<absl::Status> {
    Process process = co_await OrReturn(Process::Spawn(Shell("exit 0")));
    co_await OrReturn(process.Wait());
    co_return process.Kill();
  };

  EXPECT_EQ(sim.Run(program()).code(), absl::StatusCode::kNotFound);
}

TEST(ProcessTest, StopAsksBeforeItKills) {
  PromptChildren system(/*end_at_once=*/false);
  Simulator sim({.system = &system});
  auto program = []() -> Task<absl::StatusOr<ExitStatus>> {
    Process process = co_await OrReturn(Process::Spawn(SleepForEver()));
    co_return co_await process.Stop(absl::Seconds(5));
  };

  EXPECT_EQ(sim.Run(program())->signal(), SIGTERM);
}

// With all that it has started: the inner sleep has the pipe, too.
TEST(ProcessTest, StopKillsAGroupThatDoesNotListen) {
  Simulator sim;
  auto program = []() -> Task<absl::StatusOr<ExitStatus>> {
    ProcessOptions options = Shell("trap '' TERM; echo ready; sleep 1000; :");
    options.standard_output = Redirect::Pipe();
    options.new_group = true;
    Process process = co_await OrReturn(Process::Spawn(std::move(options)));
    PipeReader output = process.TakeStdout();
    std::array<std::byte, 6> ready;
    co_await OrReturn(output.ReadExactly(ready));
    ExitStatus status = co_await OrReturn(process.Stop(absl::Seconds(5)));
    std::string rest = co_await OrReturn(ReadAll(std::move(output)));
    co_return status;
  };

  EXPECT_EQ(sim.Run(program())->signal(), SIGKILL);
}

// A system that does not let us signal our children, as if they had become
// another user's.
class NotOurs final : public testing::SimulatedSystem {
 public:
  // From this signal on. 0: from the first on.
  explicit NotOurs(int signal = 0) : signal_(signal) {}

  int kill(pid_t process, int signal) override {
    if (ours_again_) return SimulatedSystem::kill(process, signal);
    if (signal_ != 0 && signal != signal_) return 0;  // It does not listen.
    signal_ = 0;
    errno = EPERM;
    return -1;
  }
  void GiveBack() { ours_again_ = true; }

 private:
  int signal_;
  bool ours_again_ = false;
};

// Stops one that is not ours, and ends it when it is ours again.
Task<absl::StatusOr<ExitStatus>> StopInVain(NotOurs& system,
                                            absl::Duration grace) {
  Process process = co_await OrReturn(Process::Spawn(SleepForEver()));
  const std::string number = std::to_string(process.pid());
  const absl::StatusOr<ExitStatus> stopped = co_await process.Stop(grace);
  EXPECT_EQ(stopped.status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(stopped.status().message(), HasSubstr("kill(" + number));
  EXPECT_FALSE(process.has_ended());
  system.GiveBack();
  EXPECT_EQ(process.Kill(), absl::OkStatus());
  co_return co_await process.Wait();
}

TEST(ProcessTest, StopSaysSoWhereItMayNotBeSignalled) {
  NotOurs system;
  Simulator sim({.system = &system});

  const auto ended = sim.Run(StopInVain(system, absl::InfiniteDuration()));

  EXPECT_EQ(ended->signal(), SIGKILL) << "it was watched all the time";
}

TEST(ProcessTest, AndWhereThatIsSoOnlyWhenItIsToBeKilled) {
  NotOurs system(SIGKILL);
  Simulator sim({.system = &system});

  const auto ended = sim.Run(StopInVain(system, absl::ZeroDuration()));

  EXPECT_EQ(ended->signal(), SIGKILL);
}

// The process runs on, so that a second wait gets the answer.
Task<absl::StatusOr<ExitStatus>> WaitInSpiteOfAll() {
  Process process = co_await OrReturn(Process::Spawn(Shell("exit 7")));
  absl::StatusOr<ExitStatus> ended = co_await process.Wait();
  if (absl::IsCancelled(ended.status())) {
    ended = co_await Shield(process.Wait());
  }
  co_return ended;
}

TEST(ProcessTest, AWaitThatIsCancelledAnywhereCanBeTakenUpAgain) {
  PromptChildren system(/*end_at_once=*/true);
  const int before = OpenDescriptors();
  int never_started = 0;
  auto check = [&](const absl::StatusOr<ExitStatus>& ended,
                   const testing::Interrupted&) {
    if (ended.ok() && ended->code() == 7) return absl::OkStatus();
    if (!absl::IsCancelled(ended.status())) return ended.status();
    ++never_started;
    return system.last() == 0 || ::kill(system.last(), 0) != 0
               ? absl::OkStatus()
               : absl::InternalError("it was started all the same");
  };

  const absl::StatusOr<int> places = testing::CancelEverywhere(
      {.seeds = 5, .system = &system}, WaitInSpiteOfAll, check);

  ASSERT_EQ(places.status(), absl::OkStatus());
  EXPECT_GT(never_started, 0);
  EXPECT_EQ(OpenDescriptors(), before);
}

// wait(2): the signal is in the lowest seven bits, and the next is set where
// there is a core. (What a real program leaves depends on the system's limits.)
TEST(ExitStatusTest, TellsWhetherACoreWasDumped) {
  const ExitStatus dumped(SIGSEGV | 0x80);
  const ExitStatus killed(SIGKILL);
  const ExitStatus exited(0x80 << 8);

  EXPECT_TRUE(dumped.dumped_core());
  EXPECT_EQ(dumped.signal(), SIGSEGV);
  EXPECT_EQ(dumped.ToString(), "signal 11, core dumped");
  EXPECT_FALSE(killed.dumped_core());
  EXPECT_FALSE(exited.dumped_core());
  EXPECT_EQ(exited.code(), 0x80);
}

TEST(ProcessDeathTest, APipeIsTakenOnceWhereThereIsOne) {
  auto program = []() -> Task<absl::Status> {
    Process process = co_await OrReturn(Process::Spawn(Shell("exit 0")));
    process.TakeStdout();
    co_return absl::OkStatus();
  };

  EXPECT_DEATH(
      {
        Simulator sim;
        sim.Run(program()).IgnoreError();
      },
      "Redirect::Pipe");
}

}  // namespace
}  // namespace weft::net
