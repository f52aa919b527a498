// Tests of the calls that make and name sockets, on real loopback sockets and
// with a System that fails when it is told to.
//
// SPDX-License-Identifier: MIT

#include "weft/net/socket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace weft::net {
namespace {

using ::testing::HasSubstr;
using ::weft::reactor::Fd;
using ::weft::reactor::System;

Fd Opened(const Address& address, System& system = System::Kernel()) {
  absl::StatusOr<Fd> fd = OpenTcpSocket(system, address);
  EXPECT_TRUE(fd.ok()) << fd.status();
  return fd.ok() ? *std::move(fd) : Fd();
}

// A socket that is bound to a free port of the loopback interface.
Fd Bound() {
  Fd fd = Opened(Address::Loopback(0));
  EXPECT_EQ(BindSocket(System::Kernel(), fd.get(), Address::Loopback(0)),
            absl::OkStatus());
  return fd;
}

TEST(SocketTest, MakesSocketsThatNeitherBlockNorAreInherited) {
  const Fd fd = Opened(Address::Loopback(0));

  EXPECT_TRUE(::fcntl(fd.get(), F_GETFL) & O_NONBLOCK);
  EXPECT_TRUE(::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC);
}

TEST(SocketTest, KnowsThePortThatTheSystemChose) {
  const Fd fd = Bound();

  const absl::StatusOr<Address> address =
      LocalAddressOf(System::Kernel(), fd.get());

  ASSERT_TRUE(address.ok()) << address.status();
  EXPECT_NE(address->port(), 0);
  EXPECT_EQ(*address, Address::Loopback(address->port()));
}

TEST(SocketTest, SaysThatThePortIsInUse) {
  const Fd first = Bound();
  ASSERT_EQ(::listen(first.get(), 1), 0);
  const Address taken = *LocalAddressOf(System::Kernel(), first.get());
  const Fd second = Opened(taken);

  const absl::Status status = BindSocket(System::Kernel(), second.get(), taken);

  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(std::string(status.message()),
            "bind(\"" + taken.ToString() + "\"): Address already in use");
}

TEST(SocketTest, SaysThatAnAddressIsNotOfThisMachine) {
  const Address elsewhere(Address::Ipv4Bytes{192, 0, 2, 1}, 0);  // RFC 5737.
  const Fd fd = Opened(elsewhere);

  const absl::Status status = BindSocket(System::Kernel(), fd.get(), elsewhere);

  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("192.0.2.1:0"));
}

TEST(SocketTest, SaysThatThereIsNoPeer) {
  const Fd fd = Bound();

  EXPECT_THAT(
      std::string(PeerAddressOf(System::Kernel(), fd.get()).status().message()),
      HasSubstr("getpeername"));
}

TEST(SocketTest, NamesTheOptionThatCouldNotBeSet) {
  const Fd fd = Bound();

  const absl::Status status =
      SetOption(System::Kernel(), fd.get(), SOL_SOCKET, -1, 1, "SO_IMAGINARY");

  EXPECT_THAT(std::string(status.message()),
              HasSubstr("setsockopt(SO_IMAGINARY): "));
}

TEST(SocketTest, HasNoPendingErrorAtFirst) {
  const Fd fd = Bound();

  EXPECT_EQ(TakePendingError(System::Kernel(), fd.get(), "connect"),
            absl::OkStatus());
}

TEST(SocketTest, SaysThatNoDescriptorIsLeft) {
  class Exhausted : public System {
   public:
    int socket(int, int, int) override {
      errno = EMFILE;
      return -1;
    }
  } system;

  const absl::StatusOr<Fd> fd = OpenTcpSocket(system, Address::Loopback(80));

  EXPECT_EQ(fd.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(fd.status().message()),
              HasSubstr("socket(\"127.0.0.1:80\"): Too many open files"));
}

TEST(SocketTest, ClosesASocketThatCannotBeTuned) {
  class Untunable : public System {
   public:
    int setsockopt(int, int, int, const void*, socklen_t) override {
      errno = ENOMEM;
      return -1;
    }
    int close(int fd) override {
      ++closed;
      return System::close(fd);
    }
    int closed = 0;
  } system;

  const absl::StatusOr<Fd> fd =
      OpenTcpSocket(system, Address::LoopbackIpv6(80));

  EXPECT_FALSE(fd.ok());
  EXPECT_EQ(system.closed, 1);
}

}  // namespace
}  // namespace weft::net
