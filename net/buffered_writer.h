// BufferedWriter: many small writes, few system calls.
//
//     BufferedWriter writer(stream);                   // borrows the stream
//     co_await OrReturn(writer.Write("HTTP/1.1 200 OK\r\n"));
//     co_await OrReturn(writer.Write("\r\n"));
//     co_await OrReturn(writer.Flush());
//
//     Write --copy--> ByteBuffer --Write, WriteVectored--> sink
//       |     fits                                          ^
//       '---- does not: sent with what is buffered ---------'
//
// Invariants
//   1. A write that returns OK is accepted: each of its bytes is sent or in the
//      buffer, once. Any other answer, CANCELLED or an error, and none of it is
//      accepted: the same write can be repeated.
//   2. So an error that comes when a part of a write has left already is not
//      its answer: the rest goes into the buffer, beyond the capacity if it
//      must, and the next call meets the error itself.
//   3. A byte leaves the buffer when the sink has taken it. What a failed Flush
//      has not sent is in unsent(), and the next one goes on there.
//   4. The buffer holds no more than the capacity, but for the second
//      invariant: whoever writes faster than the peer reads waits here.
//   5. An idle writer, that has sent all, holds no buffer.
//
// What becomes of bytes that nobody has flushed? A destructor cannot wait, so
// they are dropped. Everywhere else that is silent, and a common bug; here it
// is counted (DroppedBytes), and Using makes it impossible:
//
//     co_await Using(BufferedWriter(stream), [&](auto& writer)
//         -> Task<absl::Status> { ... });              // Flushes on every way.
//
// Rejected: a check that ends the program, also one of debug builds only (a
// task that returns because its *reader* failed leaves an answer half written,
// and is right to); one that spares tasks which failed or were cancelled (the
// writer sees neither); a log line (the library has no log); one last try in
// the destructor (sent or not, by chance).
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_BUFFERED_WRITER_H_
#define WEFT_NET_BUFFERED_WRITER_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weft/net/byte_buffer.h"
#include "weft/net/part_list.h"
#include "weft/net/stream.h"
#include "weft/runtime/buffer_lease.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/task.h"

namespace weft::net {

struct BufferedWriterOptions {
  // How many bytes wait to be sent before a write waits.
  std::size_t capacity = BufferLease::kSize;
};

// How many bytes the writers of this process have dropped, unsent and not
// abandoned, when they were destroyed. One that grows where no connection
// fails is a Flush that is missing.
std::uint64_t DroppedBytes() noexcept;
// For writers.
void CountDroppedBytes(std::size_t count) noexcept;

// S is a sink, which the writer then owns, or a reference to one.
//
// Threads: one task at a time. Moving it is for when nobody uses it.
// Borrows: the sink of a BufferedWriter<S&>.
// Errors:  std::bad_alloc when memory runs out; a write that it ends may have
//          been sent in part, so there is no going on.
template <ByteSink S>
class BufferedWriter {
 public:
  explicit BufferedWriter(S&& sink, BufferedWriterOptions options = {})
      : sink_(std::forward<S>(sink)), options_(options) {}
  BufferedWriter(BufferedWriter&&) = default;
  BufferedWriter& operator=(BufferedWriter&&) = delete;  // Would drop bytes.
  ~BufferedWriter() { CountDroppedBytes(buffer_.size()); }

  // Accepts all of `bytes`. Where they do not fit, they are sent together with
  // what is buffered, without a copy, until the rest of them fits.
  //
  // Suspends: while the buffer has no room for them.
  // Cancel:   CANCELLED; none of them is accepted. (What was accepted earlier
  //           may have been sent.)
  // Borrows:  the writer, and `bytes` until the task finishes.
  // Errors:   the sink's own, of what was accepted earlier or of the first
  //           byte; none of them is accepted.
  // Cost:     a frame and a copy, where they fit; see TryWrite.
  Task<absl::Status> Write(std::span<const std::byte> bytes);
  // As Write, of text.
  //
  // Suspends: while the buffer has no room for it.
  // Cancel:   CANCELLED; nothing of it is accepted.
  Task<absl::Status> Write(std::string_view text) {
    return Write(std::as_bytes(std::span(text)));
  }
  // As Write, of several pieces: of all, or of none.
  //
  // Suspends: while the buffer has no room for them.
  // Cancel:   CANCELLED; none of them is accepted.
  // Borrows:  the writer, `parts` and what they name.
  Task<absl::Status> WriteVectored(ByteParts parts);

  // As Write, but never suspends: false where they do not fit.
  [[nodiscard]] bool TryWrite(std::span<const std::byte> bytes);
  [[nodiscard]] bool TryWrite(std::string_view text) {
    return TryWrite(std::as_bytes(std::span(text)));
  }

  // Sends everything that was accepted.
  //
  // Suspends: until the sink has taken all of it.
  // Cancel:   CANCELLED; what was not sent is in unsent(). Call it again.
  // Borrows:  the writer.
  // Errors:   the sink's own; what was not sent is in unsent().
  Task<absl::Status> Flush();

  // Flush, for Using: which then flushes, shielded, on every way out. Nothing
  // but the stream's write timeout ends that where a peer does not read: set
  // it.
  //
  // Suspends: as Flush.
  // Cancel:   as Flush.
  Task<absl::Status> Release() { return Flush(); }

  // What was accepted and is not sent. Valid until the next call.
  std::span<const std::byte> unsent() const noexcept { return buffer_.bytes(); }

  // Throws away what is not sent: the peer is gone, or it was a draft.
  void Abandon() noexcept {
    buffer_.Drop(buffer_.size());
    buffer_.GiveBack();
  }

  // The sink, to read from it or to close it. What is written to it directly
  // overtakes what is in unsent().
  std::remove_reference_t<S>& sink() noexcept { return sink_; }

 private:
  bool Fits(std::size_t size) const noexcept {
    return size + buffer_.size() <= options_.capacity;
  }
  Task<absl::StatusOr<std::size_t>> SendSome(const PartList& parts);
  void AppendAll(PartList& parts);

  S sink_;
  const BufferedWriterOptions options_;
  ByteBuffer buffer_;
};

template <typename S>
BufferedWriter(S&&) -> BufferedWriter<S>;
template <typename S>
BufferedWriter(S&&, BufferedWriterOptions) -> BufferedWriter<S>;

template <ByteSink S>
bool BufferedWriter<S>::TryWrite(std::span<const std::byte> bytes) {
  if (!Fits(bytes.size())) return false;
  buffer_.Append(bytes);
  return true;
}

template <ByteSink S>
Task<absl::Status> BufferedWriter<S>::Write(std::span<const std::byte> bytes) {
  if (TryWrite(bytes)) co_return absl::OkStatus();
  const ByteParts parts(&bytes, 1);
  co_return co_await WriteVectored(parts);
}

template <ByteSink S>
Task<absl::Status> BufferedWriter<S>::WriteVectored(ByteParts parts) {
  PartList left(parts);
  const std::size_t whole = left.size();
  while (!Fits(left.size())) {
    const absl::StatusOr<std::size_t> sent = co_await SendSome(left);
    if (!sent.ok() && left.size() == whole) co_return sent.status();
    if (!sent.ok()) break;  // Invariant 2.
    left.Drop(*sent);
  }
  AppendAll(left);
  if (buffer_.empty()) buffer_.GiveBack();
  co_return absl::OkStatus();
}

// Sends what is buffered, and of `parts` what the sink takes behind it: how
// much of `parts` that was.
template <ByteSink S>
Task<absl::StatusOr<std::size_t>> BufferedWriter<S>::SendSome(
    const PartList& parts) {
  std::array<std::span<const std::byte>, 16> pieces = {buffer_.bytes()};
  const std::size_t count = 1 + parts.Gather(std::span(pieces).subspan(1));
  const ByteParts all = std::span(pieces).first(count);
  const std::size_t sent = co_await OrReturn(sink_.WriteVectored(all));
  const std::size_t of_buffer = std::min(sent, buffer_.size());
  buffer_.Drop(of_buffer);
  co_return sent - of_buffer;
}

template <ByteSink S>
void BufferedWriter<S>::AppendAll(PartList& parts) {
  buffer_.Reserve(parts.size());
  std::span<const std::byte> piece;
  while (parts.Gather({&piece, 1}) == 1) {
    buffer_.Append(piece);
    parts.Drop(piece.size());
  }
}

template <ByteSink S>
Task<absl::Status> BufferedWriter<S>::Flush() {
  while (!buffer_.empty()) {
    const std::span<const std::byte> bytes = buffer_.bytes();
    const std::size_t sent = co_await OrReturn(sink_.Write(bytes));
    buffer_.Drop(sent);
  }
  buffer_.GiveBack();
  co_return absl::OkStatus();
}

}  // namespace weft::net

#endif  // WEFT_NET_BUFFERED_WRITER_H_
