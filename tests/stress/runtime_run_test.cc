// Tests of weft::Run, and of weft::RunMain in a process of its own: exit codes,
// what is said on standard error, and signals.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/run.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <stdexcept>
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
#include "weft/runtime/cancellation.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/yield.h"

extern char** environ;

namespace weft {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

// --- Run --------------------------------------------------------------------

TEST(RunTest, GivesTheResultOfTheTask) {
  auto give = []() -> Task<std::string> {
    co_await Yield();
    co_return "result";
  };

  EXPECT_EQ(*weft::Run(give()), "result");
}

TEST(RunTest, GivesTheErrorOfTheTask) {
  auto fail = []() -> Task<absl::StatusOr<int>> {
    co_return absl::NotFoundError("nowhere");
  };

  EXPECT_EQ(weft::Run(fail()).status(), absl::NotFoundError("nowhere"));
}

TEST(RunTest, ThrowsWhatEscapesFromTheTask) {
  auto fail = []() -> Task<> {
    co_await Yield();
    throw std::runtime_error("thrown");
  };

  EXPECT_THROW(static_cast<void>(weft::Run(fail())), std::runtime_error);
}

TEST(RunTest, TakesAFunctionAndItsArguments) {
  auto lambda = [factor = std::make_unique<int>(6)](int n) -> Task<int> {
    co_await Yield();
    co_return *factor* n;
  };

  EXPECT_EQ(*weft::Run(std::move(lambda), 7), 42);
}

TEST(RunTest, TakesTheNumberOfWorkers) {
  auto give = []() -> Task<int> { co_return 1; };

  EXPECT_EQ(*weft::Run(give(), {.workers = 1}), 1);
}

TEST(RunTest, CancelsAndAwaitsWhatTheTaskLeftRunning) {
  std::atomic<int> ended = 0;
  auto child = [](std::atomic<int>& ended) -> Task<> {
    absl::Status slept = co_await SleepFor(absl::InfiniteDuration());
    ended += absl::IsCancelled(slept);
  };
  auto run = [&]() -> Task<> {
    for (int i = 0; i < 10; ++i) Spawn(child(ended)).Detach();
    co_return;
  };

  EXPECT_TRUE(weft::Run(run()).ok());

  EXPECT_EQ(ended, 10);
}

// --- RunMain ----------------------------------------------------------------

// Beside this program; meson.build says that both are built together.
std::string ProgramPath() {
  const std::filesystem::path self =
      std::filesystem::read_symlink("/proc/self/exe");
  return (self.parent_path() / "stress" / "run_main_program").string();
}

// The helper program, started in one of its ways.
class Program {
 public:
  explicit Program(const char* way) {
    std::array<int, 2> out{-1, -1};
    std::array<int, 2> err{-1, -1};
    EXPECT_EQ(::pipe2(out.data(), O_CLOEXEC), 0);
    EXPECT_EQ(::pipe2(err.data(), O_CLOEXEC), 0);
    const std::string path = ProgramPath();
    std::array<const char*, 3> arguments{path.c_str(), way, nullptr};
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, err[1], STDERR_FILENO);
    EXPECT_EQ(::posix_spawn(&process_, path.c_str(), &actions, nullptr,
                            const_cast<char**>(arguments.data()), environ),
              0)
        << "cannot start " << path << ": build run_main_program";
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(out[1]);
    ::close(err[1]);
    output_ = reactor::Fd(out[0]);
    errors_ = reactor::Fd(err[0]);
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program() {
    if (process_ > 0) {
      ::kill(process_, SIGKILL);
      static_cast<void>(WaitForEnd());
    }
  }

  // Reads its output up to the end of this line.
  void WaitForLine(std::string_view line) {
    const std::string wanted = std::string(line) + "\n";
    while (text_.find(wanted) == std::string::npos) {
      ASSERT_TRUE(ReadSome(output_, text_))
          << "it ended before it said " << line << "; it said: " << text_;
    }
  }

  void Signal(int signal) { ASSERT_EQ(::kill(process_, signal), 0); }

  // The exit code, or minus the number of the signal that ended it.
  int WaitForEnd() {
    int status = 0;
    pid_t ended;
    do {
      ended = ::waitpid(process_, &status, 0);
    } while (ended < 0 && errno == EINTR);
    EXPECT_EQ(ended, std::exchange(process_, -1));
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

  // All of it; after it has ended.
  std::string output() {
    while (ReadSome(output_, text_)) {
    }
    return text_;
  }
  std::string errors() {
    std::string text;
    while (ReadSome(errors_, text)) {
    }
    return text;
  }

 private:
  static bool ReadSome(const reactor::Fd& from, std::string& text) {
    std::array<char, 4096> buffer;
    const ssize_t size = ::read(from.get(), buffer.data(), buffer.size());
    if (size > 0) text.append(buffer.data(), size);
    return size > 0;
  }

  pid_t process_ = -1;
  reactor::Fd output_;
  reactor::Fd errors_;
  std::string text_;
};

TEST(RunMainTest, ExitsWithTheIntOfMain) {
  Program program("int");

  EXPECT_EQ(program.WaitForEnd(), 7);
  EXPECT_THAT(program.errors(), IsEmpty());
}

TEST(RunMainTest, ExitsWithZeroForNothingAndForOk) {
  Program nothing("void");
  Program ok("ok");

  EXPECT_EQ(nothing.WaitForEnd(), 0);
  EXPECT_EQ(ok.WaitForEnd(), 0);
  EXPECT_THAT(nothing.errors(), IsEmpty());
  EXPECT_THAT(ok.errors(), IsEmpty());
}

TEST(RunMainTest, PrintsTheErrorOfMainAndExitsWithOne) {
  Program program("error");

  EXPECT_EQ(program.WaitForEnd(), 1);
  EXPECT_EQ(program.errors(), "error: NOT_FOUND: no such loom\n");
  EXPECT_THAT(program.output(), IsEmpty());
}

TEST(RunMainTest, PrintsTheTextOfAnExceptionAndExitsWithOne) {
  Program program("exception");

  EXPECT_EQ(program.WaitForEnd(), 1);
  EXPECT_EQ(program.errors(), "error: the thread is torn\n");
}

TEST(RunMainTest, SaysThatAnExceptionHasNoText) {
  Program program("unknown exception");

  EXPECT_EQ(program.WaitForEnd(), 1);
  EXPECT_EQ(program.errors(), "error: an exception of unknown type\n");
}

TEST(RunMainTest, TheFirstSignalCancelsMainAndThatIsNoError) {
  for (int signal : {SIGINT, SIGTERM}) {
    Program program("sleep");
    program.WaitForLine("ready");

    program.Signal(signal);

    EXPECT_EQ(program.WaitForEnd(), 0);
    EXPECT_THAT(program.errors(), IsEmpty());
  }
}

TEST(RunMainTest, TheFirstSignalReachesAProgramOfOneWorkerToo) {
  Program program("one worker");
  program.WaitForLine("ready");

  program.Signal(SIGTERM);

  EXPECT_EQ(program.WaitForEnd(), 0);
}

TEST(RunMainTest, WaitsForTheCleanUpOfMain) {
  Program program("clean up");
  program.WaitForLine("ready");

  program.Signal(SIGINT);

  EXPECT_EQ(program.WaitForEnd(), 0);
  EXPECT_THAT(program.output(), HasSubstr("cleaned up"));
}

TEST(RunMainTest, AnErrorAfterTheSignalIsStillAnError) {
  Program program("fail late");
  program.WaitForLine("ready");

  program.Signal(SIGTERM);

  EXPECT_EQ(program.WaitForEnd(), 1);
  EXPECT_EQ(program.errors(), "error: DATA_LOSS: not saved\n");
}

TEST(RunMainTest, AnExitCodeAfterTheSignalIsStillTheExitCode) {
  Program program("int late");
  program.WaitForLine("ready");

  program.Signal(SIGTERM);

  EXPECT_EQ(program.WaitForEnd(), 9);
}

TEST(RunMainTest, TheSecondSignalEndsTheProgramAtOnce) {
  for (auto [second, code] :
       {std::pair(SIGINT, 130), std::pair(SIGTERM, 143)}) {
    Program program("linger");
    program.WaitForLine("ready");
    program.Signal(SIGTERM);
    program.WaitForLine("draining");

    program.Signal(second);

    EXPECT_EQ(program.WaitForEnd(), code);
  }
}

TEST(RunMainTest, SignalsReachAProgramWhoseOnlyWorkerComputes) {
  Program program("compute");
  program.WaitForLine("ready");
  program.Signal(SIGTERM);
  program.WaitForLine("cancelled");

  program.Signal(SIGTERM);

  EXPECT_EQ(program.WaitForEnd(), 143);
}

TEST(RunMainTest, ASignalBeforeMainHasBegunIsNotLost) {
  Program program("pending signal");

  EXPECT_EQ(program.WaitForEnd(), 0);
  EXPECT_THAT(program.errors(), IsEmpty());
}

TEST(RunMainTest, LeavesASignalIgnoredThatWasIgnoredWhenItBegan) {
  Program program("interrupts ignored");

  EXPECT_EQ(program.WaitForEnd(), 0);
  EXPECT_THAT(program.errors(), IsEmpty());
}

TEST(RunMainTest, CancelsAndAwaitsWhatMainLeftRunning) {
  Program program("child");

  EXPECT_EQ(program.WaitForEnd(), 3);
  EXPECT_EQ(program.output(), "main has ended\nchild has ended\n");
}

}  // namespace
}  // namespace weft
