// Tests of what only TCP connections have, on the loopback interface and on a
// simulated one: addresses, options, urgent data, resets. What they have in
// common with other streams is in conformance/tcp_conformance_test.cc.
//
// SPDX-License-Identifier: MIT

#include "weft/net/tcp_stream.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/net/stream.h"
#include "weft/net/tcp_listener.h"
#include "weft/reactor/fd.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/runtime/when_all.h"
#include "weft/runtime/yield.h"
#include "weft/tests/net/each_network.h"
#include "weft/tests/net/tcp_pair.h"

namespace weft::net {
namespace {

using ::testing::HasSubstr;

class TcpStreamTest : public EachNetworkTest {};
INSTANTIATE_TEST_SUITE_P(Each, TcpStreamTest, Networks(), NetworkName);

// What comes with one event, and is read in two pieces: a read stops in front
// of urgent data.
TEST(TcpStreamKernelTest, ReadsOnBehindUrgentData) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    TcpListener listener = co_await OrReturn(TcpListener::Bind("127.0.0.1:0"));
    PlainPeer peer(listener.local_address());
    TcpStream stream = co_await OrReturn(listener.Accept());
    EXPECT_TRUE(peer.Send("first"));
    const std::string first = co_await OrReturn(ReadText(stream));
    EXPECT_EQ(first, "first");
    JoinHandle<absl::StatusOr<std::string>> reader =
        Spawn(ReadText<TcpStream>, std::ref(stream));
    co_await Yield();  // He waits.

    EXPECT_TRUE(peer.Send("before"));
    EXPECT_EQ(::send(peer.fd(), "!", 1, MSG_OOB), 1);
    EXPECT_TRUE(peer.Send("behind"));

    const std::string before = co_await OrReturn(reader.Join());
    EXPECT_EQ(before, "before");
    const std::string behind = co_await OrReturn(ReadText(stream));
    EXPECT_EQ(behind, "behind");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

Task<absl::StatusOr<std::vector<std::byte>>> ReadSlowly(TcpStream& stream) {
  std::vector<std::byte> all;
  std::array<std::byte, 5000> buffer;
  for (;;) {
    const std::size_t got = co_await OrReturn(stream.Read(buffer));
    if (got == 0) co_return all;
    all.insert(all.end(), buffer.begin(),
               buffer.begin() + static_cast<std::ptrdiff_t>(got));
    co_await Yield();
  }
}

// Writes `bytes` by halves, each time offering all that is left.
Task<absl::Status> WriteVectoredThenEnd(TcpStream& stream,
                                        std::span<const std::byte> bytes,
                                        int& calls) {
  while (!bytes.empty()) {
    const std::size_t half = bytes.size() / 2;
    const std::array parts = {bytes.first(half), bytes.subspan(half)};
    const std::size_t taken = co_await OrReturn(stream.WriteVectored(parts));
    bytes = bytes.subspan(taken);
    ++calls;
  }
  co_return stream.ShutdownWrite();
}

TEST_P(TcpStreamTest, SaysHowMuchOfSeveralPiecesFitted) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    TcpPair pair = co_await OrReturn(ConnectPair());
    const std::vector<std::byte> sent = Pattern(16 << 20);
    int calls = 0;

    auto [written, read] =
        co_await WhenAll(WriteVectoredThenEnd(pair.client, sent, calls),
                         ReadSlowly(pair.server));

    EXPECT_EQ(written, absl::OkStatus());
    EXPECT_TRUE(read.ok() && *read == sent);
    EXPECT_GT(calls, 1);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

// --- How it ends ------------------------------------------------------------

TEST_P(TcpStreamTest, DoesNothingMoreOnceItIsClosed) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    TcpPair pair = co_await OrReturn(ConnectPair());
    pair.client.Close();
    pair.client.Close();
    std::array<std::byte, 10> buffer;

    const absl::StatusOr<std::size_t> read = co_await pair.client.Read(buffer);
    const absl::Status written = co_await pair.client.WriteAll(Bytes("x"));

    constexpr auto kClosed = absl::StatusCode::kFailedPrecondition;
    EXPECT_EQ(read.status().code(), kClosed);
    EXPECT_EQ(written.code(), kClosed);
    EXPECT_EQ(pair.client.ShutdownWrite().code(), kClosed);
    EXPECT_EQ(pair.client.SetNoDelay(true).code(), kClosed);
    EXPECT_EQ(pair.client.local_address().status().code(), kClosed);
    pair.client.Abort();
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_P(TcpStreamTest, ResetsThePeerWhenItIsAborted) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    TcpPair pair = co_await OrReturn(ConnectPair());
    JoinHandle<absl::StatusOr<std::string>> reader =
        Spawn(ReadText<TcpStream>, std::ref(pair.server));
    co_await Yield();

    pair.client.Abort();
    const absl::StatusOr<std::string> read = co_await reader.Join();
    const absl::Status written = co_await pair.server.WriteAll(Bytes("x"));

    EXPECT_EQ(read.status().code(), absl::StatusCode::kUnavailable);
    EXPECT_THAT(std::string(read.status().message()),
                HasSubstr("read(\"127.0.0.1:"));
    EXPECT_EQ(written.code(), absl::StatusCode::kUnavailable);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_P(TcpStreamTest, ReportsAPeerWhoVanishesInTheMiddleOfAMessage) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    TcpPair pair = co_await OrReturn(ConnectPair());
    co_await OrReturn(pair.server.WriteAll(Bytes("half a mess")));
    pair.server.Close();
    std::array<std::byte, 20> message;

    const absl::Status read = co_await ReadExactly(pair.client, message);

    EXPECT_EQ(read.code(), absl::StatusCode::kDataLoss);
    EXPECT_THAT(std::string(read.message()), HasSubstr("11 of 20 bytes"));
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(TcpStreamKernelTest, SeesTheEndThatCameTogetherWithTheLastBytes) {
  weft::testing::Simulator sim;
  std::string first, second;
  sim.Spawn([&]() -> Task<absl::Status> {
    TcpListener listener =
        co_await OrReturn(TcpListener::Bind(Address::Loopback(0)));
    PlainPeer peer(listener.local_address());
    TcpStream stream = co_await OrReturn(listener.Accept());
    // It is registered and waited for: what follows makes one edge.
    JoinHandle<absl::Status> brief = Spawn(
        [](PlainPeer& briefly) -> Task<absl::Status> {
          briefly.Send("-----");
          briefly.Close();
          co_return absl::OkStatus();
        },
        std::ref(peer));
    first = co_await OrReturn(ReadText(stream));
    second = co_await OrReturn(ReadText(stream));
    second += "the end";
    co_return co_await brief.Join();
  });

  sim.RunUntilIdle();

  EXPECT_EQ(first, "-----");
  EXPECT_EQ(second, "the end");
  EXPECT_FALSE(sim.AnyTasks());
}

TEST_P(TcpStreamTest, ClosesWhatItHadWhenItIsAssignedTo) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    TcpPair first = co_await OrReturn(ConnectPair());
    TcpPair second = co_await OrReturn(ConnectPair());

    first.client = std::move(second.client);
    const std::string end = co_await OrReturn(ReadText(first.server));
    co_await OrReturn(first.client.WriteAll(Bytes("moved")));
    const std::string text = co_await OrReturn(ReadText(second.server));

    EXPECT_EQ(end, "");
    EXPECT_EQ(text, "moved");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_P(TcpStreamTest, KnowsItsTwoAddresses) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    TcpPair pair = co_await OrReturn(ConnectPair());

    const Address client = co_await OrReturn(pair.client.local_address());
    const Address server = co_await OrReturn(pair.server.local_address());

    EXPECT_EQ(pair.server.peer_address(), client);
    EXPECT_EQ(pair.client.peer_address(), server);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

// --- Options ----------------------------------------------------------------

TEST_P(TcpStreamTest, OptionsAreWhatTheyWereSetTo) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    TcpPair pair = co_await OrReturn(ConnectPair());
    TcpStream& stream = pair.client;
    const KeepAlive often = {
        .idle = absl::Seconds(30), .interval = absl::Seconds(5), .probes = 3};

    co_await OrReturn(stream.SetNoDelay(true));
    co_await OrReturn(stream.SetKeepAlive(often));
    co_await OrReturn(stream.SetLinger(absl::Milliseconds(1500)));
    co_await OrReturn(stream.SetTypeOfService(0x10));

    const bool no_delay = co_await OrReturn(stream.no_delay());
    const auto keep_alive = co_await OrReturn(stream.keep_alive());
    const auto linger = co_await OrReturn(stream.linger());
    const int type_of_service = co_await OrReturn(stream.type_of_service());
    EXPECT_TRUE(no_delay);
    EXPECT_EQ(keep_alive, often);
    EXPECT_EQ(linger, absl::Seconds(2)) << "up, lest a short one is none";
    EXPECT_EQ(type_of_service, 0x10);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_P(TcpStreamTest, OptionsAreOffAtFirstAndCanBeTakenBack) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    TcpPair pair = co_await OrReturn(ConnectPair());
    TcpStream& stream = pair.client;
    const auto at_first = co_await OrReturn(stream.keep_alive());
    co_await OrReturn(stream.SetKeepAlive(KeepAlive()));
    co_await OrReturn(stream.SetLinger(absl::ZeroDuration()));

    co_await OrReturn(stream.SetKeepAlive(std::nullopt));
    co_await OrReturn(stream.SetLinger(std::nullopt));

    const auto keep_alive = co_await OrReturn(stream.keep_alive());
    const auto linger = co_await OrReturn(stream.linger());
    EXPECT_EQ(at_first, std::nullopt);
    EXPECT_EQ(keep_alive, std::nullopt);
    EXPECT_EQ(linger, std::nullopt);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_P(TcpStreamTest, RefusesTimesThatTheSystemCannotCount) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    TcpPair pair = co_await OrReturn(ConnectPair());

    const absl::Status negative =
        pair.client.SetKeepAlive(KeepAlive{.idle = -absl::Seconds(1)});
    const absl::Status endless =
        pair.client.SetLinger(absl::InfiniteDuration());
    const absl::Status nearly_none =
        pair.client.SetLinger(-absl::Milliseconds(500));

    EXPECT_EQ(negative.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(endless.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(nearly_none.code(), absl::StatusCode::kInvalidArgument);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_P(TcpStreamTest, OptionsOfAClosedStreamAreRefused) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    TcpPair pair = co_await OrReturn(ConnectPair());
    pair.client.Close();

    EXPECT_EQ(pair.client.SetNoDelay(true).code(),
              absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(pair.client.linger().status().code(),
              absl::StatusCode::kFailedPrecondition);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

// --- Descriptors from elsewhere ---------------------------------------------

TEST(TcpStreamKernelTest, TakesOverAConnectedSocket) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    TcpListener listener = co_await OrReturn(TcpListener::Bind("127.0.0.1:0"));
    PlainPeer plain(listener.local_address());
    TcpStream server = co_await OrReturn(listener.Accept());

    TcpStream client =
        co_await OrReturn(TcpStream::FromFd(reactor::Fd(::dup(plain.fd()))));
    co_await OrReturn(server.WriteAll(Bytes("hi")));
    const std::string heard = co_await OrReturn(ReadText(client));

    EXPECT_EQ(heard, "hi");
    EXPECT_EQ(client.peer_address(), listener.local_address());
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(TcpStreamKernelTest, RefusesToTakeOverWhatIsNotConnected) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    reactor::Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    co_return TcpStream::FromFd(std::move(socket)).status();
  });

  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace weft::net
