// Tests of cancellation in a TCP conversation: a read or a write that says
// CANCELLED has moved no byte, wherever the cancellation meets it.
//
// SPDX-License-Identifier: MIT

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/net/tcp_listener.h"
#include "weft/net/tcp_stream.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/runtime/when_all.h"
#include "weft/runtime/yield.h"
#include "weft/tests/net/tcp_pair.h"

namespace weft::net {
namespace {

// Does something of the test's at the n-th call that moves bytes or waits:
// before the call, or right after it.
class AtNthCall : public testing::SimulatedSystem {
 public:
  enum class When { kBefore, kAfter };

  AtNthCall(int n, When when) : n_(n), when_(when) {}

  ssize_t recv(int fd, void* buffer, std::size_t size, int flags) override {
    return static_cast<ssize_t>(Do([&] {
      return static_cast<int>(SimulatedSystem::recv(fd, buffer, size, flags));
    }));
  }
  ssize_t send(int fd, const void* buffer, std::size_t size,
               int flags) override {
    return static_cast<ssize_t>(Do([&] {
      return static_cast<int>(SimulatedSystem::send(fd, buffer, size, flags));
    }));
  }
  int event_queue_wait(absl::FunctionRef<int()> call) override {
    return Do([&] { return SimulatedSystem::event_queue_wait(call); });
  }

  std::function<void()> act;
  // How often it has acted: not at all in a conversation of fewer calls.
  int acted = 0;

 private:
  int Do(absl::FunctionRef<int()> call) {
    const bool now = act != nullptr && ++calls_ == n_;
    if (now && when_ == When::kBefore) Act();
    const int result = call();
    const int error = errno;
    if (now && when_ == When::kAfter) Act();
    errno = error;
    return result;
  }
  void Act() {
    ++acted;
    act();
  }

  const int n_;
  const When when_;
  int calls_ = 0;
};

// An echo that can be cancelled anywhere and taken up again: what it has read
// and not yet written outlives the task.
struct EchoState {
  TcpStream stream;
  std::array<std::byte, 7> buffer{};  // Not a divisor of any message's size.
  std::span<const std::byte> unwritten = {};
};

Task<absl::Status> Echo(EchoState& state) {
  for (;;) {
    while (!state.unwritten.empty()) {
      const std::size_t written =
          co_await OrReturn(state.stream.Write(state.unwritten));
      state.unwritten = state.unwritten.subspan(written);
    }
    const std::size_t got = co_await OrReturn(state.stream.Read(state.buffer));
    if (got == 0) co_return absl::OkStatus();
    state.unwritten = std::span(state.buffer).first(got);
  }
}

Task<absl::Status> Talk(TcpStream& stream) {
  for (const std::string_view message :
       {"a question", "another, of quite another length", "and the last"}) {
    co_await OrReturn(stream.WriteAll(Bytes(message)));
    std::array<std::byte, 64> answer;
    const auto expected = std::span(answer).first(message.size());
    co_await OrReturn(ReadExactly(stream, expected));
    EXPECT_EQ(Text(expected), message);
  }
  stream.Close();
  co_return absl::OkStatus();
}

Task<absl::Status> TalkAndCancelTheEcho(AtNthCall& system) {
  TcpPair pair = co_await OrReturn(ConnectPair());
  // Otherwise a small write waits 40 milliseconds for the answer to the last.
  co_await OrReturn(pair.client.SetNoDelay(true));
  co_await OrReturn(pair.server.SetNoDelay(true));
  EchoState state{.stream = std::move(pair.server)};
  JoinHandle<absl::Status> echo = Spawn(Echo, std::ref(state));
  JoinHandle<absl::Status> talk = Spawn(Talk, std::ref(pair.client));
  system.act = [&echo] { echo.Cancel(); };

  absl::Status ended = co_await echo.Join();
  system.act = nullptr;
  if (absl::IsCancelled(ended)) ended = co_await Echo(state);
  co_await OrReturn(talk.Join());
  co_return ended;
}

class TcpCancellationTest : public ::testing::TestWithParam<AtNthCall::When> {};

TEST_P(TcpCancellationTest, LosesNoByteAtAnyCallOfAConversation) {
  int n = 1;
  for (;; ++n) {
    AtNthCall system(n, GetParam());

    const absl::Status status =
        Simulate({.system = &system}, TalkAndCancelTheEcho, system);

    ASSERT_EQ(status, absl::OkStatus()) << "cancelled at call " << n;
    if (system.acted == 0) break;
  }
  EXPECT_GT(n, 20);
}

TEST_P(TcpCancellationTest, LosesNoByteInAnyOrderOfTheTasks) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    AtNthCall system(static_cast<int>(1 + seed % 25), GetParam());

    const absl::Status status = Simulate({.seed = seed, .system = &system},
                                         TalkAndCancelTheEcho, system);

    ASSERT_EQ(status, absl::OkStatus()) << "with seed " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(All, TcpCancellationTest,
                         ::testing::Values(AtNthCall::When::kBefore,
                                           AtNthCall::When::kAfter),
                         [](const auto& at) {
                           return at.param == AtNthCall::When::kBefore
                                      ? "BeforeTheCall"
                                      : "AfterTheCall";
                         });

// --- A read whose edge has come ---------------------------------------------

// How the reader fared.
struct Raced {
  int cancelled = 0;
  int succeeded = 0;
};

// Two connections whose bytes come in one turn of the poller. Whoever reads
// from the first then cancels the reader of the second, which is runnable by
// then, or has read.
Task<absl::Status> CancelAfterTheEdge(Raced& raced) {
  TcpListener listener = co_await OrReturn(TcpListener::Bind("127.0.0.1:0"));
  PlainPeer first(listener.local_address());
  TcpStream one = co_await OrReturn(listener.Accept());
  PlainPeer second(listener.local_address());
  TcpStream two = co_await OrReturn(listener.Accept());

  JoinHandle<absl::StatusOr<std::string>> reader =
      Spawn(ReadText<TcpStream>, std::ref(two));
  JoinHandle<absl::Status> trigger = Spawn(
      [](PlainPeer& to_one, PlainPeer& to_two) -> Task<absl::Status> {
        to_one.Send("go");
        to_two.Send("bytes");
        co_return absl::OkStatus();
      },
      std::ref(first), std::ref(second));
  const std::string go = co_await OrReturn(ReadText(one));
  EXPECT_EQ(go, "go");
  reader.Cancel();
  absl::StatusOr<std::string> text = co_await reader.Join();
  ++(absl::IsCancelled(text.status()) ? raced.cancelled : raced.succeeded);
  if (absl::IsCancelled(text.status())) text = co_await ReadText(two);
  EXPECT_EQ(text.value_or("nothing"), "bytes");
  co_return co_await trigger.Join();
}

TEST(TcpCancellationOrderTest,
     ReadsAfterAReadThatWasCancelledWithItsBytesThere) {
  Raced raced;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    const absl::Status status =
        Simulate({.seed = seed}, CancelAfterTheEdge, raced);

    ASSERT_EQ(status, absl::OkStatus()) << "with seed " << seed;
  }
  EXPECT_GT(raced.cancelled, 0);
  EXPECT_GT(raced.succeeded, 0);
}

// --- An accept whose connection comes ---------------------------------------

Task<absl::StatusOr<TcpListener>> BindAnywhere() {
  co_return TcpListener::Bind("127.0.0.1:0");
}

Task<absl::Status> AcceptInto(TcpListener& listener,
                              std::vector<TcpStream>& accepted) {
  TcpStream stream = co_await OrReturn(listener.Accept());
  accepted.push_back(std::move(stream));
  co_return absl::OkStatus();
}

// Cancels an accept at one step, and connects at another. Whoever accepts first
// after all that has the connection.
void RaceAcceptWithCancel(int arrival, int cancellation, int steps,
                          Raced& raced) {
  testing::Simulator sim;
  absl::StatusOr<TcpListener> listener = sim.Run(BindAnywhere());
  ASSERT_TRUE(listener.ok()) << listener.status();
  std::vector<TcpStream> accepted;
  std::optional<PlainPeer> peer;
  JoinHandle<absl::Status> accepting =
      sim.SpawnJoinable(AcceptInto(*listener, accepted));

  for (int step = 0; step < steps; ++step) {
    if (step == arrival) peer.emplace(listener->local_address());
    if (step == cancellation) accepting.Cancel();
    sim.RunOneStep();
  }
  sim.RunUntilIdle();
  ASSERT_TRUE(accepting.finished());
  const absl::Status status = accepting.BlockingJoin();
  ++(absl::IsCancelled(status) ? raced.cancelled : raced.succeeded);
  EXPECT_EQ(accepted.size(), status.ok() ? 1u : 0u) << status;
  if (!status.ok()) {
    EXPECT_EQ(sim.Run(AcceptInto(*listener, accepted)), absl::OkStatus());
  }

  ASSERT_EQ(accepted.size(), 1u);
  EXPECT_TRUE(peer->Send("here"));
  EXPECT_EQ(sim.Run(ReadText(accepted.front())).value_or("nothing"), "here");
}

TEST(TcpCancellationOrderTest, LosesNoConnectionWheneverAnAcceptIsCancelled) {
  constexpr int kSteps = 6;
  Raced raced;
  for (int arrival = 0; arrival < kSteps; ++arrival) {
    for (int cancellation = 0; cancellation < kSteps; ++cancellation) {
      SCOPED_TRACE(::testing::Message() << "arrives at step " << arrival
                                        << ", cancelled at " << cancellation);

      RaceAcceptWithCancel(arrival, cancellation, kSteps, raced);
    }
  }
  EXPECT_GT(raced.cancelled, kSteps);
  EXPECT_GT(raced.succeeded, kSteps);
}

TEST(TcpCancellationOrderTest, DoesNothingInAScopeThatIsCancelledAlready) {
  testing::Simulator sim;
  JoinHandle<absl::Status> task = sim.SpawnJoinable([]() -> Task<absl::Status> {
    TcpPair pair = co_await OrReturn(ConnectPair());
    co_await OrReturn(pair.server.WriteAll(Bytes("here")));
    absl::StatusOr<std::string> text = "";
    while (text.ok()) text = co_await ReadText(pair.client);
    // The socket has room; but we are cancelled.
    const absl::StatusOr<std::size_t> written =
        co_await pair.client.Write(Bytes("there"));
    EXPECT_EQ(written.status().code(), absl::StatusCode::kCancelled);
    co_return text.status();
  });
  sim.RunUntilIdle();

  task.Cancel();
  sim.RunUntilIdle();

  ASSERT_TRUE(task.finished());
  EXPECT_EQ(task.BlockingJoin().code(), absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace weft::net
