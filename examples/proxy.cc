// A TCP proxy: who connects to it talks to somebody else, until Ctrl-C.
//
//     ./proxy 127.0.0.1:8080 example.org:80 [IDLE]      then, elsewhere:
//     curl -H 'Host: example.org' http://127.0.0.1:8080/
//
//     client <--- CopyBidirectional ---> target
//
// An end is passed on as an end, and an error as a reset, to both: nobody takes
// a part for the whole. A connection through which nothing has come for IDLE
// seconds, ten minutes if that is not said, is reset as well: its place is
// wanted, and one whose cable was cut looks the same. After Ctrl-C nobody new
// is let in, and those who are there have ten seconds to come to their end.
//
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "weft/net/copy_bidirectional.h"
#include "weft/net/peer.h"
#include "weft/net/resolver.h"
#include "weft/net/server.h"
#include "weft/net/tcp_listener.h"
#include "weft/net/tcp_stream.h"
#include "weft/runtime/atomic.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/race.h"
#include "weft/runtime/run.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/task.h"

using weft::OrReturn, weft::Task;
using weft::net::ConnectOptions, weft::net::CopyBidirectional, weft::net::Peer;
using weft::net::Resolver, weft::net::Server, weft::net::ServerOptions;
using weft::net::TcpListener, weft::net::TcpStream;

// region: relay
using Moved = weft::Atomic<std::uint64_t>;  // Bytes, both ways.

// Both ways at a time; where one fails, the other is cancelled.
Task<absl::Status> BothWays(TcpStream& client, TcpStream& target,
                            Moved& moved) {
  co_await OrReturn(CopyBidirectional(client, target, &moved));
  co_return absl::OkStatus();
}

// Nothing has come, and nothing has gone where much had: a timeout of each read
// would end a long download, during which a client says nothing. A look every
// quarter of the time costs less than a timer set anew by every piece.
Task<absl::Status> UntilIdle(const Moved& moved, absl::Duration limit) {
  constexpr int kLooks = 4;
  std::uint64_t seen = moved.load();
  for (int unchanged = 0; unchanged < kLooks;) {
    co_await OrReturn(weft::SleepFor(limit / kLooks));
    unchanged = moved.load() == seen ? unchanged + 1 : 0;
    seen = moved.load();
  }
  co_return absl::DeadlineExceededError(absl::StrCat(
      "nothing has come through for ", absl::FormatDuration(limit)));
}

Task<absl::Status> Relay(TcpStream& client, TcpStream& target,
                         absl::Duration idle) {
  Moved moved{0};
  auto raced = co_await weft::Race(BothWays(client, target, moved),
                                   UntilIdle(moved, idle));
  co_return std::move(raced.result);
}
// endregion

struct Options {
  std::string target;
  absl::Duration idle = absl::Minutes(10);
};

Task<absl::Status> Attend(TcpStream client, const Options& options,
                          const ConnectOptions& connect) {
  // Small pieces go on as they come: whoever sends them has waited for more.
  client.SetNoDelay(true).IgnoreError();  // If it is gone, a read says so.
  absl::StatusOr<TcpStream> target =
      co_await TcpStream::Connect(options.target, connect);
  if (!target.ok()) {
    client.Abort();
    co_return target.status();
  }
  const absl::Status relayed = co_await Relay(client, *target, options.idle);
  if (!relayed.ok()) {
    client.Abort();
    target->Abort();
  }
  co_return relayed;
}

// A connection takes six descriptors: two sockets, and a pipe each way. A
// program has 1024 of them as a rule, so who comes beyond that many connections
// waits, in the system's queue, for one of them to end.
ServerOptions Limits() {
  ServerOptions limits;
  limits.max_connections = 160;
  limits.drain_timeout = absl::Seconds(10);
  limits.on_error = [](const Peer& client, const absl::Status& error) {
    absl::FPrintF(stderr, "%s: %s\n", client.ToString(), error.ToString());
  };
  return limits;
}

Task<absl::Status> Proxy(std::string_view address, Options options) {
  TcpListener listener = co_await OrReturn(TcpListener::Bind(address));
  absl::FPrintF(stderr, "listening on %s\n",
                listener.local_address().ToString());
  Resolver resolver;  // So that a name is not looked up for every connection.
  ConnectOptions connect;
  connect.timeout = absl::Seconds(5);
  connect.no_delay = true;
  connect.resolver = &resolver;
  Server server(
      std::move(listener),
      [&](TcpStream client) {
        return Attend(std::move(client), options, connect);
      },
      Limits());
  co_return co_await server.Run();
}

int main(int argc, char** argv) {
  Options options;
  int idle = 0;
  const bool limited =
      argc == 4 && absl::SimpleAtoi(argv[3], &idle) && idle > 0;
  if (argc != 3 && !limited) {
    std::fputs("usage: proxy LISTEN TARGET [IDLE_SECONDS]\n", stderr);
    return 2;
  }
  options.target = argv[2];
  if (limited) options.idle = absl::Seconds(idle);
  return weft::RunMain(Proxy, argv[1], std::move(options));
}
