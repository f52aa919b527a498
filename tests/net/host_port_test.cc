// Tests of splitting a host from its port.
//
// SPDX-License-Identifier: MIT

#include "weft/net/host_port.h"

#include <optional>
#include <string>
#include <string_view>

#include "gtest/gtest.h"

namespace weft::net {
namespace {

// The halves with a bar between them, or nothing.
std::string Halves(std::string_view text) {
  const std::optional<HostPort> parts = SplitHostPort(text);
  if (!parts.has_value()) return "nothing";
  return std::string(parts->host) + "|" + std::string(parts->port);
}

TEST(HostPortTest, SplitsANameFromItsPort) {
  EXPECT_EQ(Halves("example.org:80"), "example.org|80");
  EXPECT_EQ(Halves("localhost:http"), "localhost|http");
  EXPECT_EQ(Halves("127.0.0.1:http"), "127.0.0.1|http");
  EXPECT_EQ(Halves("example.org.:65535"), "example.org.|65535");
}

TEST(HostPortTest, TakesTheBracketsFromAnIpv6Address) {
  EXPECT_EQ(Halves("[::1]:80"), "::1|80");
  EXPECT_EQ(Halves("[fe80::1%eth0]:http"), "fe80::1%eth0|http");
}

TEST(HostPortTest, FindsNothingInTextOfAnotherShape) {
  for (const char* const text :
       {"", ":", "localhost", "localhost:", ":80", "::1:80", "a:b:80", "[::1]",
        "[::1", "[::1:80", "::1]:80", "[]:80", "[localhost]:80", "[[::1]]:80",
        "[::1]x:80", "x[::1]:80", "localhost:65536", "localhost:99999999999"}) {
    EXPECT_EQ(Halves(text), "nothing") << text;
  }
}

TEST(HostPortTest, ReadsPortsThatAreNumbersAndNoOthers) {
  EXPECT_EQ(ParsePortNumber("0"), 0);
  EXPECT_EQ(ParsePortNumber("00080"), 80);
  EXPECT_EQ(ParsePortNumber("65535"), 65535);
  for (const char* const text : {"", "65536", "-1", "+1", " 1", "1 ", "http",
                                 "0x50", "18446744073709551617"}) {
    EXPECT_EQ(ParsePortNumber(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace weft::net
