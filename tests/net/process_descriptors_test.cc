// Tests of the descriptors that a started program is born with.
//
// SPDX-License-Identifier: MIT

#include "weft/net/process_descriptors.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/net/pipe.h"
#include "weft/net/process.h"
#include "weft/reactor/fd.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/cancel_everywhere.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/net/child_programs.h"
#include "weft/tests/net/without_stream.h"
#include "weft/tests/support/descriptor_limit.h"
#include "weft/tests/support/open_descriptors.h"
#include "weft/tests/support/prompt_children.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::net {
namespace {

using reactor::Fd;
using testing::DescriptorLimit;
using ::testing::ElementsAre;
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

// --- An error stream that joins the output ----------------------------------

ProcessOptions Joined(std::string script) {
  ProcessOptions options = Shell(std::move(script));
  options.standard_error = Redirect::ToStandardOutput();
  return options;
}

TEST(ProcessDescriptorsTest, TheErrorStreamMayLeadWhereTheOutputDoes) {
  Simulator sim;

  EXPECT_EQ(*sim.Run(OutputOf(Joined("echo a; echo b >&2; echo c"))),
            "a\nb\nc\n");
}

TEST(ProcessDescriptorsTest, AlsoWhereThatIsADescriptor) {
  Simulator sim;
  const TemporaryDirectory folder;
  ProcessOptions options = Joined("echo a; echo b >&2; echo c");
  options.standard_output = Redirect::To(Fd(
      ::open((folder / "out").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)));

  EXPECT_TRUE(sim.Run(RunIt(std::move(options)))->ok());
  EXPECT_EQ(folder.Read("out"), "a\nb\nc\n");
}

TEST(ProcessDescriptorsTest, OrIsInherited) {
  Simulator sim;
  const TemporaryDirectory folder;
  const auto ended = [&] {
    const WithoutStream output(STDOUT_FILENO);
    const int ours = ::open((folder / "out").c_str(), O_WRONLY | O_CREAT, 0600);
    EXPECT_EQ(ours, STDOUT_FILENO);
    return sim.Run(RunIt(Joined("echo a; echo b >&2; echo c")));
  }();

  EXPECT_TRUE(ended->ok());
  EXPECT_EQ(folder.Read("out"), "a\nb\nc\n");
}

// And not where this program's own error stream does.
TEST(ProcessDescriptorsTest, OrIsNone) {
  Simulator sim;
  const TemporaryDirectory folder;
  const auto ended = [&] {
    const WithoutStream output(STDOUT_FILENO);
    return sim.Run(RunIt(Joined(
        "! test -e /proc/$$/fd/1 && ! test -e /proc/$$/fd/2 && exit 7")));
  }();

  EXPECT_EQ(ended->code(), 7);
}

TEST(ProcessDescriptorsTest, NoOtherStreamCanLeadToTheOutput) {
  Simulator sim;
  ProcessOptions input("cat");
  input.standard_input = Redirect::ToStandardOutput();
  ProcessOptions output("cat");
  output.standard_output = Redirect::ToStandardOutput();

  const auto first = sim.Run(RunIt(std::move(input))).status();
  const auto second = sim.Run(RunIt(std::move(output))).status();

  EXPECT_EQ(first.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(first.message(), HasSubstr("start(\"cat\"): the standard input"));
  EXPECT_EQ(second.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(second.message(), HasSubstr("standard output"));
}

// --- Descriptors that are passed on -----------------------------------------

Fd OpenFile(const std::string& path) {
  return Fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
}

Fd OpenNull() { return Fd(::open("/dev/null", O_RDWR | O_CLOEXEC)); }

// An open descriptor of this program's that a careless library has left to be
// inherited.
class LeftOpen {
 public:
  explicit LeftOpen(int number) : number_(number) {
    EXPECT_EQ(::dup2(STDERR_FILENO, number_), number_);
  }
  ~LeftOpen() { ::close(number_); }
  LeftOpen(const LeftOpen&) = delete;
  LeftOpen& operator=(const LeftOpen&) = delete;

 private:
  const int number_;
};

TEST(ProcessDescriptorsTest, ADescriptorMayBePassedOnUnderANumber) {
  Simulator sim;
  const TemporaryDirectory folder;
  ProcessOptions options = Shell("echo woven >&3; echo here");
  options.descriptors.emplace(3, OpenFile(folder / "out"));

  EXPECT_EQ(*sim.Run(OutputOf(std::move(options))), "here\n");
  EXPECT_EQ(folder.Read("out"), "woven\n");
}

// Also where one has the number that the other is to have.
TEST(ProcessDescriptorsTest, TwoMayChangePlaces) {
  Simulator sim;
  const TemporaryDirectory folder;
  folder.Write("warp", "warp");
  folder.Write("weft", "weft");
  Fd warp = OpenFile(folder / "warp");
  Fd weft = OpenFile(folder / "weft");
  const int of_warp = warp.get();
  const int of_weft = weft.get();
  ProcessOptions options("cat", {absl::StrCat("/dev/fd/", of_warp),
                                 absl::StrCat("/dev/fd/", of_weft)});
  options.descriptors.emplace(of_warp, std::move(weft));
  options.descriptors.emplace(of_weft, std::move(warp));

  EXPECT_EQ(*sim.Run(OutputOf(std::move(options))), "weftwarp");
}

TEST(ProcessDescriptorsTest, AndItHasNoOthersBelowThemBetweenOrAbove) {
  Simulator sim;
  const LeftOpen between(77);
  const LeftOpen above(90);
  // The shell is still there: what comes last may be done in its place.
  ProcessOptions options = Shell("ls /proc/$$/fd; :");
  options.standard_input = Redirect::Null();
  options.descriptors.emplace(5, OpenNull());
  options.descriptors.emplace(80, OpenNull());

  EXPECT_EQ(*sim.Run(OutputOf(std::move(options))), "0\n1\n2\n5\n80\n");
}

// This program runs without an input, so that what it opens has that number.
TEST(ProcessDescriptorsTest, WhatIsPassedOnMayHaveTheNumberOfAStream) {
  Simulator sim;
  const TemporaryDirectory folder;
  ProcessOptions options =
      Shell("test -e /proc/$$/fd/0 || echo woven >&3; exit 7");

  const auto ended = [&] {
    const WithoutStream input(STDIN_FILENO);
    Fd out = OpenFile(folder / "out");
    EXPECT_EQ(out.get(), STDIN_FILENO);
    options.descriptors.emplace(3, std::move(out));
    return sim.Run(RunIt(std::move(options)));
  }();

  EXPECT_EQ(ended->code(), 7);
  EXPECT_EQ(folder.Read("out"), "woven\n");
}

// Its end is the end of the pipe: neither this program nor a child that it has
// started meanwhile has the descriptor.
TEST(ProcessDescriptorsTest, NobodyElseHasWhatIsPassedOn) {
  Simulator sim;
  auto program = []() -> Task<absl::StatusOr<std::string>> {
    PipeEnds ends = co_await OrReturn(OpenPipe());
    PipeReader reader = PipeReader::Adopt(std::move(ends.read), "a pipe");
    ProcessOptions options = Shell("echo last words >&3");
    options.descriptors.emplace(3, std::move(ends.write));
    Process other = co_await OrReturn(Process::Spawn(SleepForEver()));
    Process process = co_await OrReturn(Process::Spawn(std::move(options)));
    Process third = co_await OrReturn(Process::Spawn(SleepForEver()));
    co_return co_await ReadAll(std::move(reader));
  };

  EXPECT_EQ(*sim.Run(program()), "last words\n");
}

// Whether all that it was told to look at are closed by exec, just before a
// program is started.
class LooksAtExec final : public testing::SimulatedSystem {
 public:
  explicit LooksAtExec(std::vector<int> numbers)
      : numbers_(std::move(numbers)) {}

  int posix_spawnp(pid_t* process, const char* file,
                   const posix_spawn_file_actions_t* actions,
                   const posix_spawnattr_t* attributes, char* const arguments[],
                   char* const environment[]) override {
    for (const int number : numbers_) {
      flags_.push_back(::fcntl(number, F_GETFD));
    }
    return SimulatedSystem::posix_spawnp(process, file, actions, attributes,
                                         arguments, environment);
  }

  const std::vector<int>& flags() const { return flags_; }

 private:
  const std::vector<int> numbers_;
  std::vector<int> flags_;
};

// Also what came without FD_CLOEXEC, and has a number that need not change:
// a child that another library starts at that moment does not get it.
TEST(ProcessDescriptorsTest, WhatIsPassedOnIsClosedByExec) {
  Fd passed(::open("/dev/null", O_RDWR));
  Fd stream(::open("/dev/null", O_RDWR));
  LooksAtExec system({passed.get(), stream.get()});
  Simulator sim({.system = &system});
  ProcessOptions options("true");
  options.standard_output = Redirect::To(std::move(stream));
  options.descriptors.emplace(77, std::move(passed));

  EXPECT_TRUE(sim.Run(RunIt(std::move(options)))->ok());
  EXPECT_THAT(system.flags(), ElementsAre(FD_CLOEXEC, FD_CLOEXEC));
}

// O_NONBLOCK belongs to the open file, and what the program expects of that is
// between it and whoever starts it.
TEST(ProcessDescriptorsTest, ItIsPassedOnAsItIs) {
  Simulator sim;
  const absl::StatusOr<PipeEnds> ends = OpenPipe();
  ProcessOptions options("true");
  options.descriptors.emplace(
      3, Fd(::fcntl(ends->read.get(), F_DUPFD_CLOEXEC, 0)));

  EXPECT_TRUE(sim.Run(RunIt(std::move(options)))->ok());
  EXPECT_NE(::fcntl(ends->read.get(), F_GETFL) & O_NONBLOCK, 0);
}

// As the comment of `descriptors` says.
TEST(ProcessDescriptorsTest, AProgramCanBeToldItsOwnNumber) {
  Simulator sim;
  ProcessOptions options = Shell("exec env LISTEN_PID=$$ \"$0\" \"$@\"");
  options.arguments.insert(
      options.arguments.end(),
      {"sh", "-c", "test $LISTEN_PID = $$ && echo $LISTEN_FDS"});
  options.environment = {{"LISTEN_FDS", "1"}};
  options.descriptors.emplace(3, OpenNull());

  EXPECT_EQ(*sim.Run(OutputOf(std::move(options))), "1\n");
}

TEST(ProcessDescriptorsTest, TheNumberOfAStreamIsRefusedAndOneThatIsTooHigh) {
  Simulator sim;
  for (const int number : {-1, 0, 2, 1024}) {
    ProcessOptions options("cat");
    options.descriptors.emplace(number, OpenNull());

    const auto status = sim.Run(RunIt(std::move(options))).status();

    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(status.message(), HasSubstr("start(\"cat\")"));
    EXPECT_THAT(status.message(),
                HasSubstr(absl::StrCat("number ", number, ",")));
  }
}

// Nothing is above that could be closed, and glibc refuses to name it.
TEST(ProcessDescriptorsTest, TheHighestMayBeTheHighestThatThisProgramHas) {
  Simulator sim;
  const TemporaryDirectory folder;
  folder.Write("weft", "weft");
  const DescriptorLimit limit(1024);
  ProcessOptions options("cat", {"/dev/fd/1023"});
  options.descriptors.emplace(1023, OpenFile(folder / "weft"));

  EXPECT_EQ(*sim.Run(OutputOf(std::move(options))), "weft");
}

// There is no place for it above, but there is below.
TEST(ProcessDescriptorsTest, AlsoWhereTheOriginalHasThatNumber) {
  Simulator sim;
  const TemporaryDirectory folder;
  folder.Write("weft", "weft");
  const DescriptorLimit limit(64);
  const Fd low = OpenFile(folder / "weft");
  ProcessOptions options("cat", {"/dev/fd/63"});
  options.descriptors.emplace(63, Fd(::fcntl(low.get(), F_DUPFD_CLOEXEC, 63)));

  EXPECT_EQ(*sim.Run(OutputOf(std::move(options))), "weft");
}

TEST(ProcessDescriptorsTest, ANumberBeyondTheLimitOfThisProgramIsRefused) {
  Simulator sim;
  const DescriptorLimit limit(64);
  ProcessOptions options("cat");
  options.descriptors.emplace(64, OpenNull());

  const auto status = sim.Run(RunIt(std::move(options))).status();

  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("start(\"cat\")"));
  EXPECT_THAT(status.message(), HasSubstr("number 64,"));
  EXPECT_THAT(status.message(), HasSubstr("RLIMIT_NOFILE"));
}

// What was opened before the limit was lowered.
TEST(ProcessDescriptorsTest, AnOriginalBeyondItIsNamed) {
  Simulator sim;
  const Fd low = OpenNull();
  ProcessOptions options("cat");
  options.descriptors.emplace(5, Fd(::fcntl(low.get(), F_DUPFD_CLOEXEC, 100)));
  const DescriptorLimit limit(64);

  const auto status = sim.Run(RunIt(std::move(options))).status();

  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(status.message(), HasSubstr("start(\"cat\")"));
  EXPECT_THAT(status.message(), HasSubstr("100"));
}

TEST(ProcessDescriptorsTest, SoIsAnEmptyOne) {
  Simulator sim;
  ProcessOptions options("cat");
  options.descriptors.emplace(4, Fd());

  const auto status = sim.Run(RunIt(std::move(options))).status();

  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("number 4 is empty"));
}

// --- And are closed here ----------------------------------------------------

TEST(ProcessDescriptorsTest, WhatCannotBeStartedHasThemClosed) {
  Simulator sim;
  const int before = OpenDescriptors();
  ProcessOptions missing("no-such-program");
  missing.descriptors.emplace(3, OpenNull());
  ProcessOptions refused("true");
  refused.descriptors.emplace(2, OpenNull());

  EXPECT_FALSE(sim.Run(RunIt(std::move(missing))).ok());
  EXPECT_FALSE(sim.Run(RunIt(std::move(refused))).ok());

  EXPECT_EQ(OpenDescriptors(), before);
}

// Where one command of fcntl(2) fails.
class WithoutCommand final : public testing::SimulatedSystem {
 public:
  WithoutCommand(int command, int error) : command_(command), error_(error) {}

  int fcntl(int fd, int command, int argument) override {
    if (command != command_) {
      return SimulatedSystem::fcntl(fd, command, argument);
    }
    errno = error_;
    return -1;
  }

 private:
  const int command_;
  const int error_;
};

// EMFILE: the program has as many descriptors as it may; EINVAL: those that are
// left are all too low.
TEST(ProcessDescriptorsTest, WhereNoneIsLeftToMakeWayNothingIsStarted) {
  for (const int error : {EMFILE, EINVAL}) {
    WithoutCommand system(F_DUPFD_CLOEXEC, error);
    Simulator sim({.system = &system});
    const int before = OpenDescriptors();
    Fd null = OpenNull();
    const int number = null.get();
    ProcessOptions options("true");
    options.descriptors.emplace(number, std::move(null));

    const auto status = sim.Run(RunIt(std::move(options))).status();

    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
    EXPECT_THAT(status.message(),
                HasSubstr(absl::StrCat("start(\"true\"): fcntl(", number,
                                       ", F_DUPFD_CLOEXEC)")));
    EXPECT_EQ(OpenDescriptors(), before);
  }
}

TEST(ProcessDescriptorsTest, NorWhereOneCannotBeClosedByExec) {
  WithoutCommand system(F_SETFD, EIO);
  Simulator sim({.system = &system});
  const int before = OpenDescriptors();
  ProcessOptions passes("true");
  passes.descriptors.emplace(77, OpenNull());
  ProcessOptions leads("true");
  leads.standard_output = Redirect::To(OpenNull());

  const auto first = sim.Run(RunIt(std::move(passes))).status();
  const auto second = sim.Run(RunIt(std::move(leads))).status();

  EXPECT_THAT(first.message(), HasSubstr("F_SETFD"));
  EXPECT_THAT(second.message(), HasSubstr("F_SETFD"));
  EXPECT_EQ(OpenDescriptors(), before);
}

// The first is moved out of the way on every run: it has its own number.
Task<absl::StatusOr<ExitStatus>> PassTwoOn() {
  Fd first = OpenNull();
  const int number = first.get();
  ProcessOptions options = Shell("exit 7");
  options.standard_error = Redirect::ToStandardOutput();
  options.descriptors.emplace(number, std::move(first));
  options.descriptors.emplace(77, OpenNull());
  co_return co_await RunIt(std::move(options));
}

TEST(ProcessDescriptorsTest, NoneIsLeftBehindWhereverItIsCancelled) {
  PromptChildren system(/*end_at_once=*/true);
  const int before = OpenDescriptors();
  auto check = [&](const absl::StatusOr<ExitStatus>& ended,
                   const testing::Interrupted& at) {
    EXPECT_TRUE(ended.ok() || absl::IsCancelled(ended.status()));
    EXPECT_TRUE(ended.ok() || !at.undisturbed);
    EXPECT_TRUE(!ended.ok() || ended->code() == 7);
  };

  const absl::StatusOr<int> places = testing::CancelEverywhere(
      {.seeds = 5, .system = &system}, PassTwoOn, check);

  ASSERT_EQ(places.status(), absl::OkStatus());
  EXPECT_GT(*places, 0);
  EXPECT_EQ(OpenDescriptors(), before);
}

}  // namespace
}  // namespace weft::net
