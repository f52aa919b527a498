// Tests that a program which is started with its sockets open bears every
// single fault of the system: it takes all of them, or none, and closes what it
// does not use.
//
// SPDX-License-Identifier: MIT

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "weft/net/address.h"
#include "weft/net/socket_activation.h"
#include "weft/net/tcp_listener.h"
#include "weft/net/udp_socket.h"
#include "weft/net/unix_address.h"
#include "weft/net/unix_listener.h"
#include "weft/net/unix_stream.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/reactor.h"
#include "weft/runtime/current.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/task.h"
#include "weft/tests/net/udp_pair.h"
#include "weft/tests/net/wire.h"
#include "weft/tests/support/single_faults.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::net {
namespace {

using ::weft::tests::FaultsBorne;

constexpr int kFirst = 3;  // Behind the three standard streams.
constexpr std::size_t kSockets = 3;
constexpr std::array<std::string_view, kSockets> kNames = {"web", "control",
                                                           "unknown"};
constexpr std::string_view kText = "some words";

// --- The service manager ----------------------------------------------------

// As a service manager makes one: it blocks, and is inherited.
template <typename SomeAddress>
reactor::Fd Opened(int type, const SomeAddress& address) {
  const auto form = address.ToSystem();
  reactor::Fd socket(::socket(form.get()->sa_family, type, 0));
  EXPECT_EQ(::bind(socket.get(), form.get(), form.size()), 0);
  if (type == SOCK_STREAM) {
    EXPECT_EQ(::listen(socket.get(), 8), 0);
  }
  return socket;
}

// Hands three sockets over to this process, on their numbers. Between the runs
// it keeps these, so that nothing else is opened there.
class ServiceManager {
 public:
  explicit ServiceManager(std::string path) : path_(std::move(path)) {
    for (std::size_t i = 0; i < kSockets; ++i) {
      flags_[i] = ::fcntl(Number(i), F_GETFD);
      saved_[i] = reactor::Fd(::fcntl(Number(i), F_DUPFD_CLOEXEC, 100));
    }
    KeepNumbers();
  }
  // What had the numbers before, if anything, has them again.
  ~ServiceManager() {
    for (std::size_t i = 0; i < kSockets; ++i) {
      ::close(Number(i));
      if (!saved_[i]) continue;
      ::dup2(saved_[i].get(), Number(i));
      ::fcntl(Number(i), F_SETFD, flags_[i]);
    }
  }

  void HandOver() {
    ::unlink(path_.c_str());
    Give(0, Opened(SOCK_STREAM, Address::Loopback(0)));
    Give(1, Opened(SOCK_STREAM, *UnixAddress::Parse(path_)));
    Give(2, Opened(SOCK_DGRAM, Address::Loopback(0)));
    ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
    ::setenv("LISTEN_FDS", std::to_string(kSockets).c_str(), 1);
    ::setenv("LISTEN_FDNAMES", "web:control:", 1);
  }

  // OK, or what the program has left behind.
  absl::Status CheckAllTaken() {
    absl::Status held;
    for (std::size_t i = 0; i < kSockets; ++i) {
      if (::fcntl(Number(i), F_GETFD) == -1) continue;
      held.Update(absl::InternalError(
          absl::StrCat("descriptor ", Number(i), " is still open")));
    }
    for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) {
      if (::getenv(name) == nullptr) continue;
      held.Update(absl::InternalError(absl::StrCat(name, " is still set")));
    }
    KeepNumbers();
    return held;
  }

 private:
  static int Number(std::size_t i) { return kFirst + static_cast<int>(i); }

  static void Give(std::size_t i, const reactor::Fd& socket) {
    EXPECT_EQ(::dup2(socket.get(), Number(i)), Number(i));
  }
  static void KeepNumbers() {
    for (std::size_t i = 0; i < kSockets; ++i) {
      EXPECT_EQ(::dup2(STDERR_FILENO, Number(i)), Number(i));
    }
  }

  const std::string path_;
  std::array<int, kSockets> flags_{};
  std::array<reactor::Fd, kSockets> saved_;
};

// --- The program ------------------------------------------------------------

// What came of a run of it.
struct Outcome {
  absl::Status taken;
  std::array<Wire, kSockets> wires;

  absl::Status Check(const absl::Status& ended) const {
    absl::Status held;
    for (const Wire& wire : wires) held.Update(wire.Check(ended));
    if (!taken.ok() && !absl::StrContains(taken.message(), " of LISTEN_FDS")) {
      held.Update(absl::InternalError("it does not say what was to be taken"));
    }
    return held;
  }
};

// By a client of the listener's, who is through before it is accepted.
template <typename Listener, typename Stream>
Task<absl::Status> TalkTo(Listener& listener,
                          Task<absl::StatusOr<Stream>> connect, Wire& wire) {
  Stream client = co_await OrReturn(std::move(connect));
  co_await OrReturn(Say(client, std::string(kText), wire));
  co_await OrReturn(client.ShutdownWrite());
  Stream server = co_await OrReturn(listener.Accept());
  co_return co_await HearOut(server, wire);
}

Task<absl::Status> TalkTo(UdpSocket& server, Wire& wire) {
  UdpSocket client = co_await OrReturn(UdpSocket::Bind("127.0.0.1:0"));
  wire.given = kText;
  co_await OrReturn(client.SendTo(Bytes(kText), server.local_address()));
  wire.came = co_await OrReturn(ReceiveText(server));
  co_return absl::OkStatus();
}

Task<absl::Status> TakeAndTalk(Outcome& outcome) {
  auto taken = TakeActivatedSockets(CurrentReactor().system());
  outcome.taken = taken.status();
  std::vector<ActivatedSocket> sockets = co_await OrReturn(std::move(taken));
  for (std::size_t i = 0; i < kSockets; ++i) {
    EXPECT_EQ(sockets[i].name, kNames[i]);
    EXPECT_EQ(::fcntl(sockets[i].socket.get(), F_GETFD), FD_CLOEXEC);
  }
  TcpListener web =
      co_await OrReturn(TcpListener::FromFd(std::move(sockets[0].socket)));
  UnixListener control =
      co_await OrReturn(UnixListener::FromFd(std::move(sockets[1].socket)));
  UdpSocket log =
      co_await OrReturn(UdpSocket::FromFd(std::move(sockets[2].socket)));
  co_await OrReturn(
      TalkTo(web, ConnectPromptly(web.local_address()), outcome.wires[0]));
  co_await OrReturn(TalkTo(
      control, UnixStream::Connect(control.local_address()), outcome.wires[1]));
  co_return co_await TalkTo(log, outcome.wires[2]);
}

TEST(SingleFaultsActivationTest, SocketsThatAreHandedOverBearEveryOne) {
  const weft::testing::TemporaryDirectory folder;
  ServiceManager manager(folder / "socket");
  Outcome outcome;
  const auto start = [&] {
    outcome = Outcome();
    manager.HandOver();
    return TakeAndTalk(outcome);
  };
  const auto check = [&](const absl::Status& ended) {
    absl::Status held = outcome.Check(ended);
    held.Update(manager.CheckAllTaken());
    return held;
  };

  const int borne = FaultsBorne({.start = start, .check = check});

  EXPECT_GE(borne, 200);
}

}  // namespace
}  // namespace weft::net
