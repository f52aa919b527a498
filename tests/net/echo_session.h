// A conversation over TCP, for tests in which something goes wrong: a client
// that says something, and a server that says it back.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_NET_ECHO_SESSION_H_
#define WEFT_TESTS_NET_ECHO_SESSION_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "weft/net/address.h"
#include "weft/net/leased_read.h"
#include "weft/net/tcp_listener.h"
#include "weft/net/tcp_stream.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/task.h"
#include "weft/tests/net/wire.h"

namespace weft::net {

inline constexpr std::string_view kHello =
    "hello, is anybody there? this is somebody who says more than he needs to, "
    "so that every call can be cut short in many a place";
inline constexpr std::string_view kAnswer = "yes, and listening to all of it.";

inline Task<absl::Status> Echo(TcpListener& listener, Wires& wires) {
  TcpStream stream = co_await OrReturn(AcceptPrompt(listener));
  for (;;) {
    std::string text;
    {
      const LeasedBytes some = co_await OrReturn(stream.ReadSome());
      text = Text(some.bytes());
    }
    if (text.empty()) co_return stream.ShutdownWrite();
    wires.up.came += text;
    co_await OrReturn(SayByWrites(stream, text, wires.down));
  }
}

inline Task<absl::Status> TalkToEcho(Address address, Wires& wires) {
  TcpStream stream = co_await OrReturn(ConnectPromptly(address));
  for (const std::string_view text : {kHello, kAnswer, kHello}) {
    co_await OrReturn(Say(stream, std::string(text), wires.up));
    co_await OrReturn(Hear(stream, text.size(), wires.down));
  }
  co_await OrReturn(stream.ShutdownWrite());
  co_return co_await HearOut(stream, wires.down);
}

// The two sides of a conversation.
using ServerSide = Task<absl::Status> (*)(TcpListener&, Wires&);
using ClientSide = Task<absl::Status> (*)(Address, Wires&);

// Both, over a listener of their own.
inline Task<absl::Status> Converse(ServerSide serve, ClientSide ask,
                                   Wires& wires) {
  TcpListener listener = co_await OrReturn(TcpListener::Bind("127.0.0.1:0"));
  const Address address = listener.local_address();
  co_return co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
    scope.Spawn(serve(listener, wires));
    co_return co_await ask(address, wires);
  });
}

}  // namespace weft::net

#endif  // WEFT_TESTS_NET_ECHO_SESSION_H_
