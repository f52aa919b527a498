// Tests of cancellation in a TLS conversation: wherever it meets one end, the
// end can be taken up again, and no byte is lost or doubled.
//
// SPDX-License-Identifier: MIT

#include <algorithm>
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
#include "weft/net/memory_stream.h"
#include "weft/net/stream.h"
#include "weft/net/tls/tls_stream.h"
#include "weft/runtime/deadline.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/cancel_everywhere.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/runtime/when_all.h"
#include "weft/runtime/yield.h"
#include "weft/tests/net/tcp_pair.h"
#include "weft/tests/net/tls/certificates.h"
#include "weft/tests/net/tls/tls_pair.h"

namespace weft::net::tls {
namespace {

constexpr std::size_t kMuch = 20'000;  // Two records.
// What is on its way at a time: less than that, or a server's first flight, but
// enough for the tickets, which nobody reads before there is something to read.
constexpr std::size_t kLittle = 700;

struct Contexts {
  Authority authority;
  TlsContext client = ClientOf(authority);
  TlsContext server = ServerOf(authority);
};

// --- The handshake ----------------------------------------------------------

Task<absl::Status> Greet(MemoryStream transport, const TlsContext& context) {
  auto stream =
      co_await OrReturn(MemoryTls::Accept(std::move(transport), context));
  co_await OrReturn(stream.WriteAll(Bytes("good day")));
  co_return co_await stream.Shutdown();
}

Task<absl::Status> BeGreeted(MemoryStream transport,
                             const TlsContext& context) {
  auto stream = co_await OrReturn(
      MemoryTls::Connect(std::move(transport), context, "localhost"));
  const std::vector<std::byte> greeting = co_await OrReturn(ReadAll(stream));
  EXPECT_EQ(Text(greeting), "good day");
  co_return absl::OkStatus();
}

// Through a pipe so narrow that every message has to wait.
Task<absl::Status> Meet(const Contexts& contexts) {
  auto [one, other] = MakeMemoryPipe(60);
  auto both = co_await WhenAll(Greet(std::move(one), contexts.server),
                               BeGreeted(std::move(other), contexts.client));
  co_await OrReturn(std::get<0>(std::move(both)));
  co_return std::get<1>(std::move(both));
}

TEST(TlsCancellationTest, EndsAMeetingWhereverItIs) {
  const Contexts contexts;
  auto start = [&contexts] { return Meet(contexts); };
  auto check = [](const absl::Status& result, const testing::Interrupted& at) {
    if (at.undisturbed || result.ok()) return result;
    return absl::IsCancelled(result) ? absl::OkStatus() : result;
  };

  const absl::StatusOr<int> places =
      testing::CancelEverywhere({.seeds = 20}, start, check);

  ASSERT_EQ(places.status(), absl::OkStatus());
  EXPECT_GT(*places, 15);
}

// --- A conversation ---------------------------------------------------------

// One end, which can be cancelled anywhere and taken up again.
struct Player {
  std::optional<MemoryTls> stream = {};
  std::size_t sent = 0;
  std::vector<std::byte> received = {};
};

Task<absl::Status> SendRest(Player& player) {
  const std::vector<std::byte> all = Pattern(kMuch);
  while (player.sent < all.size()) {
    player.sent += co_await OrReturn(
        player.stream->Write(std::span(all).subspan(player.sent)));
  }
  co_return absl::OkStatus();
}

Task<absl::Status> ReceiveRest(Player& player) {
  std::array<std::byte, 700> buffer;
  while (player.received.size() < kMuch) {
    const std::size_t got = co_await OrReturn(player.stream->Read(buffer));
    if (got == 0) co_return absl::DataLossError("it ended too early");
    player.received.insert(player.received.end(), buffer.begin(),
                           buffer.begin() + static_cast<std::ptrdiff_t>(got));
  }
  co_return absl::OkStatus();
}

// What is left over of its last Write goes out while it reads.
Task<absl::Status> Ask(Player& player) {
  co_await OrReturn(SendRest(player));
  co_return co_await ReceiveRest(player);
}

Task<absl::Status> Answer(Player& player) {
  co_await OrReturn(ReceiveRest(player));
  co_await OrReturn(SendRest(player));
  co_return co_await player.stream->Flush();
}

struct Play {
  Player client = {};
  Player server = {};
  JoinHandle<absl::Status>* victim = nullptr;
};

using Role = Task<absl::Status> (*)(Player&);

// Plays both parts, and the victim's a second time where it was cancelled.
Task<absl::Status> Perform(Play& play, Role victims, Player& victim,
                           Role others, Player& other) {
  JoinHandle<absl::Status> first = Spawn(victims, std::ref(victim));
  JoinHandle<absl::Status> beside = Spawn(others, std::ref(other));
  play.victim = &first;
  absl::Status ended = co_await first.Join();
  play.victim = nullptr;
  if (absl::IsCancelled(ended)) ended = co_await victims(victim);
  co_await OrReturn(beside.Join());
  co_return ended;
}

Task<absl::Status> Begin(Play& play, const Contexts& contexts,
                         bool victim_is_client) {
  auto [one, other] = MakeMemoryPipe(kLittle);
  auto pair = co_await OrReturn(PairOver(std::move(one), std::move(other),
                                         contexts.client, contexts.server));
  play.client.stream.emplace(std::move(pair.client));
  play.server.stream.emplace(std::move(pair.server));
  if (victim_is_client) {
    co_return co_await Perform(play, Ask, play.client, Answer, play.server);
  }
  co_return co_await Perform(play, Answer, play.server, Ask, play.client);
}

class TlsConversationTest : public ::testing::TestWithParam<bool> {};

TEST_P(TlsConversationTest, LosesAndDoublesNoByteWhereverItIsCancelled) {
  const Contexts contexts;
  std::optional<Play> play;
  auto start = [&] { return Begin(play.emplace(), contexts, GetParam()); };
  auto interrupt = [&play](auto&, testing::Simulator&) {
    if (play->victim != nullptr) play->victim->Cancel();
  };
  auto check = [&play](const absl::Status& result,
                       const testing::Interrupted&) -> absl::Status {
    if (!result.ok()) return result;
    if (play->client.received != Pattern(kMuch) ||
        play->server.received != Pattern(kMuch)) {
      return absl::InternalError("other bytes have come than were sent");
    }
    play.reset();
    return absl::OkStatus();
  };

  const absl::StatusOr<int> places =
      testing::InterruptEverywhere({.seeds = 3}, start, interrupt, check);

  ASSERT_EQ(places.status(), absl::OkStatus());
  EXPECT_GT(*places, 15);
}

INSTANTIATE_TEST_SUITE_P(All, TlsConversationTest, ::testing::Bool(),
                         [](const auto& client) {
                           return client.param ? "TheClient" : "TheServer";
                         });

// --- Single operations ------------------------------------------------------

Task<absl::Status> CancelAReadAndReadAgain() {
  const Contexts contexts;
  auto pair = co_await OrReturn(MemoryPair(contexts.client, contexts.server));
  auto reader = Spawn(ReadText<MemoryTls>, std::ref(pair.server));
  co_await Yield();

  reader.Cancel();
  auto cancelled = co_await reader.Join();
  co_await OrReturn(pair.client.WriteAll(Bytes("after all")));
  const std::string text = co_await OrReturn(ReadText(pair.server));

  EXPECT_TRUE(absl::IsCancelled(cancelled.status()));
  EXPECT_EQ(text, "after all");
  co_return absl::OkStatus();
}

TEST(TlsCancellationTest, ReadsOnAfterAReadThatWasCancelled) {
  EXPECT_EQ(Simulate(CancelAReadAndReadAgain), absl::OkStatus());
}

// A Read that waits already does not send what is left.
Task<absl::Status> CutAWriteShortBesideARead() {
  const Contexts contexts;
  auto [one, other] = MakeMemoryPipe(kLittle);
  auto pair = co_await OrReturn(PairOver(std::move(one), std::move(other),
                                         contexts.client, contexts.server));
  auto reader = Spawn(ReadText<MemoryTls>, std::ref(pair.client));
  co_await Yield();
  const std::vector<std::byte> question = Pattern(5000);
  std::vector<std::byte> heard(question.size());

  const std::size_t written = co_await OrReturn(
      WithTimeout(absl::Seconds(1), pair.client.Write(question)));
  auto [flushed, whole] =
      co_await WhenAll(pair.client.Flush(), ReadExactly(pair.server, heard));
  co_await OrReturn(pair.server.WriteAll(Bytes("an answer")));
  const std::string answer = co_await OrReturn(reader.Join());

  EXPECT_EQ(written, question.size());
  EXPECT_EQ(flushed, absl::OkStatus());
  EXPECT_EQ(whole, absl::OkStatus());
  EXPECT_EQ(heard, question);
  EXPECT_EQ(answer, "an answer");
  co_return absl::OkStatus();
}

TEST(TlsCancellationTest, AFlushSendsWhatAWriteLeftBesideAReadThatWaits) {
  EXPECT_EQ(Simulate(CutAWriteShortBesideARead), absl::OkStatus());
}

}  // namespace
}  // namespace weft::net::tls
