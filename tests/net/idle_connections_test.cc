// What connections cost on which nothing happens: nothing. Ten thousand that
// are idle, some that were reset with nobody waiting for them, a listener that
// finds no descriptor for whoever knocks.
//
// Counted are the calls that are made while time passes, and the events that
// the kernel reports: one that it reports for ever is a processor that never
// sleeps. Others spun here: on an error that nobody took (libcoro#409,
// seastar#1785, #1945, #3204), on half a Unix connection (bun#37928), on an
// accept that was made again at once (node#45242, eventcore#49).
//
// SPDX-License-Identifier: MIT

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/net/tcp_listener.h"
#include "weft/net/tcp_stream.h"
#include "weft/net/unix_stream.h"
#include "weft/reactor/fd.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/net/tcp_pair.h"
#include "weft/tests/support/descriptor_limit.h"

namespace weft::net {
namespace {

// The kernel, counting; and without a descriptor for an accept, if told so.
class CountingSystem : public weft::testing::SimulatedSystem {
 public:
  int event_queue_wait(absl::FunctionRef<int()> call) override {
    const int count = SimulatedSystem::event_queue_wait(call);
    const int error = errno;
    ++waits;
    reports += std::max(count, 0);
    errno = error;
    return count;
  }
  ssize_t recv(int fd, void* buffer, std::size_t size, int flags) override {
    ++reads;
    return SimulatedSystem::recv(fd, buffer, size, flags);
  }
  int accept(int fd, sockaddr* address, socklen_t* size) override {
    ++accepts;
    if (!starving) return SimulatedSystem::accept(fd, address, size);
    errno = EMFILE;
    return -1;
  }
  void Forget() { waits = reports = reads = accepts = 0; }

  bool starving = false;
  int waits = 0;
  int reports = 0;  // Events.
  int reads = 0;
  int accepts = 0;
};

template <typename Stream>
Task<absl::Status> Echo(Stream stream) {
  std::array<std::byte, 64> buffer;
  while (std::size_t got = co_await OrReturn(stream.Read(buffer))) {
    co_await OrReturn(stream.WriteAll(std::span(buffer).first(got)));
  }
  co_return absl::OkStatus();
}

Task<absl::Status> EchoOn(int number, CountingSystem& system) {
  UnixStream stream =
      co_await OrReturn(UnixStream::FromFd(reactor::Fd(number, system)));
  co_return co_await Echo(std::move(stream));
}

// Gives up waiting at once: the event queue knows the stream, and nobody waits.
template <typename Stream>
Task<absl::Status> WaitInVain(Stream& stream) {
  stream.SetReadTimeout(absl::Milliseconds(1));
  const absl::StatusOr<std::string> text = co_await ReadText(stream);
  stream.SetReadTimeout(absl::InfiniteDuration());
  co_return absl::IsDeadlineExceeded(text.status()) ? absl::OkStatus()
                                                    : text.status();
}

class IdleConnectionsTest : public ::testing::Test {
 protected:
  // What happens while nothing does: time passes, and we look again and again.
  void LetAMinutePass() {
    sim_.RunUntilIdle();
    system_.Forget();
    for (int second = 0; second < 60; ++second) sim_.RunFor(absl::Seconds(1));
  }

  // The other end of a connection that is served in the simulation.
  reactor::Fd Connect() {
    std::array<int, 2> ends{-1, -1};
    EXPECT_EQ(system_.socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
    sim_.Spawn(EchoOn(ends[0], system_));
    return reactor::Fd(ends[1], system_);
  }

  CountingSystem system_;
  weft::testing::Simulator sim_{{.system = &system_}};
};

TEST_F(IdleConnectionsTest, TenThousandAreNotLookedAt) {
  constexpr int kMost = 10'000;
  constexpr int kSpare = 100;
  const weft::testing::DescriptorLimit limit(2 * kMost + kSpare);
  const int count = std::min(kMost, (limit.get() - kSpare) / 2);
  std::vector<reactor::Fd> peers;
  for (int i = 0; i < count; ++i) peers.push_back(Connect());

  LetAMinutePass();

  EXPECT_EQ(system_.reports, 0);
  EXPECT_EQ(system_.reads, 0);
  EXPECT_LE(system_.waits, 2 * 60);  // One to see that nothing is there.
}

TEST_F(IdleConnectionsTest, OneThatSpeaksAmongThemCostsItsOwnCalls) {
  std::vector<reactor::Fd> peers;
  for (int i = 0; i < 1000; ++i) peers.push_back(Connect());
  sim_.RunUntilIdle();
  system_.Forget();

  ASSERT_EQ(::send(peers[500].get(), "x", 1, 0), 1);
  sim_.RunUntilIdle();

  EXPECT_LE(system_.reads, 2);  // What is there, and that no more is.
  EXPECT_LE(system_.reports, 2);
}

// --- Nobody waits -----------------------------------------------------------

Task<absl::Status> AcceptAndWaitInVain(TcpListener& listener, int count,
                                       std::vector<TcpStream>& streams) {
  while (std::ssize(streams) < count) {
    TcpStream stream = co_await OrReturn(listener.Accept());
    co_await OrReturn(WaitInVain(stream));
    streams.push_back(std::move(stream));
  }
  co_return absl::OkStatus();
}

TEST_F(IdleConnectionsTest, AResetThatNobodyWaitsForIsReportedOnce) {
  constexpr int kConnections = 100;
  std::vector<TcpStream> streams;
  std::vector<std::unique_ptr<PlainPeer>> peers;
  auto listen = [&]() -> Task<absl::Status> {
    TcpListener listener = co_await OrReturn(TcpListener::Bind("127.0.0.1:0"));
    for (int i = 0; i < kConnections; ++i) {
      peers.push_back(std::make_unique<PlainPeer>(listener.local_address()));
    }
    co_return co_await AcceptAndWaitInVain(listener, kConnections, streams);
  };
  ASSERT_EQ(sim_.Run(listen()), absl::OkStatus());
  sim_.RunUntilIdle();
  system_.Forget();

  for (auto& peer : peers) peer->Reset();
  sim_.RunUntilIdle();
  const int reports = system_.reports;
  LetAMinutePass();
  const auto late = sim_.Run(ReadText(streams.front()));

  EXPECT_LE(reports, 2 * kConnections);  // On kqueue, one a direction.
  EXPECT_EQ(system_.reports, 0);
  EXPECT_EQ(late.status().code(), absl::StatusCode::kUnavailable);
}

// The peer of a Unix connection has shut one direction down, or is gone.
class HalfOfAUnixConnectionTest : public IdleConnectionsTest,
                                  public ::testing::WithParamInterface<int> {};

INSTANTIATE_TEST_SUITE_P(Each, HalfOfAUnixConnectionTest,
                         ::testing::Values(SHUT_RD, SHUT_WR, SHUT_RDWR));

TEST_P(HalfOfAUnixConnectionTest, IsReportedOnce) {
  std::optional<UnixStream> stream;
  reactor::Fd peer;
  auto wait = [&]() -> Task<absl::Status> {
    std::array<int, 2> ends{-1, -1};
    system_.socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data());
    peer = reactor::Fd(ends[1], system_);
    stream =
        co_await OrReturn(UnixStream::FromFd(reactor::Fd(ends[0], system_)));
    co_return co_await WaitInVain(*stream);
  };
  ASSERT_EQ(sim_.Run(wait()), absl::OkStatus());

  ASSERT_EQ(::shutdown(peer.get(), GetParam()), 0);
  LetAMinutePass();

  EXPECT_EQ(system_.reports, 0);
  EXPECT_EQ(system_.reads, 0);
}

// --- A listener without descriptors -----------------------------------------

Task<absl::Status> AcceptAll(TcpListener& listener, int& accepted) {
  for (;;) {
    const TcpStream stream = co_await OrReturn(listener.Accept());
    ++accepted;
  }
}

TEST_F(IdleConnectionsTest, AListenerWithoutDescriptorsAsksSeldomAndRecovers) {
  std::optional<TcpListener> listener;
  auto bind = [&]() -> Task<absl::Status> {
    listener = co_await OrReturn(TcpListener::Bind("127.0.0.1:0"));
    co_return absl::OkStatus();
  };
  ASSERT_EQ(sim_.Run(bind()), absl::OkStatus());
  int accepted = 0;
  system_.starving = true;
  sim_.Spawn(AcceptAll, std::ref(*listener), std::ref(accepted));
  const PlainPeer first(listener->local_address());
  const PlainPeer second(listener->local_address());
  system_.Forget();

  sim_.RunFor(absl::Seconds(1));
  const int in_the_first_second = system_.accepts;
  system_.Forget();
  sim_.RunFor(absl::Seconds(10));
  const int in_ten_more = system_.accepts;
  const int looks = system_.waits;
  system_.starving = false;
  sim_.RunFor(absl::Seconds(1));

  EXPECT_LT(in_the_first_second, 12);
  EXPECT_LT(in_ten_more, 35);
  EXPECT_LT(looks, 10 * in_ten_more);
  EXPECT_EQ(accepted, 2);
  sim_.CancelAll();  // The listener goes before whoever accepts.
  sim_.RunUntilIdle();
}

}  // namespace
}  // namespace weft::net
