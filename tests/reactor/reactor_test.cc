// Tests of weft::reactor::Reactor: real pipes and socket pairs, a clock that
// the test turns, and a count of the system calls.
//
// SPDX-License-Identifier: MIT

#include "weft/reactor/reactor.h"

#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/instant.h"
#include "weft/reactor/source.h"
#include "weft/reactor/source_pool.h"
#include "weft/reactor/system.h"
#include "weft/reactor/timer_wheel.h"
#include "weft/reactor/waiter.h"

namespace weft::reactor {
namespace {

// The kernel's, but for the clock, which stands still until the test turns it,
// and the counts.
class WatchedSystem final : public System {
 public:
  int clock_gettime(clockid_t, timespec* now) override {
    ++clock_reads;
    now->tv_sec = static_cast<time_t>(clock / 1'000'000'000);
    now->tv_nsec = static_cast<long>(clock % 1'000'000'000);
    return 0;
  }
  int event_queue_control(absl::FunctionRef<int()> call) override {
    ++controls;
    return call();
  }
  int event_queue_wait(absl::FunctionRef<int()> call) override {
    ++waits;
    if (before_wait != nullptr) before_wait();
    if (wait_error != 0) {
      errno = wait_error;
      return -1;
    }
    last_wait = call();
    return last_wait;
  }

  void Turn(absl::Duration distance) {
    clock += absl::ToInt64Nanoseconds(distance);
  }

  std::int64_t clock = 77'000'000'123;
  int clock_reads = 0;
  int controls = 0;
  int waits = 0;
  std::function<void()> before_wait;
  int wait_error = 0;
  int last_wait = 0;  // How many events the kernel had.
};

class CountingWaiter final : public Waiter {
 public:
  void OnReady() noexcept override { ++wakes; }

  int wakes = 0;
};

class CountingTimer final : public Timer {
 public:
  void OnTimer() noexcept override { ++fired; }

  int fired = 0;
};

class ReactorTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto reactor = Reactor::Create(system_, *pool_);
    ASSERT_TRUE(reactor.ok()) << reactor.status();
    reactor_ = *std::move(reactor);

    std::array<int, 2> ends;
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
    source_ = pool_->Adopt(Fd(ends[0], system_), system_);
    peer_ = Fd(ends[1], system_);
  }

  int Poll(absl::Duration max_wait = absl::ZeroDuration()) {
    const absl::StatusOr<int> served = reactor_->Poll(max_wait);
    EXPECT_TRUE(served.ok()) << served.status();
    return served.value_or(-1);
  }

  // As an operation does that met EAGAIN.
  void WaitToRead() {
    ASSERT_TRUE(source_->Register(*reactor_).ok());
    Poll();  // What it is ready for at first.
    source_->TakeReady(Direction::kRead);
    ASSERT_EQ(source_->Arm(Direction::kRead, reader_), ArmResult::kWaiting);
  }

  WatchedSystem system_;
  const std::shared_ptr<SourcePool> pool_ = std::make_shared<SourcePool>();
  std::unique_ptr<Reactor> reactor_;
  CountingWaiter reader_;
  SourceHandle source_;
  Fd peer_;
};

TEST_F(ReactorTest, ReadsTheSystemsMonotonicClock) {
  EXPECT_EQ(reactor_->Now(), Instant::FromNanoseconds(77'000'000'123));
}

// --- Events -----------------------------------------------------------------

TEST_F(ReactorTest, ALookThatFindsNothingCostsOneSystemCall) {
  system_.clock_reads = system_.controls = system_.waits = 0;

  EXPECT_EQ(Poll(), 0);

  EXPECT_EQ(system_.waits, 1);
  EXPECT_EQ(system_.controls, 0);
  EXPECT_EQ(system_.clock_reads, 0);
}

TEST_F(ReactorTest, WakesAWaiterWhoseDescriptorBecameReady) {
  WaitToRead();
  EXPECT_EQ(Poll(), 0);
  EXPECT_EQ(reader_.wakes, 0);

  ASSERT_EQ(system_.write(peer_.get(), "x", 1), 1);

  EXPECT_EQ(Poll(absl::InfiniteDuration()), 1);
  EXPECT_EQ(reader_.wakes, 1);
}

TEST_F(ReactorTest, TellsOfAnEdgeOnce) {
  WaitToRead();
  ASSERT_EQ(system_.write(peer_.get(), "x", 1), 1);
  Poll();

  Poll();

  EXPECT_EQ(system_.last_wait, 0);
  EXPECT_EQ(reader_.wakes, 1);
}

// A peer that sends five bytes and closes at once makes one edge: whoever has
// read the five must know that there is more to see.
TEST_F(ReactorTest, AHangUpThatCameWithDataIsRemembered) {
  WaitToRead();
  ASSERT_EQ(system_.write(peer_.get(), "hello", 5), 5);
  peer_ = Fd();

  EXPECT_EQ(Poll(), 1);

  EXPECT_TRUE(source_->hang_up());
  std::array<char, 64> buffer;
  source_->TakeReady(Direction::kRead);
  EXPECT_EQ(system_.read(source_->fd(), buffer.data(), buffer.size()), 5);
  EXPECT_TRUE(source_->hang_up());
  EXPECT_EQ(system_.read(source_->fd(), buffer.data(), buffer.size()), 0);
}

// Others spin here at full speed: a connection that is hung up while nobody
// waits for it.
TEST_F(ReactorTest, AHungUpDescriptorThatNobodyReadsIsReportedOnce) {
  ASSERT_TRUE(source_->Register(*reactor_).ok());
  peer_ = Fd();
  Poll();

  EXPECT_EQ(Poll(), 0);

  EXPECT_EQ(system_.last_wait, 0);
  EXPECT_TRUE(source_->hang_up());
}

// epoll goes on reporting a descriptor as long as any duplicate of it lives.
TEST_F(ReactorTest, AClosedDescriptorIsSilentWhileADuplicateLives) {
  ASSERT_TRUE(source_->Register(*reactor_).ok());
  const Fd duplicate(::dup(source_->fd()), system_);
  Poll();
  source_.reset();

  ASSERT_EQ(system_.write(peer_.get(), "x", 1), 1);
  EXPECT_EQ(Poll(), 0);

  EXPECT_EQ(system_.last_wait, 0);
}

TEST_F(ReactorTest, ADescriptorOfTheSameNumberIsAnotherOne) {
  ASSERT_TRUE(source_->Register(*reactor_).ok());
  const int number = source_->fd();
  source_.reset();
  std::array<int, 2> ends;
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
  ASSERT_EQ(ends[0], number);
  source_ = pool_->Adopt(Fd(ends[0], system_), system_);
  const Fd new_peer(ends[1], system_);
  WaitToRead();

  peer_ = Fd();  // The end of the old connection.
  EXPECT_EQ(Poll(), 0);
  EXPECT_FALSE(source_->hang_up());

  ASSERT_EQ(system_.write(new_peer.get(), "x", 1), 1);
  EXPECT_EQ(Poll(), 1);
}

TEST_F(ReactorTest, WhatDoesNotFitIntoOneTurnComesWithTheNext) {
  constexpr int kMany = 300;
  std::vector<SourceHandle> sources;
  std::vector<Fd> peers;
  std::vector<CountingWaiter> waiters(kMany);
  for (int i = 0; i < kMany; ++i) {
    std::array<int, 2> ends;
    ASSERT_EQ(system_.pipe(ends.data()), 0);
    sources.push_back(pool_->Adopt(Fd(ends[0], system_), system_));
    peers.emplace_back(ends[1], system_);
    Source& source = *sources.back();
    ASSERT_TRUE(source.Register(*reactor_).ok());
    source.TakeReady(Direction::kRead);
    ASSERT_EQ(source.Arm(Direction::kRead, waiters[i]), ArmResult::kWaiting);
    ASSERT_EQ(system_.write(peers.back().get(), "x", 1), 1);
  }

  int served = 0;
  while (served < kMany) served += Poll(absl::InfiniteDuration());

  EXPECT_EQ(served, kMany);
  for (const CountingWaiter& waiter : waiters) EXPECT_EQ(waiter.wakes, 1);
}

// A turn in which nobody is told anything means that there is nothing to tell:
// a simulation lets the clock jump then.
TEST_F(ReactorTest, WhatNobodyWaitsForHidesNothingThatSomebodyDoes) {
  constexpr int kMany = 300;
  std::vector<SourceHandle> sources;
  std::vector<Fd> peers;
  for (int i = 0; i < kMany; ++i) {
    std::array<int, 2> ends;
    ASSERT_EQ(system_.pipe(ends.data()), 0);
    sources.push_back(pool_->Adopt(Fd(ends[0], system_), system_));
    peers.emplace_back(ends[1], system_);
  }
  CountingWaiter waiter;
  sources.back()->TakeReady(Direction::kRead);
  ASSERT_EQ(sources.back()->Arm(Direction::kRead, waiter), ArmResult::kWaiting);

  for (int i = 0; i < kMany; ++i) {
    ASSERT_EQ(system_.write(peers[i].get(), "x", 1), 1);
    ASSERT_TRUE(sources[i]->Register(*reactor_).ok());
  }
  reactor_->Wake();

  EXPECT_EQ(Poll(absl::InfiniteDuration()), 1);
  EXPECT_EQ(waiter.wakes, 1);
}

// Peers of many connections send again and again while their tasks are busy:
// the tasks must have their turn, and timers theirs.
TEST_F(ReactorTest, AFloodForNobodyIsFollowedForOneRoundAndNotForEver) {
  constexpr int kMany = 300;
  std::vector<SourceHandle> sources;
  std::vector<Fd> peers;
  for (int i = 0; i < kMany; ++i) {
    std::array<int, 2> ends;
    ASSERT_EQ(system_.pipe(ends.data()), 0);
    sources.push_back(pool_->Adopt(Fd(ends[0], system_), system_));
    peers.emplace_back(ends[1], system_);
    ASSERT_TRUE(sources[i]->Register(*reactor_).ok());
  }
  constexpr int kEndOfFlood = 100;
  system_.before_wait = [&] {
    if (system_.waits >= kEndOfFlood) return;
    for (const Fd& peer : peers) system_.write(peer.get(), "x", 1);
  };
  CountingTimer timer;
  reactor_->timers().Arm(timer, reactor_->Now());

  Poll(absl::InfiniteDuration());

  EXPECT_LT(system_.waits, 10);
  EXPECT_EQ(timer.fired, 1);
}

TEST_F(ReactorTest, AnInterruptedWaitIsAnEmptyTurn) {
  system_.wait_error = EINTR;

  EXPECT_EQ(Poll(absl::InfiniteDuration()), 0);
}

// --- Waking -----------------------------------------------------------------

TEST_F(ReactorTest, AWakeEndsTheNextPoll) {
  reactor_->Wake();
  reactor_->Wake();

  EXPECT_EQ(Poll(absl::InfiniteDuration()), 0);
}

TEST_F(ReactorTest, AWakeEndsAPollOnAnotherThread) {
  std::atomic<int> turns{0};
  std::thread sleeper([&] {
    while (turns.load() < 1000) {
      Poll(absl::InfiniteDuration());
      turns.fetch_add(1);
    }
  });

  for (int turn = 0; turn < 1000; ++turn) {
    reactor_->Wake();
    while (turns.load() <= turn) std::this_thread::yield();
  }
  sleeper.join();

  EXPECT_EQ(turns.load(), 1000);
}

// --- Timers -----------------------------------------------------------------

TEST_F(ReactorTest, FiresWhatIsDueAndOnlyThat) {
  CountingTimer soon;
  CountingTimer late;
  reactor_->timers().Arm(soon, reactor_->Now() + absl::Seconds(1));
  reactor_->timers().Arm(late, reactor_->Now() + absl::Seconds(2));
  EXPECT_EQ(Poll(), 0);

  system_.Turn(absl::Milliseconds(1500));

  EXPECT_EQ(Poll(), 1);
  EXPECT_EQ(soon.fired, 1);
  EXPECT_EQ(late.fired, 0);
  EXPECT_TRUE(reactor_->timers().Cancel(late));
}

TEST_F(ReactorTest, FiresTimersWithoutAskingTheKernel) {
  CountingTimer timer;
  reactor_->timers().Arm(timer, reactor_->Now());
  system_.waits = 0;

  EXPECT_EQ(reactor_->FireTimers(), 1);
  EXPECT_EQ(reactor_->FireTimers(), 0);

  EXPECT_EQ(system_.waits, 0);
}

TEST_F(ReactorTest, WhatIsOverdueIsNotWaitedFor) {
  CountingTimer timer;
  reactor_->timers().Arm(timer, reactor_->Now() - absl::Seconds(1));

  EXPECT_EQ(Poll(absl::InfiniteDuration()), 1);
}

TEST_F(ReactorTest, EventsDoNotKeepTimersFromFiring) {
  WaitToRead();
  CountingTimer timer;
  reactor_->timers().Arm(timer, reactor_->Now());
  ASSERT_EQ(system_.write(peer_.get(), "x", 1), 1);

  EXPECT_EQ(Poll(absl::InfiniteDuration()), 2);
}

TEST_F(ReactorTest, AFailingPollerIsReportedAndTimersFireNevertheless) {
  CountingTimer timer;
  reactor_->timers().Arm(timer, reactor_->Now());
  system_.wait_error = ENOMEM;

  const absl::StatusOr<int> served = reactor_->Poll(absl::ZeroDuration());

  EXPECT_EQ(served.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(timer.fired, 1);
}

// With the kernel's clock: a sleep that ignored the deadline would last.
TEST(ReactorClockTest, SleepsUntilTheNextDeadlineAndNotEarlier) {
  System& kernel = System::Kernel();
  const auto pool = std::make_shared<SourcePool>();
  auto reactor = Reactor::Create(kernel, *pool);
  ASSERT_TRUE(reactor.ok());
  const Instant deadline = (*reactor)->Now() + absl::Milliseconds(3);
  CountingTimer timer;
  (*reactor)->timers().Arm(timer, deadline);

  int turns = 0;
  while (timer.fired == 0) {
    ASSERT_TRUE((*reactor)->Poll(absl::InfiniteDuration()).ok());
    ++turns;
  }

  EXPECT_GE((*reactor)->Now(), deadline);
  EXPECT_LE(turns, 2);
}

// --- The end ----------------------------------------------------------------

TEST_F(ReactorTest, ASourceCanBeClosedAfterItsReactorIsGone) {
  WaitToRead();
  reactor_.reset();

  source_.reset();

  EXPECT_EQ(reader_.wakes, 1);
  EXPECT_EQ(pool_->live(), 0u);
}

// A queue that takes its time when told to, and notes whether it went away
// under a caller.
class SlowQueue final : public System {
 public:
  int event_queue_control(absl::FunctionRef<int()> call) override {
    for (int i = 0; slow.load() && i < 20; ++i) std::this_thread::yield();
    if (gone.load()) violations.fetch_add(1);
    return call();
  }

  std::atomic<bool> slow{false};
  std::atomic<bool> gone{false};
  std::atomic<int> violations{0};
};

class StoppingReactorTest : public ::testing::Test {
 protected:
  static constexpr int kRounds = 100;

  // Everything of one round: a runtime with one reactor and one pipe.
  void Begin() {
    system_.slow.store(false);
    system_.gone.store(false);
    pool_ = std::make_shared<SourcePool>();
    auto reactor = Reactor::Create(system_, *pool_);
    ASSERT_TRUE(reactor.ok());
    reactor_ = *std::move(reactor);
    std::array<int, 2> ends;
    ASSERT_EQ(system_.pipe(ends.data()), 0);
    source_ = pool_->Adopt(Fd(ends[0], system_), system_);
    peer_ = Fd(ends[1], system_);
  }

  std::thread StopReactor() {
    system_.slow.store(true);
    return std::thread([this] {
      reactor_.reset();
      system_.gone.store(true);
    });
  }

  SlowQueue system_;
  std::shared_ptr<SourcePool> pool_;
  std::unique_ptr<Reactor> reactor_;
  SourceHandle source_;
  Fd peer_;
};

TEST_F(StoppingReactorTest, SourcesMayBeClosedMeanwhile) {
  for (int round = 0; round < kRounds; ++round) {
    ASSERT_NO_FATAL_FAILURE(Begin());
    ASSERT_TRUE(source_->Register(*reactor_).ok());

    std::thread stopping = StopReactor();
    source_.reset();
    stopping.join();

    EXPECT_EQ(pool_->live(), 0u);
  }
  EXPECT_EQ(system_.violations.load(), 0);
}

// A stream that is first used on another runtime registers with its own, which
// is just stopping.
TEST_F(StoppingReactorTest, ARegistrationMeetsTheReactorOrItsEnd) {
  const auto other_pool = std::make_shared<SourcePool>();
  const auto foreign = Reactor::Create(System::Kernel(), *other_pool);
  ASSERT_TRUE(foreign.ok());
  for (int round = 0; round < kRounds; ++round) {
    ASSERT_NO_FATAL_FAILURE(Begin());

    std::thread stopping = StopReactor();
    const absl::Status status = source_->Register(**foreign);
    stopping.join();

    EXPECT_TRUE(status.ok() ||
                status.code() == absl::StatusCode::kFailedPrecondition)
        << status;
    source_.reset();
  }
  EXPECT_EQ(system_.violations.load(), 0);
}

}  // namespace
}  // namespace weft::reactor
