// What happens in one direction of a stream is no news in the other: a reader
// that waits is not made to try by room for a writer, nor a writer by data.
//
// Others had one number for both, so that the readiness of a writer kept a
// reader from forgetting its own (tokio#8054: for ever), or a number so small
// that it came round (tokio#6133, #8331). Here each direction has a word of its
// own and nothing in it counts; what is counted, the lives of a slot, is in
// tests/reactor/source_pool_test.cc.
//
// SPDX-License-Identifier: MIT

#include <sys/socket.h>

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "weft/net/tcp_listener.h"
#include "weft/net/tcp_stream.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/net/tcp_pair.h"

namespace weft::net {
namespace {

class CountingSystem : public weft::testing::SimulatedSystem {
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

  int reads = 0;
  int writes = 0;
};

Task<absl::Status> ReadOnAndOn(TcpStream& stream) {
  for (;;) {
    const std::string text = co_await OrReturn(ReadText(stream));
    if (text.empty()) co_return absl::OkStatus();
  }
}

Task<absl::Status> WriteOnAndOn(TcpStream& stream) {
  const std::vector<std::byte> bytes(100'000);
  for (;;) co_await OrReturn(stream.WriteAll(bytes));
}

// A stream that a task reads and another writes, both of which wait: nothing
// has come, and nothing more goes.
class DirectionTest : public ::testing::Test {
 protected:
  static constexpr int kTimes = 300;

  void SetUp() override {
    auto connect = [this]() -> Task<absl::Status> {
      TcpListener listener =
          co_await OrReturn(TcpListener::Bind("127.0.0.1:0"));
      peer_.emplace(listener.local_address());
      stream_ = co_await OrReturn(listener.Accept());
      co_return absl::OkStatus();
    };
    ASSERT_EQ(sim_.Run(connect()), absl::OkStatus());
    sim_.Spawn(ReadOnAndOn, std::ref(*stream_));
    sim_.Spawn(WriteOnAndOn, std::ref(*stream_));
    sim_.RunUntilIdle();
    system_.reads = system_.writes = 0;
  }
  void TearDown() override {
    sim_.CancelAll();
    sim_.RunUntilIdle();
    stream_.reset();
  }

  // Takes all that has come to the peer.
  void Drain() {
    std::vector<char> into(1 << 20);
    while (::recv(peer_->fd(), into.data(), into.size(), MSG_DONTWAIT) > 0) {
    }
  }

  CountingSystem system_;
  weft::testing::Simulator sim_{{.system = &system_}};
  std::optional<PlainPeer> peer_;
  std::optional<TcpStream> stream_;
};

TEST_F(DirectionTest, RoomForAWriterIsNothingToRead) {
  for (int i = 0; i < kTimes; ++i) {
    Drain();
    sim_.RunUntilIdle();
  }

  EXPECT_GT(system_.writes, kTimes);
  EXPECT_EQ(system_.reads, 0);
}

TEST_F(DirectionTest, DataForAReaderIsNoRoomToWrite) {
  for (int i = 0; i < kTimes; ++i) {
    ASSERT_TRUE(peer_->Send("x"));
    sim_.RunUntilIdle();
  }

  EXPECT_EQ(system_.reads, kTimes);
  EXPECT_EQ(system_.writes, 0);
}

}  // namespace
}  // namespace weft::net
