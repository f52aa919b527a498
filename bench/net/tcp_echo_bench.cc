// How many requests does an echo server answer a second?
//
// Arg 0: connections, each with one request under way. Arg 1: bytes a request.
//
// The server is a Runtime with one worker; the client is a thread of its own
// that uses epoll itself. On a machine with two processors each has one.
//
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <cstdint>
#include <functional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "benchmark/benchmark.h"
#include "weft/bench/net/echo_client.h"
#include "weft/bench/net/echo_server.h"
#include "weft/bench/runtime/block_on.h"
#include "weft/net/tcp_listener.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/task.h"

namespace weft::bench {
namespace {

constexpr std::int64_t kRequests = 20'000;

Task<absl::StatusOr<net::TcpListener>> Bind() {
  co_return net::TcpListener::Bind("127.0.0.1:0");
}

void TcpEcho(benchmark::State& state) {
  Runtime runtime({.workers = 1});
  absl::StatusOr<net::TcpListener> listener = runtime.BlockOn(Bind());
  MustBeOk(listener.status());
  JoinHandle<absl::Status> server =
      runtime.Spawn(ServeEcho, std::ref(*listener));
  EchoClient client(listener->local_address().port(),
                    static_cast<int>(state.range(0)),
                    static_cast<std::size_t>(state.range(1)));
  while (state.KeepRunningBatch(kRequests)) client.Ask(kRequests);
  server.Cancel();
  server.BlockingJoin().IgnoreError();  // CANCELLED: that is how it ends.
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(TcpEcho)
    ->Name("net/tcp_echo/weft")
    ->Args({1, 64})
    ->Args({64, 64})
    ->Args({64, 4096})
    ->MeasureProcessCPUTime()
    ->UseRealTime();

}  // namespace
}  // namespace weft::bench
