// DelimiterSearch: finds the end of a line, or of anything else that is ended
// by a delimiter, in bytes that come piece by piece.
//
//     | searched before | new | ...          a delimiter may have begun in the
//                   ^                        last bytes of what was searched
//                   from_
//
// No byte is looked at twice, however small the pieces are, but for as many as
// a delimiter less one: or a peer that sends a long line byte by byte would
// cost the square of its length.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_DELIMITER_SEARCH_H_
#define WEFT_NET_DELIMITER_SEARCH_H_

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "absl/base/internal/raw_logging.h"

namespace weft::net {

// Borrows: the delimiter.
class DelimiterSearch {
 public:
  explicit DelimiterSearch(std::string_view delimiter) noexcept
      : delimiter_(delimiter) {
    ABSL_RAW_CHECK(!delimiter.empty(),
                   "nothing ends with an empty delimiter: say what does");
  }

  // How many bytes there are up to the end of the first delimiter; nothing if
  // there is none yet. `bytes` are those of the last call, and more.
  //
  // Cost: a memchr for the delimiter's first byte.
  std::optional<std::size_t> Find(std::span<const std::byte> bytes) noexcept {
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()),
                                bytes.size());
    const std::size_t found = text.find(delimiter_, from_);
    if (found != text.npos) return found + delimiter_.size();
    from_ = std::max(from_, without_delimiter(bytes.size()));
    return std::nullopt;
  }

  // Of `size` bytes without a delimiter, how many can be no part of one,
  // whatever comes.
  std::size_t without_delimiter(std::size_t size) const noexcept {
    return size - std::min(size, delimiter_.size() - 1);
  }

 private:
  std::string_view delimiter_;
  std::size_t from_ = 0;
};

}  // namespace weft::net

#endif  // WEFT_NET_DELIMITER_SEARCH_H_
