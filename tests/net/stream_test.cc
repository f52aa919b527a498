// Tests of what works on any ByteStream, on streams in memory.
//
// SPDX-License-Identifier: MIT

#include "weft/net/stream.h"

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/net/memory_stream.h"
#include "weft/net/tcp_stream.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/net/tcp_pair.h"

namespace weft::net {
namespace {

using ::testing::HasSubstr;

// A stream may be made of tasks: what an operation awaits to is what counts.
class UpperCase {
 public:
  explicit UpperCase(MemoryStream& inner) : inner_(inner) {}

  Task<absl::StatusOr<std::size_t>> Read(std::span<std::byte> into) {
    const std::size_t got = co_await OrReturn(inner_.Read(into));
    for (std::byte& byte : into.first(got)) {
      const auto letter = static_cast<char>(byte);
      if (letter >= 'a' && letter <= 'z') byte &= std::byte{0xDF};
    }
    co_return got;
  }
  auto Write(std::span<const std::byte> from) { return inner_.Write(from); }
  auto WriteVectored(ByteParts parts) { return inner_.WriteVectored(parts); }

 private:
  MemoryStream& inner_;
};

static_assert(ByteStream<UpperCase>);
static_assert(ByteStream<MemoryStream>);
static_assert(ByteStream<TcpStream>);
static_assert(ByteSource<TcpStream::ReadHalf>);
static_assert(!ByteSink<TcpStream::ReadHalf>);
static_assert(ByteSink<TcpStream::WriteHalf>);
static_assert(!ByteSource<TcpStream::WriteHalf>);
static_assert(!ByteSource<std::string>);

TEST(StreamTest, WritesAllToASinkThatTakesOneByteAtATime) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    auto [client, server] = MakeMemoryPipe();
    client.SetLargestWrite(1);

    co_await OrReturn(WriteAll(client, Bytes("piece by piece")));
    const std::string text = co_await OrReturn(ReadText(server));

    EXPECT_EQ(text, "piece by piece");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(StreamTest, ReadsExactlyFromASourceThatGivesOneByteAtATime) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    auto [client, server] = MakeMemoryPipe();
    server.SetLargestRead(1);
    co_await OrReturn(WriteAll(client, Bytes("piece by piece")));
    std::array<std::byte, 5> piece;

    co_await OrReturn(ReadExactly(server, piece));

    EXPECT_EQ(Text(piece), "piece");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(StreamTest, ReadsExactlyNothingWithoutAsking) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    auto [client, server] = MakeMemoryPipe();

    co_return co_await ReadExactly(server, {});
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(StreamTest, TellsTheEndBeforeAMessageFromTheEndWithinOne) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    auto [client, server] = MakeMemoryPipe();
    co_await OrReturn(WriteAll(client, Bytes("12345678")));
    client.Close();
    std::array<std::byte, 5> message;

    const absl::Status whole = co_await ReadExactly(server, message);
    const absl::Status part = co_await ReadExactly(server, message);
    const absl::Status none = co_await ReadExactly(server, message);

    EXPECT_EQ(whole, absl::OkStatus());
    EXPECT_EQ(part.code(), absl::StatusCode::kDataLoss);
    EXPECT_THAT(std::string(part.message()), HasSubstr("3 of 5 bytes"));
    EXPECT_EQ(none.code(), absl::StatusCode::kOutOfRange);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(StreamTest, PassesOnWhatTheStreamReports) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    auto [client, server] = MakeMemoryPipe();
    server.FailReadsAfter(0, absl::InternalError("read"));
    client.FailWritesAfter(0, absl::InternalError("write"));
    std::array<std::byte, 5> message;

    const absl::Status read = co_await ReadExactly(server, message);
    const absl::Status written = co_await WriteAll(client, Bytes("x"));

    EXPECT_EQ(read, absl::InternalError("read"));
    EXPECT_EQ(written, absl::InternalError("write"));
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(StreamTest, MayBeAnyTypeThatReadsAndWrites) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    auto [client, server] = MakeMemoryPipe();
    UpperCase louder(server);
    co_await OrReturn(WriteAll(client, Bytes("quiet")));
    std::array<std::byte, 5> message;

    co_await OrReturn(ReadExactly(louder, message));

    EXPECT_EQ(Text(message), "QUIET");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

}  // namespace
}  // namespace weft::net
