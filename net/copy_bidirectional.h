// CopyBidirectional: what one stream sends goes to another, and back.
//
//     co_await OrReturn(CopyBidirectional(client, target));  // A proxy.
//
//     first  ---> CopyStream ---> second     Each way has its own end: who has
//     first  <--- CopyStream <--- second     said all may still be listening.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_COPY_BIDIRECTIONAL_H_
#define WEFT_NET_COPY_BIDIRECTIONAL_H_

#include <concepts>
#include <cstdint>
#include <functional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weft/net/copy_stream.h"
#include "weft/net/stream.h"
#include "weft/runtime/atomic.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/task.h"

namespace weft::net {

// A stream of which one way can be ended: TCP, Unix and memory streams.
template <typename S>
concept HalfClosingStream = ByteStream<S> && requires(S& stream) {
  { stream.ShutdownWrite() } -> std::same_as<absl::Status>;
};

struct CopiedBothWays {
  std::uint64_t to_second = 0;  // Bytes.
  std::uint64_t to_first = 0;
};

namespace internal {

template <HalfClosingStream From, HalfClosingStream To>
Task<absl::Status> CopyWithItsEnd(From& from, To& to, std::uint64_t& copied,
                                  Atomic<std::uint64_t>* so_far) {
  copied = co_await OrReturn(CopyStream(from, to, so_far));
  co_return to.ShutdownWrite();
}

}  // namespace internal

// Copies both ways at a time until both have ended. The end of one way is
// passed on (ShutdownWrite) while the other goes on.
//
// Suspends: until both streams have ended.
// Cancel:   CANCELLED, and so where one way fails: an unknown part has been
//           copied. Close both, or abort them, lest a peer takes a part for the
//           whole.
// Borrows:  both streams, and `so_far` as CopyStream does, for both ways.
// Errors:   the first of either way, as CopyStream's and ShutdownWrite's; the
//           other way has been cancelled.
// Cost:     three frames, and what CopyStream takes, twice.
template <HalfClosingStream First, HalfClosingStream Second>
Task<absl::StatusOr<CopiedBothWays>> CopyBidirectional(
    First& first, Second& second, Atomic<std::uint64_t>* so_far = nullptr) {
  CopiedBothWays copied;
  const absl::Status ended =
      co_await WithScope([&](Scope& ways) -> Task<absl::Status> {
        ways.Spawn(internal::CopyWithItsEnd<First, Second>, std::ref(first),
                   std::ref(second), std::ref(copied.to_second), so_far);
        co_return co_await internal::CopyWithItsEnd(second, first,
                                                    copied.to_first, so_far);
      });
  if (!ended.ok()) co_return ended;
  co_return copied;
}

}  // namespace weft::net

#endif  // WEFT_NET_COPY_BIDIRECTIONAL_H_
