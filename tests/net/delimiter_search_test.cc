// Tests of the search for a delimiter in bytes that come piece by piece.
//
// SPDX-License-Identifier: MIT

#include "weft/net/delimiter_search.h"

#include <cstddef>
#include <optional>
#include <random>
#include <string>
#include <string_view>

#include "gtest/gtest.h"
#include "weft/tests/net/tcp_pair.h"

namespace weft::net {
namespace {

// Shows it one byte more each time.
std::optional<std::size_t> FindByteByByte(std::string_view text,
                                          std::string_view delimiter) {
  DelimiterSearch search(delimiter);
  for (std::size_t size = 0; size <= text.size(); ++size) {
    const auto end = search.Find(Bytes(text.substr(0, size)));
    if (end.has_value()) return end;
  }
  return std::nullopt;
}

TEST(DelimiterSearchTest, FindsTheEndOfTheFirstDelimiter) {
  DelimiterSearch search("\r\n");

  EXPECT_EQ(search.Find(Bytes("one\r\ntwo\r\n")), 5u);
}

TEST(DelimiterSearchTest, FindsOneThatComesInPieces) {
  EXPECT_EQ(FindByteByByte("one\r\ntwo", "\r\n"), 5u);
  EXPECT_EQ(FindByteByByte("\r\r\r\n", "\r\n"), 4u);
  EXPECT_EQ(FindByteByByte("aababaabab", "abab"), 5u);
  EXPECT_EQ(FindByteByByte("no end", "\n"), std::nullopt);
}

TEST(DelimiterSearchTest, DoesNotLookTwiceAtWhatItHasSearched) {
  DelimiterSearch search("\n");
  const std::optional<std::size_t> none = search.Find(Bytes("before"));

  // Nobody changes what was searched; if one did, it would not be noticed.
  const std::optional<std::size_t> end = search.Find(Bytes("\nefore\n"));

  EXPECT_EQ(none, std::nullopt);
  EXPECT_EQ(end, 7u);
}

TEST(DelimiterSearchTest, KnowsWhichBytesCanBeNoPartOfADelimiter) {
  const DelimiterSearch search("--end");

  EXPECT_EQ(search.without_delimiter(10), 6u);
  EXPECT_EQ(search.without_delimiter(4), 0u);
  EXPECT_EQ(search.without_delimiter(0), 0u);
}

TEST(DelimiterSearchTest, FindsInPiecesWhatIsFoundInTheWhole) {
  std::mt19937 random(1);
  for (int round = 0; round < 2000; ++round) {
    std::string text(random() % 20, ' '), delimiter(1 + random() % 4, ' ');
    for (char& letter : text) letter = "ab"[random() % 2];
    for (char& letter : delimiter) letter = "ab"[random() % 2];

    const std::size_t found = text.find(delimiter);
    const std::optional<std::size_t> end = FindByteByByte(text, delimiter);

    ASSERT_EQ(end.has_value(), found != text.npos) << text << " " << delimiter;
    if (end.has_value()) {
      ASSERT_EQ(*end, found + delimiter.size()) << text << " " << delimiter;
    }
  }
}

}  // namespace
}  // namespace weft::net
