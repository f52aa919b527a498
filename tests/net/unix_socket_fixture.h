// A folder to bind Unix sockets in, and a simulation to use them in.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_NET_UNIX_SOCKET_FIXTURE_H_
#define WEFT_TESTS_NET_UNIX_SOCKET_FIXTURE_H_

#include <string>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::net {

class UnixSocketTest : public ::testing::Test {
 protected:
  // Runs a test's body as a task of a simulation.
  template <typename Body>
  absl::Status Run(Body body) {
    weft::testing::Simulator sim;
    return sim.Run(body());
  }

  weft::testing::TemporaryDirectory folder_;
  const std::string path_ = folder_ / "socket";
};

}  // namespace weft::net

#endif  // WEFT_TESTS_NET_UNIX_SOCKET_FIXTURE_H_
