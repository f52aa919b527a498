// TriedTransport: the stream below a TlsConnection, which is tried from inside
// of the engine's operations, and awaited by the connection.
//
//     engine, in a Read   <-- Give ---- TryRead  ---+--- transport
//     engine, in a Write  --- Take ---> TryWrite ---'
//
// The engine wants bytes and nothing else. That the stream has ended, or an
// error, is kept for the connection, which asks before it awaits: the stream
// may tell it only once. So is that there is no memory, of which an exception
// would have to pass through OpenSSL.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_TLS_INTERNAL_TRIED_TRANSPORT_H_
#define WEFT_NET_TLS_INTERNAL_TRIED_TRANSPORT_H_

#include <cstddef>
#include <new>
#include <optional>
#include <span>
#include <utility>

#include "absl/status/status.h"
#include "weft/net/stream.h"
#include "weft/runtime/out_of_memory.h"

namespace weft::net::tls::internal {

// Threads: one task gives at a time, and one takes.
template <ByteStream S>
class TriedTransport {
 public:
  explicit TriedTransport(S stream) : stream_(std::move(stream)) {}

  S& stream() noexcept { return stream_; }

  // Reads what is there, and gives how much that was.
  std::size_t Give(std::span<std::byte> into) {
    if (untold_.has_value()) return 0;
    Tried got = ButNoException([&] { return TryRead(stream_, into); });
    if (!got.has_value()) return 0;
    if (got->ok() && **got > 0) return **got;
    untold_ = std::move(got);
    return 0;
  }
  // What a Give has met: the end, as 0, or an error. Told once.
  Tried TakeUntold() noexcept { return std::exchange(untold_, std::nullopt); }

  // Writes what there is room for, and gives how much that was.
  std::size_t Take(std::span<const std::byte> from) {
    if (from.empty() || has_refusal()) return 0;
    Tried taken = ButNoException([&] { return TryWrite(stream_, from); });
    if (!taken.has_value()) return 0;
    if (taken->ok()) return **taken;
    refused_ = std::move(*taken).status();
    return 0;
  }
  // The error that a Take has met, or OK. Told once.
  absl::Status TakeRefusal() noexcept {
    return std::exchange(refused_, absl::OkStatus());
  }
  // Keeps it, or another, for whoever asks next.
  void KeepRefusal(absl::Status error) noexcept { refused_ = std::move(error); }
  bool has_refusal() const noexcept { return !refused_.ok(); }

 private:
  template <typename Try>
  static Tried ButNoException(Try attempt) {
    try {
      return attempt();
    } catch (const std::bad_alloc&) {
      return OutOfMemoryError();
    }
  }

  S stream_;
  Tried untold_;
  absl::Status refused_;
};

}  // namespace weft::net::tls::internal

#endif  // WEFT_NET_TLS_INTERNAL_TRIED_TRANSPORT_H_
