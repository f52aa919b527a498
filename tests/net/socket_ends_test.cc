// Tests of what a conversation costs: how many system calls, and when the
// event queue is told of a descriptor. 64 connections, 64 bytes.
//
// SPDX-License-Identifier: MIT

#include "weft/net/socket_ends.h"

#include <sys/socket.h>

#include <array>
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
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/net/tcp_listener.h"
#include "weft/net/tcp_stream.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/net/tcp_pair.h"

namespace weft::net {
namespace {

// Counts what a server calls once its connections stand.
class CountingSystem : public testing::SimulatedSystem {
 public:
  ssize_t recv(int fd, void* buffer, std::size_t size, int flags) override {
    ++reads;
    return SimulatedSystem::recv(fd, buffer, size, flags);
  }
  ssize_t send(int fd, const void* buffer, std::size_t size,
               int flags) override {
    ++writes;
    return SimulatedSystem::send(fd, buffer, size, flags);
  }
  int event_queue_wait(absl::FunctionRef<int()> call) override {
    ++waits;
    return SimulatedSystem::event_queue_wait(call);
  }
  int event_queue_control(absl::FunctionRef<int()> call) override {
    ++controls;
    return SimulatedSystem::event_queue_control(call);
  }

  void Forget() { reads = writes = waits = controls = 0; }

  int reads = 0, writes = 0, waits = 0, controls = 0;
};

Task<absl::Status> Echo(TcpStream& stream) {
  std::array<std::byte, 4096> buffer;
  while (std::size_t n = co_await OrReturn(stream.Read(buffer))) {
    co_await OrReturn(stream.WriteAll(std::span(buffer).first(n)));
  }
  co_return absl::OkStatus();
}

Task<> Attend(TcpStream client) {
  absl::Status status = co_await Echo(client);
  status.IgnoreError();  // One client's trouble is not the others'.
}

Task<absl::Status> Serve(Address& address) {
  TcpListener listener = co_await OrReturn(TcpListener::Bind("127.0.0.1:0"));
  address = listener.local_address();
  co_return co_await WithScope([&](Scope& clients) -> Task<absl::Status> {
    for (;;) {
      TcpStream client = co_await OrReturn(listener.Accept());
      clients.Spawn(Attend, std::move(client));
    }
  });
}

// A server in a simulation and its clients outside of it: what is counted is
// the server's alone.
class SocketEndsTest : public ::testing::Test {
 protected:
  static constexpr int kConnections = 64;

  SocketEndsTest() {
    sim_.Spawn(Serve, std::ref(address_));
    sim_.RunUntilIdle();
    for (int i = 0; i < kConnections; ++i) {
      clients_.push_back(std::make_unique<PlainPeer>(address_));
    }
    sim_.RunUntilIdle();
  }

  // Every client asks once and gets its answer.
  void AskAll() {
    const std::string message(64, '?');
    for (auto& client : clients_) ASSERT_TRUE(client->Send(message));
    sim_.RunUntilIdle();
    for (auto& client : clients_) ASSERT_EQ(client->Receive(), message);
  }

  CountingSystem system_;
  Address address_;
  std::vector<std::unique_ptr<PlainPeer>> clients_;
  testing::Simulator sim_{{.system = &system_}};
};

TEST_F(SocketEndsTest, CostTwoCallsARequestAndAShareOfAWait) {
  constexpr int kRounds = 50;
  AskAll();
  system_.Forget();

  for (int round = 0; round < kRounds; ++round) AskAll();

  const double requests = kRounds * kConnections;
  EXPECT_EQ(system_.reads, requests);
  EXPECT_EQ(system_.writes, requests);
  const int calls =
      system_.reads + system_.writes + system_.waits + system_.controls;
  EXPECT_LE(calls / requests, 2.1);
}

TEST_F(SocketEndsTest, TellTheEventQueueOfADescriptorOnce) {
  EXPECT_GE(system_.controls, kConnections);
  system_.Forget();

  for (int round = 0; round < 10; ++round) AskAll();

  EXPECT_EQ(system_.controls, 0);
}

TEST_F(SocketEndsTest, TryOnceMoreWhenTheBufferWasFilled) {
  AskAll();
  system_.Forget();
  const std::string message(4096, '?');

  // As many as the server reads at once: that more is there cannot be excluded.
  ASSERT_TRUE(clients_.front()->Send(message));
  sim_.RunUntilIdle();

  EXPECT_EQ(system_.reads, 2);
}

TEST_F(SocketEndsTest, ServeOnWhenOneClientResetsItsConnection) {
  AskAll();

  clients_.front()->Reset();
  clients_.erase(clients_.begin());
  sim_.RunUntilIdle();

  AskAll();
}

TEST_F(SocketEndsTest, TryFirstAfterAHangUp) {
  AskAll();
  system_.Forget();

  ASSERT_TRUE(clients_.front()->Send("bye"));
  clients_.front()->Close();
  sim_.RunUntilIdle();

  EXPECT_EQ(system_.reads, 2);  // The bytes, and the end: from one edge.
}

Task<absl::Status> TryThenRead(CountingSystem& system) {
  TcpPair pair = co_await OrReturn(ConnectPair());
  std::array<std::byte, 16> buffer;
  system.Forget();

  EXPECT_EQ(pair.server.TryRead(buffer), std::nullopt);
  auto reader = Spawn(ReadText<TcpStream>, std::ref(pair.server));
  co_await OrReturn(SleepFor(absl::Seconds(1)));
  EXPECT_EQ(system.reads, 1);

  co_await OrReturn(pair.client.WriteAll(Bytes("x")));
  const std::string text = co_await OrReturn(reader.Join());
  EXPECT_EQ(text, "x");
  EXPECT_EQ(system.reads, 2);

  // That was less than there was room for.
  EXPECT_EQ(pair.server.TryRead(buffer), std::nullopt);
  EXPECT_EQ(system.reads, 2);
  co_return absl::OkStatus();
}

TEST(TriedSocketTest, AsksForWhatIsNotThereOnce) {
  CountingSystem system;
  testing::Simulator sim({.system = &system});

  EXPECT_EQ(sim.Run(TryThenRead(system)), absl::OkStatus());
}

}  // namespace
}  // namespace weft::net
