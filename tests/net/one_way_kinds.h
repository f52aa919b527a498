// What the kinds of operation have in common that one_way_test.cc interrupts:
// each connects two ends, sends a piece and receives one. They are in
// one_way_stream_kinds.h and one_way_datagram_kinds.h.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_NET_ONE_WAY_KINDS_H_
#define WEFT_TESTS_NET_ONE_WAY_KINDS_H_

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulated_system.h"

namespace weft::net {

using Moved = Task<absl::StatusOr<std::size_t>>;
using Piece = std::span<const std::byte>;

// At most `size` of what is left.
inline Piece First(Piece rest, std::size_t size) {
  return rest.first(std::min(rest.size(), size));
}

// What every kind has that does not say otherwise.
class PlainKind {
 public:
  using System = weft::testing::SimulatedSystem;

  // Several times what the buffers hold.
  static constexpr std::size_t kSize = 40'000;
  // Whether what was not reported has not been sent.
  static constexpr bool kAtomic = true;

  absl::Status Check() const { return absl::OkStatus(); }
};

// Two ends of a Unix socket, of which the first one sends.
template <typename S>
class UnixKind : public PlainKind {
 public:
  using Sender = S;
  using Receiver = S;
  struct Ends {
    S sender;
    S receiver;
  };

  static Task<absl::StatusOr<Ends>> Connect() {
    auto pair = co_await OrReturn(S::Pair());
    co_await OrReturn(pair.first.SetSendBufferSize(4096));
    co_return Ends{std::move(pair.first), std::move(pair.second)};
  }
  static void SetPatience(S&, const absl::Status&) {}
};

// Counts the descriptors as well: those of a call that failed are not passed.
class Passing {
 public:
  static constexpr std::array<int, 1> kOne = {STDERR_FILENO};

  absl::Status Check() const {
    if (passed_ == taken_) return absl::OkStatus();
    return absl::InternalError("other descriptors have come than were passed");
  }

 protected:
  int passed_ = 0;
  int taken_ = 0;
};

}  // namespace weft::net

#endif  // WEFT_TESTS_NET_ONE_WAY_KINDS_H_
