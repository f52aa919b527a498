// ReadAll: everything that comes out of a stream until it ends.
//
//     std::string page = co_await OrReturn(ReadAll(stream, 1 << 20));
//
// A peer decides how much it sends, so there is no ReadAll without a limit.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_READ_ALL_H_
#define WEFT_NET_READ_ALL_H_

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "weft/net/stream.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/task.h"

namespace weft::net {

// Reads until the end of `stream`, behind what `text` holds already.
//
// Suspends: until the stream ends.
// Cancel:   CANCELLED; what was read is in `text`.
// Borrows:  `stream` and `text`.
// Errors:   RESOURCE_EXHAUSTED where `text` would be longer than `most` bytes;
//           it holds so many then, or what it held before where that was more,
//           and what is behind them is lost. Else whatever reading reports.
template <ByteSource S>
Task<absl::Status> AppendAll(S& stream, std::string& text, std::size_t most) {
  constexpr std::size_t kLeastRoom = 4096;
  constexpr std::size_t kMostRoom = std::size_t{1} << 20;
  const std::size_t longest = std::max(most, text.size());
  std::size_t size = text.size();
  // On every way out: behind what was read there are zeros.
  const absl::Cleanup cut = [&] { text.resize(std::min(size, longest)); };
  for (;;) {
    // As much again, for few reads; or beyond the limit by a byte, which tells
    // whether there is more. Room is filled up before there is any more of it:
    // a string writes zeros there first.
    if (size == text.size()) {
      const std::size_t wanted = std::clamp(size, kLeastRoom, kMostRoom);
      const std::size_t left = longest - size;
      text.resize(size + (left < wanted ? left + 1 : wanted));
    }
    const std::span<char> free = std::span(text).subspan(size);
    absl::StatusOr<std::size_t> got =
        co_await stream.Read(std::as_writable_bytes(free));
    size += got.value_or(0);
    if (got.value_or(0) > 0 && size <= longest) continue;
    if (!got.ok()) co_return std::move(got).status();
    if (*got == 0) co_return absl::OkStatus();
    co_return absl::ResourceExhaustedError(
        absl::StrCat("read to the end: more than ", most, " bytes"));
  }
}

// As AppendAll, into a text of its own, which an error takes with it.
//
// Suspends: until the stream ends.
// Cancel:   CANCELLED; what was read is lost.
// Borrows:  `stream`.
// Errors:   RESOURCE_EXHAUSTED where there are more than `most` bytes; whatever
//           reading reports.
template <ByteSource S>
Task<absl::StatusOr<std::string>> ReadAll(S& stream, std::size_t most) {
  std::string text;
  co_await OrReturn(AppendAll(stream, text, most));
  co_return std::move(text);
}

}  // namespace weft::net

#endif  // WEFT_NET_READ_ALL_H_
