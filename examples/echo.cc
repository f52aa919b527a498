// A TCP server that answers every connection with what it says, until Ctrl-C.
//
//     ./echo                    then, elsewhere:   nc 127.0.0.1 7777
//     ./echo '[::1]:7000'
//
// SPDX-License-Identifier: MIT

#include <array>
#include <cstddef>
#include <cstdio>
#include <span>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "weft/net/tcp_stream.h"
#include "weft/runtime/task.h"

// region: echo
#include "weft/net/tcp_listener.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/run.h"
#include "weft/runtime/scope.h"

using weft::OrReturn, weft::Task, weft::net::TcpListener, weft::net::TcpStream;

Task<absl::Status> Echo(TcpStream& stream) {
  std::array<std::byte, 4096> buffer;
  while (std::size_t n = co_await OrReturn(stream.Read(buffer))) {
    co_await OrReturn(stream.WriteAll(std::span(buffer).first(n)));
  }
  co_return absl::OkStatus();
}

Task<> Attend(TcpStream client) {
  absl::Status status = co_await Echo(client);
  status.IgnoreError();  // One client's trouble is not the others'.
}

Task<absl::Status> Serve(std::string_view address) {
  TcpListener listener = co_await OrReturn(TcpListener::Bind(address));
  absl::FPrintF(stderr, "listening on %s\n",
                listener.local_address().ToString());
  co_return co_await weft::WithScope(
      [&](weft::Scope& clients) -> Task<absl::Status> {
        for (;;) {
          TcpStream client = co_await OrReturn(listener.Accept());
          clients.Spawn(Attend, std::move(client));
        }
      });
}

int main(int argc, char** argv) {
  return weft::RunMain(Serve, argc > 1 ? argv[1] : "127.0.0.1:7777");
}
// endregion
