// One server, on either flavor of runtime: where cores share nothing each has a
// listener of its own on one port, and the system deals the clients out to
// them; where they share, one listener serves all.
//
// SPDX-License-Identifier: MIT

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "weft/net/address.h"
#include "weft/net/server.h"
#include "weft/net/tcp_listener.h"
#include "weft/net/tcp_stream.h"
#include "weft/runtime/each_core.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/task.h"
#include "weft/sync/latch.h"
#include "weft/tests/support/soak.h"

namespace weft::net {
namespace {

constexpr int kCores = 2;
constexpr int kClients = 50;  // At a time.

// What all cores share.
struct Town {
  explicit Town(int cores) : listening(cores), over(1) {}

  Address address;  // Written before there is more than one task.
  std::atomic<std::size_t> core = 0;
  std::array<std::atomic<std::int64_t>, kCores> served{};
  sync::Latch listening;
  sync::Latch over;
};

ListenOptions Shared() {
  ListenOptions options;
  options.reuse_port = true;
  return options;
}

Task<absl::Status> Attend(TcpStream stream) {
  std::array<std::byte, 64> buffer;
  while (const std::size_t n = co_await OrReturn(stream.Read(buffer))) {
    co_await OrReturn(stream.WriteAll(std::span(buffer).first(n)));
  }
  co_return absl::OkStatus();
}

// On each core.
Task<absl::Status> ServeThere(Town& town) {
  const std::size_t core = town.core.fetch_add(1);
  TcpListener listener =
      co_await OrReturn(TcpListener::Bind(town.address, Shared()));
  Server<TcpListener> server(std::move(listener), [&](TcpStream stream) {
    town.served[core].fetch_add(1);
    return Attend(std::move(stream));
  });
  co_return co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
    scope.Spawn(server.Run());
    town.listening.CountDown();
    co_await OrReturn(town.over.Wait());
    server.Drain();
    co_return absl::OkStatus();
  });
}

Task<absl::Status> Visit(const Town& town, std::int64_t visits) {
  std::array<std::byte, 3> said = {std::byte{1}, std::byte{2}, std::byte{3}};
  for (std::int64_t i = 0; i < visits; ++i) {
    TcpStream stream = co_await OrReturn(TcpStream::Connect(town.address));
    co_await OrReturn(stream.WriteAll(said));
    std::array<std::byte, 3> heard = {};
    co_await OrReturn(stream.ReadExactly(heard));
    if (heard != said) co_return absl::DataLossError("that is no echo");
  }
  co_return absl::OkStatus();
}

Task<absl::Status> VisitOften(const Town& town, std::int64_t visits) {
  co_return co_await WithScope([&](Scope& clients) -> Task<absl::Status> {
    for (int i = 0; i < kClients; ++i) {
      clients.Spawn(Visit, std::cref(town), visits);
    }
    co_return absl::OkStatus();
  });
}

Task<absl::Status> VisitWhenTheyListen(Town& town, TcpListener holder,
                                       std::int64_t visits) {
  co_await OrReturn(town.listening.Wait());
  holder.Close();  // Lest it is dealt some, too.
  absl::Status visited = co_await VisitOften(town, visits);
  town.over.CountDown();
  co_return visited;
}

// The program, which does not ask on what it runs. Any free port: somebody must
// hold it until all listen there.
Task<absl::Status> ServeTheTown(Town& town, std::int64_t visits) {
  TcpListener holder =
      co_await OrReturn(TcpListener::Bind("127.0.0.1:0", Shared()));
  town.address = holder.local_address();
  co_return co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
    scope.Spawn(VisitWhenTheyListen, std::ref(town), std::move(holder), visits);
    scope.Spawn(OnEachCore(ServeThere, std::ref(town)));
    co_return absl::OkStatus();
  });
}

class NetPerCoreTest : public ::testing::TestWithParam<Flavor> {
 protected:
  static int Cores() { return GetParam() == Flavor::kPerCore ? kCores : 1; }
};

INSTANTIATE_TEST_SUITE_P(Flavors, NetPerCoreTest,
                         ::testing::Values(Flavor::kWorkStealing,
                                           Flavor::kPerCore));

TEST_P(NetPerCoreTest, OneProgramServesAPortOnEveryCoreThereIs) {
  const std::int64_t visits = tests::Times(40);
  Town town(Cores());
  {
    RuntimeOptions options;
    options.flavor = GetParam();
    options.workers = kCores;
    Runtime runtime(options);

    EXPECT_EQ(runtime.BlockOn(ServeTheTown(town, visits)), absl::OkStatus());
  }

  // The system deals out by a hash of both ends (SO_REUSEPORT in socket(7)), so
  // no core is left without.
  std::int64_t all = 0;
  for (int i = 0; i < Cores(); ++i) {
    EXPECT_GT(town.served[i], 0);
    all += town.served[i];
  }
  EXPECT_EQ(all, kClients * visits);
}

}  // namespace
}  // namespace weft::net
