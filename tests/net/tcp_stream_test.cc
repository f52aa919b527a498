// Tests of TCP connections, on the loopback interface and on a simulated one:
// reading, writing, and the ways in which a connection ends.
//
// SPDX-License-Identifier: MIT

#include "weft/net/tcp_stream.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <optional>
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

Task<absl::Status> Echo(TcpStream stream) {
  std::array<std::byte, 4096> buffer;
  while (std::size_t n = co_await OrReturn(stream.Read(buffer))) {
    co_await OrReturn(stream.WriteAll(std::span(buffer).first(n)));
  }
  co_return absl::OkStatus();
}

TEST_P(TcpStreamTest, EchoesWhatIsWritten) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    TcpPair pair = co_await OrReturn(ConnectPair());
    JoinHandle<absl::Status> echo = Spawn(Echo, std::move(pair.server));

    co_await OrReturn(pair.client.WriteAll(Bytes("to and fro")));
    const std::string answer = co_await OrReturn(ReadText(pair.client));
    pair.client.Close();
    co_await OrReturn(echo.Join());

    EXPECT_EQ(answer, "to and fro");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_P(TcpStreamTest, ReadsZeroAtTheEndAgainAndAgain) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    TcpPair pair = co_await OrReturn(ConnectPair());
    pair.server.Close();

    const std::string end = co_await OrReturn(ReadText(pair.client));
    const std::string still_end = co_await OrReturn(ReadText(pair.client));

    EXPECT_EQ(end, "");
    EXPECT_EQ(still_end, "");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_P(TcpStreamTest, ReadsIntoNothingWithoutWaiting) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    TcpPair pair = co_await OrReturn(ConnectPair());

    const std::size_t got = co_await OrReturn(pair.client.Read({}));

    EXPECT_EQ(got, 0u);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_P(TcpStreamTest, ReadsOnAfterItHasShutDownItsWriting) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    TcpPair pair = co_await OrReturn(ConnectPair());
    co_await OrReturn(pair.client.WriteAll(Bytes("question")));
    co_await OrReturn(pair.client.ShutdownWrite());

    const std::vector<std::byte> question =
        co_await OrReturn(ReadAll(pair.server));
    co_await OrReturn(pair.server.WriteAll(Bytes("answer")));
    pair.server.Close();
    const std::vector<std::byte> answer =
        co_await OrReturn(ReadAll(pair.client));

    EXPECT_EQ(Text(question), "question");
    EXPECT_EQ(Text(answer), "answer");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

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

TEST_P(TcpStreamTest, CannotWriteAfterItHasShutDownItsWriting) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    TcpPair pair = co_await OrReturn(ConnectPair());
    co_await OrReturn(pair.client.ShutdownWrite());

    const absl::StatusOr<std::size_t> written =
        co_await pair.client.Write(Bytes("more"));

    EXPECT_EQ(written.status().code(), absl::StatusCode::kUnavailable);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

Task<absl::Status> WriteAllThenEnd(TcpStream& stream,
                                   std::span<const std::byte> bytes) {
  co_await OrReturn(stream.WriteAll(bytes));
  co_return stream.ShutdownWrite();
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

TEST_P(TcpStreamTest, WritesMegabytesToAReaderWhoTakesHisTime) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    TcpPair pair = co_await OrReturn(ConnectPair());
    const std::vector<std::byte> sent = Pattern(16 << 20);

    auto [written, read] = co_await WhenAll(WriteAllThenEnd(pair.client, sent),
                                            ReadSlowly(pair.server));

    EXPECT_EQ(written, absl::OkStatus());
    EXPECT_TRUE(read.ok() && *read == sent);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_P(TcpStreamTest, WritesNothingWithoutWaiting) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    TcpPair pair = co_await OrReturn(ConnectPair());

    const std::size_t written = co_await OrReturn(pair.client.Write({}));
    co_await OrReturn(pair.client.WriteAll({}));

    EXPECT_EQ(written, 0u);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_P(TcpStreamTest, WritesSeveralPiecesAsOne) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    TcpPair pair = co_await OrReturn(ConnectPair());
    const std::array parts = {Bytes("one, "), Bytes(""), Bytes("two, "),
                              Bytes("three")};

    const std::size_t written =
        co_await OrReturn(pair.client.WriteVectored(parts));
    const std::string text = co_await OrReturn(ReadText(pair.server));

    EXPECT_EQ(written, 15u);
    EXPECT_EQ(text, "one, two, three");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_P(TcpStreamTest, DoesNotTakeEmptyPiecesForAllThereIs) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    TcpPair pair = co_await OrReturn(ConnectPair());
    std::vector<std::span<const std::byte>> parts(40);
    parts.push_back(Bytes("at the end"));

    const std::size_t written =
        co_await OrReturn(pair.client.WriteVectored(parts));

    EXPECT_EQ(written, 10u);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
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

Task<absl::Status> FillUp(TcpStream& stream) {
  const std::vector<std::byte> bytes = Pattern(1 << 20);
  for (;;) co_await OrReturn(stream.WriteAll(bytes));
}

TEST_P(TcpStreamTest, TellsWaitersThatItsOwnerHasClosedIt) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    TcpPair pair = co_await OrReturn(ConnectPair());
    JoinHandle<absl::StatusOr<std::string>> reader =
        Spawn(ReadText<TcpStream>, std::ref(pair.client));
    JoinHandle<absl::Status> writer = Spawn(FillUp, std::ref(pair.client));
    for (int turn = 0; turn < 1000; ++turn) co_await Yield();

    pair.client.Close();
    const absl::StatusOr<std::string> read = co_await reader.Join();
    const absl::Status written = co_await writer.Join();

    EXPECT_EQ(read.status().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(written.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(written.message()), HasSubstr("closed by"));
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

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

TEST_P(TcpStreamTest, SaysThatThePeerIsGoneAndRaisesNoSignal) {
  struct sigaction action{};
  ASSERT_EQ(::sigaction(SIGPIPE, nullptr, &action), 0);
  ASSERT_EQ(action.sa_handler, SIG_DFL);

  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    TcpPair pair = co_await OrReturn(ConnectPair());
    pair.server.Close();
    co_return co_await FillUp(pair.client);
  });

  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
}

TEST_P(TcpStreamTest, WritesSeveralPiecesToAGonePeerWithoutASignal) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    TcpPair pair = co_await OrReturn(ConnectPair());
    pair.server.Close();
    const std::array parts = {Bytes("one"), Bytes("two")};
    for (;;) co_await OrReturn(pair.client.WriteVectored(parts));
  });

  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
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

// --- Halves -----------------------------------------------------------------

Task<absl::StatusOr<std::vector<std::byte>>> ReadAllOf(
    TcpStream::ReadHalf half) {
  co_return co_await ReadAll(half);
}

Task<absl::Status> WriteAllOf(TcpStream::WriteHalf half,
                              std::span<const std::byte> bytes) {
  co_return co_await half.WriteAll(bytes);
}

TEST_P(TcpStreamTest, GivesItsHalvesToTwoTasks) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    TcpPair pair = co_await OrReturn(ConnectPair());
    const std::vector<std::byte> bytes = Pattern(3 << 20);
    auto [read, write] = std::move(pair.client).Split();
    JoinHandle<absl::Status> echo = Spawn(Echo, std::move(pair.server));

    // The half that has written goes, and that is the end which the echo reads.
    auto [written, got] = co_await WhenAll(WriteAllOf(std::move(write), bytes),
                                           ReadAllOf(std::move(read)));
    co_await OrReturn(echo.Join());

    EXPECT_EQ(written, absl::OkStatus());
    EXPECT_TRUE(got.ok() && *got == bytes);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_P(TcpStreamTest, KeepsTheConnectionWhileAHalfIsThere) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    TcpPair pair = co_await OrReturn(ConnectPair());
    auto [read, write] = std::move(pair.client).Split();
    {
      const TcpStream::ReadHalf gone = std::move(read);
    }

    co_await OrReturn(write.WriteAll(Bytes("still here")));
    const std::string text = co_await OrReturn(ReadText(pair.server));
    {
      const TcpStream::WriteHalf gone = std::move(write);
    }
    const std::string end = co_await OrReturn(ReadText(pair.server));

    EXPECT_EQ(text, "still here");
    EXPECT_EQ(end, "");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_P(TcpStreamTest, ClosesBothHalvesThroughEither) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    TcpPair pair = co_await OrReturn(ConnectPair());
    auto [read, write] = std::move(pair.client).Split();
    JoinHandle<absl::StatusOr<std::string>> reader =
        Spawn(ReadText<TcpStream::ReadHalf>, std::ref(read));
    co_await Yield();

    write.Close();
    const absl::StatusOr<std::string> got = co_await reader.Join();

    EXPECT_EQ(got.status().code(), absl::StatusCode::kFailedPrecondition);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_P(TcpStreamTest, BecomesOneAgainFromItsHalves) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    TcpPair pair = co_await OrReturn(ConnectPair());
    auto [read, write] = std::move(pair.client).Split();

    TcpStream whole = co_await OrReturn(
        TcpStream::Reunite(std::move(read), std::move(write)));
    co_await OrReturn(whole.WriteAll(Bytes("one piece")));
    co_await OrReturn(pair.server.WriteAll(Bytes("so I see")));
    const std::string there = co_await OrReturn(ReadText(pair.server));
    const std::string back = co_await OrReturn(ReadText(whole));

    EXPECT_EQ(there, "one piece");
    EXPECT_EQ(back, "so I see");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_P(TcpStreamTest, RefusesToReuniteHalvesOfTwoStreams) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    TcpPair pair = co_await OrReturn(ConnectPair());
    auto [read, write] = std::move(pair.client).Split();
    auto [other_read, other_write] = std::move(pair.server).Split();

    const absl::StatusOr<TcpStream> chimera =
        TcpStream::Reunite(std::move(read), std::move(other_write));

    EXPECT_EQ(chimera.status().code(), absl::StatusCode::kInvalidArgument);
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

    EXPECT_EQ(negative.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(endless.code(), absl::StatusCode::kInvalidArgument);
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
