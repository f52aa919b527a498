// echo_server: weft in the rows net/*, as a user would write it.
//
//     echo_server [per_core] echo WORKERS [TIMEOUT]
//
// Prints its port, and serves till it is told to end. TIMEOUT, in seconds: what
// a client may be silent for. `per_core`: the workers share nothing but the
// port, on which each has a listener of its own. Only the options of the
// runtime and of the listener differ.
//
// SPDX-License-Identifier: MIT

#include "weft/bench/net/echo_server.h"

#include <cstdint>
#include <cstdio>
#include <functional>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/time/time.h"
#include "weft/net/address.h"
#include "weft/net/tcp_listener.h"
#include "weft/runtime/each_core.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/run.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/task.h"
#include "weft/sync/latch.h"

namespace {

using weft::OrReturn, weft::Task, weft::net::TcpListener;

weft::net::ListenOptions Shared() {
  weft::net::ListenOptions options;
  options.reuse_port = true;
  return options;
}

// On each core: its part of the clients.
Task<absl::Status> ServeThere(const weft::net::Address& address,
                              weft::sync::Latch& listening,
                              absl::Duration timeout) {
  auto listener = co_await OrReturn(TcpListener::Bind(address, Shared()));
  listening.CountDown();
  co_return co_await weft::bench::ServeEchoWithTimeout(listener, timeout);
}

// `holder` has the port until all listen there.
Task<absl::Status> TellThePort(TcpListener holder,
                               weft::sync::Latch& listening) {
  co_await OrReturn(listening.Wait());
  std::printf("%d\n", holder.local_address().port());
  std::fflush(stdout);
  co_return absl::OkStatus();
}

Task<absl::Status> Serve(absl::Duration timeout) {
  auto holder = co_await OrReturn(TcpListener::Bind("127.0.0.1:0", Shared()));
  const weft::net::Address address = holder.local_address();
  weft::sync::Latch listening(static_cast<std::int64_t>(weft::CoreCount()));
  co_return co_await weft::WithScope(
      [&](weft::Scope& scope) -> Task<absl::Status> {
        scope.Spawn(TellThePort, std::move(holder), std::ref(listening));
        scope.Spawn(weft::OnEachCore(ServeThere, std::cref(address),
                                     std::ref(listening), timeout));
        co_return absl::OkStatus();
      });
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<const char*> words(argv + 1, argv + argc);
  weft::RuntimeOptions options;
  if (!words.empty() && words[0] == std::string_view("per_core")) {
    options.flavor = weft::Flavor::kPerCore;
    words.erase(words.begin());
  }
  absl::Duration timeout = absl::InfiniteDuration();
  int seconds = 0;
  const bool limited = words.size() > 2;
  if (words.size() < 2 || words[0] != std::string_view("echo") ||
      !absl::SimpleAtoi(words[1], &options.workers) ||
      (limited && !absl::SimpleAtoi(words[2], &seconds))) {
    std::fputs("usage: echo_server [per_core] echo WORKERS [TIMEOUT]\n",
               stderr);
    return 2;
  }
  if (limited) timeout = absl::Seconds(seconds);
  return weft::RunMain(options, Serve, timeout);
}
