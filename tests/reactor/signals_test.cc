// Tests of weft::reactor::SignalWatcher. The signals are real ones, sent to the
// test's own process, which has one thread.
//
// SPDX-License-Identifier: MIT

#include "weft/reactor/signals.h"

#include <signal.h>
#include <unistd.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/reactor/reactor.h"
#include "weft/reactor/source_pool.h"
#include "weft/reactor/system.h"

namespace weft::reactor {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

class LoggingListener final : public SignalListener {
 public:
  void OnSignal(int signal, int count) noexcept override {
    heard.emplace_back(signal, count);
  }

  std::vector<std::pair<int, int>> heard;
};

bool IsBlocked(int signal) {
  sigset_t mask;
  sigemptyset(&mask);
  pthread_sigmask(SIG_BLOCK, nullptr, &mask);
  return sigismember(&mask, signal) == 1;
}

void ChangeMask(int how, int signal) {
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, signal);
  pthread_sigmask(how, &mask, nullptr);
}

class SignalWatcherTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto reactor = Reactor::Create(System::Kernel(), *pool_);
    ASSERT_TRUE(reactor.ok()) << reactor.status();
    reactor_ = *std::move(reactor);
  }

  std::unique_ptr<SignalWatcher> Watch(std::initializer_list<int> signals) {
    auto watcher = SignalWatcher::Create(*reactor_, signals, listener_);
    EXPECT_TRUE(watcher.ok()) << watcher.status();
    return watcher.ok() ? *std::move(watcher) : nullptr;
  }

  int Poll() { return reactor_->Poll(absl::ZeroDuration()).value_or(-1); }

  const std::shared_ptr<SourcePool> pool_ = std::make_shared<SourcePool>();
  std::unique_ptr<Reactor> reactor_;
  LoggingListener listener_;
};

TEST_F(SignalWatcherTest, TellsOfASignalOnTheThreadThatPolls) {
  const auto watcher = Watch({SIGUSR1});

  ::kill(::getpid(), SIGUSR1);
  EXPECT_THAT(listener_.heard, IsEmpty());

  EXPECT_EQ(Poll(), 1);
  EXPECT_THAT(listener_.heard, ElementsAre(Pair(SIGUSR1, 1)));
  EXPECT_EQ(Poll(), 0);
}

// What RunMain needs: the first cancels, the second ends at once.
TEST_F(SignalWatcherTest, CountsHowOftenEachSignalCame) {
  const auto watcher = Watch({SIGUSR1, SIGUSR2});

  ::kill(::getpid(), SIGUSR1);
  Poll();
  ::kill(::getpid(), SIGUSR2);
  Poll();
  ::kill(::getpid(), SIGUSR1);
  Poll();

  EXPECT_THAT(listener_.heard, ElementsAre(Pair(SIGUSR1, 1), Pair(SIGUSR2, 1),
                                           Pair(SIGUSR1, 2)));
}

TEST_F(SignalWatcherTest, EndsAPollThatWaits) {
  const auto watcher = Watch({SIGUSR1});
  ::kill(::getpid(), SIGUSR1);

  EXPECT_EQ(reactor_->Poll(absl::InfiniteDuration()).value_or(-1), 1);
}

TEST_F(SignalWatcherTest, BlocksItsSignalsAndRestoresTheMask) {
  ChangeMask(SIG_BLOCK, SIGUSR2);
  auto watcher = Watch({SIGUSR1, SIGUSR2});
  EXPECT_TRUE(IsBlocked(SIGUSR1));
  EXPECT_TRUE(IsBlocked(SIGUSR2));

  watcher.reset();

  EXPECT_FALSE(IsBlocked(SIGUSR1));
  EXPECT_TRUE(IsBlocked(SIGUSR2));
  ChangeMask(SIG_UNBLOCK, SIGUSR2);
}

// Has something done while the poller reads a signal.
class InterruptedSystem final : public System {
 public:
  ssize_t read(int fd, void* into, std::size_t size) override {
    const ssize_t got = System::read(fd, into, size);
    if (auto now = std::exchange(on_read, nullptr)) now();
    return got;
  }

  std::function<void()> on_read;
};

TEST_F(SignalWatcherTest, ASignalThatIsReadWhileItsWatcherGoesIsTheNextOnes) {
  InterruptedSystem system;
  reactor_ = *Reactor::Create(system, *pool_);
  ChangeMask(SIG_BLOCK, SIGUSR1);
  auto watcher = Watch({SIGUSR1});
  ::kill(::getpid(), SIGUSR1);

  system.on_read = [&] { watcher.reset(); };
  Poll();
  watcher.reset();
  watcher = Watch({SIGUSR1});
  Poll();

  EXPECT_EQ(listener_.heard.size(), 1u);
  watcher.reset();
  reactor_.reset();
  ChangeMask(SIG_UNBLOCK, SIGUSR1);
}

TEST_F(SignalWatcherTest, IsSilentAfterItsEnd) {
  ChangeMask(SIG_BLOCK, SIGUSR1);
  Watch({SIGUSR1}).reset();

  ::kill(::getpid(), SIGUSR1);
  EXPECT_EQ(Poll(), 0);

  EXPECT_THAT(listener_.heard, IsEmpty());
  ::signal(SIGUSR1, SIG_IGN);  // Takes the pending one away.
  ChangeMask(SIG_UNBLOCK, SIGUSR1);
  ::signal(SIGUSR1, SIG_DFL);
}

TEST_F(SignalWatcherTest, ASignalCanBeWatchedAgain) {
  Watch({SIGUSR1}).reset();
  const auto watcher = Watch({SIGUSR1});

  ::kill(::getpid(), SIGUSR1);

  EXPECT_EQ(Poll(), 1);
  EXPECT_THAT(listener_.heard, ElementsAre(Pair(SIGUSR1, 1)));
}

TEST_F(SignalWatcherTest, ASignalHasOneWatcher) {
  const auto watcher = Watch({SIGUSR1});

  const auto second =
      SignalWatcher::Create(*reactor_, {SIGUSR2, SIGUSR1}, listener_);

  EXPECT_EQ(second.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_TRUE(IsBlocked(SIGUSR1));
  EXPECT_FALSE(IsBlocked(SIGUSR2));
}

TEST_F(SignalWatcherTest, RefusesWhatIsNoSignal) {
  for (int signal : {-1, 0, 4711}) {
    EXPECT_EQ(
        SignalWatcher::Create(*reactor_, {signal}, listener_).status().code(),
        absl::StatusCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace weft::reactor
