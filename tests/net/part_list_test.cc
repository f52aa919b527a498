// Tests of what is left of several pieces.
//
// SPDX-License-Identifier: MIT

#include "weft/net/part_list.h"

#include <array>
#include <cstddef>
#include <span>
#include <string>

#include "gtest/gtest.h"
#include "weft/tests/net/tcp_pair.h"

namespace weft::net {
namespace {

// What Gather gives at once, with a bar between the pieces.
template <std::size_t kRoom>
std::string Gathered(const PartList& list) {
  std::array<std::span<const std::byte>, kRoom> pieces;
  const std::size_t count = list.Gather(pieces);
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += Text(pieces[i]) + "|";
  return text;
}

TEST(PartListTest, GathersAsManyPiecesAsThereIsRoomFor) {
  const std::array parts = {Bytes("one"), Bytes(""), Bytes("two"),
                            Bytes("three")};

  const PartList list(parts);

  EXPECT_EQ(list.size(), 11u);
  EXPECT_EQ(Gathered<4>(list), "one|two|three|");
  EXPECT_EQ(Gathered<2>(list), "one|two|");
}

TEST(PartListTest, KnowsWhatIsLeftAfterAnyNumberOfBytes) {
  const std::array parts = {Bytes(""), Bytes("one"), Bytes(""), Bytes("two")};
  for (std::size_t taken = 0; taken <= 6; ++taken) {
    PartList list(parts);

    list.Drop(taken);

    std::string left = Gathered<4>(list);
    std::erase(left, '|');
    EXPECT_EQ(left, std::string("onetwo").substr(taken));
    EXPECT_EQ(list.size(), 6 - taken);
  }
}

TEST(PartListTest, IsDroppedByteByByteToo) {
  const std::array parts = {Bytes("ab"), Bytes(""), Bytes("c"), Bytes("")};
  PartList list(parts);

  list.Drop(1);
  list.Drop(1);
  const std::string last = Gathered<4>(list);
  list.Drop(1);

  EXPECT_EQ(last, "c|");
  EXPECT_EQ(list.size(), 0u);
  EXPECT_EQ(Gathered<4>(list), "");
}

}  // namespace
}  // namespace weft::net
