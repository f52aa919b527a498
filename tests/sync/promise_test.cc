// The promise of sync about cancellation, proved for every operation: whoever
// is interrupted at whatever suspension, by a cancellation, a deadline or a
// close, in a thousand schedules, no value is lost or doubled, no permit leaks,
// the lock is free in the end, and nobody waits for ever.
//
// A world is a primitive with what its tasks have done to it. Its victim is
// interrupted; its others go on undisturbed and must all come to their end.
//
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/cancel_everywhere.h"
#include "weft/sync/queue.h"
#include "weft/tests/support/soak.h"
#include "weft/tests/sync/promise_call_worlds.h"
#include "weft/tests/sync/promise_lock_worlds.h"
#include "weft/tests/sync/promise_value_worlds.h"

namespace weft::sync {
namespace {

using ::weft::testing::CancelEverywhere;
using ::weft::testing::ExpireEverywhere;
using ::weft::testing::Interrupted;
using ::weft::testing::InterruptEverywhere;

// --- The proof --------------------------------------------------------------

// Runs the victim beside the others: two, or as many as the world says.
template <typename World>
class Proof {
 public:
  Task<absl::Status> Start() {
    world_.emplace();
    return Run(*this);
  }

  // After the run: the victim succeeded or says why not; the others succeeded.
  absl::Status Check(const absl::Status& victim, absl::StatusCode why,
                     const Interrupted& at) {
    if (at.undisturbed && !victim.ok()) return victim;
    if (!victim.ok() && victim.code() != why) return victim;
    return world_->Check();
  }

  std::optional<World> world_;

 private:
  static Task<absl::Status> Run(Proof& self) {
    World& world = *self.world_;
    // Detached: the driver waits for all that is left running.
    if constexpr (Others() > 0) {
      for (int i = 0; i < Others(); ++i) {
        Spawn(Undisturbed(world.Other())).Detach();
      }
    }
    const absl::Status victim = co_await world.Victim();
    if constexpr (requires { world.VictimIsOver(); }) world.VictimIsOver();
    co_return victim;
  }
  static constexpr int Others() {
    if constexpr (requires { World::kOthers; }) return World::kOthers;
    return 2;
  }
  // A close reaches them, too; anything else that they say is an error.
  static Task<> Undisturbed(Task<absl::Status> other) {
    const absl::Status ended = co_await std::move(other);
    EXPECT_TRUE(ended.ok() || absl::IsOutOfRange(ended)) << ended;
  }
};

int Seeds() { return static_cast<int>(tests::Times(1'000)); }

template <typename World>
class PromiseTest : public ::testing::Test {};

using Worlds = ::testing::Types<
    worlds::MutexWorld, worlds::SharedMutexWorld, worlds::SemaphoreWorld,
    worlds::EventWorld, worlds::BarrierWorld, worlds::ConditionWorld,
    worlds::OneShotWorld, worlds::ChannelWorld<0, true>,
    worlds::ChannelWorld<0, false>, worlds::ChannelWorld<1, true>,
    worlds::ChannelWorld<1, false>, worlds::ChannelWorld<3, true>,
    worlds::ChannelWorld<3, false>, worlds::ReceiveManyWorld,
    worlds::UnboundedWorld, worlds::QueueWorld<Queue<int>, true>,
    worlds::QueueWorld<PriorityQueue<int>, false>, worlds::BroadcastWorld,
    worlds::WatchWorld, worlds::SelectWorld, worlds::LazyWorld,
    worlds::AsCompletedWorld, worlds::ParallelForEachWorld,
    worlds::TransformWorld, worlds::WithResultsWorld>;
TYPED_TEST_SUITE(PromiseTest, Worlds);

TYPED_TEST(PromiseTest, HoldsWhereverATaskIsCancelled) {
  Proof<TypeParam> proof;

  const absl::StatusOr<int> places = CancelEverywhere(
      {.seeds = Seeds()}, [&] { return proof.Start(); },
      [&](const absl::Status& victim, const Interrupted& at) {
        return proof.Check(victim, absl::StatusCode::kCancelled, at);
      });

  EXPECT_TRUE(places.ok()) << places.status();
  EXPECT_GT(places.value_or(0), 3);
}

TYPED_TEST(PromiseTest, HoldsWhereverADeadlinePasses) {
  Proof<TypeParam> proof;

  const absl::StatusOr<int> places = ExpireEverywhere(
      {.seeds = Seeds()}, [&] { return proof.Start(); },
      [&](const absl::Status& victim, const Interrupted& at) {
        return proof.Check(victim, absl::StatusCode::kDeadlineExceeded, at);
      });

  EXPECT_TRUE(places.ok()) << places.status();
  EXPECT_GT(places.value_or(0), 3);
}

template <typename World>
class ClosedPromiseTest : public ::testing::Test {};

using ClosableWorlds = ::testing::Types<
    worlds::SemaphoreWorld, worlds::ChannelWorld<0, true>,
    worlds::ChannelWorld<0, false>, worlds::ChannelWorld<1, true>,
    worlds::ChannelWorld<1, false>, worlds::ReceiveManyWorld,
    worlds::UnboundedWorld, worlds::QueueWorld<Queue<int>, true>,
    worlds::QueueWorld<PriorityQueue<int>, false>, worlds::BroadcastWorld,
    worlds::WatchWorld>;
TYPED_TEST_SUITE(ClosedPromiseTest, ClosableWorlds);

TYPED_TEST(ClosedPromiseTest, HoldsWhereverItIsClosed) {
  Proof<TypeParam> proof;

  const absl::StatusOr<int> places = InterruptEverywhere(
      {.seeds = Seeds()}, [&] { return proof.Start(); },
      [&](auto&, testing::Simulator&) {
        if (proof.world_.has_value()) proof.world_->Close();
      },
      [&](const absl::Status& victim, const Interrupted& at) {
        return proof.Check(victim, absl::StatusCode::kOutOfRange, at);
      });

  EXPECT_TRUE(places.ok()) << places.status();
  EXPECT_GT(places.value_or(0), 3);
}

}  // namespace
}  // namespace weft::sync
