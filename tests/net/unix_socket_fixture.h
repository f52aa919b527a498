// A folder to bind Unix sockets in, and a simulation to use them in; and how to
// fill a queue.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_NET_UNIX_SOCKET_FIXTURE_H_
#define WEFT_TESTS_NET_UNIX_SOCKET_FIXTURE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/net/unix_address.h"
#include "weft/net/unix_datagram.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/net/tcp_pair.h"
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

// Sends until the receiver's queue is full; says how many.
inline Task<absl::StatusOr<int>> Flood(UnixDatagram& sender, UnixAddress to) {
  sender.SetWriteTimeout(absl::ZeroDuration());
  for (int sent = 0;; ++sent) {
    const absl::Status status = co_await sender.SendTo(Bytes("flood"), to);
    if (absl::IsDeadlineExceeded(status)) co_return sent;
    co_await OrReturn(status);
  }
}

}  // namespace weft::net

#endif  // WEFT_TESTS_NET_UNIX_SOCKET_FIXTURE_H_
