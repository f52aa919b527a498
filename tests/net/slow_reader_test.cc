// What a client costs that sends and does not read: what the system keeps for
// it, and nothing of ours. A program of its own, with allocation_test.cc.
//
// SPDX-License-Identifier: MIT

#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/net/copy_stream.h"
#include "weft/net/leased_read.h"
#include "weft/net/server.h"
#include "weft/net/tcp_listener.h"
#include "weft/net/tcp_stream.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/net/tcp_pair.h"
#include "weft/tests/support/allocations.h"

namespace weft::net {
namespace {

using tests::LiveBytes;

Task<absl::Status> Echo(TcpStream stream) {
  std::array<std::byte, 4096> buffer;
  while (std::size_t got = co_await OrReturn(stream.Read(buffer))) {
    co_await OrReturn(stream.WriteAll(std::span(buffer).first(got)));
  }
  co_return absl::OkStatus();
}

Task<absl::Status> EchoLeased(TcpStream stream) {
  for (;;) {
    const LeasedBytes bytes = co_await OrReturn(stream.ReadSome());
    if (bytes.empty()) co_return absl::OkStatus();
    co_await OrReturn(stream.WriteAll(bytes.bytes()));
  }
}

// As a proxy does, whose target happens to be the client.
Task<absl::Status> EchoByCopying(TcpStream stream) {
  auto [read, write] = std::move(stream).Split();
  const auto copied = co_await CopyStream(read, write);
  co_return copied.status();
}

using Handler = Task<absl::Status> (*)(TcpStream);

class SlowReaderTest : public ::testing::TestWithParam<Handler> {
 protected:
  using Tcp = Server<TcpListener>;

  void SetUp() override {
    auto start = [this]() -> Task<absl::Status> {
      TcpListener listener =
          co_await OrReturn(TcpListener::Bind("127.0.0.1:0"));
      ServerOptions options;
      options.write_timeout = absl::Minutes(10);
      server_.emplace(std::move(listener), GetParam(), std::move(options));
      co_return absl::OkStatus();
    };
    ASSERT_EQ(sim_.Run(start()), absl::OkStatus());
    sim_.Spawn(server_->Run());
    client_.emplace(server_->listener().local_address());
    sim_.RunFor(absl::Seconds(1));
  }
  void TearDown() override {
    server_->Drain();
    sim_.CancelAll();
    sim_.RunUntilIdle();
    server_.reset();
  }

  // Sends as much as the system takes, and gives how much that was.
  std::size_t Send() {
    const std::vector<std::byte> bytes(1 << 16);
    std::size_t sent = 0;
    for (;;) {
      const ssize_t taken = ::send(client_->fd(), bytes.data(), bytes.size(),
                                   MSG_DONTWAIT | MSG_NOSIGNAL);
      if (taken <= 0) return sent;
      sent += static_cast<std::size_t>(taken);
    }
  }
  // Until the system takes no more for it.
  void SendUntilStuck() {
    int in_vain = 0;
    while (in_vain < 5) {
      in_vain = Send() == 0 ? in_vain + 1 : 0;
      sim_.RunFor(absl::Milliseconds(1));
    }
  }

  weft::testing::Simulator sim_;
  std::optional<Tcp> server_;
  std::optional<PlainPeer> client_;
};

INSTANTIATE_TEST_SUITE_P(Each, SlowReaderTest,
                         ::testing::Values(Echo, EchoLeased, EchoByCopying));

TEST_P(SlowReaderTest, CostsNoMemoryHoweverMuchItSends) {
  ASSERT_GT(Send(), 0u);
  sim_.RunFor(absl::Milliseconds(1));
  const long before = LiveBytes();

  SendUntilStuck();

  // A page or two for what the kernel's pipe of a copy is remembered by.
  EXPECT_LT(LiveBytes() - before, 1 << 16);
  EXPECT_EQ(server_->connections(), 1);
}

TEST_P(SlowReaderTest, IsDroppedAfterTheWriteTimeout) {
  SendUntilStuck();

  sim_.RunFor(absl::Minutes(11));

  EXPECT_EQ(server_->connections(), 0);
}

}  // namespace
}  // namespace weft::net
