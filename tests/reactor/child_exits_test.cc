// Tests of weft::reactor::ChildExits, with children that are real.
//
// SPDX-License-Identifier: MIT

#include "weft/reactor/child_exits.h"

#include <signal.h>
#include <sys/wait.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/reactor/reactor.h"
#include "weft/reactor/source_pool.h"
#include "weft/reactor/system.h"
#include "weft/tests/support/mortal.h"

namespace weft::reactor {
namespace {

using ::testing::Eq;
using ::weft::testing::Mortal;

class CountingChild final : public Child {
 public:
  using Child::Child;

  int ends = 0;

 private:
  void OnEnded() noexcept override { ++ends; }
};

// The kernel, with news of children that come late, or not at all.
class SlowNews final : public System {
 public:
  int pidfd_open(pid_t process) override {
    return std::exchange(refuses_, 0) > 0 ? Fail(EMFILE)
                                          : System::pidfd_open(process);
  }
  int event_queue_control(absl::FunctionRef<int()> call) override {
    if (refuses_ == 0) return call();
    --refuses_;
    return Fail(ENOMEM);
  }
  pid_t waitpid(pid_t process, int* status, int options) override {
    if (process != asked_for_) ++strangers_;
    if (looks_in_vain_ > 0) {
      --looks_in_vain_;
      return 0;
    }
    return System::waitpid(process, status, options);
  }

  void ExpectOnly(pid_t process) { asked_for_ = process; }
  void LookInVain(int times) { looks_in_vain_ = times; }
  // The next watch: one call on Linux, a question and a change elsewhere.
  void RefuseToWatch() { refuses_ = 2; }
  int strangers() const { return strangers_; }

 private:
  static int Fail(int error) {
    errno = error;
    return -1;
  }

  int refuses_ = 0;
  int looks_in_vain_ = 0;
  int strangers_ = 0;
  pid_t asked_for_ = 0;
};

class ChildExitsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto reactor = Reactor::Create(system_, *pool_);
    ASSERT_TRUE(reactor.ok()) << reactor.status();
    reactor_ = *std::move(reactor);
  }

  std::shared_ptr<CountingChild> Watched(Mortal& mortal) {
    system_.ExpectOnly(mortal.number());
    auto child = std::make_shared<CountingChild>(mortal.number(),
                                                 Reach::kProcess, system_);
    reactor_->children().Watch(child);
    return child;
  }

  void PollUntilReaped(CountingChild& child, Mortal& mortal) {
    while (child.ends == 0) {
      ASSERT_TRUE(reactor_->Poll(absl::InfiniteDuration()).ok());
    }
    mortal.Forget();
  }

  SlowNews system_;
  const std::shared_ptr<SourcePool> pool_ = std::make_shared<SourcePool>();
  std::unique_ptr<Reactor> reactor_;
};

TEST_F(ChildExitsTest, AChildIsReapedWhenItEnds) {
  Mortal mortal;
  const auto child = Watched(mortal);
  EXPECT_THAT(reactor_->Poll(absl::ZeroDuration()).value_or(-1), Eq(0));
  EXPECT_THAT(child->wait_status(), Eq(std::nullopt));

  mortal.End();
  PollUntilReaped(*child, mortal);

  ASSERT_TRUE(child->wait_status()->ok());
  EXPECT_TRUE(WIFSIGNALED(**child->wait_status()));
  EXPECT_EQ(::waitpid(mortal.number(), nullptr, WNOHANG), -1);
}

TEST_F(ChildExitsTest, AChildThatHasEndedAlreadyIsReapedTheSame) {
  Mortal mortal;
  mortal.End();

  const auto child = Watched(mortal);
  PollUntilReaped(*child, mortal);

  EXPECT_EQ(child->ends, 1);
}

TEST_F(ChildExitsTest, AChildOutlivesWhoeverHasStartedIt) {
  Mortal mortal;
  const std::weak_ptr<CountingChild> child = Watched(mortal);
  ASSERT_FALSE(child.expired());

  mortal.End();
  while (!child.expired()) {
    ASSERT_TRUE(reactor_->Poll(absl::InfiniteDuration()).ok());
  }
  mortal.Forget();

  EXPECT_EQ(::waitpid(mortal.number(), nullptr, WNOHANG), -1);
}

TEST_F(ChildExitsTest, ANewsThatComesTooEarlyIsLookedIntoAgain) {
  Mortal mortal;
  const auto child = Watched(mortal);
  system_.LookInVain(3);

  mortal.End();
  PollUntilReaped(*child, mortal);

  EXPECT_EQ(child->ends, 1);
}

TEST_F(ChildExitsTest, AChildThatTheSystemDoesNotWatchIsAskedForItsEnd) {
  Mortal mortal;
  system_.RefuseToWatch();
  const auto child = Watched(mortal);

  mortal.End();
  PollUntilReaped(*child, mortal);

  EXPECT_EQ(child->ends, 1);
}

TEST_F(ChildExitsTest, OtherChildrenAreLeftAlone) {
  Mortal ours;
  Mortal of_somebody_else;
  const auto child = Watched(ours);

  of_somebody_else.End();
  ours.End();
  PollUntilReaped(*child, ours);

  EXPECT_EQ(system_.strangers(), 0);
  EXPECT_EQ(::waitpid(of_somebody_else.number(), nullptr, WNOHANG),
            of_somebody_else.number());
  of_somebody_else.Forget();
}

TEST_F(ChildExitsTest, AnEndThatSomebodyElseHasWaitedForIsAnError) {
  Mortal mortal;
  mortal.End();
  mortal.Reap();

  const auto child = Watched(mortal);
  PollUntilReaped(*child, mortal);

  ASSERT_TRUE(child->wait_status().has_value());
  EXPECT_FALSE(child->wait_status()->ok());
}

TEST_F(ChildExitsTest, ASignalReachesTheChildUntilItIsReapedAndNobodyAfter) {
  Mortal mortal;
  const auto child = Watched(mortal);

  EXPECT_TRUE(child->Signal(SIGKILL).ok());
  PollUntilReaped(*child, mortal);

  EXPECT_EQ(child->Signal(SIGKILL).code(), absl::StatusCode::kNotFound);
}

// kill(2): a group has got a signal where one of it has.
class LeaderOfAnotherUser final : public System {
 public:
  int kill(pid_t process, int) override {
    if (process < 0) return 0;
    errno = EPERM;
    return -1;
  }
};

TEST(ChildTest, ASignalThatReachesItsGroupButNotItselfIsRefused) {
  LeaderOfAnotherUser system;
  CountingChild child(/*process=*/4711, Reach::kGroup, system);

  EXPECT_EQ(child.Signal(SIGKILL).code(), absl::StatusCode::kPermissionDenied);
}

TEST_F(ChildExitsTest, TheEndOfTheReactorReapsWhatHasEnded) {
  Mortal mortal;
  const auto child = Watched(mortal);

  mortal.End();
  reactor_.reset();

  mortal.Forget();
  EXPECT_EQ(child->ends, 1);
}

TEST_F(ChildExitsTest, TheEndOfTheReactorAwaitsWhatHasBeenKilled) {
  Mortal mortal;
  const auto child = Watched(mortal);
  EXPECT_TRUE(child->Signal(SIGKILL).ok());
  system_.LookInVain(3);

  reactor_.reset();

  mortal.Forget();
  EXPECT_EQ(child->ends, 1);
}

}  // namespace
}  // namespace weft::reactor
