// Tests that a lookup, and a program that is started, end well where there is
// no memory for them. In the program that replaces the global operator new
// (allocations.h).
//
// SPDX-License-Identifier: MIT

#include <sys/wait.h>

#include <cerrno>
#include <new>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/net/process.h"
#include "weft/net/resolver.h"
#include "weft/runtime/deadline.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/net/fake_names.h"
#include "weft/tests/support/allocations.h"

namespace weft::net {
namespace {

using ::weft::testing::Simulator;
using ::weft::tests::FailingAllocation;

// Longer than what a string holds without an allocation.
constexpr const char* kHost = "a.host.of.a.long.name.example.org";

// Whether there was an n-th allocation. Asks once where it fails, and then
// again.
Task<absl::StatusOr<bool>> AskTwice(Resolver& resolver, int n) {
  bool happened = false;
  try {
    const FailingAllocation failing(n, FailingAllocation::Behind::kSucceed);
    const Addresses first = co_await resolver.Resolve(kHost, 80);
    happened = failing.happened();
  } catch (const std::bad_alloc&) {
    happened = true;
  }
  const Addresses second =
      co_await WithTimeout(absl::Seconds(1), resolver.Resolve(kHost, 80));
  if (!second.ok()) co_return second.status();
  co_return happened;
}

TEST(AllocationFailureTest, WhereverALookupFailsTheNextIsAnswered) {
  bool happened = true;
  for (int n = 1; happened; ++n) {
    FakeNames system;
    system.hosts[kHost] = {.addresses = {*Address::Parse("192.0.2.1:0")}};
    Simulator sim({.seed = {}, .system = &system});
    Resolver resolver;
    const auto asked = sim.Run(AskTwice(resolver, n));
    ASSERT_TRUE(asked.ok()) << n << ": " << asked.status();
    happened = *asked;
  }
}

// Whether there was an n-th allocation.
Task<bool> StartOnce(int n) {
  ProcessOptions options("sleep", {"1000"});
  try {
    const FailingAllocation failing(n, FailingAllocation::Behind::kSucceed);
    const absl::StatusOr<Process> started =
        co_await Process::Spawn(std::move(options));
    co_return failing.happened();
  } catch (const std::bad_alloc&) {
    co_return true;
  }
}

TEST(AllocationFailureTest, WhereverAStartFailsNoProcessIsLeft) {
  for (int n = 1;; ++n) {
    bool happened = false;
    {
      Simulator sim;
      happened = *sim.Run(StartOnce(n));
    }
    ASSERT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << n;
    ASSERT_EQ(errno, ECHILD);
    if (!happened) break;
  }
}

}  // namespace
}  // namespace weft::net
