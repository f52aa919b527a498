// A TCP proxy: who connects to it talks to somebody else, until Ctrl-C.
//
//     ./proxy 127.0.0.1:8080 example.org:80      then, elsewhere:
//     curl -H 'Host: example.org' http://127.0.0.1:8080/
//
//     client ---> CopyStream ---> target     Each way has its own end: who has
//     client <--- CopyStream <--- target     said all may still be listening.
//
// An end is passed on as an end, and an error as a reset, to both: nobody takes
// a part for the whole. After Ctrl-C nobody new is let in, and those who are
// there have ten seconds to come to their end.
//
// SPDX-License-Identifier: MIT

#include <cstdio>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "weft/net/copy_stream.h"
#include "weft/net/peer.h"
#include "weft/net/resolver.h"
#include "weft/net/server.h"
#include "weft/net/socket_options.h"
#include "weft/net/tcp_listener.h"
#include "weft/net/tcp_stream.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/run.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/task.h"

using weft::OrReturn, weft::Task;
using weft::net::ConnectOptions, weft::net::CopyStream, weft::net::KeepAlive;
using weft::net::Peer;
using weft::net::Resolver, weft::net::Server, weft::net::ServerOptions;
using weft::net::TcpListener, weft::net::TcpStream;

// region: relay
Task<absl::Status> Forward(TcpStream& from, TcpStream& to) {
  co_await OrReturn(CopyStream(from, to));
  co_return to.ShutdownWrite();
}

// Both ways at a time; where one fails, the scope cancels the other.
Task<absl::Status> Relay(TcpStream& client, TcpStream& target) {
  co_return co_await weft::WithScope(
      [&](weft::Scope& ways) -> Task<absl::Status> {
        ways.Spawn(Forward, std::ref(client), std::ref(target));
        co_return co_await Forward(target, client);
      });
}
// endregion

Task<absl::Status> Attend(TcpStream client, const std::string& address,
                          const ConnectOptions& options) {
  // Small pieces go on as they come: whoever sends them has waited for more.
  client.SetNoDelay(true).IgnoreError();  // If it is gone, a read says so.
  // One that is gone without a word would keep its place for ever.
  client.SetKeepAlive(KeepAlive{}).IgnoreError();
  absl::StatusOr<TcpStream> target =
      co_await TcpStream::Connect(address, options);
  if (!target.ok()) {
    client.Abort();
    co_return target.status();
  }
  const absl::Status relayed = co_await Relay(client, *target);
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

Task<absl::Status> Proxy(std::string_view address, std::string target) {
  TcpListener listener = co_await OrReturn(TcpListener::Bind(address));
  absl::FPrintF(stderr, "listening on %s\n",
                listener.local_address().ToString());
  Resolver resolver;  // So that a name is not looked up for every connection.
  ConnectOptions options;
  options.timeout = absl::Seconds(5);
  options.no_delay = true;
  options.resolver = &resolver;
  Server server(
      std::move(listener),
      [&](TcpStream client) {
        return Attend(std::move(client), target, options);
      },
      Limits());
  co_return co_await server.Run();
}

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: proxy LISTEN TARGET\n", stderr);
    return 2;
  }
  return weft::RunMain(Proxy, argv[1], std::string(argv[2]));
}
