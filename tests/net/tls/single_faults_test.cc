// Tests that a TLS session over TCP bears every single fault of the system.
//
// SPDX-License-Identifier: MIT

#include "weft/tests/support/single_faults.h"

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "weft/net/tcp_listener.h"
#include "weft/net/tcp_stream.h"
#include "weft/net/tls/tls_context.h"
#include "weft/net/tls/tls_stream.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/task.h"
#include "weft/tests/net/tls/certificates.h"
#include "weft/tests/net/wire.h"

namespace weft::net::tls {
namespace {

using ::weft::tests::FaultsBorne;
using TcpTls = TlsStream<TcpStream>;

constexpr std::string_view kText = "nobody else is to hear this";

// The contexts of both ends, which every run shares.
struct Contexts {
  TlsContext client;
  TlsContext server;
};

Task<absl::Status> Serve(TcpListener& listener, const Contexts& contexts,
                         Wires& wires) {
  TcpStream tcp = co_await OrReturn(AcceptPrompt(listener));
  TcpTls stream =
      co_await OrReturn(TcpTls::Accept(std::move(tcp), contexts.server));
  co_await OrReturn(Hear(stream, kText.size(), wires.up));
  co_await OrReturn(Say(stream, std::string(kText), wires.down));
  co_return co_await stream.Shutdown();
}

Task<absl::Status> Talk(Address address, const Contexts& contexts,
                        Wires& wires) {
  TcpStream tcp = co_await OrReturn(ConnectPromptly(address));
  TcpTls stream = co_await OrReturn(
      TcpTls::Connect(std::move(tcp), contexts.client, "localhost"));
  co_await OrReturn(Say(stream, std::string(kText), wires.up));
  co_return co_await HearOut(stream, wires.down);
}

Task<absl::Status> Converse(const Contexts& contexts, Wires& wires) {
  TcpListener listener = co_await OrReturn(TcpListener::Bind("127.0.0.1:0"));
  const Address address = listener.local_address();
  co_return co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
    scope.Spawn(Serve(listener, contexts, wires));
    co_return co_await Talk(address, contexts, wires);
  });
}

TEST(SingleFaultsTest, ATlsSessionBearsEveryOne) {
  const Authority authority;
  const Contexts contexts = {ClientOf(authority), ServerOf(authority)};
  Wires wires;

  const int borne =
      FaultsBorne(OnWires(wires, [&] { return Converse(contexts, wires); }));

  EXPECT_GE(borne, 400);
}

}  // namespace
}  // namespace weft::net::tls
