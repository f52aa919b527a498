// Messages out of a stream of bytes: one a line, or each with its length in
// front.
//
//     auto lines = Lines(reader);
//     while (auto line = co_await lines.Next()) {
//       if (!line->ok()) co_return line->status();
//       Handle(**line);                       // Valid until the next Next().
//     }
//
//     co_await OrReturn(WriteFrame(writer, message));
//     co_await OrReturn(writer.Flush());
//
// A generator ends where the stream ends between two messages. An error is its
// last item: DATA_LOSS for an end in the middle of a message, and whatever else
// the reader says. (The code of an end is not taken for one, since an error of
// the stream's own may have it: WaitForMore tells.) It keeps nothing to itself,
// all that was read is in the reader: after CANCELLED, or after a timeout, a
// new generator goes on where this one has stopped.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_FRAMING_H_
#define WEFT_NET_FRAMING_H_

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weft/net/buffered_reader.h"
#include "weft/net/buffered_writer.h"
#include "weft/net/length_prefix.h"
#include "weft/net/stream.h"
#include "weft/runtime/async_generator.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/task.h"

namespace weft::net {

// The lines of what is left in the stream, without their ends.
//
// Suspends: between the lines, as reader.ReadLine() does.
// Cancel:   the last item is CANCELLED; no byte is lost.
// Borrows:  `reader`, as long as the generator lives; the reader lends each
//           line until it is asked for the next.
// Errors:   as items: those of ReadLine, but for the end between two lines.
template <ByteSource S>
AsyncGenerator<absl::StatusOr<std::string_view>> Lines(
    BufferedReader<S>& reader) {
  for (;;) {
    if (reader.buffered().empty()) {
      const absl::StatusOr<bool> more = co_await reader.WaitForMore();
      if (!more.ok()) {
        absl::StatusOr<std::string_view> failed = more.status();
        co_yield std::move(failed);
        co_return;
      }
      if (!*more) co_return;
    }
    absl::StatusOr<std::string_view> line = co_await reader.ReadLine();
    const bool whole = line.ok();
    co_yield std::move(line);
    if (!whole) co_return;
  }
}

// Reads a message and the length in front of it, and gives the message.
//
// Suspends: until all of it has come.
// Cancel:   CANCELLED; what has come stays in the buffer, the prefix as well.
// Borrows:  `reader`, which lends the message until its next call.
// Errors:   RESOURCE_EXHAUSTED for a message larger than the options allow,
//           INVALID_ARGUMENT for a prefix that is none; OUT_OF_RANGE where the
//           stream ends before the prefix, DATA_LOSS where it ends later. The
//           prefix stays in the buffer.
template <ByteSource S>
Task<absl::StatusOr<std::span<const std::byte>>> ReadFrame(
    BufferedReader<S>& reader, FrameOptions options = {}) {
  for (;;) {
    const std::optional<LengthPrefix> prefix =
        co_await OrReturn(ParseLengthPrefix(reader.buffered(), options));
    if (prefix.has_value()) {
      const std::size_t whole = prefix->prefix_size + prefix->message_size;
      const std::span<const std::byte> frame =
          co_await OrReturn(reader.ReadExactly(whole));
      co_return frame.subspan(prefix->prefix_size);
    }
    co_await OrReturn(reader.Peek(reader.buffered().size() + 1));
  }
}

// The messages that are left in the stream, as ReadFrame reads them.
//
// Suspends: between the messages, as ReadFrame does.
// Cancel:   the last item is CANCELLED; no byte is lost.
// Borrows:  `reader`, as long as the generator lives; the reader lends each
//           message until it is asked for the next.
// Errors:   as items: those of ReadFrame, but for the end between two messages.
template <ByteSource S>
AsyncGenerator<absl::StatusOr<std::span<const std::byte>>> LengthPrefixedFrames(
    BufferedReader<S>& reader, FrameOptions options = {}) {
  for (;;) {
    if (reader.buffered().empty()) {
      const absl::StatusOr<bool> more = co_await reader.WaitForMore();
      if (!more.ok()) {
        absl::StatusOr<std::span<const std::byte>> failed = more.status();
        co_yield std::move(failed);
        co_return;
      }
      if (!*more) co_return;
    }
    absl::StatusOr<std::span<const std::byte>> frame =
        co_await ReadFrame(reader, options);
    const bool whole = frame.ok();
    co_yield std::move(frame);
    if (!whole) co_return;
  }
}

// Writes `message` with its length in front: all of it, or nothing.
//
// Suspends: as writer.Write() does; Flush() sends it.
// Cancel:   CANCELLED; nothing of it is accepted.
// Borrows:  `writer`, and `message` until the task finishes.
// Errors:   INVALID_ARGUMENT for a message too large for the options, and those
//           of Write; nothing of it is accepted.
template <ByteSink S>
Task<absl::Status> WriteFrame(BufferedWriter<S>& writer,
                              std::span<const std::byte> message,
                              FrameOptions options = {}) {
  const EncodedPrefix prefix =
      co_await OrReturn(EncodeLengthPrefix(message.size(), options));
  const std::array parts = {prefix.bytes(), message};
  co_return co_await writer.WriteVectored(parts);
}

}  // namespace weft::net

#endif  // WEFT_NET_FRAMING_H_
