// Tests of weft::reactor::Source: what one descriptor remembers, and when its
// number goes back. The descriptors are numbers of a System that only counts,
// but where a real poller is asked.
//
// SPDX-License-Identifier: MIT

#include "weft/reactor/source.h"

#include <atomic>
#include <cerrno>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/reactor.h"
#include "weft/reactor/source_pool.h"
#include "weft/reactor/system.h"
#include "weft/reactor/waiter.h"

namespace weft::reactor {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Invents descriptors, and notes which are given back.
class InventedDescriptors final : public System {
 public:
  int close(int fd) override {
    closed.push_back(fd);
    return 0;
  }

  std::vector<int> closed;
};

class CountingWaiter final : public Waiter {
 public:
  void OnReady() noexcept override { ++wakes; }

  int wakes = 0;
};

class CallingWaiter final : public Waiter {
 public:
  explicit CallingWaiter(std::function<void()> body) : body_(std::move(body)) {}

  void OnReady() noexcept override { body_(); }

 private:
  const std::function<void()> body_;
};

class SourceTest : public ::testing::Test {
 protected:
  // Neither direction ready: as after two operations that met EAGAIN.
  void Drain() {
    source_->TakeReady(Direction::kRead);
    source_->TakeReady(Direction::kWrite);
  }

  InventedDescriptors system_;
  const std::shared_ptr<SourcePool> pool_ = std::make_shared<SourcePool>();
  SourceHandle source_ = pool_->Adopt(Fd(1000, system_), system_);
  CountingWaiter reader_;
  CountingWaiter writer_;
};

// --- Readiness --------------------------------------------------------------

TEST_F(SourceTest, IsReadyInBothDirectionsAtFirst) {
  EXPECT_TRUE(source_->IsReady(Direction::kRead));
  EXPECT_TRUE(source_->IsReady(Direction::kWrite));
  EXPECT_FALSE(source_->hang_up());
  EXPECT_FALSE(source_->closed());
  EXPECT_EQ(source_->fd(), 1000);
}

TEST_F(SourceTest, TakesReadinessBackInOneDirectionOnly) {
  source_->TakeReady(Direction::kRead);

  EXPECT_FALSE(source_->IsReady(Direction::kRead));
  EXPECT_TRUE(source_->IsReady(Direction::kWrite));
}

TEST_F(SourceTest, AnEventWakesTheWaiterAndLeavesReady) {
  Drain();
  ASSERT_EQ(source_->Arm(Direction::kRead, reader_), ArmResult::kWaiting);

  EXPECT_EQ(source_->Deliver(true, false, false), 1);

  EXPECT_EQ(reader_.wakes, 1);
  EXPECT_TRUE(source_->IsReady(Direction::kRead));
  EXPECT_FALSE(source_->IsReady(Direction::kWrite));
  EXPECT_EQ(source_->Deliver(true, false, false), 0);
  EXPECT_EQ(reader_.wakes, 1);
}

TEST_F(SourceTest, AnEventWakesOnlyTheDirectionItSpeaksOf) {
  Drain();
  ASSERT_EQ(source_->Arm(Direction::kRead, reader_), ArmResult::kWaiting);
  ASSERT_EQ(source_->Arm(Direction::kWrite, writer_), ArmResult::kWaiting);

  EXPECT_EQ(source_->Deliver(false, true, false), 1);
  EXPECT_EQ(reader_.wakes, 0);
  EXPECT_EQ(writer_.wakes, 1);

  EXPECT_EQ(source_->Deliver(true, false, false), 1);
  EXPECT_EQ(reader_.wakes, 1);
}

// The lost wake-up: the read failed, the data came, and only then the wait.
TEST_F(SourceTest, AnEdgeBetweenTheCallAndTheWaitIsFoundByTheWait) {
  source_->TakeReady(Direction::kRead);
  source_->Deliver(true, false, false);

  EXPECT_EQ(source_->Arm(Direction::kRead, reader_), ArmResult::kReady);

  EXPECT_EQ(reader_.wakes, 0);
  EXPECT_TRUE(source_->IsReady(Direction::kRead));
}

TEST_F(SourceTest, AHangUpReadiesBothDirectionsAndIsRemembered) {
  Drain();
  ASSERT_EQ(source_->Arm(Direction::kWrite, writer_), ArmResult::kWaiting);

  EXPECT_EQ(source_->Deliver(false, false, true), 1);

  EXPECT_TRUE(source_->IsReady(Direction::kRead));
  EXPECT_TRUE(source_->IsReady(Direction::kWrite));
  Drain();
  source_->Deliver(true, true, false);
  EXPECT_TRUE(source_->hang_up());
  EXPECT_TRUE(source_->reads_try_first());
}

TEST_F(SourceTest, UrgentDataIsRememberedAndIsNoHangUp) {
  EXPECT_FALSE(source_->reads_try_first());

  source_->Deliver(true, false, false, /*urgent=*/true);
  source_->Deliver(true, true, false);

  EXPECT_TRUE(source_->reads_try_first());
  EXPECT_FALSE(source_->hang_up());
}

TEST_F(SourceTest, ThatItIsLostIsRememberedAndMakesReadsTry) {
  source_->Deliver(true, true, /*hang_up=*/true);
  EXPECT_FALSE(source_->lost());

  source_->NoteLost();

  EXPECT_TRUE(source_->lost());
  EXPECT_TRUE(source_->reads_try_first());
}

TEST_F(SourceTest, UrgentDataAloneIsNothingToRead) {
  Drain();

  source_->Deliver(false, false, false, /*urgent=*/true);

  EXPECT_FALSE(source_->IsReady(Direction::kRead));
  EXPECT_TRUE(source_->reads_try_first());
}

// After a hang-up a wait still waits: a FIFO gets a new writer, and a peer that
// sends no more may still be slow to take what we write.
TEST_F(SourceTest, AWaitAfterAHangUpIsAWait) {
  source_->Deliver(false, false, true);
  Drain();

  EXPECT_EQ(source_->Arm(Direction::kWrite, writer_), ArmResult::kWaiting);
  EXPECT_EQ(source_->Deliver(false, true, false), 1);
}

TEST_F(SourceTest, ANudgeBeforeTheWaitKeepsItFromWaiting) {
  Drain();
  source_->Nudge(Direction::kRead);

  EXPECT_EQ(source_->Arm(Direction::kRead, reader_), ArmResult::kReady);
}

TEST_F(SourceTest, ANudgeDuringTheWaitEndsIt) {
  Drain();
  ASSERT_EQ(source_->Arm(Direction::kRead, reader_), ArmResult::kWaiting);

  source_->Nudge(Direction::kRead);

  EXPECT_EQ(reader_.wakes, 1);
}

// A read that is cancelled just after its edge arrived: the next one must not
// hang, for the edge will not come again.
TEST_F(SourceTest, AnEdgeOutlivesTheWaitThatWasCancelledOverIt) {
  Drain();
  ASSERT_EQ(source_->Arm(Direction::kRead, reader_), ArmResult::kWaiting);
  source_->Deliver(true, false, false);
  source_->Nudge(Direction::kRead);

  EXPECT_EQ(reader_.wakes, 1);
  EXPECT_EQ(source_->Arm(Direction::kRead, reader_), ArmResult::kReady);
}

TEST_F(SourceTest, ADisarmedWaiterIsNotWoken) {
  Drain();
  ASSERT_EQ(source_->Arm(Direction::kRead, reader_), ArmResult::kWaiting);

  EXPECT_TRUE(source_->Disarm(Direction::kRead, reader_));

  EXPECT_EQ(source_->Deliver(true, false, false), 0);
  EXPECT_EQ(reader_.wakes, 0);
}

TEST_F(SourceTest, OnlyAnArmedWaiterIsDisarmed) {
  Drain();
  EXPECT_FALSE(source_->Disarm(Direction::kRead, reader_));
  ASSERT_EQ(source_->Arm(Direction::kRead, reader_), ArmResult::kWaiting);
  EXPECT_FALSE(source_->Disarm(Direction::kRead, writer_));
  EXPECT_FALSE(source_->Disarm(Direction::kWrite, reader_));
  source_->Deliver(true, false, false);

  EXPECT_FALSE(source_->Disarm(Direction::kRead, reader_));
  EXPECT_TRUE(source_->IsReady(Direction::kRead));
}

using SourceDeathTest = SourceTest;

TEST_F(SourceDeathTest, ASecondWaiterInADirectionIsToldWhatToDo) {
  Drain();
  ASSERT_EQ(source_->Arm(Direction::kRead, reader_), ArmResult::kWaiting);

  EXPECT_DEATH(source_->Arm(Direction::kRead, writer_),
               "let one of them do the reading");
}

// --- Closing ----------------------------------------------------------------

TEST_F(SourceTest, ClosingWakesBothWaitersAndRefusesWhatFollows) {
  Drain();
  ASSERT_EQ(source_->Arm(Direction::kRead, reader_), ArmResult::kWaiting);
  ASSERT_EQ(source_->Arm(Direction::kWrite, writer_), ArmResult::kWaiting);

  source_->Close();

  EXPECT_EQ(reader_.wakes, 1);
  EXPECT_EQ(writer_.wakes, 1);
  EXPECT_TRUE(source_->closed());
  EXPECT_FALSE(source_->Pin());
  EXPECT_EQ(source_->Arm(Direction::kRead, reader_), ArmResult::kClosed);
  EXPECT_THAT(system_.closed, ElementsAre(1000));
}

TEST_F(SourceTest, NothingReopensAClosedSource) {
  source_->Close();

  EXPECT_EQ(source_->Deliver(true, true, true), 0);
  source_->Nudge(Direction::kRead);
  source_->TakeReady(Direction::kWrite);

  EXPECT_EQ(source_->Arm(Direction::kRead, reader_), ArmResult::kClosed);
  EXPECT_EQ(source_->Arm(Direction::kWrite, writer_), ArmResult::kClosed);
}

TEST_F(SourceTest, ClosesOnceHoweverOftenItIsAsked) {
  source_->Close();
  source_->Close();
  source_.reset();

  EXPECT_THAT(system_.closed, ElementsAre(1000));
  EXPECT_EQ(pool_->live(), 0u);
}

TEST_F(SourceTest, TheNumberGoesBackWhenTheLastOperationIsOver) {
  ASSERT_TRUE(source_->Pin());
  ASSERT_TRUE(source_->Pin());

  source_->Close();
  EXPECT_THAT(system_.closed, IsEmpty());
  EXPECT_EQ(source_->fd(), 1000);
  source_->Unpin();
  EXPECT_THAT(system_.closed, IsEmpty());
  source_->Unpin();

  EXPECT_THAT(system_.closed, ElementsAre(1000));
}

TEST_F(SourceTest, AnOperationThatIsOverDoesNotClose) {
  ASSERT_TRUE(source_->Pin());
  source_->Unpin();

  EXPECT_THAT(system_.closed, IsEmpty());
  EXPECT_TRUE(source_->Pin());
  source_->Unpin();
}

TEST_F(SourceTest, DroppingTheHandleCloses) {
  {
    const SourceHandle dropped = std::move(source_);
  }

  EXPECT_THAT(system_.closed, ElementsAre(1000));
  EXPECT_FALSE(source_);
}

TEST_F(SourceTest, MovingAHandleOverAnotherClosesThatOne) {
  source_ = pool_->Adopt(Fd(2000, system_), system_);

  EXPECT_THAT(system_.closed, ElementsAre(1000));
  EXPECT_EQ(source_->fd(), 2000);
}

// The first waiter that is woken may let go of everything, on another thread,
// before the second one is woken.
TEST_F(SourceTest, AWaiterThatCloseWakesMayDropTheHandle) {
  Drain();
  CallingWaiter dropper([this] { source_.reset(); });
  ASSERT_EQ(source_->Arm(Direction::kRead, dropper), ArmResult::kWaiting);
  ASSERT_EQ(source_->Arm(Direction::kWrite, writer_), ArmResult::kWaiting);

  source_->Close();

  EXPECT_EQ(writer_.wakes, 1);
  EXPECT_THAT(system_.closed, ElementsAre(1000));
  EXPECT_EQ(pool_->live(), 0u);
}

// --- Registration -----------------------------------------------------------

// Counts what is asked of the event queue, and refuses it on demand.
class CountingQueue final : public System {
 public:
  int event_queue_control(absl::FunctionRef<int()> call) override {
    ++controls;
    if (refusal == 0) return call();
    errno = refusal;
    return -1;
  }

  int controls = 0;
  int refusal = 0;
};

class RegistrationTest : public ::testing::Test {
 protected:
  void SetUp() override {
    int ends[2];
    ASSERT_EQ(system_.pipe(ends), 0);
    source_ = pool_->Adopt(Fd(ends[0], system_), system_);
    write_end_ = Fd(ends[1], system_);
    auto reactor = Reactor::Create(system_, *pool_);
    ASSERT_TRUE(reactor.ok()) << reactor.status();
    reactor_ = *std::move(reactor);
    system_.controls = 0;
  }

  CountingQueue system_;
  const std::shared_ptr<SourcePool> pool_ = std::make_shared<SourcePool>();
  std::unique_ptr<Reactor> reactor_;
  SourceHandle source_;
  Fd write_end_;
  CountingWaiter waiter_;
};

TEST_F(RegistrationTest, HappensOnceInALife) {
  EXPECT_TRUE(source_->Register(*reactor_).ok());
  const int controls = system_.controls;
  EXPECT_GT(controls, 0);

  EXPECT_TRUE(source_->Register(*reactor_).ok());

  EXPECT_EQ(system_.controls, controls);
}

TEST_F(RegistrationTest, AnUnregisteredDescriptorIsClosedWithoutTheQueue) {
  source_.reset();

  EXPECT_EQ(system_.controls, 0);
}

TEST_F(RegistrationTest, ARefusalIsReportedAndCanBeTriedAgain) {
  system_.refusal = ENOSPC;
  EXPECT_EQ(source_->Register(*reactor_).code(),
            absl::StatusCode::kResourceExhausted);

  system_.refusal = 0;
  EXPECT_TRUE(source_->Register(*reactor_).ok());
}

// The other direction's operation saw a registration under way and waits for
// events that will not come.
TEST_F(RegistrationTest, ARefusalWakesTheWaiterOfTheOtherDirection) {
  source_->TakeReady(Direction::kRead);
  source_->TakeReady(Direction::kWrite);
  ASSERT_EQ(source_->Arm(Direction::kWrite, waiter_), ArmResult::kWaiting);
  system_.refusal = ENOSPC;

  EXPECT_FALSE(source_->Register(*reactor_).ok());

  EXPECT_EQ(waiter_.wakes, 1);
  EXPECT_TRUE(source_->IsReady(Direction::kRead));
  system_.refusal = 0;
}

// Tells of its descriptors itself: here, that they are readable at once.
class TellingSystem final : public System {
 public:
  bool watch(int fd, Source& source) override {
    watched.push_back(fd);
    source.Deliver(/*readable=*/true, /*writable=*/false, /*hang_up=*/false);
    return true;
  }
  int close(int) override { return 0; }

  std::vector<int> watched;
};

TEST_F(RegistrationTest, LeavesADescriptorToTheSystemThatMadeItUp) {
  TellingSystem telling;
  const SourceHandle made_up = pool_->Adopt(Fd(1 << 30, telling), telling);
  made_up->TakeReady(Direction::kRead);

  const absl::Status first = made_up->Register(*reactor_);
  const bool told = made_up->IsReady(Direction::kRead);
  const absl::Status second = made_up->Register(*reactor_);

  // The number is none that an event queue would have taken.
  EXPECT_EQ(first, absl::OkStatus());
  EXPECT_TRUE(told);
  EXPECT_EQ(second, absl::OkStatus());
  EXPECT_THAT(telling.watched, ElementsAre(1 << 30));
}

TEST_F(RegistrationTest, AClosedSourceIsNotRegistered) {
  source_->Close();

  EXPECT_EQ(source_->Register(*reactor_).code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(RegistrationTest, AForeignReactorIsReplacedByOneOfTheOwnPool) {
  const auto other_pool = std::make_shared<SourcePool>();
  auto foreign = Reactor::Create(system_, *other_pool);
  ASSERT_TRUE(foreign.ok());
  ASSERT_TRUE(source_->Register(**foreign).ok());
  source_->TakeReady(Direction::kRead);
  ASSERT_EQ(source_->Arm(Direction::kRead, waiter_), ArmResult::kWaiting);

  ASSERT_EQ(system_.write(write_end_.get(), "x", 1), 1);
  ASSERT_TRUE(reactor_->Poll(absl::ZeroDuration()).ok());

  EXPECT_EQ(waiter_.wakes, 1);
}

TEST_F(RegistrationTest, ASourceOutlivesItsReactorAndSaysSo) {
  ASSERT_TRUE(source_->Register(*reactor_).ok());
  const auto other_pool = std::make_shared<SourcePool>();
  auto foreign = Reactor::Create(system_, *other_pool);
  ASSERT_TRUE(foreign.ok());
  reactor_.reset();

  const absl::Status status = source_->Register(**foreign);

  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()),
              ::testing::HasSubstr("has stopped"));
  source_.reset();
  EXPECT_EQ(pool_->live(), 0u);
}

// --- Under threads ----------------------------------------------------------

class FlagWaiter final : public Waiter {
 public:
  void OnReady() noexcept override {
    // release: pairs with the acquire below.
    woken_.store(true, std::memory_order_release);
  }
  void WaitUntilWoken() {
    while (!woken_.load(std::memory_order_acquire)) std::this_thread::yield();
    woken_.store(false, std::memory_order_relaxed);
  }

 private:
  std::atomic<bool> woken_{false};
};

// Each event is produced only after the one before was consumed, so one that
// is lost ends in a hang.
TEST_F(SourceTest, NoEdgeIsLostBetweenTheCallAndTheWait) {
  constexpr int kEdges = 30'000;
  std::atomic<int> produced{0};
  std::atomic<int> consumed{0};

  std::thread kernel([&] {
    for (int edge = 1; edge <= kEdges; ++edge) {
      produced.store(edge);
      source_->Deliver(true, false, false);
      while (consumed.load() != edge) std::this_thread::yield();
    }
  });
  FlagWaiter waiter;
  for (int seen = 0; seen < kEdges;) {
    source_->TakeReady(Direction::kRead);
    const int found = produced.load();  // The system call.
    if (found != seen) {
      seen = found;
      consumed.store(seen);
      continue;
    }
    if (source_->Arm(Direction::kRead, waiter) == ArmResult::kWaiting) {
      waiter.WaitUntilWoken();
    }
  }
  kernel.join();

  EXPECT_EQ(consumed.load(), kEdges);
}

// Remembers, per number, whether it is open.
class OneNumber final : public System {
 public:
  int close(int) override {
    open.store(false);
    closes.fetch_add(1);
    return 0;
  }

  std::atomic<bool> open{true};
  std::atomic<int> closes{0};
};

TEST(SourceThreadTest, NoOperationIsInsideACallWhenTheNumberGoesBack) {
  constexpr int kLives = 3'000;
  OneNumber system;
  const auto pool = std::make_shared<SourcePool>();
  std::atomic<Source*> current{nullptr};
  std::atomic<int> inside{0};  // Operations that may still use the handle.
  std::atomic<bool> done{false};
  std::atomic<int> pins{0};
  std::atomic<int> violations{0};

  const auto operate = [&] {
    while (!done.load()) {
      if (current.load() == nullptr) {
        std::this_thread::yield();
        continue;
      }
      inside.fetch_add(1);
      Source* const source = current.load();
      if (source != nullptr && source->Pin()) {
        if (!system.open.load() || source->fd() != 5) violations.fetch_add(1);
        pins.fetch_add(1);
        source->Unpin();
      }
      inside.fetch_sub(1);
    }
  };
  std::thread one(operate);
  std::thread two(operate);
  for (int life = 0; life < kLives; ++life) {
    system.open.store(true);
    SourceHandle handle = pool->Adopt(Fd(5, system), system);
    current.store(handle.get());
    // Now and then only once somebody is, or has just been, inside.
    const int before = pins.load();
    while (life % 16 == 0 && pins.load() == before) std::this_thread::yield();
    handle->Close();
    current.store(nullptr);
    while (inside.load() != 0) std::this_thread::yield();
  }
  done.store(true);
  one.join();
  two.join();

  EXPECT_EQ(violations.load(), 0);
  EXPECT_EQ(system.closes.load(), kLives);
  EXPECT_EQ(pool->live(), 0u);
}

// Cancellation, an event and a close meet one waiter: one of them wakes it.
TEST(SourceThreadTest, AWaiterIsWokenOnceByWhoeverComesFirst) {
  constexpr int kRounds = 10'000;
  InventedDescriptors system;
  const auto pool = std::make_shared<SourcePool>();
  std::atomic<int> round{0};
  std::atomic<int> finished{0};
  std::atomic<Source*> current{nullptr};

  std::thread kernel([&] {
    for (int seen = 1; seen <= kRounds; ++seen) {
      while (round.load() != seen) std::this_thread::yield();
      current.load()->Deliver(true, false, seen % 2 == 0);
      finished.store(seen);
    }
  });
  int wrong = 0;
  for (int now = 1; now <= kRounds; ++now) {
    SourceHandle handle = pool->Adopt(Fd(7, system), system);
    std::atomic<int> wakes{0};
    CallingWaiter waiter([&wakes] { wakes.fetch_add(1); });
    handle->TakeReady(Direction::kRead);
    if (handle->Arm(Direction::kRead, waiter) != ArmResult::kWaiting) ++wrong;
    current.store(handle.get());
    round.store(now);
    if (now % 3 == 0) handle->Nudge(Direction::kRead);
    handle->Close();
    while (finished.load() != now) std::this_thread::yield();
    if (wakes.load() != 1) ++wrong;
  }
  kernel.join();

  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace weft::reactor
