// echo_server: weft in the rows net/*, as a user would write it.
//
//     echo_server echo WORKERS [TIMEOUT]    prints its port, serves till killed
//
// TIMEOUT, in seconds: what a client may be silent for.
//
// SPDX-License-Identifier: MIT

#include "weft/bench/net/echo_server.h"

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "weft/net/tcp_listener.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/run.h"
#include "weft/runtime/task.h"

namespace {

using weft::OrReturn, weft::Task;

Task<absl::Status> Serve(absl::Duration timeout) {
  auto listener =
      co_await OrReturn(weft::net::TcpListener::Bind("127.0.0.1:0"));
  std::printf("%d\n", listener.local_address().port());
  std::fflush(stdout);
  co_return co_await weft::bench::ServeEchoWithTimeout(listener, timeout);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3 || std::string_view(argv[1]) != "echo") {
    std::fputs("usage: echo_server echo WORKERS [TIMEOUT]\n", stderr);
    return 2;
  }
  const absl::Duration timeout =
      argc > 3 ? absl::Seconds(std::atoi(argv[3])) : absl::InfiniteDuration();
  return weft::RunMain({.workers = std::atoi(argv[2])}, Serve, timeout);
}
