// echo_load: the echo benchmark as two processes, for tools that look at one.
//
//     strace -c -f echo_load serve 127.0.0.1:7777      system calls a request
//     echo_load ask 7777 64 64 100000                  port, connections,
//                                                      bytes, requests
//
// The server ends on SIGINT, and strace then prints its table.
//
// SPDX-License-Identifier: MIT

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "absl/status/status.h"
#include "weft/bench/net/echo_client.h"
#include "weft/bench/net/echo_server.h"
#include "weft/net/tcp_listener.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/run.h"
#include "weft/runtime/task.h"

namespace {

using weft::OrReturn, weft::Task;

Task<absl::Status> Serve(std::string_view address) {
  auto listener = co_await OrReturn(weft::net::TcpListener::Bind(address));
  co_return co_await weft::bench::ServeEcho(listener);
}

int Ask(char** numbers) {
  weft::bench::EchoClient client(
      static_cast<std::uint16_t>(std::atoi(numbers[0])), std::atoi(numbers[1]),
      static_cast<std::size_t>(std::atol(numbers[2])));
  client.Ask(std::atol(numbers[3]));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::strcmp(argv[1], "serve") == 0) {
    return weft::RunMain(Serve, std::string_view(argv[2]));
  }
  if (argc == 6 && std::strcmp(argv[1], "ask") == 0) return Ask(argv + 2);
  std::fputs(
      "usage: echo_load serve ADDRESS\n"
      "       echo_load ask PORT CONNECTIONS BYTES REQUESTS\n",
      stderr);
  return 2;
}
