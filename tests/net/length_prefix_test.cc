// Tests of length prefixes: their bytes, and that nothing a peer sends is taken
// for more than it is.
//
// SPDX-License-Identifier: MIT

#include "weft/net/length_prefix.h"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/numeric/int128.h"
#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/tests/net/tcp_pair.h"

namespace weft::net {
namespace {

using ::testing::HasSubstr;
using namespace std::string_view_literals;  // Of texts that hold zeros.

constexpr std::size_t kAnySize = std::numeric_limits<std::size_t>::max();

constexpr std::array kForms = {PrefixForm::kVarint, PrefixForm::kOneByte,
                               PrefixForm::kTwoBytes, PrefixForm::kFourBytes,
                               PrefixForm::kEightBytes};

FrameOptions With(PrefixForm form, std::endian order = std::endian::big,
                  std::size_t max_size = kAnySize / 2) {
  return {.prefix = form, .order = order, .max_size = max_size};
}

std::string Encode(std::size_t size, const FrameOptions& options) {
  const absl::StatusOr<EncodedPrefix> prefix =
      EncodeLengthPrefix(size, options);
  return prefix.ok() ? Text(prefix->bytes()) : prefix.status().ToString();
}

TEST(LengthPrefixTest, IsWrittenInTheOrderThatWasAskedFor) {
  constexpr auto kBig = std::endian::big;
  constexpr auto kLittle = std::endian::little;

  EXPECT_EQ(Encode(5, With(PrefixForm::kOneByte)), "\5"sv);
  EXPECT_EQ(Encode(0x102, With(PrefixForm::kTwoBytes, kBig)), "\1\2"sv);
  EXPECT_EQ(Encode(0x102, With(PrefixForm::kTwoBytes, kLittle)), "\2\1"sv);
  EXPECT_EQ(Encode(0x102, With(PrefixForm::kFourBytes, kBig)), "\0\0\1\2"sv);
  EXPECT_EQ(Encode(0x102, With(PrefixForm::kEightBytes, kLittle)),
            "\2\1\0\0\0\0\0\0"sv);
}

// The example that the specification of Protocol Buffers has.
TEST(LengthPrefixTest, IsWrittenSevenBitsAByteAsAVarint) {
  EXPECT_EQ(Encode(0, With(PrefixForm::kVarint)), "\0"sv);
  EXPECT_EQ(Encode(127, With(PrefixForm::kVarint)), "\x7F"sv);
  EXPECT_EQ(Encode(128, With(PrefixForm::kVarint)), "\x80\x01"sv);
  EXPECT_EQ(Encode(300, With(PrefixForm::kVarint)), "\xAC\x02"sv);
}

TEST(LengthPrefixTest, RefusesToBeWrittenWhereItsFormIsTooSmall) {
  EXPECT_THAT(Encode(256, With(PrefixForm::kOneByte)),
              HasSubstr("INVALID_ARGUMENT"));
  EXPECT_THAT(Encode(65536, With(PrefixForm::kTwoBytes)),
              HasSubstr("INVALID_ARGUMENT"));
  EXPECT_EQ(Encode(255, With(PrefixForm::kOneByte)), "\xFF"sv);
}

TEST(LengthPrefixTest, RefusesToBeWrittenForMoreThanTheOptionsAllow) {
  const FrameOptions options{.max_size = 100};

  EXPECT_EQ(Encode(100, options), "\0\0\0\x64"sv);
  EXPECT_THAT(Encode(101, options), HasSubstr("INVALID_ARGUMENT"));
}

TEST(LengthPrefixTest, SaysWhenTheMessageWouldBeTooLarge) {
  const FrameOptions options{.max_size = 100};

  const auto allowed = ParseLengthPrefix(Bytes("\0\0\0\x64"sv), options);
  const auto refused = ParseLengthPrefix(Bytes("\0\0\0\x65"sv), options);

  ASSERT_TRUE(allowed.ok() && allowed->has_value());
  EXPECT_EQ((*allowed)->message_size, 100u);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kResourceExhausted);
}

TEST(LengthPrefixTest, IsNoVarintBeyondSixtyFourBits) {
  const FrameOptions options = With(PrefixForm::kVarint);
  const std::string nine(9, '\xFF');

  const auto more = ParseLengthPrefix(Bytes(nine), options);
  const auto largest = ParseLengthPrefix(Bytes(nine + "\x01"), options);
  const auto beyond = ParseLengthPrefix(Bytes(nine + "\x02"), options);
  const auto endless = ParseLengthPrefix(Bytes(nine + "\x81"), options);

  ASSERT_TRUE(more.ok());
  EXPECT_FALSE(more->has_value());
  EXPECT_EQ(largest.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(beyond.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(endless.status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(LengthPrefixTest, LeavesRoomForItselfInASize) {
  const FrameOptions options{.prefix = PrefixForm::kEightBytes,
                             .max_size = kAnySize};

  const auto prefix = ParseLengthPrefix(Bytes(std::string(8, '\xFF')), options);

  EXPECT_EQ(prefix.status().code(), absl::StatusCode::kResourceExhausted);
}

// A size of any length in bits.
std::uint64_t AnySize(std::mt19937_64& random, PrefixForm form) {
  const auto bytes = static_cast<unsigned>(form);
  const unsigned bits =
      form == PrefixForm::kVarint || bytes == 8 ? 62 : 8 * bytes;
  return random() >> (64 - 1 - random() % bits);
}

TEST(LengthPrefixTest, IsReadAsItWasWrittenAndNotBeforeItsLastByte) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 20'000; ++round) {
    const FrameOptions options =
        With(kForms[random() % kForms.size()],
             random() % 2 == 0 ? std::endian::big : std::endian::little);
    const std::size_t size = AnySize(random, options.prefix);
    const std::string bytes = Encode(size, options);

    for (std::size_t part = 0; part < bytes.size(); ++part) {
      const auto none =
          ParseLengthPrefix(Bytes(bytes.substr(0, part)), options);
      ASSERT_TRUE(none.ok() && !none->has_value()) << size;
    }
    const auto whole = ParseLengthPrefix(Bytes(bytes + "and more"), options);

    ASSERT_TRUE(whole.ok() && whole->has_value()) << size;
    ASSERT_EQ((*whole)->message_size, size);
    ASSERT_EQ((*whole)->prefix_size, bytes.size());
  }
}

// A varint as its definition has it, without a care for speed.
std::optional<std::uint64_t> SlowVarint(std::string_view bytes,
                                        std::size_t& size) {
  absl::uint128 value = 0;
  for (size = 0; size < bytes.size() && size < 10;) {
    const auto byte = static_cast<unsigned char>(bytes[size]);
    value |= absl::uint128(byte & 0x7F) << (7 * size);
    ++size;
    if (byte < 0x80) {
      if (absl::Uint128High64(value) != 0) return std::nullopt;
      return absl::Uint128Low64(value);
    }
  }
  return std::nullopt;
}

TEST(LengthPrefixTest, IsReadFromAnyBytesAsTheDefinitionSays) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 50'000; ++round) {
    std::string bytes(random() % 12, ' ');
    for (char& byte : bytes) {
      byte = static_cast<char>(random() | (random() % 4 == 0 ? 0 : 0x80));
    }
    const FrameOptions options = With(PrefixForm::kVarint);
    std::size_t size = 0;

    const auto expected = SlowVarint(bytes, size);
    const auto got = ParseLengthPrefix(Bytes(bytes), options);

    const bool allowed = expected.has_value() && *expected <= options.max_size;
    ASSERT_EQ(got.ok() && got->has_value(), allowed);
    if (!allowed) continue;
    ASSERT_EQ((*got)->message_size, *expected);
    ASSERT_EQ((*got)->prefix_size, size);
  }
}

}  // namespace
}  // namespace weft::net
