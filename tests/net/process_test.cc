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
#include "weft/runtime/testing/simulator.h"
#include "weft/runtime/when_all.h"
#include "weft/tests/support/open_descriptors.h"
#include "weft/tests/support/prompt_children.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::net {
namespace {

using ::testing::HasSubstr;
using testing::OpenDescriptors;
using testing::PromptChildren;
using testing::Simulator;
using testing::TemporaryDirectory;

ProcessOptions Shell(std::string script) {
  return ProcessOptions("sh", {"-c", std::move(script)});
}

ProcessOptions SleepForEver() { return ProcessOptions("sleep", {"1000"}); }

Task<absl::StatusOr<ExitStatus>> RunIt(ProcessOptions options) {
  Process process = co_await OrReturn(Process::Spawn(std::move(options)));
  co_return co_await process.Wait();
}

Task<absl::StatusOr<std::string>> ReadAll(PipeReader from) {
  std::string text;
  std::array<std::byte, 4096> buffer;
  for (;;) {
    std::size_t got = co_await OrReturn(from.Read(buffer));
    if (got == 0) co_return text;
    text.append(reinterpret_cast<const char*>(buffer.data()), got);
  }
}

// What it writes to its standard output.
Task<absl::StatusOr<std::string>> OutputOf(ProcessOptions options) {
  options.standard_output = Redirect::Pipe();
  Process process = co_await OrReturn(Process::Spawn(std::move(options)));
  std::string text = co_await OrReturn(ReadAll(process.TakeStdout()));
  co_await OrReturn(process.Wait());
  co_return text;
}

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

TEST(ProcessTest, InheritsNoDescriptorOfOurs) {
  Simulator sim;
  constexpr int kLeftOpen = 77;
  ASSERT_EQ(::dup2(STDERR_FILENO, kLeftOpen), kLeftOpen);

  const auto missing = sim.Run(OutputOf(
      Shell("test -e /proc/$$/fd/2 && ! test -e /proc/$$/fd/77 && echo none")));

  ::close(kLeftOpen);
  EXPECT_EQ(*missing, "none\n");
}

// While it lives, this program runs without an output and an error stream, and
// their numbers are free.
class WithoutOutput {
 public:
  WithoutOutput() : output_(Save(STDOUT_FILENO)), error_(Save(STDERR_FILENO)) {}
  ~WithoutOutput() {
    ::dup2(output_.get(), STDOUT_FILENO);
    ::dup2(error_.get(), STDERR_FILENO);
  }

 private:
  static reactor::Fd Save(int number) {
    reactor::Fd saved(::fcntl(number, F_DUPFD_CLOEXEC, 10));
    ::close(number);
    return saved;
  }

  const reactor::Fd output_;
  const reactor::Fd error_;
};

TEST(ProcessTest, AndNoPipeOfOursInPlaceOfAStreamThatIsClosed) {
  Simulator sim;
  ProcessOptions options = Shell("test -e /proc/$$/fd/2 || echo none");
  options.standard_input = Redirect::Pipe();

  const auto missing = [&] {
    const WithoutOutput without;
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
