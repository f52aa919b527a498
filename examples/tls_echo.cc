// A server that answers every connection with what it says, secretly, until
// Ctrl-C. It shows a certificate that it makes when it starts, or yours.
//
//     ./tls_echo                     then, elsewhere:
//                                    openssl s_client -connect 127.0.0.1:7778
//     ./tls_echo '[::1]:7000' chain.pem key.pem
//
// SPDX-License-Identifier: MIT

#include <array>
#include <cstddef>
#include <cstdio>
#include <span>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "weft/net/tcp_listener.h"
#include "weft/net/tcp_stream.h"
#include "weft/net/tls/pem.h"
#include "weft/net/tls/self_signed.h"
#include "weft/net/tls/tls_context.h"
#include "weft/net/tls/tls_stream.h"
#include "weft/runtime/deadline.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/run.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/task.h"

using weft::OrReturn, weft::Task, weft::net::TcpListener, weft::net::TcpStream;
using weft::net::tls::MakeSelfSigned, weft::net::tls::Pem;
using weft::net::tls::TlsContext, weft::net::tls::TlsIdentity;
using TlsStream = weft::net::tls::TlsStream<TcpStream>;

// region: tls_echo
Task<absl::Status> Echo(TcpStream socket, TlsContext context) {
  // Who connects and says nothing is not waited for.
  TlsStream stream = co_await OrReturn(weft::WithTimeout(
      absl::Seconds(10), TlsStream::Accept(std::move(socket), context)));
  std::array<std::byte, 4096> buffer;
  while (std::size_t n = co_await OrReturn(stream.Read(buffer))) {
    co_await OrReturn(stream.WriteAll(std::span(buffer).first(n)));
  }
  co_return co_await stream.Shutdown();
}
// endregion

Task<> Attend(TcpStream client, TlsContext context) {
  absl::Status status = co_await Echo(std::move(client), std::move(context));
  status.IgnoreError();  // One client's trouble is not the others'.
}

// Before any task runs: reading files blocks.
absl::StatusOr<TlsContext> MakeContext(int argc, char** argv) {
  absl::StatusOr<TlsIdentity> identity =
      argc > 3 ? TlsIdentity{.certificate_chain = Pem::File(argv[2]),
                             .private_key = Pem::File(argv[3])}
               : MakeSelfSigned({"localhost", "127.0.0.1", "::1"});
  if (!identity.ok()) return identity.status();
  return TlsContext::Server({.identity = *std::move(identity)});
}

Task<absl::Status> Serve(std::string_view address,
                         absl::StatusOr<TlsContext> made) {
  const TlsContext context = co_await OrReturn(std::move(made));
  TcpListener listener = co_await OrReturn(TcpListener::Bind(address));
  absl::FPrintF(stderr, "listening on %s\n",
                listener.local_address().ToString());
  co_return co_await weft::WithScope(
      [&](weft::Scope& clients) -> Task<absl::Status> {
        for (;;) {
          TcpStream client = co_await OrReturn(listener.Accept());
          clients.Spawn(Attend, std::move(client), context);
        }
      });
}

int main(int argc, char** argv) {
  return weft::RunMain(Serve, argc > 1 ? argv[1] : "127.0.0.1:7778",
                       MakeContext(argc, argv));
}
