// echo_load: who asks an echo server, as a process of its own.
//
//     echo_load drive PORT CONNECTIONS BYTES           for bench/net/servers.py
//     echo_load ask PORT CONNECTIONS BYTES REQUESTS    for a look by hand
//     echo_load serve ADDRESS                          somebody to be asked
//
// `drive` prints "ready" when it is connected. Then it does what the lines of
// its input say, and prints a line of JSON when that is done; it ends with the
// input. What is measured lies between the two, and connecting does not:
//
//     ask SECONDS        one request at a time on each connection
//     connect SECONDS    each request on a connection of its own
//     once               one request on each connection
//
// System calls a request, of one that `serve`s and ends on SIGINT:
//
//     strace -c -f echo_load serve 127.0.0.1:7777
//     echo_load ask 7777 64 64 100000
//
// SPDX-License-Identifier: MIT

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
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
using weft::bench::EchoClient, weft::bench::LatencyHistogram;

Task<absl::Status> Serve(std::string_view address) {
  auto listener = co_await OrReturn(weft::net::TcpListener::Bind(address));
  co_return co_await weft::bench::ServeEcho(listener);
}

EchoClient Client(char** numbers) {
  return EchoClient(static_cast<std::uint16_t>(std::atoi(numbers[0])),
                    std::atoi(numbers[1]),
                    static_cast<std::size_t>(std::atol(numbers[2])));
}

int Ask(char** numbers) {
  EchoClient client = Client(numbers);
  client.Ask(std::atol(numbers[3]));
  return 0;
}

LatencyHistogram Measure(EchoClient& client, const std::string& what) {
  double seconds = 0;
  if (what != "once") std::cin >> seconds;
  const auto duration = std::chrono::duration_cast<EchoClient::Clock::duration>(
      std::chrono::duration<double>(seconds));
  return what == "connect" ? client.ConnectFor(duration)
                           : client.AskFor(duration);
}

int Drive(char** numbers) {
  EchoClient client = Client(numbers);
  std::puts("ready");
  std::fflush(stdout);
  for (std::string what; std::cin >> what;) {
    const EchoClient::Clock::time_point begin = EchoClient::Clock::now();
    const LatencyHistogram latencies = Measure(client, what);
    const std::chrono::duration<double> took = EchoClient::Clock::now() - begin;
    std::printf(
        "{\"requests\": %lld, \"seconds\": %.9f, \"p50_us\": %.1f, "
        "\"p99_us\": %.1f}\n",
        static_cast<long long>(latencies.count()), took.count(),
        latencies.At(0.5) / 1e3, latencies.At(0.99) / 1e3);
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view command = argc > 1 ? argv[1] : "";
  if (argc == 3 && command == "serve") {
    return weft::RunMain(Serve, std::string_view(argv[2]));
  }
  if (argc == 5 && command == "drive") return Drive(argv + 2);
  if (argc == 6 && command == "ask") return Ask(argv + 2);
  std::fputs(
      "usage: echo_load drive PORT CONNECTIONS BYTES\n"
      "       echo_load ask PORT CONNECTIONS BYTES REQUESTS\n"
      "       echo_load serve ADDRESS\n",
      stderr);
  return 2;
}
