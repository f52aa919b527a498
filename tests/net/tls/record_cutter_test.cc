// Tests of RecordCutter.
//
// SPDX-License-Identifier: MIT

#include "weft/net/tls/record_cutter.h"

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "gtest/gtest.h"
#include "weft/tests/net/tcp_pair.h"

namespace weft::net::tls {
namespace {

using Part = std::span<const std::byte>;

TEST(RecordCutterTest, PutsSmallPartsIntoOneRecord) {
  const std::array<Part, 5> parts = {Bytes(""), Bytes("head "), Bytes(""),
                                     Bytes("body"), Bytes("")};
  RecordCutter records(parts);

  EXPECT_EQ(Text(records.Next()), "head body");
  EXPECT_TRUE(records.Next().empty());
}

TEST(RecordCutterTest, CutsALargePartWithoutCopyingIt) {
  const std::vector<std::byte> large = Pattern(2 * kLargestRecord + 5);
  const std::array<Part, 1> parts = {large};
  RecordCutter records(parts);

  const Part first = records.Next();
  const Part second = records.Next();
  const Part third = records.Next();

  EXPECT_EQ(first.data(), large.data());
  EXPECT_EQ(first.size(), kLargestRecord);
  EXPECT_EQ(second.size(), kLargestRecord);
  EXPECT_EQ(third.size(), 5u);
  EXPECT_TRUE(records.Next().empty());
}

TEST(RecordCutterTest, LosesNothingWhereSmallAndLargeMeet) {
  const std::vector<std::byte> all = Pattern(3 * kLargestRecord);
  const std::span<const std::byte> whole(all);
  const std::array<Part, 4> parts = {whole.first(10),
                                     whole.subspan(10, kLargestRecord + 1000),
                                     whole.subspan(kLargestRecord + 1010, 7),
                                     whole.subspan(kLargestRecord + 1017)};
  RecordCutter records(parts);
  std::vector<std::byte> together;

  for (Part record = records.Next(); !record.empty(); record = records.Next()) {
    EXPECT_LE(record.size(), kLargestRecord);
    together.insert(together.end(), record.begin(), record.end());
  }

  EXPECT_EQ(together, all);
}

TEST(RecordCutterTest, CutsNothingOutOfNothing) {
  RecordCutter none({});
  const std::array<Part, 2> parts = {};
  RecordCutter empty(parts);

  EXPECT_TRUE(none.Next().empty());
  EXPECT_TRUE(empty.Next().empty());
}

}  // namespace
}  // namespace weft::net::tls
