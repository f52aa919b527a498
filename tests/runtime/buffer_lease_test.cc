// Tests of leased buffers on one thread: who gets which, and how many are kept.
// Those that are given back on another thread are in tests/stress.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/buffer_lease.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "weft/runtime/current.h"
#include "weft/runtime/internal/buffer_shelf.h"

// Null where the address sanitizer is not linked in.
extern "C" [[gnu::weak]] int __asan_address_is_poisoned(const volatile void*);

namespace weft {
namespace {

std::uint32_t Free() { return internal::Here().buffers.count; }

class BufferLeaseTest : public ::testing::Test {
 protected:
  // Each test begins with no free buffer.
  void SetUp() override { internal::ReleaseBufferShelf(); }
  void TearDown() override { internal::ReleaseBufferShelf(); }
};

TEST_F(BufferLeaseTest, GivesABufferThatCanBeFilled) {
  const BufferLease lease = BufferLease::Take();

  std::memset(lease.bytes().data(), 7, lease.bytes().size());

  EXPECT_TRUE(lease);
  EXPECT_EQ(lease.bytes().size(), BufferLease::kSize);
  EXPECT_EQ(lease.bytes().back(), std::byte{7});
}

TEST_F(BufferLeaseTest, IsEmptyByDefaultAndWhenItWasGivenBack) {
  const BufferLease none;
  BufferLease lease = BufferLease::Take();

  lease.Return();
  lease.Return();

  EXPECT_FALSE(none);
  EXPECT_TRUE(none.bytes().empty());
  EXPECT_FALSE(lease);
  EXPECT_TRUE(lease.bytes().empty());
  EXPECT_EQ(Free(), 1u);
}

TEST_F(BufferLeaseTest, TakesTheBufferThatWasGivenBackLast) {
  BufferLease first = BufferLease::Take();
  BufferLease second = BufferLease::Take();
  const std::byte* const last = first.bytes().data();

  second.Return();
  first.Return();
  const BufferLease next = BufferLease::Take();

  EXPECT_EQ(next.bytes().data(), last);
}

TEST_F(BufferLeaseTest, MovesWithItsBuffer) {
  BufferLease first = BufferLease::Take();
  const std::byte* const buffer = first.bytes().data();

  BufferLease second = std::move(first);
  BufferLease third = BufferLease::Take();
  third = std::move(second);

  EXPECT_EQ(third.bytes().data(), buffer);
  EXPECT_EQ(Free(), 1u) << "what the third had before";
}

TEST_F(BufferLeaseTest, KeepsNoMoreFreeBuffersThanAFullShelf) {
  std::vector<BufferLease> leases;
  for (std::uint32_t i = 0; i < 2 * internal::kFullBufferShelf; ++i) {
    leases.push_back(BufferLease::Take());
  }

  leases.clear();

  EXPECT_EQ(Free(), internal::kFullBufferShelf);
}

TEST_F(BufferLeaseTest, IsPoisonedWhileNobodyHasIt) {
  if (__asan_address_is_poisoned == nullptr) GTEST_SKIP();
  BufferLease lease = BufferLease::Take();
  const std::byte* const last = &lease.bytes().back();

  const bool while_leased = __asan_address_is_poisoned(last) != 0;
  lease.Return();
  const bool while_free = __asan_address_is_poisoned(last) != 0;

  EXPECT_FALSE(while_leased);
  EXPECT_TRUE(while_free);
}

}  // namespace
}  // namespace weft
