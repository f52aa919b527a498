// The length in front of a message: how it is written, and how it is read.
//
//     kFourBytes, big     00 00 00 05 | h e l l o
//     kTwoBytes, little   05 00       | h e l l o
//     kVarint             05          | h e l l o      300 is  ac 02
//
// Functions over bytes, with no I/O in them; framing.h has that.
//
// A varint has seven bits a byte, the lowest ones first, and the eighth says
// that more follow (LEB128; Protocol Buffers, "Encoding"). One that is longer
// than it need be is read all the same, as everybody does; one that does not
// end within ten bytes, or does not fit in 64 bits, is not.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_LENGTH_PREFIX_H_
#define WEFT_NET_LENGTH_PREFIX_H_

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "absl/status/statusor.h"

namespace weft::net {

// The value is the number of bytes.
enum class PrefixForm : std::uint8_t {
  kVarint = 0,
  kOneByte = 1,
  kTwoBytes = 2,
  kFourBytes = 4,
  kEightBytes = 8,
};

struct FrameOptions {
  PrefixForm prefix = PrefixForm::kFourBytes;
  std::endian order = std::endian::big;  // Not of a varint.
  // Of the message, without the prefix. Nobody's word is taken for more.
  std::size_t max_size = std::size_t{1} << 20;
};

struct LengthPrefix {
  std::size_t message_size = 0;
  std::size_t prefix_size = 0;
};

// Reads the prefix at the start of `bytes`; nothing if it is not all there.
//
// Errors: RESOURCE_EXHAUSTED for a message larger than the options allow,
//         INVALID_ARGUMENT for a varint that is none.
absl::StatusOr<std::optional<LengthPrefix>> ParseLengthPrefix(
    std::span<const std::byte> bytes, const FrameOptions& options);

// A prefix in bytes.
class EncodedPrefix {
 public:
  static constexpr std::size_t kLongest = 10;

  std::span<const std::byte> bytes() const noexcept {
    return std::span(bytes_).first(size_);
  }
  void Add(std::byte byte) noexcept { bytes_[size_++] = byte; }

 private:
  std::array<std::byte, kLongest> bytes_{};
  std::size_t size_ = 0;
};

// The prefix of a message of that size.
//
// Errors: INVALID_ARGUMENT where the size is larger than the options allow or
//         than their prefix can say.
absl::StatusOr<EncodedPrefix> EncodeLengthPrefix(std::size_t message_size,
                                                 const FrameOptions& options);

}  // namespace weft::net

#endif  // WEFT_NET_LENGTH_PREFIX_H_
