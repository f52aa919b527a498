// What a connection carried last: bytes that come together with its end, or
// with the reset that takes it away, are read before either is told.
//
// An event queue reports the end as a flag beside the data (EPOLLRDHUP,
// EV_EOF), and others have taken it for an error and lost the data (libuv#5196,
// netius#79, mio#958, bun#11364), or for a connection (bun#32257, mio#1087).
//
// SPDX-License-Identifier: MIT

#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/net/buffered_reader.h"
#include "weft/net/leased_read.h"
#include "weft/net/tcp_listener.h"
#include "weft/net/tcp_stream.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/net/silent_port.h"
#include "weft/tests/net/tcp_pair.h"

namespace weft::net {
namespace {

enum class Last { kCloses, kShutsDown, kResets };

void End(PlainPeer& peer, Last last) {
  if (last == Last::kCloses) peer.Close();
  if (last == Last::kShutsDown) ::shutdown(peer.fd(), SHUT_WR);
  if (last == Last::kResets) peer.Reset();
}

// How a stream is read: all there is, and the error at its end if there is one.
struct Reading {
  std::string text;
  absl::Status end;
};

Task<> ReadInto(TcpStream& stream, std::span<std::byte> buffer,
                Reading& reading) {
  for (;;) {
    const absl::StatusOr<std::size_t> got = co_await stream.Read(buffer);
    reading.end = got.status();
    if (!got.ok() || *got == 0) co_return;
    reading.text += Text(buffer.first(*got));
  }
}

Task<> ReadInSmallPieces(TcpStream& stream, Reading& reading) {
  std::array<std::byte, 3> buffer;
  co_await ReadInto(stream, buffer, reading);
}

Task<> ReadInLargePieces(TcpStream& stream, Reading& reading) {
  std::array<std::byte, 4096> buffer;
  co_await ReadInto(stream, buffer, reading);
}

Task<> ReadLeased(TcpStream& stream, Reading& reading) {
  for (;;) {
    const absl::StatusOr<LeasedBytes> got = co_await stream.ReadSome();
    reading.end = got.status();
    if (!got.ok() || got->empty()) co_return;
    reading.text += Text(got->bytes());
  }
}

Task<> ReadTwoPieces(TcpStream& stream, Reading& reading) {
  std::array<std::byte, 2> first;
  std::array<std::byte, 5> second;
  const std::array<std::span<std::byte>, 2> parts = {first, second};
  for (;;) {
    const absl::StatusOr<std::size_t> got = co_await stream.ReadVectored(parts);
    reading.end = got.status();
    if (!got.ok() || *got == 0) co_return;
    const std::string both = Text(first) + Text(second);
    reading.text += both.substr(0, *got);
  }
}

using Reader = Task<> (*)(TcpStream&, Reading&);

// When the reader begins: before the peer's last word, or after it.
enum class Begins { kBefore, kAfter };

using Parameter = std::tuple<Reader, Last, Begins>;

class TcpLastBytesTest : public ::testing::TestWithParam<Parameter> {
 protected:
  void SetUp() override {
    auto connect = [this]() -> Task<absl::Status> {
      TcpListener listener =
          co_await OrReturn(TcpListener::Bind("127.0.0.1:0"));
      peer_.emplace(listener.local_address());
      stream_ = co_await OrReturn(listener.Accept());
      co_return absl::OkStatus();
    };
    ASSERT_EQ(sim_.Run(connect()), absl::OkStatus());
  }

  weft::testing::Simulator sim_;
  std::optional<PlainPeer> peer_;
  std::optional<TcpStream> stream_;
};

TEST_P(TcpLastBytesTest, AreReadBeforeTheEndIsTold) {
  const auto& [reader, last, begins] = GetParam();
  Reading reading;
  const auto read = [&] {
    sim_.Spawn(reader, std::ref(*stream_), std::ref(reading));
    sim_.RunUntilIdle();
  };
  if (begins == Begins::kBefore) read();

  ASSERT_TRUE(peer_->Send("the last bytes"));
  End(*peer_, last);
  if (begins == Begins::kAfter) read();
  sim_.RunUntilIdle();

  EXPECT_FALSE(sim_.AnyTasks());
  EXPECT_EQ(reading.text, "the last bytes");
  EXPECT_EQ(reading.end.code(), last == Last::kResets
                                    ? absl::StatusCode::kUnavailable
                                    : absl::StatusCode::kOk);
}

// One event tells of the bytes, and another of the end when they are read.
TEST_P(TcpLastBytesTest, AreReadAlsoWhereTheEndComesLater) {
  const auto& [reader, last, begins] = GetParam();
  Reading reading;
  if (begins == Begins::kAfter) {
    ASSERT_TRUE(peer_->Send("the last "));
  }
  sim_.Spawn(reader, std::ref(*stream_), std::ref(reading));
  sim_.RunUntilIdle();

  ASSERT_TRUE(peer_->Send("bytes"));
  sim_.RunUntilIdle();
  End(*peer_, last);
  sim_.RunUntilIdle();

  EXPECT_FALSE(sim_.AnyTasks());
  EXPECT_TRUE(reading.text.ends_with("bytes")) << reading.text;
  EXPECT_EQ(reading.end.code(), last == Last::kResets
                                    ? absl::StatusCode::kUnavailable
                                    : absl::StatusCode::kOk);
}

INSTANTIATE_TEST_SUITE_P(
    All, TcpLastBytesTest,
    ::testing::Combine(::testing::Values(ReadInSmallPieces, ReadInLargePieces,
                                         ReadLeased, ReadTwoPieces),
                       ::testing::Values(Last::kCloses, Last::kShutsDown,
                                         Last::kResets),
                       ::testing::Values(Begins::kBefore, Begins::kAfter)));

// More than the two sockets' buffers hold, and then the end.
TEST(TcpLastBytesOfManyTest, AllAreReadBeforeTheEndIsTold) {
  weft::testing::Simulator sim;
  const std::vector<std::byte> bytes = Pattern(8 << 20);
  std::vector<std::byte> got;
  auto send = [](TcpStream stream,
                 const std::vector<std::byte>& all) -> Task<absl::Status> {
    co_return co_await stream.WriteAll(all);
  };
  auto receive = [&]() -> Task<absl::Status> {
    TcpPair pair = co_await OrReturn(ConnectPair());
    JoinHandle<absl::Status> sending =
        Spawn(send, std::move(pair.server), std::cref(bytes));
    got = co_await OrReturn(ReadAll(pair.client));
    co_return co_await sending.Join();
  };

  EXPECT_EQ(sim.Run(receive()), absl::OkStatus());

  EXPECT_TRUE(got == bytes);
}

// A refused connect is reported as writable, as one that succeeded is.
TEST(TcpRefusedConnectTest, IsNoConnectionHoweverTheRefusalIsReported) {
  const DeafPort port;
  weft::testing::Simulator sim;
  auto connect = [&port]() -> Task<absl::Status> {
    for (int i = 0; i < 100; ++i) {
      const absl::StatusOr<TcpStream> stream =
          co_await TcpStream::Connect(port.address());
      if (stream.status().code() != absl::StatusCode::kUnavailable) {
        co_return absl::InternalError(stream.status().ToString());
      }
    }
    co_return absl::OkStatus();
  };

  EXPECT_EQ(sim.Run(connect()), absl::OkStatus());
}

}  // namespace
}  // namespace weft::net
