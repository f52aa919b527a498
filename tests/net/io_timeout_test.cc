// Tests of the limits on how long a read or a write waits, in virtual time.
//
// SPDX-License-Identifier: MIT

#include "weft/net/io_timeout.h"

#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/net/tcp_stream.h"
#include "weft/runtime/current.h"
#include "weft/runtime/deadline.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/runtime/when_all.h"
#include "weft/tests/net/each_network.h"
#include "weft/tests/net/tcp_pair.h"

namespace weft::net {
namespace {

using ::testing::HasSubstr;

constexpr auto kLate = absl::StatusCode::kDeadlineExceeded;

class IoTimeoutTest : public EachNetworkTest {};
INSTANTIATE_TEST_SUITE_P(Each, IoTimeoutTest, Networks(), NetworkName);

TEST_P(IoTimeoutTest, EndsAReadToWhichNothingComes) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    TcpPair pair = co_await OrReturn(ConnectPair());
    pair.client.SetReadTimeout(absl::Seconds(5));
    const Instant start = Now();

    const absl::StatusOr<std::string> read = co_await ReadText(pair.client);

    EXPECT_EQ(read.status().code(), kLate);
    EXPECT_THAT(std::string(read.status().message()),
                HasSubstr("\"): nothing for 5s"));
    EXPECT_GE(Now() - start, absl::Seconds(5));
    EXPECT_LT(Now() - start, absl::Seconds(6));
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_P(IoTimeoutTest, LeavesTheStreamAsItWas) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    TcpPair pair = co_await OrReturn(ConnectPair());
    pair.client.SetReadTimeout(absl::Seconds(5));
    for (int attempt = 0; attempt < 3; ++attempt) {
      const absl::StatusOr<std::string> late = co_await ReadText(pair.client);
      EXPECT_EQ(late.status().code(), kLate);
    }

    co_await OrReturn(pair.server.WriteAll(Bytes("better late")));
    const std::string text = co_await OrReturn(ReadText(pair.client));

    EXPECT_EQ(text, "better late");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_P(IoTimeoutTest, CountsFromTheBeginningOfEachRead) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    TcpPair pair = co_await OrReturn(ConnectPair());
    pair.client.SetReadTimeout(absl::Seconds(5));
    JoinHandle<absl::Status> writer = Spawn(
        [](TcpStream& stream) -> Task<absl::Status> {
          for (int i = 0; i < 4; ++i) {
            co_await OrReturn(SleepFor(absl::Seconds(4)));
            co_await OrReturn(stream.WriteAll(Bytes("tick")));
          }
          co_return absl::OkStatus();
        },
        std::ref(pair.server));

    for (int i = 0; i < 4; ++i) {
      const std::string text = co_await OrReturn(ReadText(pair.client));
      EXPECT_EQ(text, "tick");
    }
    const absl::StatusOr<std::string> late = co_await ReadText(pair.client);

    EXPECT_EQ(late.status().code(), kLate);
    co_return co_await writer.Join();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

// Does something of the test's before a call that reads.
class BeforeRead : public weft::testing::SimulatedSystem {
 public:
  ssize_t recv(int fd, void* buffer, std::size_t size, int flags) override {
    if (before) before(++calls);
    return SimulatedSystem::recv(fd, buffer, size, flags);
  }
  std::function<void(int)> before;
  int calls = 0;
};

TEST(IoTimeoutKernelTest, GivesWhatComesAtTheLastMoment) {
  BeforeRead system;

  const absl::Status status = Simulate(
      {.system = &system},
      [](BeforeRead& seam) -> Task<absl::Status> {
        TcpListener listener =
            co_await OrReturn(TcpListener::Bind("127.0.0.1:0"));
        PlainPeer peer(listener.local_address());
        TcpStream stream = co_await OrReturn(listener.Accept());
        stream.SetReadTimeout(absl::Seconds(5));
        // The second call is the one that the timeout asks for.
        seam.before = [&peer](int call) {
          if (call == 2) peer.Send("just in time");
        };
        const Instant start = Now();

        const std::string text = co_await OrReturn(ReadText(stream));

        EXPECT_EQ(text, "just in time");
        EXPECT_GE(Now() - start, absl::Seconds(5));
        seam.before = nullptr;
        co_return absl::OkStatus();
      },
      system);

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_P(IoTimeoutTest, DoesNotWaitAtAllWhereItIsNotPositive) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    TcpPair pair = co_await OrReturn(ConnectPair());
    const Instant start = Now();

    pair.client.SetReadTimeout(absl::ZeroDuration());
    const absl::StatusOr<std::string> zero = co_await ReadText(pair.client);
    pair.client.SetReadTimeout(-absl::Seconds(1));
    const absl::StatusOr<std::string> negative = co_await ReadText(pair.client);
    co_await OrReturn(pair.server.WriteAll(Bytes("there")));
    const absl::StatusOr<std::string> there = co_await ReadText(pair.client);

    EXPECT_EQ(zero.status().code(), kLate);
    EXPECT_EQ(negative.status().code(), kLate);
    EXPECT_EQ(there.value_or("nothing"), "there");
    EXPECT_LT(Now() - start, absl::Seconds(1));
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_P(IoTimeoutTest, CountsForOneDirectionOnly) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    TcpPair pair = co_await OrReturn(ConnectPair());
    pair.client.SetWriteTimeout(absl::Seconds(5));
    JoinHandle<absl::Status> writer = Spawn(
        [](TcpStream& stream) -> Task<absl::Status> {
          co_await OrReturn(SleepFor(absl::Seconds(60)));
          co_return co_await stream.WriteAll(Bytes("at last"));
        },
        std::ref(pair.server));

    const std::string text = co_await OrReturn(ReadText(pair.client));

    EXPECT_EQ(text, "at last");
    co_return co_await writer.Join();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

Task<absl::Status> WriteForEver(TcpStream& stream) {
  const std::vector<std::byte> bytes = Pattern(64 << 10);
  for (;;) co_await OrReturn(stream.Write(bytes));
}

TEST_P(IoTimeoutTest, EndsAWriteThatNobodyReads) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    TcpPair pair = co_await OrReturn(ConnectPair());
    pair.client.SetWriteTimeout(absl::Seconds(2));
    const Instant start = Now();

    const absl::Status written = co_await WriteForEver(pair.client);

    EXPECT_EQ(written.code(), kLate);
    EXPECT_THAT(std::string(written.message()), HasSubstr("write(\""));
    EXPECT_GE(Now() - start, absl::Seconds(2));
    EXPECT_LT(Now() - start, absl::Seconds(3));
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

// A quarter of a megabyte a second, which is much less than comes in.
Task<absl::StatusOr<std::vector<std::byte>>> ReadOnceASecond(
    TcpStream& stream) {
  std::vector<std::byte> all;
  std::vector<std::byte> buffer(256 << 10);
  for (;;) {
    const std::size_t got = co_await OrReturn(stream.Read(buffer));
    if (got == 0) co_return all;
    all.insert(all.end(), buffer.begin(),
               buffer.begin() + static_cast<std::ptrdiff_t>(got));
    co_await OrReturn(SleepFor(absl::Seconds(1)));
  }
}

Task<absl::Status> WriteAllThenEnd(TcpStream& stream,
                                   std::span<const std::byte> bytes) {
  co_await OrReturn(stream.WriteAll(bytes));
  co_return stream.ShutdownWrite();
}

TEST_P(IoTimeoutTest, BeginsAnewWhenSomeOfItIsWritten) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    TcpPair pair = co_await OrReturn(ConnectPair());
    pair.client.SetWriteTimeout(absl::Seconds(20));
    const std::vector<std::byte> sent = Pattern(32 << 20);
    const Instant start = Now();

    auto [written, read] = co_await WhenAll(WriteAllThenEnd(pair.client, sent),
                                            ReadOnceASecond(pair.server));

    EXPECT_EQ(written, absl::OkStatus());
    EXPECT_TRUE(read.ok() && *read == sent);
    EXPECT_GT(Now() - start, absl::Seconds(60));
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_P(IoTimeoutTest, EndsWritingAllWhenTheReaderStops) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    TcpPair pair = co_await OrReturn(ConnectPair());
    pair.client.SetWriteTimeout(absl::Seconds(20));
    const std::vector<std::byte> sent = Pattern(32 << 20);

    const absl::Status written = co_await pair.client.WriteAll(sent);

    EXPECT_EQ(written.code(), kLate);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_P(IoTimeoutTest, IsAnsweredByTheSmallerOfTwoLimits) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    TcpPair pair = co_await OrReturn(ConnectPair());
    pair.client.SetReadTimeout(absl::Seconds(5));
    const Instant start = Now();

    const absl::StatusOr<std::string> outer =
        co_await WithTimeout(absl::Seconds(2), ReadText(pair.client));
    const absl::Duration took = Now() - start;

    EXPECT_EQ(outer.status().code(), kLate);
    EXPECT_LT(took, absl::Seconds(3));
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(IoTimeoutKernelTest, MayStillRunWhenTheSimulationEnds) {
  weft::testing::Simulator sim;
  sim.Spawn([]() -> Task<absl::Status> {
    TcpPair pair = co_await OrReturn(ConnectPair());
    pair.client.SetReadTimeout(absl::Seconds(5));
    const absl::StatusOr<std::string> read = co_await ReadText(pair.client);
    co_return read.status();
  });

  sim.RunFor(absl::Seconds(1));

  EXPECT_TRUE(sim.AnyTasks());
}

}  // namespace
}  // namespace weft::net
