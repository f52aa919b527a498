// Tests that a lookup, a program that is started, a write that fails, and a
// datagram that comes, end well where there is no memory for them. In the
// program that replaces the global operator new (allocations.h).
//
// SPDX-License-Identifier: MIT

#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/net/address_lookup.h"
#include "weft/net/process.h"
#include "weft/net/resolver.h"
#include "weft/net/unix_address.h"
#include "weft/net/unix_datagram.h"
#include "weft/net/unix_stream.h"
#include "weft/runtime/deadline.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/net/fake_names.h"
#include "weft/tests/support/allocations.h"
#include "weft/tests/support/open_descriptors.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::net {
namespace {

using ::weft::testing::Simulator;
using ::weft::testing::TemporaryDirectory;
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
  options.standard_input = Redirect::Pipe();
  options.standard_output = Redirect::Pipe();
  options.standard_error = Redirect::Pipe();
  try {
    const FailingAllocation failing(n, FailingAllocation::Behind::kSucceed);
    const absl::StatusOr<Process> started =
        co_await Process::Spawn(std::move(options));
    co_return failing.happened();
  } catch (const std::bad_alloc&) {
    co_return true;
  }
}

// Without a Resolver.
Task<absl::StatusOr<bool>> LookUpOnce(int n) {
  const std::string text = absl::StrCat(kHost, ":80");
  try {
    const FailingAllocation failing(n, FailingAllocation::Behind::kSucceed);
    const Addresses addresses =
        co_await LookUpAddress(text, nullptr, Transport::kTcp);
    if (!addresses.ok() && !absl::IsResourceExhausted(addresses.status())) {
      co_return addresses.status();
    }
    co_return failing.happened();
  } catch (const std::bad_alloc&) {
    co_return true;
  }
}

TEST(AllocationFailureTest, WhereverALookupOfNobodysFailsTheProgramGoesOn) {
  bool happened = true;
  for (int n = 1; happened; ++n) {
    FakeNames system;
    system.hosts[kHost] = {.addresses = {*Address::Parse("192.0.2.1:0")}};
    Simulator sim({.seed = {}, .system = &system});
    const auto asked = sim.Run(LookUpOnce(n));
    ASSERT_TRUE(asked.ok()) << n << ": " << asked.status();
    happened = *asked;
  }
}

// Writes to a peer that is gone, which there is no memory to tell: with an
// attempt that is awaited, and with one that is not.
Task<absl::Status> WriteInVain() {
  auto pair = co_await OrReturn(UnixStream::Pair());
  pair.second.Close();
  const std::array<std::byte, 1> some{};
  {
    const FailingAllocation failing(1, FailingAllocation::Behind::kFail);
    const absl::StatusOr<std::size_t> written = co_await pair.first.Write(some);
    EXPECT_TRUE(absl::IsResourceExhausted(written.status()));
  }
  bool thrown = false;
  try {
    const FailingAllocation failing(1, FailingAllocation::Behind::kFail);
    static_cast<void>(pair.first.TryWrite(some));
  } catch (const std::bad_alloc&) {
    thrown = true;
  }
  EXPECT_TRUE(thrown);
  co_return absl::OkStatus();
}

TEST(AllocationFailureTest, AnErrorThatCannotBeToldIsOneAndLeavesNothing) {
  const int before = weft::testing::OpenDescriptors();
  {
    Simulator sim;
    EXPECT_EQ(sim.Run(WriteInVain()), absl::OkStatus());
  }

  EXPECT_EQ(weft::testing::OpenDescriptors(), before);
}

// A datagram whose sender has a path as long as one can be.
Task<absl::Status> ReceiveWithoutMemory(const TemporaryDirectory& folder) {
  auto receiver = co_await OrReturn(UnixDatagram::Bind(folder / "to"));
  std::string path = folder / "";
  path.resize(UnixAddress::kMaxSize, 'x');
  auto sender = co_await OrReturn(UnixDatagram::Bind(path));
  const std::array<std::byte, 1> some{};
  co_await OrReturn(sender.SendTo(some, receiver.local_address()));
  std::array<std::byte, 8> into;
  std::optional<absl::StatusOr<UnixDatagram::Datagram>> got;
  {
    const FailingAllocation failing(1, FailingAllocation::Behind::kFail);
    got = co_await receiver.ReceiveFrom(into);
    EXPECT_FALSE(failing.happened());
  }
  const UnixDatagram::Datagram datagram = co_await OrReturn(*std::move(got));
  EXPECT_EQ(datagram.size, some.size());
  EXPECT_EQ(datagram.from.ToString(), path);
  co_return absl::OkStatus();
}

TEST(AllocationFailureTest, WhoADatagramComesFromNeedsNoMemory) {
  const TemporaryDirectory folder;
  Simulator sim;
  EXPECT_EQ(sim.Run(ReceiveWithoutMemory(folder)), absl::OkStatus());
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
