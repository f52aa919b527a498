// Tests of the buffer behind readers and writers: what is in it, and where it
// lies.
//
// SPDX-License-Identifier: MIT

#include "weft/net/byte_buffer.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "weft/runtime/buffer_lease.h"
#include "weft/tests/net/tcp_pair.h"

namespace weft::net {
namespace {

constexpr std::size_t kLease = BufferLease::kSize;

TEST(ByteBufferTest, HoldsNoMemoryUntilSomethingIsPutIn) {
  ByteBuffer buffer;

  buffer.Append(std::span<const std::byte>());
  buffer.Reserve(0);

  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.capacity(), 0u);
}

TEST(ByteBufferTest, GivesWhatWasPutInInOrder) {
  ByteBuffer buffer;

  buffer.Append(Bytes("one"));
  buffer.Append(Bytes("two"));
  buffer.Drop(2);

  EXPECT_EQ(Text(buffer.bytes()), "etwo");
  EXPECT_EQ(buffer.capacity(), kLease);
}

TEST(ByteBufferTest, LetsWhatWasDroppedBeLookedAt) {
  ByteBuffer buffer;
  buffer.Append(Bytes("line"));
  const std::span<const std::byte> line = buffer.bytes();

  buffer.Drop(4);

  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(Text(line), "line");
}

TEST(ByteBufferTest, MovesToTheFrontOnlyWhereNoRoomIsLeft) {
  ByteBuffer buffer;
  buffer.Append(Pattern(kLease - 1));
  buffer.Drop(kLease - 2);
  const std::byte* const place = buffer.bytes().data();

  const std::size_t without_moving = buffer.MakeRoom(1).size();
  const bool stayed = buffer.bytes().data() == place;
  const std::size_t with_moving = buffer.MakeRoom(2).size();

  EXPECT_EQ(without_moving, 1u);
  EXPECT_TRUE(stayed);
  EXPECT_EQ(with_moving, kLease - 1);
  EXPECT_EQ(buffer.bytes().front(), Pattern(kLease)[kLease - 2]);
}

TEST(ByteBufferTest, GrowsBeyondALeaseAndGivesAllOfItBack) {
  ByteBuffer buffer;
  const std::vector<std::byte> bytes = Pattern(3 * kLease);

  buffer.Append(std::span(bytes).first(kLease));
  buffer.Append(std::span(bytes).subspan(kLease));
  const bool all = std::ranges::equal(buffer.bytes(), bytes);
  buffer.Drop(buffer.size());
  buffer.GiveBack();

  EXPECT_TRUE(all);
  EXPECT_EQ(buffer.capacity(), 0u);
}

TEST(ByteBufferTest, GoesOnInABufferThatWasReadInto) {
  ByteBuffer buffer;
  BufferLease lease = BufferLease::Take();
  lease.bytes()[0] = std::byte{'x'};
  const std::byte* const place = lease.bytes().data();

  buffer.Append(LeasedBytes(std::move(lease), 1));
  buffer.Append(Bytes("yz"));

  EXPECT_EQ(buffer.bytes().data(), place);
  EXPECT_EQ(Text(buffer.bytes()), "xyz");
}

TEST(ByteBufferTest, TakesBackWhatWasTakenOut) {
  ByteBuffer buffer;
  buffer.Append(Bytes("0123456789"));
  std::array<std::byte, 4> taken;

  buffer.Take(taken);
  buffer.PutBack(taken);
  buffer.PutBack(Bytes("before "));

  EXPECT_EQ(Text(buffer.bytes()), "before 0123456789");
}

TEST(ByteBufferTest, IsEmptyWhenItWasMovedFrom) {
  ByteBuffer first;
  first.Append(Bytes("text"));

  ByteBuffer second = std::move(first);
  first.Append(Bytes("new"));

  EXPECT_EQ(Text(second.bytes()), "text");
  EXPECT_EQ(Text(first.bytes()), "new");
}

// Against a string that does the same.
class RandomUse {
 public:
  explicit RandomUse(unsigned seed) : random_(seed) {}

  void Step() {
    const std::size_t size = Size();
    switch (random_() % 4) {
      case 0:
      case 1:
        return Append(NextBytes(size));
      case 2:
        return Drop(std::min(size, expected_.size()));
      default:
        return PutBack(NextBytes(size));
    }
  }
  bool Holds() const { return Text(buffer_.bytes()) == expected_; }

 private:
  // Mostly small, and now and then larger than a lease.
  std::size_t Size() {
    return random_() % (random_() % 8 == 0 ? 2 * kLease : 600);
  }
  std::string NextBytes(std::size_t size) {
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random_());
    return bytes;
  }
  void Append(const std::string& bytes) {
    buffer_.Append(Bytes(bytes));
    expected_ += bytes;
  }
  void Drop(std::size_t count) {
    buffer_.Drop(count);
    expected_.erase(0, count);
  }
  void PutBack(const std::string& bytes) {
    buffer_.PutBack(Bytes(bytes));
    expected_.insert(0, bytes);
  }

  std::mt19937 random_;
  ByteBuffer buffer_;
  std::string expected_;
};

TEST(ByteBufferTest, IsAQueueOfBytesWhateverIsDoneWithIt) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    RandomUse use(seed);
    for (int step = 0; step < 200; ++step) {
      use.Step();

      ASSERT_TRUE(use.Holds()) << "seed " << seed << ", step " << step;
    }
  }
}

}  // namespace
}  // namespace weft::net
