// LineReader: a stream of bytes, a line at a time.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_EXAMPLES_TOUR_LINE_READER_H_
#define WEFT_EXAMPLES_TOUR_LINE_READER_H_

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weft/net/stream.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/task.h"

namespace tour {

template <weft::net::ByteSource Stream>
class LineReader {
 public:
  // Borrows: the stream.
  explicit LineReader(Stream& stream) noexcept : stream_(stream) {}

  // The next line, without its '\n'; empty at the end of the stream.
  //
  // Suspends: until a whole line is there.
  // Cancel:   CANCELLED; what has arrived of the line is kept.
  // Errors:   RESOURCE_EXHAUSTED for a line longer than kLongest, DATA_LOSS
  //           where the stream ends inside a line; those of the stream.
  weft::Task<absl::StatusOr<std::optional<std::string>>> Next() {
    for (;;) {
      const std::size_t end = pending_.find('\n');
      if (end != std::string::npos) {
        std::string line = pending_.substr(0, end);
        pending_.erase(0, end + 1);
        co_return line;
      }
      if (pending_.size() > kLongest) {
        co_return absl::ResourceExhaustedError("the line is too long");
      }
      std::array<std::byte, 512> buffer;
      std::span<std::byte> room(buffer);
      const std::size_t got = co_await weft::OrReturn(stream_.Read(room));
      if (got == 0) break;
      pending_.append(reinterpret_cast<const char*>(buffer.data()), got);
    }
    if (!pending_.empty()) {
      co_return absl::DataLossError("the stream ended inside a line");
    }
    co_return std::nullopt;
  }

 private:
  static constexpr std::size_t kLongest = 64 * 1024;

  Stream& stream_;
  std::string pending_;
};

}  // namespace tour

#endif  // WEFT_EXAMPLES_TOUR_LINE_READER_H_
