// RecordCutter: cuts plain text into pieces that are records of TLS, at most
// 16 KiB each (RFC 8446 section 5.1).
//
//     parts    [ head ][ line ][ body ........................ ]
//     records  [ head   line   body.... ][ ......... ][ ..... ]
//               \_ copied together _____/ \_ as it lies there _/
//
// A record costs 22 bytes and a pass through the cipher, so small parts share
// one, at the price of a copy; large ones are encrypted from where they are.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_TLS_RECORD_CUTTER_H_
#define WEFT_NET_TLS_RECORD_CUTTER_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

#include "weft/net/stream.h"

namespace weft::net::tls {

inline constexpr std::size_t kLargestRecord = 16384;

// Threads: one at a time. Large: it lives on the stack of a function that does
// not suspend.
// Borrows: the parts and what they name.
class RecordCutter {
 public:
  explicit RecordCutter(ByteParts parts) noexcept : rest_(parts) { Advance(); }

  // The next piece, until it is asked again; empty at the end.
  std::span<const std::byte> Next() noexcept {
    if (current_.size() >= kLargestRecord || rest_.empty()) {
      return Take(kLargestRecord);
    }
    std::size_t gathered = 0;
    while (!current_.empty() && gathered < gathered_.size()) {
      const std::span<const std::byte> piece =
          Take(gathered_.size() - gathered);
      std::copy_n(piece.begin(), piece.size(), gathered_.data() + gathered);
      gathered += piece.size();
    }
    return std::span(gathered_).first(gathered);
  }

 private:
  std::span<const std::byte> Take(std::size_t most) noexcept {
    const auto taken = current_.first(std::min(most, current_.size()));
    current_ = current_.subspan(taken.size());
    Advance();
    return taken;
  }
  // `current_` is empty at the very end only, and `rest_` begins and ends with
  // something.
  void Advance() noexcept {
    while (!rest_.empty() && rest_.back().empty()) {
      rest_ = rest_.first(rest_.size() - 1);
    }
    while (current_.empty() && !rest_.empty()) {
      current_ = rest_.front();
      rest_ = rest_.subspan(1);
    }
  }

  std::span<const std::byte> current_ = {};
  ByteParts rest_;
  std::array<std::byte, kLargestRecord> gathered_;  // Not initialised.
};

}  // namespace weft::net::tls

#endif  // WEFT_NET_TLS_RECORD_CUTTER_H_
