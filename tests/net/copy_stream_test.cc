// Tests of copying from stream to stream, through the kernel and without.
//
// SPDX-License-Identifier: MIT

#include "weft/net/copy_stream.h"

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/net/memory_stream.h"
#include "weft/net/testing/simulated_network.h"
#include "weft/runtime/atomic.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/net/tcp_pair.h"
#include "weft/tests/support/open_descriptors.h"

namespace weft::net {
namespace {

using ::weft::testing::OpenDescriptors;
using ::weft::testing::SimulatedSystem;

// client -> [ a copy, here ] -> server, with many bytes, and then the end.
Task<absl::Status> RelaysAll() {
  TcpPair left = co_await OrReturn(ConnectPair());
  TcpPair right = co_await OrReturn(ConnectPair());
  const std::vector<std::byte> sent = Pattern((3 << 20) + 7);
  auto send = [&]() -> Task<absl::Status> {
    co_await OrReturn(left.client.WriteAll(sent));
    co_return left.client.ShutdownWrite();
  };
  auto receive = [&]() -> Task<absl::StatusOr<std::vector<std::byte>>> {
    co_return co_await ReadAll(right.server);
  };
  JoinHandle<absl::Status> sender = Spawn(send);
  JoinHandle<absl::StatusOr<std::vector<std::byte>>> receiver = Spawn(receive);

  const std::uint64_t copied =
      co_await OrReturn(CopyStream(left.server, right.client));
  co_await OrReturn(right.client.ShutdownWrite());
  const std::vector<std::byte> got = co_await OrReturn(receiver.Join());
  co_await OrReturn(sender.Join());

  EXPECT_EQ(copied, sent.size());
  EXPECT_EQ(got, sent);
  co_return absl::OkStatus();
}

class CountingSystem : public SimulatedSystem {
 public:
  ssize_t splice(int from, int to, std::size_t size) override {
    ++splices;
    return SimulatedSystem::splice(from, to, size);
  }
  ssize_t recv(int fd, void* into, std::size_t size, int flags) override {
    ++reads;
    return SimulatedSystem::recv(fd, into, size, flags);
  }
  int splices = 0;
  int reads = 0;
};

TEST(CopyStreamTest, RelaysAllAndTheEnd) {
  const int before = OpenDescriptors();

  EXPECT_EQ(Simulate(RelaysAll), absl::OkStatus());

  EXPECT_EQ(OpenDescriptors(), before);
}

TEST(CopyStreamTest, GoesThroughABufferWhereTheSystemCannotSplice) {
  class CannotSplice final : public CountingSystem {
   public:
    ssize_t splice(int, int, std::size_t) override {
      errno = EINVAL;
      return -1;
    }
  };
  CannotSplice system;

  EXPECT_EQ(Simulate({.system = &system}, RelaysAll), absl::OkStatus());
  EXPECT_GT(system.reads, 0);
}

TEST(CopyStreamTest, GoesThroughABufferWhereNoDescriptorIsLeft) {
  class Exhausted final : public CountingSystem {
   public:
    int pipe(int*) override {
      errno = EMFILE;
      return -1;
    }
  };
  Exhausted system;

  EXPECT_EQ(Simulate({.system = &system}, RelaysAll), absl::OkStatus());
  EXPECT_GT(system.reads, 0);
}

TEST(CopyStreamTest, GoesThroughABufferOnASimulatedNetwork) {
  testing::SimulatedNetwork network;

  EXPECT_EQ(Simulate({.system = &network}, RelaysAll), absl::OkStatus());

  EXPECT_EQ(network.open_sockets(), 0U);
}

TEST(CopyStreamTest, CopiesBetweenAnySourceAndAnySink) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    auto [client, left] = MakeMemoryPipe();
    TcpPair right = co_await OrReturn(ConnectPair());
    co_await OrReturn(client.Write(Bytes("through")));
    co_await OrReturn(client.ShutdownWrite());

    const std::uint64_t copied =
        co_await OrReturn(CopyStream(left, right.client));
    const std::string got = co_await OrReturn(ReadText(right.server));

    EXPECT_EQ(copied, 7u);
    EXPECT_EQ(got, "through");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

// What is known before the end, and where there is none.
Task<absl::Status> CountsAsItGoes() {
  TcpPair left = co_await OrReturn(ConnectPair());
  TcpPair right = co_await OrReturn(ConnectPair());
  Atomic<std::uint64_t> so_far{0};
  auto copy = [&]() -> Task<absl::Status> {
    co_await OrReturn(CopyStream(left.server, right.client, &so_far));
    co_return absl::OkStatus();
  };
  JoinHandle<absl::Status> copying = Spawn(copy);
  for (const std::string_view text : {"five5", "three"}) {
    co_await OrReturn(left.client.WriteAll(Bytes(text)));
    const std::string got = co_await OrReturn(ReadText(right.server));
    EXPECT_EQ(got, text);
  }

  EXPECT_FALSE(copying.finished());
  EXPECT_EQ(so_far.load(), 10U);
  left.client.Abort();
  const absl::Status ended = co_await copying.Join();

  EXPECT_EQ(ended.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(so_far.load(), 10U);
  co_return absl::OkStatus();
}

TEST(CopyStreamTest, CountsAsItGoes) {
  EXPECT_EQ(Simulate(CountsAsItGoes), absl::OkStatus());
}

TEST(CopyStreamTest, CountsAsItGoesThroughABuffer) {
  testing::SimulatedNetwork network;

  EXPECT_EQ(Simulate({.system = &network}, CountsAsItGoes), absl::OkStatus());
}

TEST(CopyStreamTest, ASinkThatIsGoneIsTheError) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    TcpPair left = co_await OrReturn(ConnectPair());
    TcpPair right = co_await OrReturn(ConnectPair());
    right.client.Close();
    co_await OrReturn(left.client.WriteAll(Bytes("lost")));

    const auto copied = co_await CopyStream(left.server, right.client);

    co_return copied.status();
  });

  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
}

TEST(CopyStreamTest, AReadTimeoutCountsHereAsWell) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    TcpPair left = co_await OrReturn(ConnectPair());
    TcpPair right = co_await OrReturn(ConnectPair());
    left.server.SetReadTimeout(absl::Seconds(1));

    const auto copied = co_await CopyStream(left.server, right.client);

    co_return copied.status();
  });

  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
}

}  // namespace
}  // namespace weft::net
