// Tests that a conversation allocates nothing once it is under way, and that
// what has to be allocated for an error does not spoil it. A program of its
// own, since it replaces the global operator new (allocations.h).
//
// SPDX-License-Identifier: MIT

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/net/buffered_reader.h"
#include "weft/net/leased_read.h"
#include "weft/net/memory_stream.h"
#include "weft/net/tcp_listener.h"
#include "weft/net/tcp_stream.h"
#include "weft/net/udp_socket.h"
#include "weft/reactor/os_error.h"
#include "weft/reactor/source.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/net/tcp_pair.h"
#include "weft/tests/net/udp_pair.h"
#include "weft/tests/support/allocations.h"

namespace weft::net {
namespace {

using tests::Allocations;

TEST(AllocationTest, IsCounted) {
  const long before = Allocations();

  const auto small = std::make_unique<int>(7);
  const auto large = std::make_unique<std::array<std::byte, 64>>();
  // A compiler may leave out an allocation that nobody looks at.
  const void* volatile looked_at = small.get();
  looked_at = large.get();

  EXPECT_EQ(Allocations() - before, 2);
  EXPECT_EQ(looked_at, large.get());
}

Task<absl::Status> Echo(TcpStream& stream) {
  std::array<std::byte, 256> buffer;
  while (std::size_t n = co_await OrReturn(stream.Read(buffer))) {
    co_await OrReturn(stream.WriteAll(std::span(buffer).first(n)));
  }
  co_return absl::OkStatus();
}

// Both ends, each of which waits for the other in every round. What is counted
// is the rounds, not this coroutine's own frame.
Task<absl::Status> Talk(TcpStream& stream, int rounds, long& counted) {
  const long before = Allocations();
  std::array<std::byte, 64> message{};
  const std::array parts = {std::span<const std::byte>(message)};
  for (int round = 0; round < rounds; ++round) {
    co_await OrReturn(stream.WriteAll(message));
    std::size_t got = 0;
    while (got < message.size()) {
      got += co_await OrReturn(stream.Read(std::span(message).subspan(got)));
    }
    got = co_await OrReturn(stream.WriteVectored(parts));
    while (got > 0) {
      got -= co_await OrReturn(stream.Read(std::span(message).first(got)));
    }
  }
  counted = Allocations() - before;
  co_return absl::OkStatus();
}

Task<absl::Status> CountInAConversation(absl::Duration timeout, long& counted) {
  TcpPair pair = co_await OrReturn(ConnectPair());
  pair.client.SetReadTimeout(timeout);
  pair.server.SetReadTimeout(timeout);
  JoinHandle<absl::Status> echo = Spawn(Echo, std::ref(pair.server));
  co_await OrReturn(Talk(pair.client, 10, counted));  // Slots are made.
  co_await OrReturn(Talk(pair.client, 1000, counted));
  co_await OrReturn(pair.client.ShutdownWrite());
  co_return co_await echo.Join();
}

TEST(AllocationTest, IsNotNeededForAMessageOverTcp) {
  long counted = -1;

  const absl::Status status =
      Simulate({}, CountInAConversation, absl::InfiniteDuration(), counted);

  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_EQ(counted, 0);
}

TEST(AllocationTest, IsNotNeededForATimeout) {
  long counted = -1;

  const absl::Status status =
      Simulate({}, CountInAConversation, absl::Seconds(5), counted);

  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_EQ(counted, 0);
}

Task<absl::Status> EchoInMemory(MemoryStream& stream) {
  std::array<std::byte, 256> buffer;
  while (std::size_t n = co_await OrReturn(stream.Read(buffer))) {
    co_await OrReturn(stream.Write(std::span(buffer).first(n)));
  }
  co_return absl::OkStatus();
}

Task<absl::Status> CountInMemory(long& counted) {
  auto [client, server] = MakeMemoryPipe();
  JoinHandle<absl::Status> echo = Spawn(EchoInMemory, std::ref(server));
  std::array<std::byte, 64> message{};
  long before = 0;
  for (int round = 0; round < 1010; ++round) {
    if (round == 10) before = Allocations();
    co_await OrReturn(client.Write(message));
    co_await OrReturn(client.Read(message));
  }
  counted = Allocations() - before;
  co_await OrReturn(client.ShutdownWrite());
  co_return co_await echo.Join();
}

TEST(AllocationTest, IsNotNeededForAMessageInMemory) {
  long counted = -1;

  const absl::Status status = Simulate({}, CountInMemory, counted);

  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_EQ(counted, 0);
}

Task<absl::Status> EchoDatagrams(UdpSocket& socket) {
  std::array<std::byte, 256> buffer;
  std::array<IncomingDatagram, 1> batch;
  batch[0].into = buffer;
  for (;;) {
    const Datagram got = co_await OrReturn(socket.ReceiveFrom(buffer));
    co_await OrReturn(
        socket.SendTo(std::span(buffer).first(got.size), got.from));
    co_await OrReturn(socket.ReceiveBatch(batch));
    const std::array<OutgoingDatagram, 1> answer = {
        OutgoingDatagram{.bytes = batch[0].bytes(), .to = batch[0].got.from}};
    co_await OrReturn(socket.SendBatch(answer));
  }
}

Task<absl::Status> CountInDatagrams(absl::Duration timeout, long& counted) {
  UdpPair pair = co_await OrReturn(MakeUdpPair());
  pair.client.SetReadTimeout(timeout);
  JoinHandle<absl::Status> echo = Spawn(EchoDatagrams, std::ref(pair.server));
  std::array<std::byte, 64> message{};
  long before = 0;
  for (int round = 0; round < 1010; ++round) {
    if (round == 10) before = Allocations();  // Slots are made.
    co_await OrReturn(pair.client.Send(message));
    co_await OrReturn(pair.client.Peek({}));
    co_await OrReturn(pair.client.Receive(message));
  }
  counted = Allocations() - before;
  echo.Cancel();
  const absl::Status ended = co_await echo.Join();
  co_return absl::IsCancelled(ended) ? absl::OkStatus() : ended;
}

TEST(AllocationTest, IsNotNeededForADatagram) {
  long counted = -1;

  const absl::Status status =
      Simulate({}, CountInDatagrams, absl::Seconds(5), counted);

  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_EQ(counted, 0);
}

// --- Idle connections -------------------------------------------------------

Task<absl::Status> ReadSomeUntilTheEnd(TcpStream stream) {
  for (;;) {
    const LeasedBytes got = co_await OrReturn(stream.ReadSome());
    if (got.empty()) co_return absl::OkStatus();
  }
}

Task<absl::Status> ReadLinesUntilTheEnd(TcpStream stream) {
  BufferedReader reader(std::move(stream));
  for (;;) co_await OrReturn(reader.ReadLine());
}

// The bytes that a task with a connection of its own keeps while it waits.
// Of the client's end only its Source, which both ends have.
class IdleConnectionTest : public ::testing::Test {
 protected:
  static constexpr long kConnections = 64;

  static Task<absl::Status> Connect(std::vector<TcpPair>& pairs) {
    for (long i = 0; i < kConnections; ++i) {
      TcpPair pair = co_await OrReturn(ConnectPair());
      pairs.push_back(std::move(pair));
    }
    co_return absl::OkStatus();
  }

  // `serve` is given a server's end each time.
  static long BytesOf(Task<absl::Status> (*serve)(TcpStream)) {
    std::vector<TcpPair> pairs;
    pairs.reserve(kConnections);
    testing::Simulator sim;
    EXPECT_EQ(sim.Run(Connect(pairs)), absl::OkStatus());
    sim.Spawn(serve(std::move(pairs.back().server)));  // Warms up.
    pairs.pop_back();
    sim.RunUntilIdle();
    tests::ForgetFreeFrames();
    const long before = tests::LiveBytes();
    for (TcpPair& pair : pairs) sim.Spawn(serve(std::move(pair.server)));
    sim.RunUntilIdle();
    tests::ForgetFreeFrames();
    const long per_connection =
        (tests::LiveBytes() - before) / static_cast<long>(pairs.size());
    pairs.clear();
    sim.RunUntilIdle();
    return per_connection + static_cast<long>(sizeof(reactor::Source));
  }
};

TEST_F(IdleConnectionTest, NeedsNoBufferInReadSome) {
  const long bytes = BytesOf(ReadSomeUntilTheEnd);

  RecordProperty("bytes", std::to_string(bytes));
  EXPECT_LE(bytes, 1024);
}

TEST_F(IdleConnectionTest, NeedsNoBufferInABufferedReader) {
  const long bytes = BytesOf(ReadLinesUntilTheEnd);

  RecordProperty("bytes", std::to_string(bytes));
  EXPECT_LE(bytes, 2048);
}

// Fails one kind of call with EINVAL, once it is told which.
class FailingSystem : public testing::SimulatedSystem {
 public:
  int socket(int domain, int type, int protocol) override {
    if (Fails("socket")) return -1;
    return SimulatedSystem::socket(domain, type, protocol);
  }
  int bind(int fd, const sockaddr* address, socklen_t size) override {
    return Fails("bind") ? -1 : SimulatedSystem::bind(fd, address, size);
  }
  int listen(int fd, int backlog) override {
    return Fails("listen") ? -1 : SimulatedSystem::listen(fd, backlog);
  }
  int connect(int fd, const sockaddr* address, socklen_t size) override {
    return Fails("connect") ? -1 : SimulatedSystem::connect(fd, address, size);
  }
  int accept(int fd, sockaddr* address, socklen_t* size) override {
    return Fails("accept") ? -1 : SimulatedSystem::accept(fd, address, size);
  }
  ssize_t recv(int fd, void* buffer, std::size_t size, int flags) override {
    if (Fails("recv")) return -1;
    return SimulatedSystem::recv(fd, buffer, size, flags);
  }
  ssize_t recvmsg(int fd, msghdr* message, int flags) override {
    if (Fails("recvmsg")) return -1;
    return SimulatedSystem::recvmsg(fd, message, flags);
  }
  ssize_t sendmsg(int fd, const msghdr* message, int flags) override {
    if (Fails("sendmsg")) return -1;
    return SimulatedSystem::sendmsg(fd, message, flags);
  }
  int event_queue_control(absl::FunctionRef<int()> call) override {
    return Fails("control") ? -1 : SimulatedSystem::event_queue_control(call);
  }

  std::string_view failing;

 private:
  bool Fails(std::string_view call) const {
    if (call != failing) return false;
    errno = EINVAL;
    return true;
  }
};

Task<absl::Status> MeetAndRead(FailingSystem& system, std::string_view call) {
  system.failing = call;
  TcpPair pair = co_await OrReturn(ConnectPair());
  pair.client.SetReadTimeout(absl::ZeroDuration());
  std::array<std::byte, 1> buffer;
  const absl::StatusOr<std::size_t> read = co_await pair.client.Read(buffer);
  system.failing = "";
  co_return read.status();
}

Task<absl::Status> SendAndReceive(FailingSystem& system,
                                  std::string_view call) {
  UdpPair pair = co_await OrReturn(MakeUdpPair());
  pair.server.SetReadTimeout(absl::ZeroDuration());  // Perhaps nothing comes.
  system.failing = call;
  absl::Status sent = co_await pair.client.Send({});
  if (call == "connect") sent = pair.client.Connect("127.0.0.1:9");
  const absl::StatusOr<Received> got = co_await pair.server.Receive({});
  system.failing = "";
  sent.Update(got.status());
  co_return sent;
}

class SpoiledErrnoTest : public ::testing::TestWithParam<const char*> {
 protected:
  SpoiledErrnoTest() { tests::SetSpoilsErrno(true); }
  ~SpoiledErrnoTest() override { tests::SetSpoilsErrno(false); }
};

TEST_P(SpoiledErrnoTest, IsNotWhatIsReported) {
  FailingSystem system;
  testing::Simulator sim({.system = &system});

  const absl::Status status =
      sim.Run(MeetAndRead(system, std::string_view(GetParam())));
  system.failing = "";

  EXPECT_EQ(reactor::ErrnoOf(status), EINVAL) << status;
}

class SpoiledErrnoOfDatagramsTest : public SpoiledErrnoTest {};

TEST_P(SpoiledErrnoOfDatagramsTest, IsNotWhatIsReported) {
  FailingSystem system;
  testing::Simulator sim({.system = &system});

  const absl::Status status =
      sim.Run(SendAndReceive(system, std::string_view(GetParam())));
  system.failing = "";

  EXPECT_EQ(reactor::ErrnoOf(status), EINVAL) << status;
}

INSTANTIATE_TEST_SUITE_P(All, SpoiledErrnoOfDatagramsTest,
                         ::testing::Values("connect", "recvmsg", "sendmsg"),
                         [](const auto& call) { return call.param; });

INSTANTIATE_TEST_SUITE_P(All, SpoiledErrnoTest,
                         ::testing::Values("socket", "bind", "listen",
                                           "connect", "accept", "recv",
                                           "control"),
                         [](const auto& call) { return call.param; });

}  // namespace
}  // namespace weft::net
