// Buffers that are leased on one thread and given back on another.
//
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <cstdint>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "weft/runtime/buffer_lease.h"
#include "weft/runtime/current.h"
#include "weft/runtime/internal/buffer_shelf.h"

namespace weft {
namespace {

std::uint32_t Free() { return internal::Here().buffers.count; }

TEST(BufferLeaseStressTest, StaysWithTheThreadThatGivesItBack) {
  internal::ReleaseBufferShelf();
  BufferLease lease = BufferLease::Take();
  std::uint32_t free_there = 0;

  std::thread([there = std::move(lease), &free_there]() mutable {
    there.Return();
    free_there = Free();
  }).join();

  EXPECT_EQ(free_there, 1u);
  EXPECT_EQ(Free(), 0u);
}

// The leak checker sees whether the threads have freed what they had.
TEST(BufferLeaseStressTest, DoesNotPileUpWhereItIsOnlyGivenBack) {
  std::vector<BufferLease> leases;
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 100; ++i) leases.push_back(BufferLease::Take());

    std::thread([&leases] {
      leases.clear();
      EXPECT_EQ(Free(), internal::kFullBufferShelf);
    }).join();
  }
}

}  // namespace
}  // namespace weft
