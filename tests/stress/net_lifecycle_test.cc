// Connections that come and go by the ten thousand, and end in every way that a
// connection can: no descriptor, no memory and no task is left of them.
//
//     core      servers, one an address       clients
//                 Attend <--------------------- Visit: connect, say a number,
//                 Attend <--------------------- hear it again, and part
//
// The addresses are several because a port that was closed properly lingers for
// a minute (TIME_WAIT), and there are 28,000 of them for each address that is
// connected to.
//
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/net/address.h"
#include "weft/net/server.h"
#include "weft/net/tcp_listener.h"
#include "weft/net/tcp_stream.h"
#include "weft/runtime/each_core.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/task.h"
#include "weft/sync/latch.h"
#include "weft/sync/semaphore.h"
#include "weft/tests/support/descriptor_limit.h"
#include "weft/tests/support/open_descriptors.h"
#include "weft/tests/support/resident_memory.h"
#include "weft/tests/support/sanitized.h"
#include "weft/tests/support/soak.h"

namespace weft::net {
namespace {

using ::weft::testing::DescriptorLimit;
using ::weft::testing::ExpectNoMoreAfter;
using ::weft::testing::kSanitized;
using ::weft::testing::OpenDescriptors;

enum class Ending : std::uint64_t {
  kClientCloses,
  kClientShutsDown,
  kClientAborts,
  kServerCloses,
  kServerShutsDown,
  kServerAborts,
};
constexpr std::uint64_t kEndings = 6;

// What a client says and hears again: its number, which is nobody else's, and
// how the two are going to part.
struct Message {
  std::array<std::uint64_t, 2> words{};

  explicit Message(std::uint64_t number = 0)
      : words{number, number % kEndings} {}
  Ending ending() const { return static_cast<Ending>(words[1]); }
  std::span<std::byte> bytes() {
    return std::as_writable_bytes(std::span(words));
  }
  friend bool operator==(const Message&, const Message&) = default;
};

// Until the other end has said all it had to say, or has reset the connection.
Task<> AwaitTheEnd(TcpStream& stream) {
  std::array<std::byte, 16> rest;
  for (;;) {
    const absl::StatusOr<std::size_t> got = co_await stream.Read(rest);
    if (!got.ok() || *got == 0) co_return;
  }
}

Task<absl::Status> Attend(TcpStream stream) {
  Message message;
  co_await OrReturn(stream.ReadExactly(message.bytes()));
  co_await OrReturn(stream.WriteAll(message.bytes()));
  if (message.ending() == Ending::kServerCloses) co_return absl::OkStatus();
  if (message.ending() == Ending::kServerAborts) stream.Abort();
  if (message.ending() == Ending::kServerShutsDown) {
    co_await OrReturn(stream.ShutdownWrite());
  }
  co_await AwaitTheEnd(stream);
  co_return absl::OkStatus();
}

Task<absl::Status> Talk(TcpStream& stream, std::uint64_t number) {
  Message said(number);
  Message heard;
  co_await OrReturn(stream.WriteAll(said.bytes()));
  co_await OrReturn(stream.ReadExactly(heard.bytes()));
  if (heard == said) co_return absl::OkStatus();
  co_return absl::DataLossError(
      absl::StrCat("said ", said.words[0], " and heard ", heard.words[0]));
}

Task<absl::Status> Part(TcpStream& stream, std::uint64_t number) {
  const Ending ending = Message(number).ending();
  if (ending == Ending::kClientCloses) co_return absl::OkStatus();
  if (ending == Ending::kClientAborts) stream.Abort();
  if (ending == Ending::kClientShutsDown) {
    co_await OrReturn(stream.ShutdownWrite());
  }
  co_await AwaitTheEnd(stream);
  co_return absl::OkStatus();
}

Task<absl::Status> Visit(Address address, std::uint64_t number) {
  TcpStream stream = co_await OrReturn(TcpStream::Connect(address));
  co_await OrReturn(Talk(stream, number));
  co_return co_await Part(stream, number);
}

// --- One after another ------------------------------------------------------

constexpr int kServers = 8;
constexpr int kClientsOnACore = 50;

// What all cores share.
struct Visits {
  Visits(int cores, std::int64_t visits)
      : total(visits), listening(cores), over(cores) {}

  const std::int64_t total;
  std::atomic<std::int64_t> begun = 0;
  std::atomic<int> cores = 0;
  // Written by the core that listens there, before `listening` opens.
  std::array<Address, kServers> servers;
  sync::Latch listening;
  sync::Latch over;
};

Task<absl::Status> VisitAgainAndAgain(Visits& visits) {
  for (;;) {
    const std::int64_t number = visits.begun.fetch_add(1);
    if (number >= visits.total) co_return absl::OkStatus();
    const Address address = visits.servers[number % kServers];
    co_await OrReturn(Visit(address, static_cast<std::uint64_t>(number)));
  }
}

Task<absl::Status> VisitEverybody(Visits& visits) {
  co_return co_await WithScope([&](Scope& clients) -> Task<absl::Status> {
    for (int i = 0; i < kClientsOnACore; ++i) {
      clients.Spawn(VisitAgainAndAgain, std::ref(visits));
    }
    co_return absl::OkStatus();
  });
}

// On each core: its part of the servers, and as many clients as on the others.
Task<absl::Status> ServeAndVisit(Visits& visits) {
  std::vector<std::unique_ptr<Server<TcpListener>>> servers;
  const auto cores = static_cast<int>(CoreCount());
  for (int i = visits.cores.fetch_add(1); i < kServers; i += cores) {
    TcpListener listener = co_await OrReturn(
        TcpListener::Bind(absl::StrCat("127.0.0.", i + 1, ":0")));
    visits.servers[i] = listener.local_address();
    servers.push_back(
        std::make_unique<Server<TcpListener>>(std::move(listener), Attend));
  }
  co_return co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
    for (auto& server : servers) scope.Spawn(server->Run());
    visits.listening.CountDown();
    co_await OrReturn(visits.listening.Wait());
    co_await OrReturn(VisitEverybody(visits));
    visits.over.CountDown();
    co_await OrReturn(visits.over.Wait());  // The others' clients come here.
    for (auto& server : servers) server->Drain();
    co_return absl::OkStatus();
  });
}

class NetLifecycleTest : public ::testing::TestWithParam<Flavor> {
 protected:
  static constexpr int kWorkers = 2;

  static RuntimeOptions Options() {
    RuntimeOptions options;
    options.flavor = GetParam();
    options.workers = kWorkers;
    return options;
  }

  static void MakeVisits(Runtime& runtime, std::int64_t total) {
    Visits visits(GetParam() == Flavor::kPerCore ? kWorkers : 1, total);
    EXPECT_EQ(runtime.BlockOn(OnEachCore(ServeAndVisit, std::ref(visits))),
              absl::OkStatus());
  }
};

INSTANTIATE_TEST_SUITE_P(Flavors, NetLifecycleTest,
                         ::testing::Values(Flavor::kWorkStealing,
                                           Flavor::kPerCore));

TEST_P(NetLifecycleTest, FiftyThousandConnectsAndClosesLeaveNothing) {
  const int before = OpenDescriptors();
  {
    Runtime runtime(Options());
    MakeVisits(runtime, 100);
    const int descriptors = OpenDescriptors();

    ExpectNoMoreAfter(5, [&] { MakeVisits(runtime, tests::Times(10'000)); });

    EXPECT_EQ(OpenDescriptors(), descriptors);
  }
  EXPECT_EQ(OpenDescriptors(), before);
}

// --- All at once ------------------------------------------------------------

// What the connections that are open at a time share.
struct Crowd {
  explicit Crowd(int count) : count(count), connecting(1000), talked(count) {}

  const int count;
  sync::Semaphore connecting;  // No more than the system's queue holds.
  sync::Latch talked;
};

Task<absl::StatusOr<TcpStream>> ConnectAndTalk(Crowd& crowd, Address address,
                                               int number) {
  const sync::Semaphore::Permit permit =
      co_await OrReturn(crowd.connecting.Acquire());
  TcpStream stream = co_await OrReturn(TcpStream::Connect(address));
  co_await OrReturn(Talk(stream, static_cast<std::uint64_t>(number)));
  co_return stream;
}

Task<absl::Status> VisitTogether(Crowd& crowd, Address address, int number) {
  TcpStream stream = co_await OrReturn(ConnectAndTalk(crowd, address, number));
  crowd.talked.CountDown();
  co_await OrReturn(crowd.talked.Wait());
  co_return co_await Part(stream, static_cast<std::uint64_t>(number));
}

Task<absl::Status> VisitAllTogether(Crowd& crowd, Address address) {
  co_return co_await WithScope([&](Scope& clients) -> Task<absl::Status> {
    for (int i = 0; i < crowd.count; ++i) {
      clients.Spawn(VisitTogether, std::ref(crowd), address, i);
    }
    co_return absl::OkStatus();
  });
}

Task<absl::Status> BeACrowd(Crowd& crowd) {
  TcpListener listener = co_await OrReturn(TcpListener::Bind("127.0.0.1:0"));
  ServerOptions options;
  options.max_connections = crowd.count;
  Server<TcpListener> server(std::move(listener), Attend, std::move(options));
  co_return co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
    scope.Spawn(server.Run());
    co_await OrReturn(
        VisitAllTogether(crowd, server.listener().local_address()));
    EXPECT_EQ(server.accepted(), crowd.count);
    server.Drain();
    co_return absl::OkStatus();
  });
}

TEST_P(NetLifecycleTest, TenThousandAtATimeLeaveNothing) {
  constexpr int kMost = 10'000;
  constexpr int kSpare = 100;
  const int before = OpenDescriptors();
  const DescriptorLimit limit(2 * kMost + kSpare);
  const int room = (limit.get() - kSpare) / 2;
  const int count = static_cast<int>(
      std::min({std::int64_t{kMost}, std::int64_t{room}, tests::Times(kMost)}));
  {
    Runtime runtime(Options());
    const auto gather = [&] {
      Crowd crowd(count);
      EXPECT_EQ(runtime.BlockOn(BeACrowd(crowd)), absl::OkStatus());
    };
    gather();
    const int descriptors = OpenDescriptors();

    ExpectNoMoreAfter(4, gather);

    EXPECT_EQ(OpenDescriptors(), descriptors);
  }
  EXPECT_EQ(OpenDescriptors(), before);
  RecordProperty("open_at_a_time", count);
}

// --- With too few descriptors -----------------------------------------------

constexpr int kClients = 30;
constexpr int kRoom = 10;  // For the server's ends.

Task<absl::Status> TalkAndPart(TcpStream stream, std::uint64_t number) {
  co_await OrReturn(Talk(stream, number));
  co_return co_await Part(stream, number);
}

// Until it has served all that have connected.
Task<absl::Status> RunUntilAllAreServed(Server<TcpListener>& server,
                                        std::vector<TcpStream> clients) {
  co_return co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
    scope.Spawn(server.Run());
    for (std::size_t i = 0; i < clients.size(); ++i) {
      scope.Spawn(TalkAndPart, std::move(clients[i]), i);
    }
    while (server.accepted() < kClients || server.connections() > 0) {
      co_await OrReturn(SleepFor(absl::Milliseconds(1)));
    }
    server.Drain();
    co_return absl::OkStatus();
  });
}

// The clients are all there, in the system's queue, when the descriptors run
// out.
Task<absl::Status> RunShort(std::uint64_t& starved) {
  TcpListener listener = co_await OrReturn(TcpListener::Bind("127.0.0.1:0"));
  std::vector<TcpStream> clients;
  for (int i = 0; i < kClients; ++i) {
    clients.push_back(
        co_await OrReturn(TcpStream::Connect(listener.local_address())));
  }
  Server<TcpListener> server(std::move(listener), Attend);
  const DescriptorLimit limit = DescriptorLimit::RoomFor(kRoom);
  const absl::Status served =
      co_await RunUntilAllAreServed(server, std::move(clients));
  starved += server.listener().times_starved();
  co_return served;
}

// The real limit counts for all threads. Where it is only the server that is
// told of one: tests/net/idle_connections_test.cc.
TEST_P(NetLifecycleTest, AServerWithoutDescriptorsServesEverybodyInTheEnd) {
  if (kSanitized) GTEST_SKIP() << "the sanitizer needs descriptors itself";
  const int before = OpenDescriptors();
  std::uint64_t starved = 0;
  {
    Runtime runtime(Options());
    for (std::int64_t i = 0; i < tests::Times(20); ++i) {
      ASSERT_EQ(runtime.BlockOn(RunShort(starved)), absl::OkStatus());
    }
  }
  EXPECT_GT(starved, 0u);
  EXPECT_EQ(OpenDescriptors(), before);
}

}  // namespace
}  // namespace weft::net
