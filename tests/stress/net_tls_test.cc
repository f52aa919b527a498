// TLS on real threads: one task reads while others write, on whatever workers,
// all of which share one state of OpenSSL's.
//
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "weft/net/memory_stream.h"
#include "weft/net/stream.h"
#include "weft/net/tcp_stream.h"
#include "weft/net/tls/self_signed.h"
#include "weft/net/tls/tls_context.h"
#include "weft/net/tls/tls_stream.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/task.h"
#include "weft/runtime/when_all.h"
#include "weft/tests/net/tcp_pair.h"
#include "weft/tests/support/soak.h"

namespace weft::net::tls {
namespace {

constexpr int kWorkers = 3;
constexpr std::size_t kMuch = 300'000;
constexpr std::size_t kLittle = 10'000;

struct Contexts {
  TlsIdentity identity = MakeSelfSigned({"localhost"}).value();
  TlsContext client =
      TlsContext::Client(
          {.system_roots = false, .extra_roots = identity.certificate_chain})
          .value();
  TlsContext server = TlsContext::Server({.identity = identity}).value();
};

template <typename S>
Task<absl::Status> Send(TlsStream<S>& stream) {
  const std::vector<std::byte> bytes = Pattern(kMuch);
  co_await OrReturn(stream.WriteAll(bytes));
  co_return co_await stream.Shutdown();
}

template <typename S>
Task<absl::Status> Receive(TlsStream<S>& stream) {
  const std::vector<std::byte> bytes = co_await OrReturn(ReadAll(stream));
  co_return bytes == Pattern(kMuch)
      ? absl::OkStatus()
      : absl::DataLossError("other bytes have come than were sent");
}

template <typename S>
Task<absl::Status> TalkBothWays(S one, S other, const Contexts& contexts) {
  const TlsClientOptions options("localhost");
  auto both = co_await WhenAll(
      TlsStream<S>::Connect(std::move(one), contexts.client, options),
      TlsStream<S>::Accept(std::move(other), contexts.server));
  auto client = co_await OrReturn(std::get<0>(std::move(both)));
  auto server = co_await OrReturn(std::get<1>(std::move(both)));
  auto all = co_await WhenAll(Send(client), Receive(client), Send(server),
                              Receive(server));
  co_await OrReturn(std::get<0>(std::move(all)));
  co_await OrReturn(std::get<1>(std::move(all)));
  co_await OrReturn(std::get<2>(std::move(all)));
  co_return std::get<3>(std::move(all));
}

Task<absl::Status> TalkInMemory(const Contexts& contexts) {
  auto [one, other] = MakeMemoryPipe(kLittle);
  co_return co_await TalkBothWays(std::move(one), std::move(other), contexts);
}

Task<absl::Status> TalkOverTcp(const Contexts& contexts) {
  TcpPair pair = co_await OrReturn(ConnectPair());
  co_return co_await TalkBothWays(std::move(pair.client),
                                  std::move(pair.server), contexts);
}

// Several connections at the same time.
void TalkMuch(Task<absl::Status> (*talk)(const Contexts&)) {
  const Contexts contexts;
  Runtime runtime({.workers = kWorkers});
  for (std::int64_t round = 0; round < tests::Times(10); ++round) {
    auto first = runtime.Spawn(talk, std::cref(contexts));
    auto second = runtime.Spawn(talk, std::cref(contexts));
    auto third = runtime.Spawn(talk, std::cref(contexts));

    EXPECT_EQ(first.BlockingJoin(), absl::OkStatus());
    EXPECT_EQ(second.BlockingJoin(), absl::OkStatus());
    EXPECT_EQ(third.BlockingJoin(), absl::OkStatus());
  }
}

TEST(TlsStressTest, CarriesMuchBothWaysInMemory) { TalkMuch(TalkInMemory); }

TEST(TlsStressTest, CarriesMuchBothWaysOverTcp) { TalkMuch(TalkOverTcp); }

}  // namespace
}  // namespace weft::net::tls
