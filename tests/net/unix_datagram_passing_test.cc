// Tests of what goes along with datagrams of this machine: open descriptors,
// and who has sent them.
//
// SPDX-License-Identifier: MIT

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/net/message_with_descriptors.h"
#include "weft/net/unix_datagram.h"
#include "weft/reactor/fd.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/net/tcp_pair.h"
#include "weft/tests/net/unix_socket_fixture.h"
#include "weft/tests/support/open_descriptors.h"

namespace weft::net {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::weft::testing::OpenDescriptors;

// --- Descriptors ------------------------------------------------------------

class UnixDatagramPassingTest : public UnixSocketTest {
 protected:
  UnixDatagramPassingTest() { folder_.Write("file", "contents"); }

  reactor::Fd OpenFile() {
    return reactor::Fd(
        ::open((folder_ / "file").c_str(), O_RDONLY | O_CLOEXEC));
  }

  std::array<std::byte, 16> buffer_;
};

bool IsSameFile(int one, int other) {
  struct stat first{};
  struct stat second{};
  return ::fstat(one, &first) == 0 && ::fstat(other, &second) == 0 &&
         first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

void ExpectNewNumbersOf(const std::vector<reactor::Fd>& received, int file) {
  for (const reactor::Fd& one : received) {
    EXPECT_NE(one.get(), file);
    EXPECT_TRUE(IsSameFile(one.get(), file));
    EXPECT_EQ(::fcntl(one.get(), F_GETFD), FD_CLOEXEC);
  }
}

TEST_F(UnixDatagramPassingTest, PassesDescriptorsToItsPeer) {
  auto body = [this]() -> Task<absl::Status> {
    auto pair = co_await OrReturn(UnixDatagram::Pair());
    const reactor::Fd file = OpenFile();
    const std::array<int, 2> both = {file.get(), file.get()};

    co_await OrReturn(pair.first.SendDescriptors(Bytes("two"), both));
    const UnixDatagram::WithDescriptors got =
        co_await OrReturn(pair.second.ReceiveDescriptors(buffer_));

    EXPECT_EQ(Text(std::span(buffer_).first(got.size)), "two");
    EXPECT_THAT(got.descriptors, SizeIs(2));
    ExpectNewNumbersOf(got.descriptors, file.get());
    EXPECT_FALSE(got.descriptors_truncated);
    EXPECT_FALSE(got.truncated);
    EXPECT_FALSE(got.sender.has_value());
    EXPECT_TRUE(got.from.is_unnamed());
    co_return absl::OkStatus();
  };
  const int before = OpenDescriptors();

  EXPECT_EQ(Run(body), absl::OkStatus());

  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_F(UnixDatagramPassingTest, PassesDescriptorsToAnAddressAndTellsFromWhere) {
  auto body = [this]() -> Task<absl::Status> {
    UnixDatagram server = co_await OrReturn(UnixDatagram::Bind(path_));
    UnixDatagram client =
        co_await OrReturn(UnixDatagram::Bind(folder_ / "client"));
    const reactor::Fd file = OpenFile();
    const std::array<int, 1> one = {file.get()};

    co_await OrReturn(
        client.SendDescriptorsTo(Bytes("here"), one, server.local_address()));
    const UnixDatagram::WithDescriptors got =
        co_await OrReturn(server.ReceiveDescriptors(buffer_));

    EXPECT_EQ(got.from, client.local_address());
    EXPECT_THAT(got.descriptors, SizeIs(1));
    ExpectNewNumbersOf(got.descriptors, file.get());
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
}

TEST_F(UnixDatagramPassingTest, OneOfNoBytesMayCarryDescriptors) {
  auto body = [this]() -> Task<absl::Status> {
    auto pair = co_await OrReturn(UnixDatagram::Pair());
    const reactor::Fd file = OpenFile();
    const std::array<int, 1> one = {file.get()};

    co_await OrReturn(pair.first.SendDescriptors({}, one));
    co_await OrReturn(pair.first.SendDescriptors(Bytes("none"), {}));
    const UnixDatagram::WithDescriptors empty =
        co_await OrReturn(pair.second.ReceiveDescriptors(buffer_));
    const UnixDatagram::WithDescriptors plain =
        co_await OrReturn(pair.second.ReceiveDescriptors(buffer_));

    EXPECT_EQ(empty.size, 0u);
    EXPECT_THAT(empty.descriptors, SizeIs(1));
    EXPECT_EQ(Text(std::span(buffer_).first(plain.size)), "none");
    EXPECT_THAT(plain.descriptors, SizeIs(0));
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
}

// The bytes that are cut are lost, and not what came along.
TEST_F(UnixDatagramPassingTest, ALongOneIsCutAndKeepsItsDescriptors) {
  auto body = [this]() -> Task<absl::Status> {
    auto pair = co_await OrReturn(UnixDatagram::Pair());
    const std::array<int, 1> one = {STDERR_FILENO};
    co_await OrReturn(pair.first.SendDescriptors(Bytes("long"), one));

    const UnixDatagram::WithDescriptors cut = co_await OrReturn(
        pair.second.ReceiveDescriptors(std::span(buffer_).first(2)));

    EXPECT_EQ(cut.size, 2u);
    EXPECT_TRUE(cut.truncated);
    EXPECT_THAT(cut.descriptors, SizeIs(1));
    EXPECT_FALSE(cut.descriptors_truncated);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
}

TEST_F(UnixDatagramPassingTest, WhatAPlainReceiveLosesIsClosed) {
  auto body = [this]() -> Task<absl::Status> {
    auto pair = co_await OrReturn(UnixDatagram::Pair());
    const std::array<int, 1> one = {STDERR_FILENO};
    co_await OrReturn(pair.first.SendDescriptors(Bytes("a"), one));
    co_await OrReturn(pair.first.SendDescriptors(Bytes("b"), one));

    const int before = OpenDescriptors();
    co_await OrReturn(pair.second.Peek(buffer_));
    co_await OrReturn(pair.second.Receive(buffer_));
    co_await OrReturn(pair.second.ReceiveFrom(buffer_));
    EXPECT_EQ(OpenDescriptors(), before);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
}

TEST_F(UnixDatagramPassingTest, RefusesToPassTooMany) {
  auto body = [this]() -> Task<absl::Status> {
    UnixDatagram server = co_await OrReturn(UnixDatagram::Bind(path_));
    auto pair = co_await OrReturn(UnixDatagram::Pair());
    const std::vector<int> many(kMaxDescriptors + 1, STDERR_FILENO);

    const absl::Status to_peer =
        co_await pair.first.SendDescriptors(Bytes("a"), many);
    const absl::Status to_address = co_await pair.first.SendDescriptorsTo(
        Bytes("a"), many, server.local_address());

    EXPECT_EQ(to_peer.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(to_address.code(), absl::StatusCode::kInvalidArgument);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
}

// All that a sender may pass fits beside what the kernel says of him.
TEST_F(UnixDatagramPassingTest, TakesAsManyAsThereMayBe) {
  auto body = [this]() -> Task<absl::Status> {
    auto pair = co_await OrReturn(UnixDatagram::Pair());
    co_await OrReturn(pair.second.SetPassCredentials(true));
    const std::vector<int> many(kMaxDescriptors, STDERR_FILENO);

    co_await OrReturn(pair.first.SendDescriptors(Bytes("a"), many));
    const UnixDatagram::WithDescriptors got =
        co_await OrReturn(pair.second.ReceiveDescriptors(buffer_));

    EXPECT_THAT(got.descriptors, SizeIs(kMaxDescriptors));
    EXPECT_FALSE(got.descriptors_truncated);
    EXPECT_TRUE(got.sender.has_value());
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
}

// Has few numbers left while it receives, by the real limit of the process.
// Only during the call: a sanitizer wants descriptors of its own at any moment.
class LimitedSystem : public weft::testing::SimulatedSystem {
 public:
  ssize_t recvmsg(int fd, msghdr* message, int flags) override {
    const int lowest_free = ::dup(fd);
    ::close(lowest_free);
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    rlimit few = before;
    few.rlim_cur = static_cast<rlim_t>(lowest_free + left);
    ::setrlimit(RLIMIT_NOFILE, &few);
    const ssize_t result = SimulatedSystem::recvmsg(fd, message, flags);
    const int error = errno;
    ::setrlimit(RLIMIT_NOFILE, &before);
    errno = error;
    return result;
  }

  int left = 0;
};

// That of the numbers above the lowest free one some are in use is no matter:
// fewer fit then.
TEST_F(UnixDatagramPassingTest, SaysWhereSomeDoNotFitAndLeaksNone) {
  LimitedSystem system;
  weft::testing::Simulator sim({.system = &system});
  auto body = [&]() -> Task<absl::Status> {
    auto pair = co_await OrReturn(UnixDatagram::Pair());
    const std::vector<int> many(20, STDERR_FILENO);
    for (const int left : {0, 7}) {
      system.left = left;
      co_await OrReturn(pair.first.SendDescriptors(Bytes("a"), many));
      const UnixDatagram::WithDescriptors got =
          co_await OrReturn(pair.second.ReceiveDescriptors(buffer_));
      EXPECT_EQ(got.size, 1u);
      EXPECT_TRUE(got.descriptors_truncated);
      EXPECT_LE(static_cast<int>(got.descriptors.size()), left);
    }
    co_return absl::OkStatus();
  };
  const int before = OpenDescriptors();

  EXPECT_EQ(sim.Run(body()), absl::OkStatus());

  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_F(UnixDatagramPassingTest, NobodyThereIsNamedInTheError) {
  auto body = [this]() -> Task<absl::Status> {
    UnixDatagram client = co_await OrReturn(UnixDatagram::Unbound());
    const UnixAddress nowhere = co_await OrReturn(UnixAddress::Parse(path_));
    const std::array<int, 1> one = {STDERR_FILENO};
    co_return co_await client.SendDescriptorsTo(Bytes("a"), one, nowhere);
  };

  const absl::Status status = Run(body);

  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr(path_));
}

TEST_F(UnixDatagramPassingTest, WaitsWhileTheQueueIsFull) {
  auto body = [this]() -> Task<absl::Status> {
    UnixDatagram server = co_await OrReturn(UnixDatagram::Bind(path_));
    UnixDatagram flooder = co_await OrReturn(UnixDatagram::Unbound());
    UnixDatagram late = co_await OrReturn(UnixDatagram::Unbound());
    const std::array<int, 1> one = {STDERR_FILENO};
    const int flooded =
        co_await OrReturn(Flood(flooder, server.local_address()));
    JoinHandle<absl::Status> waiting = Spawn(
        late.SendDescriptorsTo(Bytes("late"), one, server.local_address()));
    co_await OrReturn(SleepFor(absl::Seconds(1)));

    for (int i = 0; i < flooded; ++i) {
      co_await OrReturn(server.Receive(buffer_));
    }
    const UnixDatagram::WithDescriptors got =
        co_await OrReturn(server.ReceiveDescriptors(buffer_));
    co_await OrReturn(waiting.Join());

    EXPECT_EQ(Text(std::span(buffer_).first(got.size)), "late");
    EXPECT_THAT(got.descriptors, SizeIs(1));
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
}

// --- Credentials ------------------------------------------------------------

void ExpectToBeMe(const UnixDatagram::WithDescriptors& got) {
  ASSERT_TRUE(got.sender.has_value());
  EXPECT_EQ(got.sender->user, ::getuid());
  EXPECT_EQ(got.sender->group, ::getgid());
  EXPECT_EQ(got.sender->process, ::getpid());
}

TEST_F(UnixDatagramPassingTest, TheKernelVouchesForEachSender) {
  auto body = [this]() -> Task<absl::Status> {
    const UnixDatagramOptions options = {.pass_credentials = true};
    UnixDatagram server = co_await OrReturn(UnixDatagram::Bind(path_, options));
    UnixDatagram client = co_await OrReturn(UnixDatagram::Unbound());

    co_await OrReturn(client.SendTo(Bytes("hi"), server.local_address()));
    const UnixDatagram::WithDescriptors got =
        co_await OrReturn(server.ReceiveDescriptors(buffer_));

    EXPECT_EQ(Text(std::span(buffer_).first(got.size)), "hi");
    ExpectToBeMe(got);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
}

// A child's are its own: nothing is asked of the socket, which it shares.
TEST_F(UnixDatagramPassingTest, OfTwoWhoShareASocketEachIsNamed) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends.data()),
            0);
  const int on = 1;
  ASSERT_EQ(::setsockopt(ends[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), 0);
  const reactor::Fd far(ends[1]);
  const pid_t child = ::fork();
  if (child == 0) ::_exit(::send(far.get(), "child", 5, 0) == 5 ? 0 : 1);
  int ended = 0;
  ASSERT_EQ(::waitpid(child, &ended, 0), child);
  ASSERT_EQ(::send(far.get(), "parent", 6, 0), 6);
  auto body = [&]() -> Task<absl::Status> {
    UnixDatagram near =
        co_await OrReturn(UnixDatagram::FromFd(reactor::Fd(ends[0])));

    const UnixDatagram::WithDescriptors first =
        co_await OrReturn(near.ReceiveDescriptors(buffer_));
    const UnixDatagram::WithDescriptors second =
        co_await OrReturn(near.ReceiveDescriptors(buffer_));

    EXPECT_TRUE(first.sender.has_value());
    EXPECT_EQ(first.sender.value_or(reactor::PeerCredentials()).process, child);
    ExpectToBeMe(second);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
}

TEST_F(UnixDatagramPassingTest, OfOneSentBeforeTheKernelNamesNobody) {
  auto body = [this]() -> Task<absl::Status> {
    auto pair = co_await OrReturn(UnixDatagram::Pair());
    co_await OrReturn(pair.first.Send(Bytes("early")));
    co_await OrReturn(pair.second.SetPassCredentials(true));
    co_await OrReturn(pair.first.Send(Bytes("late")));

    const UnixDatagram::WithDescriptors early =
        co_await OrReturn(pair.second.ReceiveDescriptors(buffer_));
    const UnixDatagram::WithDescriptors late =
        co_await OrReturn(pair.second.ReceiveDescriptors(buffer_));
    co_await OrReturn(pair.second.SetPassCredentials(false));
    co_await OrReturn(pair.first.Send(Bytes("later")));
    const UnixDatagram::WithDescriptors not_asked =
        co_await OrReturn(pair.second.ReceiveDescriptors(buffer_));

    EXPECT_EQ(early.sender.value_or(reactor::PeerCredentials()).process, 0);
    ExpectToBeMe(late);
    EXPECT_FALSE(not_asked.sender.has_value());
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
}

TEST_F(UnixDatagramPassingTest, WhoAsksAndHasNoAddressIsGivenOneByAConnect) {
  auto body = [this]() -> Task<absl::Status> {
    UnixDatagram server = co_await OrReturn(UnixDatagram::Bind(path_));
    UnixDatagram client = co_await OrReturn(UnixDatagram::Unbound());
    co_await OrReturn(client.SetPassCredentials(true));

    co_await OrReturn(client.Connect(path_));
    co_await OrReturn(client.Send(Bytes("hi")));
    const UnixDatagram::Datagram got =
        co_await OrReturn(server.ReceiveFrom(buffer_));

    EXPECT_TRUE(client.local_address().is_abstract());
    EXPECT_EQ(got.from, client.local_address());
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
}

TEST_F(UnixDatagramPassingTest, AClosedOneHasNoOptions) {
  auto body = []() -> Task<absl::Status> {
    auto pair = co_await OrReturn(UnixDatagram::Pair());
    pair.first.Close();

    const std::vector<absl::StatusCode> codes{
        pair.first.SetPassCredentials(true).code(),
        pair.first.SetSendBufferSize(10'000).code(),
        pair.first.receive_buffer_size().status().code()};

    EXPECT_THAT(codes, Each(absl::StatusCode::kFailedPrecondition));
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
}

}  // namespace
}  // namespace weft::net
