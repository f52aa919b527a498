// Tests of what a started program finds itself to be: its name, its session.
//
// SPDX-License-Identifier: MIT

#include "weft/net/process_start.h"

#include <signal.h>
#include <sys/types.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/net/process.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/net/child_programs.h"

namespace weft::net {
namespace {

using ::testing::HasSubstr;
using testing::Simulator;
using tests::OutputOf;
using tests::ReadAll;
using tests::RunIt;
using tests::Shell;
using tests::SleepForEver;

TEST(ProcessStartTest, AProgramIsToldThatItIsCalledWhatItIs) {
  Simulator sim;

  EXPECT_EQ(*sim.Run(OutputOf(Shell("echo $0"))), "sh\n");
}

// It is still looked for by the name that is its own.
TEST(ProcessStartTest, OrSomethingElse) {
  Simulator sim;
  ProcessOptions options = Shell("echo $0 of $#");
  options.argument_zero = "selvage";

  EXPECT_EQ(*sim.Run(OutputOf(std::move(options))), "selvage of 0\n");
}

TEST(ProcessStartTest, AZeroByteInAnyOfItsNamesIsRefused) {
  Simulator sim;
  const std::string zero("a\0z", 3);
  ProcessOptions called = Shell("true");
  called.argument_zero = zero;
  ProcessOptions found(zero);
  found.argument_zero = "found";

  const auto first = sim.Run(RunIt(std::move(called))).status();
  const auto second = sim.Run(RunIt(std::move(found))).status();

  EXPECT_EQ(first.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(first.message(), HasSubstr("start(\"sh\")"));
  EXPECT_EQ(second.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(second.message(), HasSubstr("start(\"a\\x00z\")"));
}

// What a process belongs to.
struct Belonging {
  pid_t process;
  pid_t group;
  pid_t session;
};

Task<absl::StatusOr<Belonging>> BelongingOf(ProcessOptions options) {
  Process process = co_await OrReturn(Process::Spawn(std::move(options)));
  const pid_t number = process.pid();
  const Belonging found{number, ::getpgid(number), ::getsid(number)};
  EXPECT_EQ(process.Kill(), absl::OkStatus());
  co_await OrReturn(process.Wait());
  co_return found;
}

TEST(ProcessStartTest, ItIsInOurGroupAndSession) {
  Simulator sim;

  const auto found = sim.Run(BelongingOf(SleepForEver()));

  EXPECT_EQ(found->group, ::getpgrp());
  EXPECT_EQ(found->session, ::getsid(0));
}

TEST(ProcessStartTest, OrInAGroupOfItsOwn) {
  Simulator sim;
  ProcessOptions options = SleepForEver();
  options.new_group = true;

  const auto found = sim.Run(BelongingOf(std::move(options)));

  EXPECT_EQ(found->group, found->process);
  EXPECT_EQ(found->session, ::getsid(0));
}

TEST(ProcessStartTest, OrInASessionAndGroupOfItsOwn) {
  Simulator sim;
  for (const bool group_too : {false, true}) {
    ProcessOptions options = SleepForEver();
    options.new_session = true;
    options.new_group = group_too;

    const auto found = sim.Run(BelongingOf(std::move(options)));

    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_EQ(found->session, found->process);
    EXPECT_EQ(found->group, found->process);
  }
}

// The inner sleep has the pipe, too.
TEST(ProcessStartTest, KillingALeaderOfASessionKillsAllThatItHasStarted) {
  Simulator sim;
  auto program = []() -> Task<absl::StatusOr<std::string>> {
    ProcessOptions options = Shell("echo ready; sleep 1000; :");
    options.standard_output = Redirect::Pipe();
    options.new_session = true;
    Process process = co_await OrReturn(Process::Spawn(std::move(options)));
    PipeReader output = process.TakeStdout();
    std::array<std::byte, 6> ready;
    co_await OrReturn(output.ReadExactly(ready));
    EXPECT_EQ(process.Kill(), absl::OkStatus());
    const ExitStatus ended = co_await OrReturn(process.Wait());
    EXPECT_EQ(ended.signal(), SIGKILL);
    co_return co_await ReadAll(std::move(output));
  };

  EXPECT_EQ(*sim.Run(program()), "");
}

}  // namespace
}  // namespace weft::net
