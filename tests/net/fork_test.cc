// Children that are forked under open connections. One that becomes another
// program has none of our descriptors; one that has not become it yet has all
// of them, and disturbs nobody: what we close is silent, though it is still
// open there. (asio#1529, #1599: descriptors registered anew after a fork.)
//
// SPDX-License-Identifier: MIT

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/net/pipe.h"
#include "weft/net/process.h"
#include "weft/net/signal_set.h"
#include "weft/net/tcp_listener.h"
#include "weft/net/tcp_stream.h"
#include "weft/net/udp_socket.h"
#include "weft/net/unix_datagram.h"
#include "weft/net/unix_listener.h"
#include "weft/net/unix_stream.h"
#include "weft/reactor/signal_mask.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/net/tcp_pair.h"
#include "weft/tests/net/udp_pair.h"
#include "weft/tests/support/mortal.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::net {
namespace {

using ::testing::IsEmpty;

std::set<int> OpenNumbers() {
  std::set<int> numbers;
  for (const auto& entry :
       std::filesystem::directory_iterator("/proc/self/fd")) {
    int number = -1;
    if (absl::SimpleAtoi(entry.path().filename().string(), &number)) {
      numbers.insert(number);
    }
  }
  return numbers;
}

// Those that came after `before` and would be open in another program.
std::set<int> Inherited(const std::set<int>& before) {
  std::set<int> inherited;
  for (const int number : OpenNumbers()) {
    const int flags = ::fcntl(number, F_GETFD);
    const bool closed_by_now = flags == -1;  // The folder that was listed.
    if (!closed_by_now && (flags & FD_CLOEXEC) == 0 &&
        !before.contains(number)) {
      inherited.insert(number);
    }
  }
  return inherited;
}

// Counts the events that the kernel reports.
class CountingSystem : public testing::SimulatedSystem {
 public:
  int event_queue_wait(absl::FunctionRef<int()> call) override {
    const int count = SimulatedSystem::event_queue_wait(call);
    const int error = errno;
    reports += std::max(count, 0);
    errno = error;
    return count;
  }

  int reports = 0;
};

// One of everything that has a descriptor.
Task<absl::StatusOr<std::set<int>>> InheritedOfEverything(
    const std::set<int>& before, std::string folder) {
  TcpPair tcp = co_await OrReturn(ConnectPair());
  TcpListener tcp_listener =
      co_await OrReturn(TcpListener::Bind("127.0.0.1:0"));
  UdpPair udp = co_await OrReturn(MakeUdpPair());
  UnixListener unix_listener =
      co_await OrReturn(UnixListener::Bind(folder + "/socket"));
  UnixStream unix_client =
      co_await OrReturn(UnixStream::Connect(folder + "/socket"));
  UnixStream unix_server = co_await OrReturn(unix_listener.Accept());
  auto unix_pair = co_await OrReturn(UnixStream::Pair());
  auto datagrams = co_await OrReturn(UnixDatagram::Pair());
  Pipe pipe = co_await OrReturn(MakePipe());
  const std::vector<int> announced = {SIGUSR1};
  SignalSet signals = co_await OrReturn(SignalSet::Create(announced));
  ProcessOptions cat("cat");
  cat.standard_input = Redirect::Pipe();
  cat.standard_output = Redirect::Pipe();
  Process process = co_await OrReturn(Process::Spawn(std::move(cat)));
  const std::set<int> inherited = Inherited(before);
  co_await OrReturn(process.Stop(absl::Seconds(1)));
  co_return inherited;
}

TEST(ForkTest, NoDescriptorOfARuntimeIsInherited) {
  const testing::TemporaryDirectory folder;
  const auto announced = *reactor::BlockedSignals::Create({SIGUSR1});
  const std::set<int> before = OpenNumbers();
  testing::Simulator sim;

  const absl::StatusOr<std::set<int>> inherited =
      sim.Run(InheritedOfEverything(before, folder.path()));

  ASSERT_EQ(inherited.status(), absl::OkStatus());
  EXPECT_THAT(*inherited, IsEmpty());
}

// The queue reports a connection as long as any process has it open. So the
// stream is taken out of the queue before it is closed, and what its peer does
// afterwards, which the child's copy feels, is for nobody here.
TEST(ForkTest, AConnectionThatIsStillOpenInAChildIsSilentWhenWeHaveClosedIt) {
  CountingSystem system;
  testing::Simulator sim({.system = &system});
  std::optional<TcpListener> listener;
  std::unique_ptr<PlainPeer> old_peer, new_peer;
  std::unique_ptr<testing::Mortal> child;
  std::string new_text;
  auto run = [&]() -> Task<absl::Status> {
    listener = co_await OrReturn(TcpListener::Bind("127.0.0.1:0"));
    old_peer = std::make_unique<PlainPeer>(listener->local_address());
    std::optional<TcpStream> old = co_await OrReturn(listener->Accept());
    old->SetReadTimeout(absl::Seconds(1));
    const auto nothing = co_await ReadText(*old);  // It is registered now.
    EXPECT_TRUE(absl::IsDeadlineExceeded(nothing.status()));
    const int number = old->source().fd();
    child = std::make_unique<testing::Mortal>();
    old.reset();

    new_peer = std::make_unique<PlainPeer>(listener->local_address());
    EXPECT_EQ(new_peer->fd(), number) << "so that the next is another one";
    TcpStream stream = co_await OrReturn(listener->Accept());
    stream.SetReadTimeout(absl::Seconds(1));
    system.reports = 0;
    EXPECT_TRUE(old_peer->Send("for the child's copy"));
    old_peer->Reset();
    const auto still_nothing = co_await ReadText(stream);
    EXPECT_TRUE(absl::IsDeadlineExceeded(still_nothing.status()));
    EXPECT_FALSE(stream.source().hang_up());
    EXPECT_EQ(system.reports, 1);  // That the new one can be written to.
    EXPECT_TRUE(new_peer->Send("new"));
    new_text = co_await OrReturn(ReadText(stream));
    co_return absl::OkStatus();
  };

  EXPECT_EQ(sim.Run(run()), absl::OkStatus());

  EXPECT_EQ(new_text, "new");
  listener.reset();
}

}  // namespace
}  // namespace weft::net
