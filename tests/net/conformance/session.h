// Session: two ends of a stream that say much to each other, both at once, and
// can be interrupted anywhere; and what has come of it.
//
//     client  --- the pattern, and the end --->  server
//             <-- the pattern, and the end ---
//
// It outlives the task that plays it, so that a test can look afterwards. What
// is sent is taken up where it stopped: an end that was cancelled can be played
// once more.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_NET_CONFORMANCE_SESSION_H_
#define WEFT_TESTS_NET_CONFORMANCE_SESSION_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weft/net/stream.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/when_all.h"
#include "weft/tests/net/conformance/stream_kinds.h"
#include "weft/tests/net/tcp_pair.h"

namespace weft::net {

// Several times what the buffers hold.
inline constexpr std::size_t kSaid = 250'000;

// One end.
template <ByteStream S>
struct Player {
  S* stream = nullptr;  // While there is one.
  std::size_t sent = 0;
  std::vector<std::byte> received = {};
  // How its two halves ended, last.
  absl::Status sending = absl::OkStatus();
  absl::Status receiving = absl::OkStatus();

  bool is_whole() const { return sent == kSaid && received.size() == kSaid; }
};

template <ByteStream S>
struct Session {
  Player<S> client = {};
  Player<S> server = {};
  JoinHandle<absl::Status>* victim = nullptr;
  int open_before = 0;
};

template <typename Kind>
Task<absl::Status> SendRest(Player<typename Kind::Stream>& player) {
  static const std::vector<std::byte> all = Pattern(kSaid);
  while (player.sent < kSaid) {
    const auto rest = std::span(all).subspan(player.sent);
    player.sent += co_await OrReturn(player.stream->Write(
        rest.first(std::min<std::size_t>(rest.size(), 20'000))));
  }
  co_return co_await Kind::End(*player.stream);
}

template <ByteStream S>
Task<absl::Status> ReceiveRest(Player<S>& player) {
  std::array<std::byte, 15'000> buffer;
  for (;;) {
    const std::size_t got = co_await OrReturn(player.stream->Read(buffer));
    if (got == 0) co_return absl::OkStatus();
    player.received.insert(player.received.end(), buffer.begin(),
                           buffer.begin() + static_cast<std::ptrdiff_t>(got));
  }
}

// Both halves at once; the first error of the two.
template <typename Kind>
Task<absl::Status> Play(Player<typename Kind::Stream>& player) {
  auto both = co_await WhenAll(SendRest<Kind>(player), ReceiveRest(player));
  std::tie(player.sending, player.receiving) = std::move(both);
  co_return player.sending.ok() ? player.receiving : player.sending;
}

// Both ends, to their ends, well or not. OK where there was a connection.
template <typename Kind>
Task<absl::Status> PlayBoth(Kind& kind,
                            Session<typename Kind::Stream>& session) {
  PairOf<Kind> pair = co_await OrReturn(kind.Connect());
  session.client.stream = &pair.client;
  session.server.stream = &pair.server;
  auto ended =
      co_await WhenAll(Play<Kind>(session.client), Play<Kind>(session.server));
  session.client.stream = session.server.stream = nullptr;
  std::get<0>(ended).IgnoreError();  // The players have noted it.
  std::get<1>(ended).IgnoreError();
  co_return absl::OkStatus();
}

// The client can be cancelled, and is played on where it was.
template <typename Kind>
Task<absl::Status> PlayOn(Kind& kind, Session<typename Kind::Stream>& session) {
  PairOf<Kind> pair = co_await OrReturn(kind.Connect());
  session.client.stream = &pair.client;
  session.server.stream = &pair.server;
  JoinHandle<absl::Status> client = Spawn(Play<Kind>, std::ref(session.client));
  JoinHandle<absl::Status> server = Spawn(Play<Kind>, std::ref(session.server));
  session.victim = &client;
  absl::Status ended = co_await client.Join();
  session.victim = nullptr;
  if (absl::IsCancelled(ended)) ended = co_await Play<Kind>(session.client);
  co_await OrReturn(server.Join());
  co_return ended;
}

}  // namespace weft::net

#endif  // WEFT_TESTS_NET_CONFORMANCE_SESSION_H_
