// Tests of what is left when a simulation ends under waiting tasks, and when a
// descriptor's number is used again: nothing, and nobody is told.
//
// SPDX-License-Identifier: MIT

#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/net/socket.h"
#include "weft/net/tcp_listener.h"
#include "weft/net/tcp_stream.h"
#include "weft/reactor/fd.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/net/tcp_pair.h"
#include "weft/tests/support/open_descriptors.h"

namespace weft::net {
namespace {

using ::weft::testing::OpenDescriptors;

Task<absl::Status> AcceptForEver() {
  TcpListener listener = co_await OrReturn(TcpListener::Bind("127.0.0.1:0"));
  for (;;) {
    const TcpStream stream = co_await OrReturn(listener.Accept());
  }
}

// Nobody answers: the queue of the listener is full.
Task<absl::Status> ConnectForEver() {
  const ListenOptions narrow = {.backlog = 0};
  TcpListener listener =
      co_await OrReturn(TcpListener::Bind("127.0.0.1:0", narrow));
  std::vector<TcpStream> streams;
  for (;;) {
    streams.push_back(
        co_await OrReturn(TcpStream::Connect(listener.local_address())));
  }
}

Task<absl::Status> ReadForEver(absl::Duration timeout) {
  TcpPair pair = co_await OrReturn(ConnectPair());
  pair.client.SetReadTimeout(timeout);
  const absl::StatusOr<std::string> text = co_await ReadText(pair.client);
  co_return text.status();
}

Task<absl::Status> WriteForEver() {
  TcpPair pair = co_await OrReturn(ConnectPair());
  const std::vector<std::byte> bytes = Pattern(1 << 20);
  for (;;) co_await OrReturn(pair.client.WriteAll(bytes));
}

Task<absl::Status> ReadHalfForEver() {
  TcpPair pair = co_await OrReturn(ConnectPair());
  auto [read, write] = std::move(pair.client).Split();
  const absl::StatusOr<std::string> text = co_await ReadText(read);
  co_return text.status();
}

void SpawnEveryWait(testing::Simulator& sim) {
  sim.Spawn(AcceptForEver);
  sim.Spawn(ConnectForEver);
  sim.Spawn(ReadForEver, absl::InfiniteDuration());
  sim.Spawn(ReadForEver, absl::Hours(1));
  sim.Spawn(WriteForEver);
  sim.Spawn(ReadHalfForEver);
}

TEST(TcpTeardownTest, LeavesNoDescriptorUnderTasksThatWait) {
  const int before = OpenDescriptors();
  {
    testing::Simulator sim;
    SpawnEveryWait(sim);
    sim.RunFor(absl::Seconds(1));
    ASSERT_TRUE(sim.AnyTasks());
    ASSERT_GT(OpenDescriptors(), before);
  }

  EXPECT_EQ(OpenDescriptors(), before);
}

TEST(TcpTeardownTest, LeavesNoDescriptorWhenEveryTaskIsCancelled) {
  const int before = OpenDescriptors();
  {
    testing::Simulator sim;
    SpawnEveryWait(sim);
    sim.RunFor(absl::Seconds(1));
    const int idle = OpenDescriptors();

    sim.CancelAll();
    sim.RunUntilIdle();

    EXPECT_FALSE(sim.AnyTasks());
    EXPECT_LT(OpenDescriptors(), idle);
  }
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST(TcpTeardownTest, ClosesAStreamThatOutlivesItsRuntime) {
  const int before = OpenDescriptors();
  testing::SimulatedSystem system;
  std::optional<TcpPair> pair;
  {
    testing::Simulator sim({.system = &system});
    const absl::Status status =
        sim.Run([](std::optional<TcpPair>& out) -> Task<absl::Status> {
          out = co_await OrReturn(ConnectPair());
          co_return absl::OkStatus();
        }(pair));
    ASSERT_EQ(status, absl::OkStatus());
  }

  pair->client.Close();
  pair.reset();

  EXPECT_EQ(OpenDescriptors(), before);
}

// --- A number that is used again --------------------------------------------

// Does something of the test's between the moment the kernel has reported
// events and the moment anybody is told; counts the reads of each descriptor.
class AfterWait : public testing::SimulatedSystem {
 public:
  int event_queue_wait(absl::FunctionRef<int()> call) override {
    const int count = SimulatedSystem::event_queue_wait(call);
    if (count > 0 && act != nullptr) std::exchange(act, nullptr)();
    return count;
  }
  ssize_t recv(int fd, void* buffer, std::size_t size, int flags) override {
    ++reads[fd];
    return SimulatedSystem::recv(fd, buffer, size, flags);
  }

  std::function<void()> act;
  std::map<int, int> reads;
};

// Reads until it would have to wait for more than a millisecond.
Task<absl::Status> ReadWhatIsThere(std::optional<TcpStream>& stream,
                                   std::string& got) {
  stream->SetReadTimeout(absl::Milliseconds(1));
  for (;;) got += co_await OrReturn(ReadText(*stream));
}

// The old connection's peer hangs up. When the kernel has said so, and before
// anybody is told, the old stream is closed and a new one gets its number and
// its place. If it were told, each of its reads would try first: once more than
// there are bytes for.
TEST(TcpTeardownTest, DoesNotTellANewStreamWhatHappenedToAnOldOne) {
  AfterWait system;
  std::optional<TcpStream> stream;
  testing::Simulator sim({.system = &system});
  const reactor::Fd listener = *OpenTcpSocket(system, Address::Loopback(0));
  ASSERT_EQ(BindSocket(system, listener.get(), Address::Loopback(0)),
            absl::OkStatus());
  ASSERT_EQ(::listen(listener.get(), 8), 0);
  const Address address = *LocalAddressOf(system, listener.get());
  PlainPeer old_peer(address);
  int old_number = -1, new_number = -2;
  std::string old_text, new_text;
  sim.Spawn([&]() -> Task<absl::Status> {
    old_number = system.accept(listener.get(), nullptr, nullptr);
    stream.emplace(TcpStream::Adopt(reactor::Fd(old_number, system), address));
    co_return co_await ReadWhatIsThere(stream, old_text);
  });
  sim.RunUntilIdle();
  PlainPeer new_peer(address);
  ASSERT_TRUE(new_peer.Send("new"));

  ::shutdown(old_peer.fd(), SHUT_WR);  // Not closed: its number stays taken.
  system.act = [&] {
    stream.reset();
    new_number = system.accept(listener.get(), nullptr, nullptr);
    stream.emplace(TcpStream::Adopt(reactor::Fd(new_number, system), address));
  };
  sim.RunUntilIdle();
  system.reads.clear();
  sim.Spawn(ReadWhatIsThere, std::ref(stream), std::ref(new_text));
  sim.RunUntilIdle();

  ASSERT_EQ(new_number, old_number);
  EXPECT_EQ(old_text, "");
  EXPECT_EQ(new_text, "new");
  // One for the bytes, and one because the timeout says so.
  EXPECT_EQ(system.reads[new_number], 2);
}

}  // namespace
}  // namespace weft::net
