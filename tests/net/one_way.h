// OneWay: somebody who sends a pattern, piece by piece, and somebody who
// receives it, each by an operation of a kind that is to be tested; and what
// has come of it.
//
//     sender --- pieces of the pattern ---> receiver
//
// Both can be interrupted anywhere. It outlives the task that plays it, so that
// a test can look afterwards. What has been sent is received in any case, if
// the receiver is not closed: one that is cancelled goes on.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_NET_ONE_WAY_H_
#define WEFT_TESTS_NET_ONE_WAY_H_

#include <array>
#include <cstddef>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/shield.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/tests/net/tcp_pair.h"

namespace weft::net {

template <typename Kind>
struct OneWay {
  Kind kind = {};
  std::size_t sent = 0;  // As the operations say.
  std::vector<std::byte> received = {};
  absl::Status sending = absl::OkStatus();
  absl::Status receiving = absl::OkStatus();
  // What may be interrupted, while it is there.
  std::function<void()> close_sender = nullptr;
  std::function<void()> close_receiver = nullptr;
  JoinHandle<absl::Status>* receiver = nullptr;
  int open_before = 0;

  bool is_whole() const {
    return sent == Kind::kSize && received.size() == Kind::kSize;
  }
};

template <typename Kind>
Task<absl::Status> SendRest(OneWay<Kind>& way, typename Kind::Sender& sender) {
  static const std::vector<std::byte> all = Pattern(Kind::kSize);
  while (way.sent < Kind::kSize) {
    const auto rest = std::span(all).subspan(way.sent);
    way.sent += co_await OrReturn(way.kind.Send(sender, rest));
  }
  co_return absl::OkStatus();
}

// Until all has come, or the end.
template <typename Kind>
Task<absl::Status> ReceiveRest(OneWay<Kind>& way,
                               typename Kind::Receiver& receiver) {
  std::array<std::byte, 3'000> buffer;
  while (way.received.size() < Kind::kSize) {
    const std::size_t got =
        co_await OrReturn(way.kind.Receive(receiver, buffer));
    if (got == 0) break;
    way.received.insert(way.received.end(), buffer.begin(),
                        buffer.begin() + static_cast<std::ptrdiff_t>(got));
  }
  co_return absl::OkStatus();
}

template <typename Kind>
Task<absl::Status> ReceiveInSpiteOfAll(OneWay<Kind>& way,
                                       typename Kind::Receiver& receiver) {
  absl::Status status = co_await ReceiveRest(way, receiver);
  if (absl::IsCancelled(status)) {
    status = co_await Shield(ReceiveRest(way, receiver));
  }
  co_return status;
}

// How the sending ended.
template <typename Kind>
Task<absl::Status> Play(OneWay<Kind>& way) {
  typename Kind::Ends ends = co_await OrReturn(way.kind.Connect());
  way.close_sender = [&ends] { ends.sender.Close(); };
  way.close_receiver = [&ends] { ends.receiver.Close(); };
  JoinHandle<absl::Status> receiving =
      Spawn(ReceiveInSpiteOfAll<Kind>, std::ref(way), std::ref(ends.receiver));
  way.receiver = &receiving;
  way.sending = co_await SendRest(way, ends.sender);
  way.close_sender = nullptr;
  ends.sender.Close();
  // Datagrams have no end, so the receiver is told that nothing more comes.
  Kind::SetPatience(ends.receiver, way.sending);
  if (!way.sending.ok()) receiving.Cancel();
  const auto join = [&receiving]() -> Task<absl::Status> {
    co_return co_await receiving.Join();
  };
  way.receiving = co_await Shield(join());
  way.receiver = nullptr;
  way.close_receiver = nullptr;
  co_return way.sending;
}

}  // namespace weft::net

#endif  // WEFT_TESTS_NET_ONE_WAY_H_
