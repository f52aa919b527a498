// Tests of CipherBuffer.
//
// SPDX-License-Identifier: MIT

#include "weft/net/tls/cipher_buffer.h"

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>

#include "gtest/gtest.h"
#include "weft/tests/net/tcp_pair.h"

namespace weft::net::tls {
namespace {

TEST(CipherBufferTest, GivesBackWhatWasAppendedInItsOrder) {
  CipherBuffer buffer;

  ASSERT_TRUE(buffer.Append(Bytes("one, ")));
  ASSERT_TRUE(buffer.Append(Bytes("two, ")));
  buffer.Consume(5);
  ASSERT_TRUE(buffer.Append(Bytes("three")));

  EXPECT_EQ(Text(buffer.contents()), "two, three");
}

TEST(CipherBufferTest, KeepsOfItsRoomWhatIsCommitted) {
  CipherBuffer buffer;
  ASSERT_TRUE(buffer.Append(Bytes("kept, ")));

  const std::span<std::byte> room = buffer.Room(100);
  ASSERT_EQ(room.size(), 100u);
  std::ranges::copy(Bytes("new"), room.begin());
  buffer.Commit(3);

  EXPECT_EQ(Text(buffer.contents()), "kept, new");
}

TEST(CipherBufferTest, IsEmptyWhenAllIsConsumedAndCanBeUsedAgain) {
  CipherBuffer buffer;
  ASSERT_TRUE(buffer.Append(Bytes("gone")));

  buffer.Consume(4);
  const bool empty = buffer.empty();
  ASSERT_TRUE(buffer.Append(Bytes("again")));

  EXPECT_TRUE(empty);
  EXPECT_EQ(Text(buffer.contents()), "again");
}

}  // namespace
}  // namespace weft::net::tls
