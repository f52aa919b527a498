// Tests of accepting: what can go wrong there, and that nothing is lost by it.
//
// SPDX-License-Identifier: MIT

#include "weft/net/tcp_listener.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/os_error.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/runtime/yield.h"
#include "weft/tests/net/each_network.h"
#include "weft/tests/net/tcp_pair.h"
#include "weft/tests/support/open_descriptors.h"

namespace weft::net {
namespace {

using ::testing::HasSubstr;

class TcpListenerTest : public EachNetworkTest {};
INSTANTIATE_TEST_SUITE_P(Each, TcpListenerTest, Networks(), NetworkName);

// Answers `error` to the next `times` accepts, before it does what it is asked.
class FailingAccept : public weft::testing::SimulatedSystem {
 public:
  FailingAccept(int error, int times) : error_(error), left_(times) {}

  int accept(int fd, sockaddr* address, socklen_t* size) override {
    ++calls;
    if (left_ > 0) {
      --left_;
      errno = error_;
      return -1;
    }
    return SimulatedSystem::accept(fd, address, size);
  }

  int calls = 0;

 private:
  const int error_;
  int left_;
};

TEST_P(TcpListenerTest, KnowsThePortThatTheSystemChose) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    const TcpListener listener =
        co_await OrReturn(TcpListener::Bind("127.0.0.1:0"));

    EXPECT_NE(listener.local_address().port(), 0);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_P(TcpListenerTest, SaysWhatIsWrongWithTheAddress) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    co_return TcpListener::Bind("127.0.0.1:http").status();
  });

  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("127.0.0.1:http"));
}

TEST_P(TcpListenerTest, SaysThatThePortIsInUse) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    const TcpListener first =
        co_await OrReturn(TcpListener::Bind("127.0.0.1:0"));

    co_return TcpListener::Bind(first.local_address()).status();
  });

  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("Address already in use"));
}

TEST_P(TcpListenerTest, SharesThePortWhereAllAskForIt) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    const ListenOptions shared = {.reuse_port = true};
    const TcpListener first =
        co_await OrReturn(TcpListener::Bind("127.0.0.1:0", shared));

    co_return TcpListener::Bind(first.local_address(), shared).status();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_P(TcpListenerTest, ListensAgainWhereConnectionsLinger) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    TcpListener first = co_await OrReturn(TcpListener::Bind("127.0.0.1:0"));
    const Address address = first.local_address();
    TcpStream client = co_await OrReturn(TcpStream::Connect(address));
    TcpStream server = co_await OrReturn(first.Accept());
    // Who closes first lingers.
    server.Close();
    client.Close();
    first.Close();

    co_return TcpListener::Bind(address).status();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_P(TcpListenerTest, AcceptsInTheOrderTheyCame) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    TcpListener listener = co_await OrReturn(TcpListener::Bind("127.0.0.1:0"));
    std::vector<TcpStream> clients;
    for (int i = 0; i < 100; ++i) {
      clients.push_back(
          co_await OrReturn(TcpStream::Connect(listener.local_address())));
    }

    for (const TcpStream& client : clients) {
      const TcpStream server = co_await OrReturn(listener.Accept());
      EXPECT_EQ(server.peer_address(), *client.local_address());
    }
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

Task<absl::Status> AcceptOne(TcpListener& listener, int& accepted) {
  const TcpStream stream = co_await OrReturn(listener.Accept());
  ++accepted;
  co_return absl::OkStatus();
}

TEST_P(TcpListenerTest, TellsItsWaiterThatItsOwnerHasClosedIt) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    TcpListener listener = co_await OrReturn(TcpListener::Bind("127.0.0.1:0"));
    int accepted = 0;
    JoinHandle<absl::Status> accepting =
        Spawn(AcceptOne, std::ref(listener), std::ref(accepted));
    co_await Yield();

    listener.Close();
    co_return co_await accepting.Join();
  });

  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
}

TEST_P(TcpListenerTest, RefusesConnectionsOnceItIsClosed) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    TcpListener listener = co_await OrReturn(TcpListener::Bind("127.0.0.1:0"));
    const Address address = listener.local_address();
    listener.Close();
    listener.Close();

    absl::StatusOr<TcpStream> stream = co_await TcpStream::Connect(address);
    co_return stream.status();
  });

  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
}

// --- Faults -----------------------------------------------------------------

// Accepts three connections, which were all there before the first accept.
Task<absl::Status> AcceptThree(std::uint64_t& starved) {
  TcpListener listener = co_await OrReturn(TcpListener::Bind("127.0.0.1:0"));
  for (const char* const name : {"one", "two", "three"}) {
    PlainPeer peer(listener.local_address());
    EXPECT_TRUE(peer.Send(name));
    TcpStream stream = co_await OrReturn(listener.Accept());
    const std::string text = co_await OrReturn(ReadText(stream));
    EXPECT_EQ(text, name);
  }
  starved = listener.times_starved();
  co_return absl::OkStatus();
}

class TcpListenerShortageTest : public ::testing::TestWithParam<int> {};

TEST_P(TcpListenerShortageTest, WaitsForRoomAndGoesOn) {
  FailingAccept system(GetParam(), /*times=*/12);
  weft::testing::Simulator sim({.system = &system});
  const Instant start = sim.now();
  std::uint64_t starved = 0;

  const absl::Status status = sim.Run(AcceptThree(starved));

  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_EQ(starved, 12u);
  EXPECT_EQ(system.calls, 12 + 3);  // It looked again, and did not spin.
  // 5, 10, 20, ... 320 milliseconds, and no longer than that.
  EXPECT_GE(sim.now() - start, absl::Milliseconds(315 + 6 * 320));
  EXPECT_LT(sim.now() - start, absl::Milliseconds(350 + 6 * 325));
}

INSTANTIATE_TEST_SUITE_P(All, TcpListenerShortageTest,
                         ::testing::Values(EMFILE, ENFILE, ENOBUFS, ENOMEM,
                                           EPERM));

TEST(TcpListenerKernelTest, IsCancelledWhileItWaitsForRoom) {
  FailingAccept system(EMFILE, /*times=*/1'000'000);
  weft::testing::Simulator sim({.system = &system});
  std::uint64_t starved = 0;
  JoinHandle<absl::Status> accepting = sim.SpawnJoinable(AcceptThree(starved));
  sim.RunFor(absl::Seconds(1));
  ASSERT_FALSE(accepting.finished());

  accepting.Cancel();
  sim.RunFor(absl::Seconds(1));

  ASSERT_TRUE(accepting.finished());
  EXPECT_EQ(accepting.BlockingJoin().code(), absl::StatusCode::kCancelled);
}

TEST(TcpListenerKernelTest, IsToldThatItWasClosedAfterItsPause) {
  FailingAccept system(EMFILE, /*times=*/1'000'000);
  absl::StatusOr<TcpListener> listener = absl::UnknownError("not bound yet");
  weft::testing::Simulator sim({.system = &system});
  auto bind = [&listener]() -> Task<absl::Status> {
    listener = TcpListener::Bind("127.0.0.1:0");
    co_return listener.status();
  };
  ASSERT_EQ(sim.Run(bind()), absl::OkStatus());
  const PlainPeer knocking(listener->local_address());
  int accepted = 0;
  JoinHandle<absl::Status> accepting =
      sim.SpawnJoinable(AcceptOne, std::ref(*listener), std::ref(accepted));
  sim.RunFor(absl::Seconds(2));
  const int calls = system.calls;

  listener->Close();
  sim.RunFor(absl::Milliseconds(350));

  ASSERT_TRUE(accepting.finished());
  EXPECT_EQ(accepting.BlockingJoin().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(system.calls, calls) << "the number may be another's by now";
  EXPECT_EQ(accepted, 0);
}

// Has no descriptor left for an accept, by the real limit of the process. Only
// during the call: a sanitizer wants descriptors of its own at any moment.
class LimitedSystem : public weft::testing::SimulatedSystem {
 public:
  int accept(int fd, sockaddr* address, socklen_t* size) override {
    if (!limited) return SimulatedSystem::accept(fd, address, size);
    const int lowest_free = ::dup(fd);
    ::close(lowest_free);
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    rlimit none = before;
    none.rlim_cur = static_cast<rlim_t>(lowest_free);
    ::setrlimit(RLIMIT_NOFILE, &none);
    const int result = SimulatedSystem::accept(fd, address, size);
    const int error = errno;
    ::setrlimit(RLIMIT_NOFILE, &before);
    errno = error;
    return result;
  }

  bool limited = true;
};

TEST(TcpListenerKernelTest, OutlastsTheRealLimitOfDescriptors) {
  LimitedSystem system;
  absl::StatusOr<TcpListener> listener = absl::UnknownError("not bound yet");
  weft::testing::Simulator sim({.system = &system});
  const absl::Status bound =
      sim.Run([](absl::StatusOr<TcpListener>& out) -> Task<absl::Status> {
        out = TcpListener::Bind("127.0.0.1:0");
        co_return out.status();
      }(listener));
  ASSERT_EQ(bound, absl::OkStatus());
  const PlainPeer first(listener->local_address());
  const PlainPeer second(listener->local_address());
  int accepted = 0;
  JoinHandle<absl::Status> accepting =
      sim.SpawnJoinable(AcceptOne, std::ref(*listener), std::ref(accepted));

  sim.RunFor(absl::Seconds(2));
  const int accepted_when_limited = accepted;
  const std::uint64_t starved = listener->times_starved();
  system.limited = false;
  sim.RunFor(absl::Seconds(1));
  sim.Spawn(AcceptOne, std::ref(*listener), std::ref(accepted));
  sim.RunUntilIdle();

  EXPECT_EQ(accepted_when_limited, 0);
  EXPECT_GT(starved, 5u);
  EXPECT_LT(starved, 20u);
  EXPECT_TRUE(accepting.finished());
  EXPECT_EQ(accepted, 2);
}

class TcpListenerSkipTest : public ::testing::TestWithParam<int> {};

TEST_P(TcpListenerSkipTest, AcceptsTheNextConnection) {
  FailingAccept system(GetParam(), /*times=*/500);
  weft::testing::Simulator sim({.system = &system});
  const Instant start = sim.now();
  std::uint64_t starved = 0;

  const absl::Status status = sim.Run(AcceptThree(starved));

  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_EQ(starved, 0u);
  EXPECT_EQ(sim.now(), start);  // At once.
}

INSTANTIATE_TEST_SUITE_P(All, TcpListenerSkipTest,
                         ::testing::Values(ECONNABORTED, EPROTO, ENETDOWN,
                                           EHOSTUNREACH, EINTR));

// As XNU answers for a connection that was reset while it was queued.
TEST(TcpListenerKernelTest, PassesOverAConnectionWithoutAPeer) {
  class Nameless : public weft::testing::SimulatedSystem {
   public:
    int accept(int fd, sockaddr* address, socklen_t* size) override {
      const int socket = SimulatedSystem::accept(fd, address, size);
      if (socket >= 0 && ++accepted == 1) *size = 0;
      return socket;
    }
    int accepted = 0;
  } system;
  weft::testing::Simulator sim({.system = &system});
  const int before = weft::testing::OpenDescriptors();

  const absl::Status status = sim.Run([]() -> Task<absl::Status> {
    TcpListener listener = co_await OrReturn(TcpListener::Bind("127.0.0.1:0"));
    PlainPeer gone(listener.local_address());
    PlainPeer peer(listener.local_address());
    EXPECT_TRUE(peer.Send("here"));
    TcpStream stream = co_await OrReturn(listener.Accept());
    EXPECT_EQ(gone.Receive(), "");  // Closed on our side.
    const std::string text = co_await OrReturn(ReadText(stream));
    EXPECT_EQ(text, "here");
    co_return absl::OkStatus();
  }());

  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_EQ(system.accepted, 2);
  EXPECT_EQ(weft::testing::OpenDescriptors(), before);
}

TEST(TcpListenerKernelTest, IsCancelledInAFloodOfAbortedConnections) {
  FailingAccept system(ECONNABORTED, /*times=*/1'000'000'000);
  weft::testing::Simulator sim({.system = &system});
  std::uint64_t starved = 0;
  JoinHandle<absl::Status> accepting = sim.SpawnJoinable(AcceptThree(starved));

  const absl::Status status =
      sim.Run([](JoinHandle<absl::Status>& flooded) -> Task<absl::Status> {
        for (int turn = 0; turn < 10; ++turn) co_await Yield();
        flooded.Cancel();
        co_return co_await flooded.Join();
      }(accepting));

  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
}

TEST(TcpListenerKernelTest, ReportsWhatIsItsOwnFault) {
  FailingAccept system(EINVAL, /*times=*/1);
  std::uint64_t starved = 0;

  const absl::Status status =
      Simulate({.system = &system}, AcceptThree, starved);

  EXPECT_EQ(reactor::ErrnoOf(status), EINVAL);
  EXPECT_THAT(std::string(status.message()), HasSubstr("accept(\"127.0.0.1:"));
}

TEST(TcpListenerKernelTest, AcceptsWhatIsThereInOneBatch) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    TcpListener listener = co_await OrReturn(TcpListener::Bind("127.0.0.1:0"));
    std::vector<PlainPeer> clients;
    for (int i = 0; i < 5; ++i) clients.emplace_back(listener.local_address());

    std::vector<TcpStream> three = co_await OrReturn(listener.AcceptBatch(3));
    std::vector<TcpStream> two = co_await OrReturn(listener.AcceptBatch(3));

    EXPECT_EQ(three.size(), 3u);
    EXPECT_EQ(two.size(), 2u);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(TcpListenerKernelTest, ABatchThatMeetsAnErrorGivesWhatItHas) {
  // The third accept fails; whoever comes next meets the error, and waits.
  class ThirdFails final : public weft::testing::SimulatedSystem {
   public:
    int accept(int fd, sockaddr* address, socklen_t* size) override {
      if (++calls_ != 3) return SimulatedSystem::accept(fd, address, size);
      errno = EMFILE;
      return -1;
    }

   private:
    int calls_ = 0;
  };
  ThirdFails system;
  auto body = []() -> Task<absl::Status> {
    TcpListener listener = co_await OrReturn(TcpListener::Bind("127.0.0.1:0"));
    std::vector<PlainPeer> clients;
    for (int i = 0; i < 4; ++i) clients.emplace_back(listener.local_address());

    std::vector<TcpStream> two = co_await OrReturn(listener.AcceptBatch(8));
    std::vector<TcpStream> rest = co_await OrReturn(listener.AcceptBatch(8));

    EXPECT_EQ(two.size(), 2u);
    EXPECT_EQ(rest.size(), 2u);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Simulate({.system = &system}, body), absl::OkStatus());
}

TEST(TcpListenerKernelTest, TakesOverASocketThatListens) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    reactor::Fd socket(::socket(AF_INET, SOCK_STREAM, 0));
    EXPECT_EQ(::listen(socket.get(), 1), 0);
    const int number = socket.get();

    TcpListener listener =
        co_await OrReturn(TcpListener::FromFd(std::move(socket)));
    const Address local = Address::Loopback(listener.local_address().port());
    const PlainPeer client(local);
    TcpStream accepted = co_await OrReturn(listener.Accept());

    EXPECT_TRUE(client.connected());
    EXPECT_EQ(::fcntl(number, F_GETFD), FD_CLOEXEC);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(TcpListenerKernelTest, RefusesToTakeOverWhatDoesNotListen) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    reactor::Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    co_return TcpListener::FromFd(std::move(socket)).status();
  });

  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
}

TEST(TcpListenerKernelTest, TakesIpv4InOnIpv6WhereItIsAskedTo) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    const ListenOptions options = {.ipv6_only = false};
    TcpListener listener =
        co_await OrReturn(TcpListener::Bind(Address::AnyIpv6(0), options));

    const PlainPeer client(Address::Loopback(listener.local_address().port()));
    TcpStream accepted = co_await OrReturn(listener.Accept());

    EXPECT_TRUE(client.connected());
    EXPECT_TRUE(accepted.peer_address().is_ipv6());
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(TcpListenerKernelTest, ItsBufferSizesAreThoseOfWhatIsAccepted) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    const ListenOptions options = {.receive_buffer_size = 8192};
    TcpListener listener =
        co_await OrReturn(TcpListener::Bind(Address::Loopback(0), options));
    const PlainPeer client(listener.local_address());
    TcpStream accepted = co_await OrReturn(listener.Accept());

    const int size = co_await OrReturn(accepted.receive_buffer_size());

    EXPECT_GE(size, 8192);
    EXPECT_LE(size, 2 * 8192);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

}  // namespace
}  // namespace weft::net
