// Tests of giving a descriptor away. On real ones.
//
// SPDX-License-Identifier: MIT

#include "weft/net/duplicate.h"

#include <array>
#include <cerrno>
#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "weft/net/pipe.h"
#include "weft/net/tcp_listener.h"
#include "weft/net/tcp_stream.h"
#include "weft/net/udp_socket.h"
#include "weft/net/unix_datagram.h"
#include "weft/net/unix_listener.h"
#include "weft/net/unix_stream.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/source.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/tests/net/tcp_pair.h"
#include "weft/tests/net/unix_socket_fixture.h"
#include "weft/tests/support/open_descriptors.h"

namespace weft::net {
namespace {

using ::weft::reactor::Fd;
using ::weft::reactor::Source;
using ::weft::testing::OpenDescriptors;

TEST(DuplicateTest, AListenerGoesOnWhereItsFirstDescriptorIsClosed) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    TcpListener first = co_await OrReturn(TcpListener::Bind("127.0.0.1:0"));
    TcpStream client =
        co_await OrReturn(TcpStream::Connect(first.local_address()));

    Fd copy = co_await OrReturn(DuplicateOf(first.source()));
    first.Close();
    TcpListener second =
        co_await OrReturn(TcpListener::FromFd(std::move(copy)));
    TcpStream server = co_await OrReturn(second.Accept());

    co_await OrReturn(client.WriteAll(Bytes("still here")));
    const std::string text = co_await OrReturn(ReadText(server));
    EXPECT_EQ(text, "still here");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

using DuplicateOfEachTest = UnixSocketTest;

TEST_F(DuplicateOfEachTest, WhateverHasADescriptorGivesAnother) {
  auto body = [this]() -> Task<absl::Status> {
    TcpPair tcp = co_await OrReturn(ConnectPair());
    UdpSocket udp = co_await OrReturn(UdpSocket::Bind("127.0.0.1:0"));
    UnixListener listener = co_await OrReturn(UnixListener::Bind(path_));
    auto datagrams = co_await OrReturn(UnixDatagram::Pair());
    Pipe pipe = co_await OrReturn(MakePipe());
    const std::vector<std::reference_wrapper<Source>> sources = {
        tcp.client.source(),      udp.source(),         listener.source(),
        datagrams.first.source(), pipe.reader.source(), pipe.writer.source()};
    const int before = OpenDescriptors();
    std::vector<Fd> copies;
    for (Source& source : sources) {
      Fd copy = co_await OrReturn(DuplicateOf(source));
      copies.push_back(std::move(copy));
    }
    EXPECT_EQ(OpenDescriptors(), before + 6);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
}

TEST_F(DuplicateOfEachTest, TheFileStaysWhereTheFirstOneLeavesIt) {
  auto body = [this]() -> Task<absl::Status> {
    UnixListener first = co_await OrReturn(UnixListener::Bind(path_));
    Fd copy = co_await OrReturn(DuplicateOf(first.source()));

    first.LeaveFile();
    first.Close();

    UnixListener second =
        co_await OrReturn(UnixListener::FromFd(std::move(copy)));
    UnixStream client = co_await OrReturn(UnixStream::Connect(path_));
    UnixStream server = co_await OrReturn(second.Accept());
    co_await OrReturn(client.WriteAll(Bytes("still here")));
    const std::string text = co_await OrReturn(ReadText(server));
    EXPECT_EQ(text, "still here");
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
}

TEST_F(DuplicateOfEachTest, TheFileOfDatagramsStaysAsWell) {
  auto body = [this]() -> Task<absl::Status> {
    UnixDatagram first = co_await OrReturn(UnixDatagram::Bind(path_));
    Fd copy = co_await OrReturn(DuplicateOf(first.source()));

    first.LeaveFile();
    first.Close();

    UnixDatagram second =
        co_await OrReturn(UnixDatagram::FromFd(std::move(copy)));
    UnixDatagram sender = co_await OrReturn(UnixDatagram::Unbound());
    co_await OrReturn(
        sender.SendTo(Bytes("still here"), second.local_address()));
    std::array<std::byte, 64> buffer;
    const Received got = co_await OrReturn(second.Receive(buffer));
    EXPECT_EQ(got.size, 10u);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
}

TEST(DuplicateTest, OfWhatIsClosedThereIsNone) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    TcpPair pair = co_await OrReturn(ConnectPair());
    pair.client.Close();
    co_return DuplicateOf(pair.client.source()).status();
  });

  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
}

TEST(DuplicateTest, SaysThatNoDescriptorIsLeft) {
  class Exhausted final : public weft::testing::SimulatedSystem {
   public:
    int fcntl(int, int, int) override {
      errno = EMFILE;
      return -1;
    }
  } system;

  const absl::Status status =
      Simulate({.system = &system}, []() -> Task<absl::Status> {
        TcpPair pair = co_await OrReturn(ConnectPair());
        co_return DuplicateOf(pair.client.source()).status();
      });

  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace weft::net
