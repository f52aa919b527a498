// BufferedReader: lines, messages and single bytes out of a stream, which gives
// what it likes.
//
//     BufferedReader reader(stream);                   // borrows the stream
//     BufferedReader reader(std::move(stream));        // owns it
//
//     std::string_view line = co_await OrReturn(reader.ReadLine());
//     auto header = co_await OrReturn(reader.ReadExactly(12));
//
//     stream --Read, ReadSome--> ByteBuffer --ReadLine, ReadExactly--> views
//
// Invariants
//   1. Nothing is lost. What has been read from the stream and not been given
//      to the caller is in the buffer, whatever the answer was: CANCELLED, an
//      error, an early end. The call can be repeated, or another one made.
//   2. What an answer is depends on the bytes, and not on the pieces in which
//      they came.
//   3. An idle reader holds no buffer: when all that was read is used up, the
//      next call gives the buffer back before it waits. (A source that is no
//      LeasingSource needs one to wait with.)
//   4. What is in the buffer already counts as an operation, too: after so many
//      the others have a turn. A peer that sends a million empty lines at once
//      would keep them waiting for as long.
//
// The stream may end early, the peer may send too much, the connection may
// fail: three answers that a protocol treats differently, told apart by code.
//
//     OUT_OF_RANGE          it ended before the first byte: nothing more to say
//     DATA_LOSS             it ended in the middle; what came is in buffered()
//     RESOURCE_EXHAUSTED    a line is longer than the limit; what came of it is
//                           in buffered(), and SkipPast goes on behind it
//     anything else         the stream's own errors
//
// An error of the stream's own may have one of these codes as well (no memory,
// a broken device, a channel that is closed); the system's names its errno:
// reactor::ErrnoOf. Who must be sure of the end asks WaitForMore.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_BUFFERED_READER_H_
#define WEFT_NET_BUFFERED_READER_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "absl/base/internal/raw_logging.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weft/net/byte_buffer.h"
#include "weft/net/delimiter_search.h"
#include "weft/net/leased_read.h"
#include "weft/net/line_error.h"
#include "weft/net/stream.h"
#include "weft/runtime/buffer_lease.h"
#include "weft/runtime/leaf.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/task.h"
#include "weft/runtime/yield.h"

namespace weft::net {

struct BufferedReaderOptions {
  // How many bytes ReadLine and ReadUntil look through, the delimiter counted.
  std::size_t longest_line = std::size_t{64} * 1024;
};

// S is a source, which the reader then owns, or a reference to one.
//
// Threads: one task at a time. Moving it is for when nobody uses it.
// Borrows: the source of a BufferedReader<S&>.
// Errors:  std::bad_alloc when memory runs out; nothing is lost by it, unless
//          what was read into the caller's own memory cannot be kept either.
template <ByteSource S>
class BufferedReader {
 public:
  explicit BufferedReader(S&& source, BufferedReaderOptions options = {})
      : source_(std::forward<S>(source)), options_(options) {}
  BufferedReader(BufferedReader&&) = default;
  BufferedReader& operator=(BufferedReader&&) = delete;  // Would lose bytes.

  // What has been read and not been used yet. Valid until the next call that
  // suspends.
  std::span<const std::byte> buffered() const noexcept {
    return buffer_.bytes();
  }
  // Uses up the first bytes of buffered(). The view of them stays valid.
  void Consume(std::size_t count) noexcept {
    ABSL_RAW_CHECK(count <= buffer_.size(),
                   "Consume what is in buffered(): Peek waits for more");
    buffer_.Drop(count);
  }

  // The source, to write to it or to close it. Whoever reads from it directly
  // takes bytes that come behind those in buffered().
  std::remove_reference_t<S>& source() noexcept { return source_; }

  // Whether there is more: true when something is in buffered(), false at the
  // end of the stream, and of nothing else.
  //
  // Suspends: until something is there.
  // Cancel:   CANCELLED; nothing has been read.
  // Borrows:  the reader.
  // Errors:   the stream's own.
  // Cost:     a frame, and the stream's own. A buffer is held while it waits
  //           where the stream is no LeasingSource; else nothing is.
  Task<absl::StatusOr<bool>> WaitForMore();

  // Reads a line and gives it without its end, "\n" or "\r\n". What is behind
  // the last "\n" of a stream is no line: DATA_LOSS, and it is in buffered().
  //
  // Suspends: until the line has come.
  // Cancel:   CANCELLED; what has come of it stays in the buffer.
  // Borrows:  the reader; the line is valid until the next call.
  // Errors:   RESOURCE_EXHAUSTED for a line beyond the limit, and those above.
  // Cost:     a frame; a memchr. No byte is searched twice.
  Task<absl::StatusOr<std::string_view>> ReadLine() {
    return ReadPast("\n", CarriageReturn::kDrop);
  }

  // As ReadLine, of what is ended by `delimiter`, which is not empty.
  //
  // Suspends: until the delimiter has come.
  // Cancel:   CANCELLED; what has come before it stays in the buffer.
  Task<absl::StatusOr<std::string_view>> ReadUntil(std::string_view delimiter) {
    return ReadPast(std::string(delimiter), CarriageReturn::kKeep);
  }

  // Throws away everything up to the next `delimiter`, and that, too: how to go
  // on behind a line that is too long. It has no limit and keeps nothing.
  //
  // Suspends: until the delimiter has come.
  // Cancel:   CANCELLED; some of it is gone by then. Call it again.
  // Borrows:  the reader.
  // Errors:   those above, but OUT_OF_RANGE where nothing came since the call.
  Task<absl::Status> SkipPast(std::string_view delimiter) {
    return SkipPastCopy(std::string(delimiter));
  }

  // Reads `count` bytes and gives a view of them. The buffer grows with what
  // comes, up to `count`: look at one that the peer has named before you ask.
  //
  // Suspends: until so many have come.
  // Cancel:   CANCELLED; what has come stays in the buffer.
  // Borrows:  the reader; the bytes are valid until the next call.
  // Errors:   those above.
  Task<absl::StatusOr<std::span<const std::byte>>> ReadExactly(
      std::size_t count) {
    return WaitFor(count, Then::kConsume);
  }

  // As ReadExactly, and leaves them in the buffer.
  //
  // Suspends: until so many have come.
  // Cancel:   CANCELLED; what has come stays in the buffer.
  Task<absl::StatusOr<std::span<const std::byte>>> Peek(std::size_t count) {
    return WaitFor(count, Then::kKeep);
  }

  // Fills all of `into`. What is large is read into it directly.
  //
  // Suspends: until so many have come.
  // Cancel:   CANCELLED; what has come is back in the buffer, which grows for
  //           that where it must.
  // Borrows:  the reader and `into`.
  // Errors:   those above; what has come is back in the buffer.
  Task<absl::Status> ReadExactly(std::span<std::byte> into);

  // Reads what is there, at least one byte; 0 at the end of the stream. (0 also
  // for an empty `into`.) With it a reader is a ByteSource itself.
  //
  // Suspends: until something is there.
  // Cancel:   CANCELLED; nothing has been read.
  // Borrows:  the reader and `into`.
  // Errors:   the stream's own.
  Task<absl::StatusOr<std::size_t>> Read(std::span<std::byte> into);

  // Throws away so many bytes, and counts them down as they go.
  //
  // Suspends: until so many have come.
  // Cancel:   CANCELLED; `left` says how many are still to go. Call it again.
  // Borrows:  the reader and `left`.
  // Errors:   those above.
  Task<absl::Status> Discard(std::uint64_t& left);

 private:
  enum class CarriageReturn : bool { kKeep, kDrop };  // Before the delimiter.
  enum class Then : bool { kKeep, kConsume };

  // Reads from the source into the buffer. How many bytes; 0 at the end.
  Task<absl::StatusOr<std::size_t>> Fill() {
    return buffer_.empty() ? FillEmpty() : FillOn();
  }
  // Two coroutines, since a frame has room for every awaiter of its function,
  // and the one that waits for an idle connection should be small.
  Task<absl::StatusOr<std::size_t>> FillEmpty();
  Task<absl::StatusOr<std::size_t>> FillOn();
  Task<absl::StatusOr<std::string_view>> ReadPast(std::string delimiter,
                                                  CarriageReturn before);
  Task<absl::Status> SkipPastCopy(std::string delimiter);
  Task<absl::StatusOr<std::span<const std::byte>>> WaitFor(std::size_t count,
                                                           Then then);
  Task<absl::Status> FillRest(std::span<std::byte>& rest, std::size_t whole);

  std::string_view ConsumeText(std::size_t count) noexcept {
    const std::span<const std::byte> bytes = buffered().first(count);
    Consume(count);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  S source_;
  const BufferedReaderOptions options_;
  ByteBuffer buffer_;
};

template <typename S>
BufferedReader(S&&) -> BufferedReader<S>;
template <typename S>
BufferedReader(S&&, BufferedReaderOptions) -> BufferedReader<S>;

template <ByteSource S>
Task<absl::StatusOr<std::size_t>> BufferedReader<S>::FillEmpty() {
  buffer_.GiveBack();
  LeasedBytes bytes = co_await OrReturn(ReadSome(source_));
  buffer_.Append(std::move(bytes));
  co_return buffer_.size();
}

template <ByteSource S>
Task<absl::StatusOr<std::size_t>> BufferedReader<S>::FillOn() {
  const std::span<std::byte> room = buffer_.MakeRoom();
  const std::size_t got = co_await OrReturn(source_.Read(room));
  buffer_.Filled(got);
  co_return got;
}

template <ByteSource S>
Task<absl::StatusOr<bool>> BufferedReader<S>::WaitForMore() {
  if (EnterOperation() == Entry::kQueueFirst) co_await Yield();
  if (buffer_.empty()) co_await OrReturn(Fill());
  co_return !buffer_.empty();
}

template <ByteSource S>
Task<absl::StatusOr<std::string_view>> BufferedReader<S>::ReadPast(
    std::string delimiter, CarriageReturn before) {
  if (EnterOperation() == Entry::kQueueFirst) co_await Yield();
  DelimiterSearch search(delimiter);
  for (;;) {
    const std::size_t looked_at =
        std::min(buffer_.size(), options_.longest_line);
    const std::optional<std::size_t> end =
        search.Find(buffered().first(looked_at));
    if (end.has_value()) {
      std::string_view line = ConsumeText(*end);
      line.remove_suffix(delimiter.size());
      const bool drop = before == CarriageReturn::kDrop && line.ends_with('\r');
      if (drop) line.remove_suffix(1);
      co_return line;
    }
    if (looked_at == options_.longest_line) {
      co_return LineTooLong(options_.longest_line);
    }
    const std::size_t got = co_await OrReturn(Fill());
    if (got == 0) co_return LineEndedEarly(looked_at);
  }
}

template <ByteSource S>
Task<absl::Status> BufferedReader<S>::SkipPastCopy(std::string delimiter) {
  if (EnterOperation() == Entry::kQueueFirst) co_await Yield();
  DelimiterSearch search(delimiter);
  std::uint64_t skipped = 0;
  for (;;) {
    const std::optional<std::size_t> end = search.Find(buffered());
    if (end.has_value()) {
      Consume(*end);
      co_return absl::OkStatus();
    }
    const std::size_t useless = search.without_delimiter(buffer_.size());
    Consume(useless);
    skipped += useless;
    search = DelimiterSearch(delimiter);
    const std::size_t got = co_await OrReturn(Fill());
    if (got == 0) co_return LineEndedEarly(skipped + buffer_.size());
  }
}

template <ByteSource S>
Task<absl::StatusOr<std::span<const std::byte>>> BufferedReader<S>::WaitFor(
    std::size_t count, Then then) {
  if (EnterOperation() == Entry::kQueueFirst) co_await Yield();
  while (buffer_.size() < count) {
    const std::size_t got = co_await OrReturn(Fill());
    if (got == 0) co_return EndedEarly(buffer_.size(), count);
  }
  const std::span<const std::byte> bytes = buffered().first(count);
  if (then == Then::kConsume) Consume(count);
  co_return bytes;
}

template <ByteSource S>
Task<absl::Status> BufferedReader<S>::ReadExactly(std::span<std::byte> into) {
  if (EnterOperation() == Entry::kQueueFirst) co_await Yield();
  std::span<std::byte> rest = into;
  // What is small goes through the buffer, so that a call to the system brings
  // more than was asked for.
  if (rest.size() >= buffer_.size() + BufferLease::kSize) {
    rest = rest.subspan(buffer_.Take(rest));
  }
  absl::Status filled;
  std::exception_ptr no_memory;
  try {
    filled = co_await FillRest(rest, into.size());
  } catch (...) {
    no_memory = std::current_exception();
  }
  if (!filled.ok() || no_memory != nullptr) {
    buffer_.PutBack(into.first(into.size() - rest.size()));
    if (no_memory != nullptr) std::rethrow_exception(no_memory);
    co_return filled;
  }
  buffer_.Take(rest);
  co_return absl::OkStatus();
}

// Until the buffer holds what is still to be filled of `rest`; what is large is
// filled on the way.
template <ByteSource S>
Task<absl::Status> BufferedReader<S>::FillRest(std::span<std::byte>& rest,
                                               std::size_t whole) {
  while (buffer_.size() < rest.size()) {
    const std::size_t already = whole - rest.size() + buffer_.size();
    std::size_t got = 0;
    if (buffer_.empty() && rest.size() >= BufferLease::kSize) {
      buffer_.GiveBack();
      got = co_await OrReturn(source_.Read(rest));
      rest = rest.subspan(got);
    } else {
      got = co_await OrReturn(Fill());
    }
    if (got == 0) co_return EndedEarly(already, whole);
  }
  co_return absl::OkStatus();
}

template <ByteSource S>
Task<absl::StatusOr<std::size_t>> BufferedReader<S>::Read(
    std::span<std::byte> into) {
  if (EnterOperation() == Entry::kQueueFirst) co_await Yield();
  if (buffer_.empty() && into.size() >= BufferLease::kSize) {
    buffer_.GiveBack();
    co_return co_await source_.Read(into);
  }
  if (buffer_.empty() && !into.empty()) co_await OrReturn(Fill());
  co_return buffer_.Take(into);
}

template <ByteSource S>
Task<absl::Status> BufferedReader<S>::Discard(std::uint64_t& left) {
  const std::uint64_t whole = left;
  for (;;) {
    const std::size_t now =
        static_cast<std::size_t>(std::min<std::uint64_t>(left, buffer_.size()));
    Consume(now);
    left -= now;
    if (left == 0) co_return absl::OkStatus();
    const std::size_t got = co_await OrReturn(Fill());
    if (got == 0) co_return EndedEarly(whole - left, whole);
  }
}

}  // namespace weft::net

#endif  // WEFT_NET_BUFFERED_READER_H_
