// A storm: fifty hosts that ask each other for hours, while links are cut and
// healed, connections are reset and hosts crash; in many seeds, each twice.
//
// In the end every question has been answered, rightly, and nothing is left
// open; and a seed means one run, to the last packet.
//
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/net/stream.h"
#include "weft/net/tcp_listener.h"
#include "weft/net/tcp_stream.h"
#include "weft/net/testing/simulated_network.h"
#include "weft/runtime/deadline.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulator.h"

namespace weft::net::testing {
namespace {

constexpr int kHosts = 50;
constexpr int kQuestions = 4;
constexpr int kBlows = 120;

std::string HostName(std::uint64_t number) {
  return absl::StrCat("10.0.0.", number + 1);
}

// Echoes until the connection fails or ends.
Task<absl::Status> Echo(TcpStream stream) {
  std::array<std::byte, 256> buffer;
  for (;;) {
    const absl::StatusOr<std::size_t> got = co_await stream.Read(buffer);
    if (absl::IsCancelled(got.status())) co_return got.status();
    if (!got.ok() || *got == 0) co_return absl::OkStatus();
    const absl::Status sent =
        co_await stream.WriteAll(std::span(buffer).first(*got));
    if (!sent.ok()) co_return absl::OkStatus();
  }
}

Task<absl::Status> ServeUntilItFails(std::string address) {
  TcpListener listener = co_await OrReturn(TcpListener::Bind(address));
  co_return co_await WithScope([&](Scope& clients) -> Task<absl::Status> {
    for (;;) {
      TcpStream client = co_await OrReturn(listener.Accept());
      clients.Spawn(Echo, std::move(client));
    }
  });
}

// As what starts a program again when it has ended.
Task<absl::Status> Serve(std::string address) {
  for (;;) {
    const absl::Status ended = co_await ServeUntilItFails(address);
    if (absl::IsCancelled(ended)) co_return ended;
    co_await OrReturn(SleepFor(absl::Seconds(1)));
  }
}

Task<absl::Status> AskOnce(std::string address, std::uint64_t question) {
  TcpStream stream = co_await OrReturn(TcpStream::Connect(address));
  std::array<std::uint64_t, 100> sent;
  std::array<std::uint64_t, 100> answer = {};
  sent.fill(question);
  co_await OrReturn(stream.WriteAll(std::as_bytes(std::span(sent))));
  co_await OrReturn(
      ReadExactly(stream, std::as_writable_bytes(std::span(answer))));
  if (answer != sent) co_return absl::InternalError("a wrong answer");
  co_return absl::OkStatus();
}

Task<absl::Status> Ask(std::uint64_t seed, int& answered) {
  std::mt19937_64 random(seed);
  for (int i = 0; i < kQuestions; ++i) {
    const std::string address =
        absl::StrCat(HostName(random() % kHosts), ":80");
    for (;;) {
      const absl::Status asked =
          co_await WithTimeout(absl::Seconds(5), AskOnce(address, random()));
      if (asked.ok()) break;
      if (absl::IsCancelled(asked) || absl::IsInternal(asked)) co_return asked;
      co_await OrReturn(SleepFor(absl::Seconds(10)));
    }
    ++answered;
    co_await OrReturn(SleepFor(absl::Seconds(random() % 3600)));
  }
  co_return absl::OkStatus();
}

// One bad thing every so often; in the end every link is whole again.
Task<absl::Status> Weather(SimulatedNetwork& network, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::set<std::pair<std::uint64_t, std::uint64_t>> cuts;
  for (int blow = 0; blow < kBlows; ++blow) {
    const std::uint64_t one = random() % kHosts;
    const std::uint64_t other = (one + 1 + random() % (kHosts - 1)) % kHosts;
    switch (random() % 8) {
      case 0:
        network.Crash(HostName(one));
        break;
      case 1:
        network.ResetConnections(HostName(one), HostName(other));
        break;
      default:
        network.Partition(HostName(one), HostName(other));
        cuts.emplace(one, other);
    }
    co_await OrReturn(SleepFor(absl::Seconds(random() % 60)));
  }
  for (const auto& [one, other] : cuts) {
    network.Heal(HostName(one), HostName(other));
  }
  co_return absl::OkStatus();
}

struct Outcome {
  std::uint64_t hash = 0;
  int answered = 0;
  std::size_t listening = 0;
  absl::Duration duration;

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome RunAStorm(std::uint64_t seed) {
  SimulatedNetwork network({.seed = seed,
                            .links = {.latency = absl::Milliseconds(20),
                                      .jitter = absl::Milliseconds(10),
                                      .bytes_per_second = 1e6}});
  Outcome outcome;
  weft::testing::Simulator sim({.seed = seed, .system = &network});
  const Instant start = sim.now();
  for (std::uint64_t i = 0; i < kHosts; ++i) {
    const std::string host = HostName(i);
    sim.Spawn(network.OnHost(host, Serve(host + ":80")));
    sim.Spawn(network.OnHost(host, Ask(seed * kHosts + i, outcome.answered)));
  }
  sim.Spawn(Weather(network, seed));
  sim.RunUntilIdle();
  outcome.hash = network.trace_hash();
  outcome.listening = network.open_sockets();
  outcome.duration = sim.now() - start;
  return outcome;
}

TEST(SimulatedStormTest, AnswersEveryQuestionAndMeansOneRunByASeed) {
  std::set<std::uint64_t> hashes;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    const Outcome outcome = RunAStorm(seed);
    const Outcome again = RunAStorm(seed);

    ASSERT_EQ(outcome.answered, kHosts * kQuestions) << "seed " << seed;
    // Connections that a partition has hidden from their server may be open.
    ASSERT_GE(outcome.listening, std::size_t{kHosts}) << "seed " << seed;
    ASSERT_GT(outcome.duration, absl::Hours(1)) << "seed " << seed;
    ASSERT_EQ(outcome, again) << "seed " << seed;
    hashes.insert(outcome.hash);
  }

  EXPECT_EQ(hashes.size(), 200u);
}

}  // namespace
}  // namespace weft::net::testing
