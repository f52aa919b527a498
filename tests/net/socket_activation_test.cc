// Tests of taking over the sockets that a service manager has opened. Each runs
// in a process of its own, since it is about a process's environment and the
// descriptors that it begins with.
//
// SPDX-License-Identifier: MIT

#include "weft/net/socket_activation.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace weft::net {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

// Whether `check` holds in a child with these variables, `sockets` descriptors
// from 3 on, and none behind them. An empty `process` is the child's own.
bool HoldsInAChild(int sockets, const std::string& process,
                   const char* how_many, const char* names,
                   absl::FunctionRef<bool()> check) {
  const pid_t child = ::fork();
  if (child == 0) {
    for (int i = 3; i < 40; ++i) ::close(i);
    for (int i = 0; i < sockets; ++i) ::socket(AF_UNIX, SOCK_STREAM, 0);
    const std::string own = std::to_string(::getpid());
    ::setenv("LISTEN_PID", process.empty() ? own.c_str() : process.c_str(), 1);
    ::setenv("LISTEN_FDS", how_many, 1);
    if (names != nullptr) ::setenv("LISTEN_FDNAMES", names, 1);
    ::_exit(check() ? 0 : 1);
  }
  int status = -1;
  return ::waitpid(child, &status, 0) == child && status == 0;
}

TEST(SocketActivationTest, TakesTheSocketsWithTheirNames) {
  EXPECT_TRUE(HoldsInAChild(2, "", "2", "web:", [] {
    const auto sockets = TakeActivatedSockets();
    return sockets.ok() && sockets->size() == 2 &&
           (*sockets)[0].name == "web" && (*sockets)[0].socket.get() == 3 &&
           (*sockets)[1].name == "unknown" && (*sockets)[1].socket.get() == 4 &&
           ::fcntl(3, F_GETFD) == FD_CLOEXEC;
  }));
}

TEST(SocketActivationTest, TheSecondCallFindsNothing) {
  EXPECT_TRUE(HoldsInAChild(1, "", "1", nullptr, [] {
    const auto first = TakeActivatedSockets();
    const auto second = TakeActivatedSockets();
    return first.ok() && first->size() == 1 && second.ok() && second->empty() &&
           ::getenv("LISTEN_FDS") == nullptr;
  }));
}

TEST(SocketActivationTest, WhatIsForAnotherProcessIsLeftAlone) {
  EXPECT_TRUE(HoldsInAChild(1, "1", "1", nullptr, [] {
    const auto sockets = TakeActivatedSockets();
    return sockets.ok() && sockets->empty() && ::fcntl(3, F_GETFD) == 0;
  }));
}

TEST(SocketActivationTest, WhatIsNoNumberIsRefusedAndNothingTaken) {
  EXPECT_TRUE(HoldsInAChild(1, "", "many", nullptr, [] {
    return absl::IsInvalidArgument(TakeActivatedSockets().status()) &&
           ::fcntl(3, F_GETFD) == 0;
  }));
}

TEST(SocketActivationTest, ADescriptorThatIsNotOpenIsRefused) {
  EXPECT_TRUE(HoldsInAChild(1, "", "2", nullptr, [] {
    return absl::IsFailedPrecondition(TakeActivatedSockets().status());
  }));
}

TEST(SocketActivationTest, ARefusalNamesTheDescriptorAndClosesTheOthers) {
  EXPECT_TRUE(HoldsInAChild(3, "", "3", nullptr, [] {
    ::close(4);
    const absl::Status refused = TakeActivatedSockets().status();
    return refused.message() ==
               "descriptor 4 of LISTEN_FDS: Bad file descriptor" &&
           ::fcntl(3, F_GETFD) == -1 && ::fcntl(5, F_GETFD) == -1;
  }));
}

TEST(SocketActivationTest, MoreThanAProcessCanHaveAreRefusedAtOnce) {
  EXPECT_TRUE(HoldsInAChild(1, "", "2147483647", nullptr, [] {
    return absl::IsInvalidArgument(TakeActivatedSockets().status()) &&
           ::fcntl(3, F_GETFD) == 0;
  }));
}

TEST(SocketActivationTest, WithoutAManagerThereIsNothing) {
  const auto sockets = TakeActivatedSockets();

  ASSERT_TRUE(sockets.ok());
  EXPECT_THAT(*sockets, IsEmpty());
}

}  // namespace
}  // namespace weft::net
