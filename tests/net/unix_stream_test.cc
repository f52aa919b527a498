// Tests of Unix sockets: files that come and go, queues that are full, who is
// at the other end, and descriptors that are passed.
//
// SPDX-License-Identifier: MIT

#include "weft/net/unix_stream.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/net/unix_datagram.h"
#include "weft/net/unix_listener.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/os_error.h"
#include "weft/runtime/deadline.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/testing/cancel_everywhere.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/net/tcp_pair.h"
#include "weft/tests/net/unix_socket_fixture.h"
#include "weft/tests/support/faulting_system.h"
#include "weft/tests/support/open_descriptors.h"

namespace weft::net {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::weft::testing::CancelEverywhere;
using ::weft::testing::Interrupted;
using ::weft::testing::OpenDescriptors;

using UnixStreamTest = UnixSocketTest;

TEST_F(UnixStreamTest, ConnectsByAPathAndEchoes) {
  auto body = [this]() -> Task<absl::Status> {
    UnixListener listener = co_await OrReturn(UnixListener::Bind(path_));
    UnixStream client = co_await OrReturn(UnixStream::Connect(path_));
    UnixStream server = co_await OrReturn(listener.Accept());

    co_await OrReturn(client.WriteAll(Bytes("hello")));
    const std::string heard = co_await OrReturn(ReadText(server));

    EXPECT_EQ(heard, "hello");
    EXPECT_EQ(client.peer().ToString(), path_);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
}

TEST_F(UnixStreamTest, ConnectsByAnAbstractName) {
  auto body = [this]() -> Task<absl::Status> {
    const std::string name = "@weft-test" + path_;
    UnixListener listener = co_await OrReturn(UnixListener::Bind(name));
    UnixStream client = co_await OrReturn(UnixStream::Connect(name));
    UnixStream server = co_await OrReturn(listener.Accept());

    client.Close();
    const std::string end = co_await OrReturn(ReadText(server));

    EXPECT_EQ(end, "");
    EXPECT_EQ(listener.local_address().ToString(), name);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
}

TEST_F(UnixStreamTest, NobodyThereIsToldFromNobodyWhoListens) {
  auto body = [this]() -> Task<absl::Status> {
    const auto missing = co_await UnixStream::Connect(path_);
    folder_.Write("socket", "no socket at all");
    const auto no_socket = co_await UnixStream::Connect(path_);

    EXPECT_EQ(missing.status().code(), absl::StatusCode::kNotFound);
    EXPECT_THAT(std::string(missing.status().message()), HasSubstr(path_));
    EXPECT_EQ(no_socket.status().code(), absl::StatusCode::kUnavailable);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
}

// --- The file of a listener -------------------------------------------------

TEST_F(UnixStreamTest, TheFileGoesWithItsListener) {
  auto body = [this]() -> Task<absl::Status> {
    {
      UnixListener listener = co_await OrReturn(UnixListener::Bind(path_));
      EXPECT_THAT(folder_.Names(), ElementsAre("socket"));
    }
    EXPECT_THAT(folder_.Names(), IsEmpty());
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
}

// Who closed the socket first could remove a file that is another's by then.
class RemovingFirst final : public weft::testing::SimulatedSystem {
 public:
  int unlink(const char* path) override {
    ++removed;
    return SimulatedSystem::unlink(path);
  }
  int close(int fd) override {
    if (fd == watched) closed_after = removed;
    return SimulatedSystem::close(fd);
  }

  int removed = 0;
  int watched = -1;
  int closed_after = -1;  // So many had been removed.
};

template <typename Socket>
Task<absl::Status> ReplaceOneByAnother(RemovingFirst& system,
                                       std::string path) {
  Socket socket = co_await OrReturn(Socket::Bind(path));
  Socket other = co_await OrReturn(Socket::Bind(path + "2"));
  const int before = system.removed;
  system.watched = socket.source().fd();

  socket = std::move(other);

  EXPECT_EQ(system.closed_after, before + 1);
  co_return absl::OkStatus();
}

TEST_F(UnixStreamTest, WhereASocketIsReplacedItsFileGoesFirst) {
  RemovingFirst system;
  weft::testing::Simulator sim({.seed = {}, .system = &system});

  EXPECT_EQ(sim.Run(ReplaceOneByAnother<UnixListener>(system, path_)),
            absl::OkStatus());
  EXPECT_EQ(sim.Run(ReplaceOneByAnother<UnixDatagram>(system, path_)),
            absl::OkStatus());

  EXPECT_THAT(folder_.Names(), IsEmpty());
}

TEST_F(UnixStreamTest, AFileThatIsAnotherListenersByNowStays) {
  auto body = [this]() -> Task<absl::Status> {
    UnixListener first = co_await OrReturn(UnixListener::Bind(path_));
    ::unlink(path_.c_str());
    UnixListener second = co_await OrReturn(UnixListener::Bind(path_));

    first.Close();

    EXPECT_THAT(folder_.Names(), ElementsAre("socket"));
    const auto client = co_await UnixStream::Connect(path_);
    EXPECT_EQ(client.status(), absl::OkStatus());
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
}

// What a program that crashed leaves behind.
void LeaveStaleSocket(const std::string& path) {
  const reactor::Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto form = UnixAddress::Parse(path)->ToSystem();
  ASSERT_EQ(::bind(socket.get(), form.get(), form.size()), 0);
}

TEST_F(UnixStreamTest, AStaleSocketIsReplacedWhereThatIsAskedFor) {
  auto body = [this]() -> Task<absl::Status> {
    LeaveStaleSocket(path_);

    const auto refused = UnixListener::Bind(path_);
    const auto bound = UnixListener::Bind(path_, {.replace_stale = true});

    EXPECT_EQ(refused.status().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(bound.status(), absl::OkStatus());
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
}

TEST_F(UnixStreamTest, AStaleSocketIsFoundThoughTheLookIsInterrupted) {
  tests::FaultingSystem system;
  weft::testing::Simulator sim({.system = &system});
  LeaveStaleSocket(path_);
  auto body = [this]() -> Task<absl::Status> {
    co_return UnixListener::Bind(path_, {.replace_stale = true}).status();
  };
  system.Begin({{.call = "connect", .error = EINTR}});

  EXPECT_EQ(sim.Run(body()), absl::OkStatus());
  EXPECT_EQ(system.happened(), 1);
}

TEST_F(UnixStreamTest, WhatIsInUseOrNoSocketIsNeverReplaced) {
  auto body = [this]() -> Task<absl::Status> {
    folder_.Write("file", "precious");
    UnixListener alive = co_await OrReturn(UnixListener::Bind(path_));

    const auto in_use = UnixListener::Bind(path_, {.replace_stale = true});
    const auto file =
        UnixListener::Bind(folder_ / "file", {.replace_stale = true});

    EXPECT_EQ(in_use.status().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(file.status().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(folder_.Read("file"), "precious");
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
}

// Runs something once, before a call that a bind makes.
class Meanwhile : public weft::testing::SimulatedSystem {
 public:
  int listen(int fd, int backlog) override {
    Do(before_listen);
    return SimulatedSystem::listen(fd, backlog);
  }
  int unlink(const char* path) override {
    Do(before_unlink);
    return SimulatedSystem::unlink(path);
  }
  int flock(int fd, int operation) override {
    Do(before_flock);
    return SimulatedSystem::flock(fd, operation);
  }

  std::function<void()> before_listen;
  std::function<void()> before_unlink;
  std::function<void()> before_flock;

 private:
  static void Do(std::function<void()>& what) {
    const std::function<void()> once = std::exchange(what, nullptr);
    if (once != nullptr) once();
  }
};

// Of two programs that start at one moment, one listens; the other is told.
class UnixListenerRaceTest : public UnixStreamTest {
 protected:
  UnixListenerRaceTest() { LeaveStaleSocket(path_); }

  // Binds, with another bind where `system_` says.
  void BindTwice() {
    weft::testing::Simulator sim({.system = &system_});
    auto body = [this]() -> Task<absl::Status> {
      const auto one = UnixListener::Bind(path_, kReplace);
      EXPECT_TRUE(other_.has_value());
      EXPECT_EQ(one.ok() + other_->ok(), 1);
      const absl::Status refused = one.ok() ? other_->status() : one.status();
      EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
      const auto client = co_await UnixStream::Connect(path_);
      EXPECT_EQ(client.status(), absl::OkStatus());
      EXPECT_THAT(folder_.Names(), ElementsAre("socket"));
      other_.reset();
      co_return absl::OkStatus();
    };
    EXPECT_EQ(sim.Run(body()), absl::OkStatus());
  }

  const std::function<void()> bind_the_other_ = [this] {
    other_.emplace(UnixListener::Bind(path_, kReplace));
  };

  static constexpr UnixListenOptions kReplace = {.replace_stale = true};
  Meanwhile system_;
  std::optional<absl::StatusOr<UnixListener>> other_;
};

TEST_F(UnixListenerRaceTest, AFreshSocketIsNotTakenForAStaleOne) {
  system_.before_listen = bind_the_other_;

  BindTwice();
}

TEST_F(UnixListenerRaceTest, WhatWasStaleAtTheLookIsNotRemovedFromAnother) {
  system_.before_unlink = bind_the_other_;

  BindTwice();
}

TEST_F(UnixListenerRaceTest, TheFirstBindOfAllIsSafeAsWell) {
  ASSERT_EQ(::unlink(path_.c_str()), 0);
  system_.before_listen = bind_the_other_;

  BindTwice();
}

TEST_F(UnixListenerRaceTest, AClaimThatHasLostItsNameIsNone) {
  system_.before_flock = bind_the_other_;

  BindTwice();
}

TEST_F(UnixListenerRaceTest, SaysWhyThereIsNoClaim) {
  for (const tests::Fault& fault :
       {tests::Fault{.call = "open", .error = EROFS},
        tests::Fault{.call = "flock", .error = ENOLCK},
        tests::Fault{.call = "fstat", .error = EIO}}) {
    tests::FaultingSystem system;
    weft::testing::Simulator sim({.system = &system});
    auto body = [this]() -> Task<absl::Status> {
      co_return UnixListener::Bind(path_, kReplace).status();
    };
    system.Begin({fault});

    EXPECT_EQ(reactor::ErrnoOf(sim.Run(body())), fault.error);
    EXPECT_EQ(system.happened(), 1);
  }
}

TEST_F(UnixListenerRaceTest, WhatACrashHasLeftOfAClaimIsTaken) {
  folder_.Write("socket.weft-lock", "");
  system_.before_listen = bind_the_other_;

  BindTwice();
}

// --- A queue that is full ---------------------------------------------------

// One connection more than a queue of no length holds.
Task<absl::Status> FillQueue(const std::string& path,
                             std::vector<UnixStream>& clients) {
  const UnixConnectOptions soon = {.timeout = absl::Milliseconds(500)};
  for (;;) {
    auto client = co_await UnixStream::Connect(path, soon);
    if (absl::IsDeadlineExceeded(client.status())) co_return absl::OkStatus();
    clients.push_back(co_await OrReturn(std::move(client)));
  }
}

TEST_F(UnixStreamTest, WhoeverIsCancelledDoesNotConnectAnyMore) {
  auto body = [this]() -> Task<absl::Status> {
    UnixListener listener = co_await OrReturn(UnixListener::Bind(path_));
    absl::Status connected;
    auto connect = [&]() -> Task<> {
      const absl::StatusOr<UnixStream> stream =
          co_await UnixStream::Connect(path_);
      connected = stream.status();
    };
    JoinHandle connecting = Spawn(connect());
    connecting.Cancel();
    const absl::Status ended = co_await connecting.Join();

    EXPECT_TRUE(absl::IsCancelled(connected)) << connected;
    EXPECT_EQ(ended, absl::OkStatus());
    const absl::StatusOr<UnixStream> nobody =
        co_await WithTimeout(absl::Seconds(1), listener.Accept());
    EXPECT_TRUE(absl::IsDeadlineExceeded(nobody.status())) << nobody.status();
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
}

TEST_F(UnixStreamTest, AConnectWaitsWhileTheQueueIsFull) {
  auto body = [this]() -> Task<absl::Status> {
    const UnixListenOptions no_queue = {.backlog = 0};
    UnixListener listener =
        co_await OrReturn(UnixListener::Bind(path_, no_queue));
    std::vector<UnixStream> clients;
    co_await OrReturn(FillQueue(path_, clients));
    auto connect = [this]() -> Task<absl::StatusOr<UnixStream>> {
      return UnixStream::Connect(path_);
    };
    JoinHandle<absl::StatusOr<UnixStream>> waiting = Spawn(connect());

    UnixStream accepted = co_await OrReturn(listener.Accept());
    const absl::StatusOr<UnixStream> connected = co_await waiting.Join();

    EXPECT_EQ(connected.status(), absl::OkStatus());
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
}

// --- Credentials and descriptors --------------------------------------------

TEST_F(UnixStreamTest, TheKernelVouchesForThePeer) {
  auto body = []() -> Task<absl::Status> {
    auto pair = co_await OrReturn(UnixStream::Pair());

    const reactor::PeerCredentials peer =
        co_await OrReturn(pair.first.peer_credentials());

    EXPECT_EQ(peer.user, ::getuid());
    EXPECT_EQ(peer.group, ::getgid());
    EXPECT_EQ(peer.process, ::getpid());
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
}

bool IsSameFile(int one, int other) {
  struct stat first{};
  struct stat second{};
  return ::fstat(one, &first) == 0 && ::fstat(other, &second) == 0 &&
         first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

TEST_F(UnixStreamTest, PassesDescriptorsAlongWithBytes) {
  folder_.Write("file", "contents");
  auto body = [this]() -> Task<absl::Status> {
    auto pair = co_await OrReturn(UnixStream::Pair());
    const reactor::Fd file(
        ::open((folder_ / "file").c_str(), O_RDONLY | O_CLOEXEC));
    const std::array<int, 2> both = {file.get(), file.get()};

    co_await OrReturn(pair.first.SendDescriptors(Bytes("two"), both));
    std::array<std::byte, 16> buffer;
    const ReceivedDescriptors got =
        co_await OrReturn(pair.second.ReceiveDescriptors(buffer));

    EXPECT_EQ(Text(std::span(buffer).first(got.size)), "two");
    EXPECT_EQ(got.descriptors.size(), 2u);
    for (const reactor::Fd& received : got.descriptors) {
      EXPECT_NE(received.get(), file.get());
      EXPECT_TRUE(IsSameFile(received.get(), file.get()));
      EXPECT_EQ(::fcntl(received.get(), F_GETFD), FD_CLOEXEC);
    }
    EXPECT_FALSE(got.truncated);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
}

TEST_F(UnixStreamTest, APlainReadAfterwardsFindsWhatFollows) {
  auto body = []() -> Task<absl::Status> {
    auto pair = co_await OrReturn(UnixStream::Pair());
    const std::array<int, 1> one = {STDERR_FILENO};
    co_await OrReturn(pair.first.SendDescriptors(Bytes("a"), one));
    co_await OrReturn(pair.first.WriteAll(Bytes("b")));
    std::array<std::byte, 1> buffer;

    const ReceivedDescriptors got =
        co_await OrReturn(pair.second.ReceiveDescriptors(buffer));
    const std::string rest = co_await OrReturn(ReadText(pair.second));

    EXPECT_EQ(got.descriptors.size(), 1u);
    EXPECT_EQ(rest, "b");
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
}

TEST_F(UnixStreamTest, DescriptorsThatAPlainReadLosesAreClosed) {
  const int before = OpenDescriptors();
  auto body = []() -> Task<absl::Status> {
    auto pair = co_await OrReturn(UnixStream::Pair());
    const std::array<int, 1> one = {STDERR_FILENO};
    co_await OrReturn(pair.first.SendDescriptors(Bytes("a"), one));
    const std::string read = co_await OrReturn(ReadText(pair.second));
    EXPECT_EQ(read, "a");
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_F(UnixStreamTest, RefusesToPassDescriptorsWithoutBytesOrTooMany) {
  auto body = []() -> Task<absl::Status> {
    auto pair = co_await OrReturn(UnixStream::Pair());
    const std::vector<int> many(kMaxDescriptors + 1, STDERR_FILENO);

    const auto no_bytes = co_await pair.first.SendDescriptors({}, many);
    const auto too_many = co_await pair.first.SendDescriptors(Bytes("a"), many);

    EXPECT_EQ(no_bytes.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(too_many.status().code(), absl::StatusCode::kInvalidArgument);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
}

// --- Adopting ---------------------------------------------------------------

TEST_F(UnixStreamTest, AdoptsSocketsFromElsewhereAndMakesThemNotBlock) {
  auto body = []() -> Task<absl::Status> {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
    reactor::Fd other(ends[1]);

    UnixStream stream =
        co_await OrReturn(UnixStream::FromFd(reactor::Fd(ends[0])));
    EXPECT_EQ(::write(other.get(), "hi", 2), 2);
    const std::string heard = co_await OrReturn(ReadText(stream));

    EXPECT_EQ(heard, "hi");
    EXPECT_NE(::fcntl(ends[0], F_GETFL) & O_NONBLOCK, 0);
    EXPECT_EQ(::fcntl(ends[0], F_GETFD), FD_CLOEXEC);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
}

TEST_F(UnixStreamTest, RefusesToAdoptWhatIsNoStreamSocket) {
  auto body = [this]() -> Task<absl::Status> {
    folder_.Write("file", "");
    reactor::Fd file(::open((folder_ / "file").c_str(), O_RDONLY | O_CLOEXEC));
    reactor::Fd datagrams(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    reactor::Fd lonely(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    reactor::Fd silent(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));

    const auto no_socket = UnixStream::FromFd(std::move(file));
    const auto no_stream = UnixStream::FromFd(std::move(datagrams));
    const auto unconnected = UnixStream::FromFd(std::move(lonely));
    const auto no_listener = UnixListener::FromFd(std::move(silent));

    EXPECT_EQ(no_socket.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(no_stream.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(unconnected.status().code(),
              absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(no_listener.status().code(),
              absl::StatusCode::kFailedPrecondition);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
}

// --- Cancellation -----------------------------------------------------------

TEST_F(UnixStreamTest, InterruptedAnywhereNothingStaysOpen) {
  const int before = OpenDescriptors();
  auto session = [this]() -> Task<absl::Status> {
    UnixListener listener = co_await OrReturn(UnixListener::Bind(path_));
    auto connect = [this]() -> Task<absl::StatusOr<UnixStream>> {
      return UnixStream::Connect(path_);
    };
    JoinHandle<absl::StatusOr<UnixStream>> connecting = Spawn(connect());
    UnixStream server = co_await OrReturn(listener.Accept());
    UnixStream client = co_await OrReturn(connecting.Join());
    const std::array<int, 1> one = {STDERR_FILENO};
    co_await OrReturn(client.SendDescriptors(Bytes("a"), one));
    std::array<std::byte, 1> buffer;
    const ReceivedDescriptors got =
        co_await OrReturn(server.ReceiveDescriptors(buffer));
    EXPECT_EQ(got.descriptors.size(), 1u);
    co_return absl::OkStatus();
  };
  auto check = [&](const absl::Status& result, const Interrupted&) {
    if (!result.ok() && !absl::IsCancelled(result)) return result;
    if (!folder_.Names().empty()) return absl::InternalError("a file is left");
    return absl::OkStatus();
  };

  EXPECT_EQ(CancelEverywhere({.seeds = 20}, session, check).status(),
            absl::OkStatus());
  EXPECT_EQ(OpenDescriptors(), before);
}

}  // namespace
}  // namespace weft::net
