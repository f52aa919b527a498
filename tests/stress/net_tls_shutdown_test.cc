// The end of a runtime under many tasks in each kind of wait that TLS has.
//
// SPDX-License-Identifier: MIT

#include <array>
#include <cstddef>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "weft/net/memory_stream.h"
#include "weft/net/tcp_listener.h"
#include "weft/net/tcp_stream.h"
#include "weft/net/tls/self_signed.h"
#include "weft/net/tls/tls_context.h"
#include "weft/net/tls/tls_stream.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/task.h"
#include "weft/tests/net/tls/tls_pair.h"
#include "weft/tests/support/crowd.h"

namespace weft::net::tls {
namespace {

class TlsScene : public tests::Scene {
 public:
  Task<absl::Status> Prepare() override {
    constexpr int kListeners = 4;  // With room for 4096 connections each.
    for (int i = 0; i < kListeners; ++i) {
      deaf.push_back(co_await OrReturn(TcpListener::Bind("127.0.0.1:0")));
    }
    co_return absl::OkStatus();
  }

  const TlsIdentity identity = MakeSelfSigned({"localhost"}).value();
  const TlsContext client =
      TlsContext::Client(
          {.system_roots = false, .extra_roots = identity.certificate_chain})
          .value();
  const TlsContext server = TlsContext::Server({.identity = identity}).value();
  std::vector<TcpListener> deaf;  // Nobody is accepted.
};

Task<absl::StatusOr<TcpStream>> ConnectToTheDeaf(TlsScene& scene, int number) {
  const TcpListener& listener = scene.deaf[number % scene.deaf.size()];
  co_return co_await TcpStream::Connect(listener.local_address());
}

// For the server's answer.
Task<absl::Status> BeginAsClient(TlsScene& scene, int number) {
  TcpStream transport = co_await OrReturn(ConnectToTheDeaf(scene, number));
  const TlsClientOptions options("localhost");
  scene.CountIn();
  const auto stream = co_await TlsStream<TcpStream>::Connect(
      std::move(transport), scene.client, options);
  co_return stream.status();
}

// For the client's first word.
Task<absl::Status> BeginAsServer(TlsScene& scene, int number) {
  TcpStream transport = co_await OrReturn(ConnectToTheDeaf(scene, number));
  scene.CountIn();
  const auto stream =
      co_await TlsStream<TcpStream>::Accept(std::move(transport), scene.server);
  co_return stream.status();
}

Task<absl::Status> Read(TlsScene& scene, int) {
  TlsPair<MemoryStream> pair =
      co_await OrReturn(MemoryPair(scene.client, scene.server));
  std::array<std::byte, 64> buffer;
  scene.CountIn();
  const auto got = co_await pair.client.Read(buffer);
  co_return got.status();
}

// The server does not read.
Task<absl::Status> Write(TlsScene& scene, int) {
  TlsPair<MemoryStream> pair =
      co_await OrReturn(MemoryPair(scene.client, scene.server));
  const std::vector<std::byte> more_than_fits(200'000);
  scene.CountIn();
  co_return co_await pair.client.WriteAll(more_than_fits);
}

using TlsWait = tests::WaitKind<TlsScene>;

// A thousand where each has a handshake behind it: they are a millisecond's
// work.
constexpr std::array kKinds = {
    TlsWait{"BeginAsClient", BeginAsClient, 1},
    TlsWait{"BeginAsServer", BeginAsServer, 1},
    TlsWait{"Read", Read, 0, 1'000},
    TlsWait{"Write", Write, 0, 1'000},
};

using TlsShutdownTest = tests::CrowdTest<TlsScene>;

INSTANTIATE_TEST_SUITE_P(
    Each, TlsShutdownTest,
    ::testing::Combine(::testing::ValuesIn(kKinds),
                       ::testing::Values(Flavor::kWorkStealing,
                                         Flavor::kPerCore)),
    TlsShutdownTest::NameOf);

TEST_P(TlsShutdownTest, EndsTenThousandTasksInOneKindOfWait) {
  EndAgainAndAgain();
}

}  // namespace
}  // namespace weft::net::tls
