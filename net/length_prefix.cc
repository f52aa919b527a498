// Numbers of fixed and of variable size, in bytes and back.
//
// SPDX-License-Identifier: MIT

#include "weft/net/length_prefix.h"

#include <algorithm>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace weft::net {
namespace {

struct ParsedNumber {
  std::uint64_t value;
  std::size_t size;
};
using MaybeNumber = absl::StatusOr<std::optional<ParsedNumber>>;

constexpr std::size_t SizeOf(PrefixForm form) {
  return static_cast<std::size_t>(form);
}

MaybeNumber ParseFixed(std::span<const std::byte> bytes, std::size_t size,
                       std::endian order) {
  if (bytes.size() < size) return std::nullopt;
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) {
    const std::size_t place = order == std::endian::big ? i : size - 1 - i;
    value = value << 8 | std::to_integer<std::uint64_t>(bytes[place]);
  }
  return ParsedNumber{value, size};
}

MaybeNumber ParseVarint(std::span<const std::byte> bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto byte = std::to_integer<std::uint64_t>(bytes[i]);
    // Of the tenth byte only the lowest bit has a place in 64.
    if (i + 1 == EncodedPrefix::kLongest && byte > 1) {
      return absl::InvalidArgumentError(
          "a length prefix is a varint of more than 64 bits");
    }
    value |= (byte & 0x7F) << (7 * i);
    if (byte < 0x80) return ParsedNumber{value, i + 1};
  }
  return std::nullopt;
}

// The most that a prefix of this form can say.
std::uint64_t LargestOf(PrefixForm form) {
  const std::size_t size = SizeOf(form);
  const bool is_all = form == PrefixForm::kVarint || size == 8;
  return is_all ? ~std::uint64_t{0} : (std::uint64_t{1} << (8 * size)) - 1;
}

EncodedPrefix EncodeFixed(std::uint64_t value, std::size_t size,
                          std::endian order) {
  EncodedPrefix encoded;
  for (std::size_t i = 0; i < size; ++i) {
    const std::size_t place = order == std::endian::big ? size - 1 - i : i;
    encoded.Add(static_cast<std::byte>(value >> (8 * place)));
  }
  return encoded;
}

EncodedPrefix EncodeVarint(std::uint64_t value) {
  EncodedPrefix encoded;
  for (; value >= 0x80; value >>= 7) {
    encoded.Add(static_cast<std::byte>(value | 0x80));
  }
  encoded.Add(static_cast<std::byte>(value));
  return encoded;
}

}  // namespace

absl::StatusOr<std::optional<LengthPrefix>> ParseLengthPrefix(
    std::span<const std::byte> bytes, const FrameOptions& options) {
  const MaybeNumber number =
      options.prefix == PrefixForm::kVarint
          ? ParseVarint(bytes)
          : ParseFixed(bytes, SizeOf(options.prefix), options.order);
  if (!number.ok()) return number.status();
  if (!number->has_value()) return std::nullopt;
  const auto [size, prefix_size] = **number;
  // The two together are still a size.
  if (size > std::min(options.max_size, SIZE_MAX - EncodedPrefix::kLongest)) {
    return absl::ResourceExhaustedError(
        absl::StrCat("a message of ", size, " bytes is announced, more than ",
                     options.max_size));
  }
  return LengthPrefix{static_cast<std::size_t>(size), prefix_size};
}

absl::StatusOr<EncodedPrefix> EncodeLengthPrefix(std::size_t message_size,
                                                 const FrameOptions& options) {
  const std::uint64_t largest =
      std::min<std::uint64_t>(LargestOf(options.prefix), options.max_size);
  if (message_size > largest) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a message of ", message_size, " bytes is too long for its frame, ",
        "which holds ", largest));
  }
  if (options.prefix == PrefixForm::kVarint) return EncodeVarint(message_size);
  return EncodeFixed(message_size, SizeOf(options.prefix), options.order);
}

}  // namespace weft::net
