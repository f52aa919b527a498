// Tests of what a listener of this machine does beside listening: that it
// counts its shortages, and knows both ends of what it accepts.
//
// SPDX-License-Identifier: MIT

#include "weft/net/unix_listener.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "weft/net/unix_stream.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/net/tcp_pair.h"
#include "weft/tests/net/unix_socket_fixture.h"

namespace weft::net {
namespace {

using UnixListenerTest = UnixSocketTest;

// Has no descriptor for an accept, a few times.
class StarvingSystem : public weft::testing::SimulatedSystem {
 public:
  int accept(int fd, sockaddr* address, socklen_t* size) override {
    if (left == 0) return SimulatedSystem::accept(fd, address, size);
    --left;
    errno = EMFILE;
    return -1;
  }

  int left = 3;
};

TEST_F(UnixListenerTest, CountsHowOftenItLackedADescriptor) {
  StarvingSystem system;
  weft::testing::Simulator sim({.system = &system});
  auto body = [this]() -> Task<absl::Status> {
    UnixListener listener = co_await OrReturn(UnixListener::Bind(path_));
    UnixStream client = co_await OrReturn(UnixStream::Connect(path_));
    const std::uint64_t before = listener.times_starved();

    UnixStream server = co_await OrReturn(listener.Accept());
    co_await OrReturn(client.WriteAll(Bytes("hello")));
    const std::string heard = co_await OrReturn(ReadText(server));

    EXPECT_EQ(before, 0u);
    EXPECT_EQ(listener.times_starved(), 3u);
    EXPECT_EQ(heard, "hello");
    co_return absl::OkStatus();
  };

  EXPECT_EQ(sim.Run(body()), absl::OkStatus());
}

TEST_F(UnixListenerTest, WithoutANameNobodyFindsIt) {
  auto body = []() -> Task<absl::Status> {
    co_return UnixListener::Bind(UnixAddress()).status();
  };

  EXPECT_EQ(Run(body).code(), absl::StatusCode::kInvalidArgument);
}

// Lets the lock file of another user be read, and not be made: proc(5),
// fs.protected_regular.
class ProtectingSystem : public weft::testing::SimulatedSystem {
 public:
  int open(const char* path, int flags, mode_t mode) override {
    if ((flags & O_ACCMODE) != O_RDONLY) {
      errno = EACCES;
      return -1;
    }
    return SimulatedSystem::open(path, flags, mode);
  }
};

TEST_F(UnixListenerTest, AnotherUsersClaimIsRespectedAndWhatACrashLeftTaken) {
  const std::string name = path_ + ".weft-lock";
  const int others = ::open(name.c_str(), O_RDWR | O_CREAT, 0644);
  ASSERT_NE(others, -1);
  ASSERT_EQ(::flock(others, LOCK_EX), 0);
  ProtectingSystem system;
  weft::testing::Simulator sim({.system = &system});
  auto bind = [this]() -> Task<absl::Status> {
    co_return UnixListener::Bind(path_, {.replace_stale = true}).status();
  };

  const absl::Status claimed = sim.Run(bind());
  ::close(others);  // It has crashed.
  const absl::Status left = sim.Run(bind());

  EXPECT_EQ(claimed.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(left, absl::OkStatus());
}

TEST_F(UnixListenerTest, BothEndsOfAConnectionHaveTheirAddresses) {
  auto body = [this]() -> Task<absl::Status> {
    UnixListener listener = co_await OrReturn(UnixListener::Bind(path_));
    UnixStream client = co_await OrReturn(UnixStream::Connect(path_));
    UnixStream server = co_await OrReturn(listener.Accept());

    const UnixAddress here = co_await OrReturn(server.local_address());
    const UnixAddress there = co_await OrReturn(client.peer_address());
    const UnixAddress nameless = co_await OrReturn(client.local_address());
    const UnixAddress of_peer = co_await OrReturn(server.peer_address());
    client.Close();
    const absl::StatusOr<UnixAddress> closed = client.local_address();

    EXPECT_EQ(here, listener.local_address());
    EXPECT_EQ(there, listener.local_address());
    EXPECT_TRUE(nameless.is_unnamed());
    EXPECT_TRUE(of_peer.is_unnamed());
    EXPECT_EQ(closed.status().code(), absl::StatusCode::kFailedPrecondition);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
}

}  // namespace
}  // namespace weft::net
