// Tests of weft::reactor::SourcePool: slots that are used again, and events
// that come too late.
//
// SPDX-License-Identifier: MIT

#include "weft/reactor/source_pool.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/poller.h"
#include "weft/reactor/source.h"
#include "weft/reactor/system.h"
#include "weft/reactor/waiter.h"

namespace weft::reactor {
namespace {

// Invents descriptors; counts those that were given back.
class InventedDescriptors final : public System {
 public:
  int close(int) override {
    closes.fetch_add(1);
    return 0;
  }

  std::atomic<int> closes{0};
};

class CountingWaiter final : public Waiter {
 public:
  void OnReady() noexcept override { wakes.fetch_add(1); }

  std::atomic<int> wakes{0};
};

constexpr Event HangUpOf(Token token) {
  return {.token = token, .readable = true, .writable = true, .hang_up = true};
}

class SourcePoolTest : public ::testing::Test {
 protected:
  SourceHandle Adopt() { return pool_->Adopt(Fd(9, system_), system_); }

  InventedDescriptors system_;
  std::shared_ptr<SourcePool> pool_ = std::make_shared<SourcePool>();
};

TEST_F(SourcePoolTest, BringsAnEventToTheSourceItNames) {
  const SourceHandle other = Adopt();
  const SourceHandle source = Adopt();
  CountingWaiter waiter;
  source->TakeReady(Direction::kRead);
  ASSERT_EQ(source->Arm(Direction::kRead, waiter), ArmResult::kWaiting);

  EXPECT_EQ(pool_->Deliver(HangUpOf(source->token())), 1);

  EXPECT_EQ(waiter.wakes.load(), 1);
  EXPECT_TRUE(source->hang_up());
  EXPECT_FALSE(other->hang_up());
}

TEST_F(SourcePoolTest, FindsASourceByItsToken) {
  const SourceHandle source = Adopt();

  EXPECT_EQ(pool_->Find(source->token()), source.get());
}

TEST_F(SourcePoolTest, FindsNobodyForTokensThatNobodyHas) {
  EXPECT_EQ(pool_->Find(Token{0}), nullptr);
  const SourceHandle source = Adopt();
  const auto token = static_cast<std::uint64_t>(source->token());

  EXPECT_EQ(pool_->Find(Token{token + 1'000'000}), nullptr);
  EXPECT_EQ(pool_->Find(Token{0xFFFF'FFFF}), nullptr);
  EXPECT_EQ(pool_->Deliver(HangUpOf(Token{0xFFFF'FFFF})), 0);
  EXPECT_EQ(pool_->Deliver(HangUpOf(Token{token + (1ull << 32)})), 0);
  EXPECT_FALSE(source->hang_up());
}

TEST_F(SourcePoolTest, ASlotThatIsUsedAgainHasAnotherToken) {
  SourceHandle first = Adopt();
  Source* const slot = first.get();
  const Token old = first->token();
  first.reset();
  const SourceHandle second = Adopt();

  ASSERT_EQ(second.get(), slot);
  EXPECT_NE(second->token(), old);
  EXPECT_EQ(pool_->Find(old), nullptr);
}

// golang/go#59545 and #14548: the event of the descriptor before.
TEST_F(SourcePoolTest, AnEventForADescriptorClosedAndReusedIsDropped) {
  SourceHandle first = Adopt();
  const Token old = first->token();
  first->Deliver(false, false, true);
  first->NoteLost();
  first.reset();
  const SourceHandle second = Adopt();
  EXPECT_FALSE(second->lost());
  second->TakeReady(Direction::kRead);
  CountingWaiter waiter;
  ASSERT_EQ(second->Arm(Direction::kRead, waiter), ArmResult::kWaiting);

  EXPECT_EQ(pool_->Deliver(HangUpOf(old)), 0);

  EXPECT_EQ(waiter.wakes.load(), 0);
  EXPECT_FALSE(second->hang_up());
  EXPECT_TRUE(second->Disarm(Direction::kRead, waiter));
}

// A generation in few bits comes round: tokio#8331 had eight of them left, and
// after 256 lives the events of the first were those of the last.
TEST_F(SourcePoolTest, AnEventThatIsManyLivesOldIsDropped) {
  SourceHandle source = Adopt();
  Source* const slot = source.get();
  const Token old = source->token();
  int lives = 1;
  for (const int later : {1 << 8, 1 << 15, 1 << 16, 1 << 17}) {
    for (; lives <= later; ++lives) {
      source.reset();
      source = Adopt();
    }

    ASSERT_EQ(source.get(), slot);
    EXPECT_EQ(pool_->Deliver(HangUpOf(old)), 0);
    EXPECT_FALSE(source->hang_up()) << "after " << later << " lives";
  }
}

// Operations are counted in 15 bits, and holds in 16, of those that are under
// way: not of all that have been.
TEST_F(SourcePoolTest, NoOperationOrEventTooManyWearsASourceOut) {
  SourceHandle source = Adopt();

  for (int i = 0; i < 200'000; ++i) {
    ASSERT_TRUE(source->Pin());
    pool_->Deliver({.token = source->token(), .readable = true});
    source->Unpin();
  }

  EXPECT_FALSE(source->closed());
  EXPECT_EQ(system_.closes.load(), 0);
  source.reset();
  EXPECT_EQ(system_.closes.load(), 1);
  EXPECT_EQ(pool_->live(), 0u);
}

TEST_F(SourcePoolTest, AnEventForAClosedSourceThatIsStillOwnedIsDropped) {
  const SourceHandle source = Adopt();
  source->Close();

  EXPECT_EQ(pool_->Deliver(HangUpOf(source->token())), 0);

  EXPECT_FALSE(source->hang_up());
}

// A slot that somebody holds waits: the next descriptor gets another one.
TEST_F(SourcePoolTest, ASlotInUseByAnEventIsNotGivenOut) {
  SourceHandle first = Adopt();
  Source* const slot = first.get();
  ASSERT_TRUE(slot->Hold(first->token()));
  first.reset();

  const SourceHandle second = Adopt();
  EXPECT_NE(second.get(), slot);
  EXPECT_EQ(pool_->live(), 2u);
  slot->Release();
  const SourceHandle third = Adopt();

  EXPECT_EQ(third.get(), slot);
}

TEST_F(SourcePoolTest, SourcesStayWhereTheyAreWhileThePoolGrows) {
  constexpr int kMany = 20'000;
  std::vector<SourceHandle> handles;
  std::set<Source*> places;
  for (int i = 0; i < kMany; ++i) {
    handles.push_back(Adopt());
    places.insert(handles.back().get());
  }

  EXPECT_EQ(places.size(), std::size_t{kMany});
  EXPECT_EQ(pool_->live(), std::size_t{kMany});
  for (SourceHandle& handle : handles) {
    ASSERT_EQ(pool_->Find(handle->token()), handle.get());
  }
  handles.clear();
  EXPECT_EQ(system_.closes.load(), kMany);
  EXPECT_EQ(pool_->live(), 0u);
}

TEST_F(SourcePoolTest, SlotsThatWereGivenBackAreUsedBeforeNewOnes) {
  std::set<Source*> places;
  for (int i = 0; i < 1000; ++i) places.insert(Adopt().get());

  EXPECT_EQ(places.size(), 1u);
}

TEST_F(SourcePoolTest, ASourceKeepsItsPoolAlive) {
  const std::weak_ptr<SourcePool> pool = pool_;
  SourceHandle source = Adopt();
  pool_.reset();
  ASSERT_FALSE(pool.expired());

  EXPECT_TRUE(source->Pin());
  source->Unpin();
  source.reset();

  EXPECT_TRUE(pool.expired());
  EXPECT_EQ(system_.closes.load(), 1);
}

TEST_F(SourcePoolTest, APoolThatWasEmptyOnceKeepsItselfAliveAgain) {
  Adopt().reset();
  SourceHandle source = Adopt();
  const std::weak_ptr<SourcePool> pool = pool_;

  pool_.reset();

  EXPECT_FALSE(pool.expired());
}

// Every second life is a victim: its token is handed to a thread that delivers
// hang-ups for it, before, while and after it is closed. The lives in between
// take over its slot as soon as nobody holds it, tell nobody their token, and
// must not hear of anything.
TEST_F(SourcePoolTest, NothingOfAClosedDescriptorReachesTheNextOne) {
  constexpr int kLives = 100'000;
  std::atomic<std::uint64_t> victim{0};
  std::atomic<bool> done{false};
  std::thread kernel([&] {
    while (!done.load()) pool_->Deliver(HangUpOf(Token{victim.load()}));
  });

  int heard = 0;
  int reused = 0;
  for (int life = 0; life < kLives; ++life) {
    CountingWaiter waiter;
    SourceHandle first = Adopt();
    Source* const slot = first.get();
    victim.store(static_cast<std::uint64_t>(first->token()));
    if (life % 512 == 0) std::this_thread::yield();
    first->TakeReady(Direction::kRead);
    first->Arm(Direction::kRead, waiter);
    first.reset();
    const SourceHandle second = Adopt();
    if (second.get() == slot) ++reused;
    second->TakeReady(Direction::kRead);
    second->TakeReady(Direction::kWrite);
    if (life % 512 == 256) std::this_thread::yield();
    if (second->hang_up() || second->closed() ||
        second->IsReady(Direction::kRead) ||
        second->IsReady(Direction::kWrite)) {
      ++heard;
    }
  }
  done.store(true);
  kernel.join();

  EXPECT_EQ(heard, 0);
  EXPECT_GT(reused, 0);
  EXPECT_EQ(system_.closes.load(), 2 * kLives);
  EXPECT_EQ(pool_->live(), 0u);
}

}  // namespace
}  // namespace weft::reactor
