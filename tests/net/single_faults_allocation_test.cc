// Tests that no single fault of the system leaves memory behind: a frame of a
// coroutine, a buffer or a message. In the program that replaces the global
// operator new (allocations.h).
//
// SPDX-License-Identifier: MIT

#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "weft/tests/net/echo_session.h"
#include "weft/tests/net/wire.h"
#include "weft/tests/support/allocations.h"
#include "weft/tests/support/single_faults.h"

namespace weft::net {
namespace {

using ::weft::tests::Fault;
using ::weft::tests::ForgetFreeFrames;
using ::weft::tests::LiveAllocations;
using ::weft::tests::SingleFaults;

long LiveNow() {
  ForgetFreeFrames();
  return LiveAllocations();
}

TEST(SingleFaultsAllocationTest, AnEchoLeavesNoMemoryBehind) {
  Wires wires;
  SingleFaults faults(
      OnWires(wires, [&] { return Converse(Echo, TalkToEcho, wires); }));
  const std::vector<Fault> all = faults.Catalogue();
  // Abseil makes its texts of errors when it first needs one.
  EXPECT_EQ(faults.Try({all.front()}), absl::OkStatus());

  for (const Fault& fault : all) {
    wires = Wires();
    const long before = LiveNow();
    const absl::Status held = faults.Try({fault});
    wires = Wires();
    ASSERT_TRUE(held.ok()) << held;
    ASSERT_EQ(LiveNow(), before) << ToString(fault);
  }
}

}  // namespace
}  // namespace weft::net
