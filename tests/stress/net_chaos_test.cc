// Connections through a proxy that delays them, takes them a byte at a time,
// half-closes, resets, cuts and stalls them, in whatever state they are.
//
//     core    clients            a proxy each              servers, one a core
//               Visit <--- what a Chaos says, and ---> Echo
//                          the client knows
//
// What must hold:
//
//   1. What a client hears is the beginning of what it has said: no byte is
//      lost from amid it, none is doubled, none is another connection's.
//   2. A connection that nothing befalls ends well, with all of it. Any other
//      ends as well or with an error that its Chaos explains.
//   3. Nobody waits for ever.
//   4. The server has served every connection that has reached it, to its end.
//   5. No descriptor is left, and no memory.
//
// The chaos is the seed's; how the threads meet it is not. The seed is gtest's
// (--gtest_random_seed), so that each round of a soak has its own.
//
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/net/address.h"
#include "weft/net/server.h"
#include "weft/net/tcp_listener.h"
#include "weft/net/tcp_stream.h"
#include "weft/runtime/deadline.h"
#include "weft/runtime/each_core.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/task.h"
#include "weft/runtime/when_all.h"
#include "weft/sync/event.h"
#include "weft/sync/latch.h"
#include "weft/tests/net/chaos.h"
#include "weft/tests/net/chaos_proxy.h"
#include "weft/tests/support/open_descriptors.h"
#include "weft/tests/support/resident_memory.h"
#include "weft/tests/support/soak.h"

namespace weft::net {
namespace {

using ::weft::testing::ExpectNoMoreAfter;
using ::weft::testing::OpenDescriptors;

constexpr int kWorkers = 2;
constexpr int kClientsOnACore = 50;

// How long a client that is stalled bears it; and anything at all.
constexpr absl::Duration kPatience = absl::Milliseconds(5);
constexpr absl::Duration kForEver = absl::Minutes(1);

// Of the sockets between a client and its proxy, so that much text fills them.
constexpr int kBuffers = 64 * 1024;

// --- One client -------------------------------------------------------------

// Of another connection, or another place in it, no more than a few are alike.
std::vector<std::byte> TextOf(std::uint64_t number, std::size_t size) {
  std::vector<std::byte> text(size);
  for (std::size_t i = 0; i < size; ++i) {
    text[i] = static_cast<std::byte>(number * 131 + i * 31 + i / 251);
  }
  return text;
}

Task<absl::Status> Say(TcpStream& stream, std::span<const std::byte> text) {
  co_await OrReturn(stream.WriteAll(text));
  co_return stream.ShutdownWrite();
}

// OUT_OF_RANGE where the end comes too early, DATA_LOSS for what was not said.
Task<absl::Status> Hear(TcpStream& stream, std::span<const std::byte> text) {
  std::array<std::byte, 5000> buffer;
  std::size_t heard = 0;
  for (;;) {
    const std::size_t got = co_await OrReturn(stream.Read(buffer));
    const auto said = text.subspan(heard, std::min(got, text.size() - heard));
    if (!std::ranges::equal(std::span(buffer).first(got), said)) {
      co_return absl::DataLossError(
          absl::StrCat("not what was said, after ", heard, " bytes"));
    }
    heard += got;
    if (got == 0) break;
  }
  if (heard == text.size()) co_return absl::OkStatus();
  co_return absl::OutOfRangeError(absl::StrCat("the end, after ", heard));
}

bool Explains(const Chaos& chaos, const absl::Status& status) {
  if (status.ok()) return true;
  if (chaos.deed == Chaos::Deed::kNothing) return false;
  if (chaos.deed == Chaos::Deed::kStall) {
    return absl::IsDeadlineExceeded(status);
  }
  return absl::IsUnavailable(status) || absl::IsOutOfRange(status);
}

// What all clients have found.
struct Tally {
  std::atomic<std::int64_t> whole = 0;
  std::atomic<std::int64_t> ended_early = 0;
  std::atomic<std::int64_t> lost = 0;
  std::atomic<std::int64_t> stalled = 0;

  void Count(const absl::Status& heard) {
    if (heard.ok()) ++whole;
    if (absl::IsOutOfRange(heard)) ++ended_early;
    if (absl::IsUnavailable(heard)) ++lost;
    if (absl::IsDeadlineExceeded(heard)) ++stalled;
  }
};

Task<absl::Status> Converse(TcpStream& stream, const Chaos& chaos,
                            std::uint64_t number, Tally& tally) {
  const std::vector<std::byte> text = TextOf(number, chaos.size);
  co_await OrReturn(stream.SetSendBufferSize(kBuffers));
  if (chaos.deed == Chaos::Deed::kStall) {
    stream.SetReadTimeout(kPatience);
    stream.SetWriteTimeout(kPatience);
  }
  const auto [said, heard] =
      co_await WhenAll(Say(stream, text), Hear(stream, text));
  tally.Count(heard);
  if (!Explains(chaos, heard)) co_return heard;
  co_return Explains(chaos, said) ? absl::OkStatus() : said;
}

Task<absl::Status> Visit(Address proxy, const Chaos& chaos,
                         std::uint64_t number, Tally& tally) {
  absl::StatusOr<TcpStream> stream = co_await TcpStream::Connect(proxy);
  if (stream.ok()) {
    co_return co_await Converse(*stream, chaos, number, tally);
  }
  tally.Count(stream.status());
  co_return Explains(chaos, stream.status()) ? absl::OkStatus()
                                             : stream.status();
}

Task<absl::Status> VisitAndLeave(Address proxy, const Chaos& chaos,
                                 std::uint64_t number, Tally& tally,
                                 sync::Event& left) {
  absl::Status visited = co_await Visit(proxy, chaos, number, tally);
  left.Set();
  co_return visited;
}

// --- All of them ------------------------------------------------------------

// What all cores share.
struct World {
  World(int cores, std::uint64_t chaos_seed, std::int64_t connections)
      : seed(chaos_seed),
        total(connections),
        servers(static_cast<std::size_t>(cores)),
        listening(cores),
        over(cores) {}

  const std::uint64_t seed;
  const std::int64_t total;
  std::atomic<std::int64_t> begun = 0;
  std::atomic<std::int64_t> reached = 0;   // A server.
  std::atomic<std::int64_t> accepted = 0;  // By one.
  std::atomic<std::int64_t> served = 0;
  std::atomic<int> cores = 0;
  // Written by the core that listens there, before `listening` opens.
  std::vector<Address> servers;
  sync::Latch listening;
  sync::Latch over;
  Tally tally;
};

// Of 127.0.0.0/8: the ports of one address do not suffice for all.
Address AddressOf(std::uint64_t number) {
  const auto byte = [number](std::uint64_t unit) {
    return static_cast<std::uint8_t>(number / unit % 250 + 1);
  };
  const Address::Ipv4Bytes bytes = {127, byte(62'500), byte(250), byte(1)};
  return Address(bytes, 0);
}

Task<absl::Status> Meet(World& world, const Chaos& chaos,
                        std::uint64_t number) {
  ListenOptions options;
  options.send_buffer_size = kBuffers;
  options.receive_buffer_size = kBuffers;
  TcpListener listener =
      co_await OrReturn(TcpListener::Bind(AddressOf(number), options));
  sync::Event left;
  ChaosProxy proxy(chaos, std::move(listener),
                   world.servers[number % world.servers.size()], left);
  const auto [proxied, visited] = co_await WhenAll(
      proxy.Run(),
      VisitAndLeave(proxy.address(), chaos, number, world.tally, left));
  world.reached += proxy.has_reached_server() ? 1 : 0;
  co_return visited.ok() ? proxied : visited;
}

Task<absl::Status> MeetAgainAndAgain(World& world) {
  for (;;) {
    const std::int64_t begun = world.begun.fetch_add(1);
    if (begun >= world.total) co_return absl::OkStatus();
    const auto number = static_cast<std::uint64_t>(begun);
    const Chaos chaos = Chaos::Draw(world.seed, number);
    const absl::Status met =
        co_await WithTimeout(kForEver, Meet(world, chaos, number));
    if (met.ok()) continue;
    co_return absl::Status(
        met.code(), absl::StrCat(met.message(), " (", chaos.ToString(),
                                 "; seed ", world.seed, ", #", number, ")"));
  }
}

Task<absl::Status> MeetEverybody(World& world) {
  co_return co_await WithScope([&](Scope& clients) -> Task<absl::Status> {
    for (int i = 0; i < kClientsOnACore; ++i) {
      clients.Spawn(MeetAgainAndAgain, std::ref(world));
    }
    co_return absl::OkStatus();
  });
}

Task<absl::Status> EchoUntilItEnds(TcpStream& stream) {
  std::array<std::byte, 3000> buffer;
  for (;;) {
    const std::size_t got = co_await OrReturn(stream.Read(buffer));
    if (got == 0) co_return stream.ShutdownWrite();
    co_await OrReturn(stream.WriteAll(std::span(buffer).first(got)));
  }
}

// Whoever is gone is no error of the server's.
Task<absl::Status> Echo(World& world, TcpStream stream) {
  absl::Status echoed = co_await EchoUntilItEnds(stream);
  ++world.served;
  co_return absl::IsUnavailable(echoed) ? absl::OkStatus() : echoed;
}

ServerOptions ReportErrors() {
  ServerOptions options;
  options.on_error = [](const Peer&, const absl::Status& error) {
    ADD_FAILURE() << "a server's connection ended with " << error;
  };
  return options;
}

// Until all that have reached a server, here or elsewhere, have been served.
Task<absl::Status> UntilAllAreServed(World& world) {
  while (world.served < world.reached) {
    co_await OrReturn(SleepFor(absl::Milliseconds(1)));
  }
  co_return absl::OkStatus();
}

Task<absl::Status> ServeAndMeet(World& world) {
  TcpListener listener = co_await OrReturn(TcpListener::Bind("127.0.0.1:0"));
  world.servers[world.cores.fetch_add(1)] = listener.local_address();
  Server<TcpListener> server(
      std::move(listener),
      [&world](TcpStream stream) { return Echo(world, std::move(stream)); },
      ReportErrors());
  co_return co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
    scope.Spawn(server.Run());
    world.listening.CountDown();
    co_await OrReturn(world.listening.Wait());
    co_await OrReturn(MeetEverybody(world));
    world.over.CountDown();
    co_await OrReturn(world.over.Wait());
    co_await OrReturn(WithTimeout(kForEver, UntilAllAreServed(world)));
    server.Drain();
    world.accepted += server.accepted();
    co_return absl::OkStatus();
  });
}

class NetChaosTest : public ::testing::TestWithParam<Flavor> {
 protected:
  static RuntimeOptions Options() {
    RuntimeOptions options;
    options.flavor = GetParam();
    options.workers = kWorkers;
    return options;
  }

  void MakeConnections(Runtime& runtime, std::int64_t total) {
    const int cores = GetParam() == Flavor::kPerCore ? kWorkers : 1;
    World world(cores, seed_++, total);
    EXPECT_EQ(runtime.BlockOn(OnEachCore(ServeAndMeet, std::ref(world))),
              absl::OkStatus());
    EXPECT_EQ(world.accepted, world.reached);
    EXPECT_EQ(world.served, world.reached);
    whole_ += world.tally.whole;
    ended_early_ += world.tally.ended_early;
    lost_ += world.tally.lost;
    stalled_ += world.tally.stalled;
  }

  std::uint64_t seed_ =
      1000 * static_cast<std::uint64_t>(GTEST_FLAG_GET(random_seed));
  std::int64_t whole_ = 0;
  std::int64_t ended_early_ = 0;
  std::int64_t lost_ = 0;
  std::int64_t stalled_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Flavors, NetChaosTest,
                         ::testing::Values(Flavor::kWorkStealing,
                                           Flavor::kPerCore));

TEST_P(NetChaosTest, EveryConnectionEndsAndKeepsWhatItWasTold) {
  const int before = OpenDescriptors();
  {
    Runtime runtime(Options());
    MakeConnections(runtime, 200);
    const int descriptors = OpenDescriptors();

    ExpectNoMoreAfter(4, [&] { MakeConnections(runtime, tests::Times(800)); });

    EXPECT_EQ(OpenDescriptors(), descriptors);
  }
  EXPECT_EQ(OpenDescriptors(), before);
  // There was chaos indeed.
  EXPECT_GT(whole_, 0);
  EXPECT_GT(ended_early_, 0);
  EXPECT_GT(lost_, 0);
  EXPECT_GT(stalled_, 0);
  RecordProperty("whole", std::to_string(whole_));
  RecordProperty("ended_early", std::to_string(ended_early_));
  RecordProperty("lost", std::to_string(lost_));
  RecordProperty("stalled", std::to_string(stalled_));
}

}  // namespace
}  // namespace weft::net
