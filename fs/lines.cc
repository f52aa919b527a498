// Lines in a buffer.
//
// SPDX-License-Identifier: MIT

#include "weft/fs/lines.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace weft::fs {
namespace {

// Invariants
//   1. begin_ <= looked_ <= end_ <= size_.
//   2. There is no "\n" between begin_ and looked_.
class LineBuffer {
 public:
  LineBuffer(const std::string& path, LinesOptions options)
      : path_(path),
        options_(options),
        size_(std::max<std::size_t>(options.buffer_size, 1)),
        bytes_(std::make_unique_for_overwrite<char[]>(size_)) {}

  // The next line that has an end, if one is here.
  std::optional<absl::StatusOr<std::string_view>> TakeLine() {
    const void* const found =
        std::memchr(bytes_.get() + looked_, '\n', end_ - looked_);
    if (found == nullptr) {
      looked_ = end_;
      // What is here may end in a "\r" that is a part of the line's end.
      const std::size_t size = end_ - begin_;
      const std::size_t most = options_.max_length;
      if (size > most && size - most > 1) return TooLong();
      return std::nullopt;
    }
    const char* const after = static_cast<const char*>(found) + 1;
    const std::size_t stop = static_cast<std::size_t>(after - bytes_.get());
    return Take(stop);
  }

  // At the end of the file: what is left, if anything is.
  std::optional<absl::StatusOr<std::string_view>> TakeRest() {
    if (begin_ == end_) return std::nullopt;
    return Take(end_);
  }

  // Where to read to: never nothing. Only when TakeLine gave nothing.
  std::span<std::byte> Room() {
    if (begin_ > 0) {
      std::memmove(bytes_.get(), bytes_.get() + begin_, end_ - begin_);
      end_ -= begin_;
      looked_ -= begin_;
      begin_ = 0;
    }
    if (end_ == size_) Grow();
    return std::as_writable_bytes(std::span(bytes_.get() + end_, size_ - end_));
  }
  void Filled(std::size_t count) noexcept { end_ += count; }

 private:
  absl::StatusOr<std::string_view> Take(std::size_t stop) {
    const std::string_view line(bytes_.get() + begin_, stop - begin_);
    begin_ = looked_ = stop;
    const std::string_view text = WithoutEnd(line);
    if (text.size() > options_.max_length) return TooLong();
    return options_.ends == LineEnds::kKeep ? line : text;
  }

  std::string_view WithoutEnd(std::string_view line) const noexcept {
    if (!line.ends_with('\n')) return line;
    line.remove_suffix(1);
    const bool carriage =
        options_.ends != LineEnds::kCut && line.ends_with('\r');
    if (carriage) line.remove_suffix(1);
    return line;
  }

  // To no more than a line and its end: TakeLine has found none here, so what
  // is here is shorter than that.
  void Grow() {
    std::size_t size = 2 * size_;
    if (options_.max_length < size - 2) size = options_.max_length + 2;
    auto larger = std::make_unique_for_overwrite<char[]>(size);
    std::memcpy(larger.get(), bytes_.get(), end_);
    bytes_ = std::move(larger);
    size_ = size;
  }

  absl::Status TooLong() const {
    return absl::ResourceExhaustedError(
        absl::StrCat("read(\"", path_, "\"): a line is longer than ",
                     options_.max_length, " bytes"));
  }

  const std::string& path_;
  const LinesOptions options_;
  std::size_t size_;
  std::unique_ptr<char[]> bytes_;
  std::size_t begin_ = 0;   // Of what has not been given.
  std::size_t looked_ = 0;  // How far it was searched for an end.
  std::size_t end_ = 0;     // Of what has been read.
};

}  // namespace

AsyncGenerator<absl::StatusOr<std::string_view>> ReadLines(
    File& file, LinesOptions options) {
  LineBuffer buffer(file.path(), options);
  std::optional<absl::StatusOr<std::string_view>> line;
  for (bool ended = false; !ended;) {
    absl::StatusOr<std::size_t> got = co_await file.Read(buffer.Room());
    if (!got.ok()) {
      co_yield std::move(got).status();
      co_return;
    }
    buffer.Filled(*got);
    ended = *got == 0;
    line = ended ? buffer.TakeRest() : buffer.TakeLine();
    while (line.has_value()) {
      const bool failed = !line->ok();
      co_yield *std::move(line);
      if (failed) co_return;
      line = buffer.TakeLine();
    }
  }
}

}  // namespace weft::fs
