// Tests of weft::net::SignalSet, with signals that are real, sent to the test's
// own process, which has one thread.
//
// SPDX-License-Identifier: MIT

#include "weft/net/signal_set.h"

#include <signal.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/reactor/signal_mask.h"
#include "weft/runtime/deadline.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/shield.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/cancel_everywhere.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/runtime/yield.h"

namespace weft::net {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Simulator;

void Raise(int signal) { ASSERT_EQ(::kill(::getpid(), signal), 0); }

// As RuntimeOptions::signals has it.
class SignalSetTest : public ::testing::Test {
 protected:
  const std::unique_ptr<reactor::BlockedSignals> announced_ =
      *reactor::BlockedSignals::Create({SIGUSR1, SIGUSR2});
  Simulator sim_;
};

Task<absl::StatusOr<std::vector<int>>> NextTwo(SignalSet& signals) {
  std::vector<int> seen;
  for (int i = 0; i < 2; ++i) {
    int signal = co_await OrReturn(signals.Next());
    seen.push_back(signal);
  }
  co_return seen;
}

TEST_F(SignalSetTest, GivesSignalsAsTheyCome) {
  auto program = []() -> Task<absl::StatusOr<std::vector<int>>> {
    SignalSet signals = *SignalSet::Create({SIGUSR1, SIGUSR2});
    JoinHandle seen = Spawn(NextTwo, std::ref(signals));
    co_await Yield();
    Raise(SIGUSR2);
    co_await OrReturn(SleepFor(absl::Seconds(1)));
    Raise(SIGUSR1);
    co_return co_await seen.Join();
  };

  EXPECT_THAT(*sim_.Run(program()), ElementsAre(SIGUSR2, SIGUSR1));
}

TEST_F(SignalSetTest, ASignalThatCameBeforeTheSetIsGiven) {
  auto program = []() -> Task<absl::StatusOr<int>> {
    SignalSet signals = *SignalSet::Create({SIGUSR1});
    co_return co_await signals.Next();
  };
  Raise(SIGUSR1);

  EXPECT_EQ(*sim_.Run(program()), SIGUSR1);
}

// RunMain leaves such a signal alone; who announces it wants it.
TEST_F(SignalSetTest, GivesASignalThatTheProgramWasStartedToIgnore) {
  const auto before = ::signal(SIGUSR1, SIG_IGN);
  auto program = []() -> Task<absl::StatusOr<int>> {
    SignalSet signals = *SignalSet::Create({SIGUSR1});
    Raise(SIGUSR1);
    co_return co_await WithTimeout(absl::Seconds(1), signals.Next());
  };

  const auto signal = sim_.Run(program());
  ::signal(SIGUSR1, before);

  ASSERT_TRUE(signal.ok()) << signal.status();
  EXPECT_EQ(*signal, SIGUSR1);
}

TEST_F(SignalSetTest, ASignalThatASetHasNotGivenWaitsForTheNextOne) {
  auto program = []() -> Task<absl::StatusOr<int>> {
    std::optional<SignalSet> first = *SignalSet::Create({SIGUSR2, SIGUSR1});
    Raise(SIGUSR1);
    co_await OrReturn(SleepFor(absl::Seconds(1)));
    first.reset();
    SignalSet second = *SignalSet::Create({SIGUSR1});
    co_return co_await WithTimeout(absl::Seconds(1), second.Next());
  };

  const auto signal = sim_.Run(program());

  ASSERT_TRUE(signal.ok()) << signal.status();
  EXPECT_EQ(*signal, SIGUSR1);
}

TEST_F(SignalSetTest, SignalsThatNobodyHasTakenYetAreOne) {
  auto program = []() -> Task<absl::StatusOr<int>> {
    SignalSet signals = *SignalSet::Create({SIGUSR1});
    for (int i = 0; i < 3; ++i) {
      Raise(SIGUSR1);
      co_await OrReturn(SleepFor(absl::Seconds(1)));
    }
    co_await OrReturn(signals.Next());
    co_return co_await WithTimeout(absl::Seconds(1), signals.Next());
  };

  EXPECT_EQ(sim_.Run(program()).status().code(),
            absl::StatusCode::kDeadlineExceeded);
}

TEST_F(SignalSetTest, ASignalThatComesAfterOneWasTakenIsAnother) {
  auto program = []() -> Task<absl::StatusOr<int>> {
    SignalSet signals = *SignalSet::Create({SIGUSR1});
    Raise(SIGUSR1);
    co_await OrReturn(signals.Next());
    Raise(SIGUSR1);
    co_return co_await signals.Next();
  };

  EXPECT_EQ(*sim_.Run(program()), SIGUSR1);
}

TEST_F(SignalSetTest, ASignalThatWasNotAnnouncedIsRefusedWithTheRemedy) {
  auto program = []() -> Task<absl::Status> {
    co_return SignalSet::Create({SIGUSR1, SIGHUP}).status();
  };

  const absl::Status refused = sim_.Run(program());

  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(refused.message(), HasSubstr("RuntimeOptions::signals"));
}

TEST_F(SignalSetTest, ASignalHasOneSetAtATime) {
  auto program = []() -> Task<absl::Status> {
    std::optional<SignalSet> first = *SignalSet::Create({SIGUSR1});
    const absl::Status second = SignalSet::Create({SIGUSR2, SIGUSR1}).status();
    first.reset();
    if (!absl::IsAlreadyExists(second)) co_return absl::InternalError("");
    co_return SignalSet::Create({SIGUSR2, SIGUSR1}).status();
  };

  EXPECT_TRUE(sim_.Run(program()).ok());
}

TEST_F(SignalSetTest, ACancelledWaitHasTakenNoSignal) {
  auto program = []() -> Task<absl::StatusOr<int>> {
    SignalSet signals = *SignalSet::Create({SIGUSR1});
    absl::StatusOr<int> none =
        co_await WithTimeout(absl::Seconds(1), signals.Next());
    if (none.ok()) co_return absl::InternalError("a signal from nowhere");
    Raise(SIGUSR1);
    co_return co_await signals.Next();
  };

  EXPECT_EQ(*sim_.Run(program()), SIGUSR1);
}

// A signal comes while a task waits for it, and the task is cancelled.
Task<absl::StatusOr<int>> TakeInSpiteOfAll() {
  SignalSet signals = *SignalSet::Create({SIGUSR1});
  auto raise = []() -> Task<> {
    Raise(SIGUSR1);
    co_return;
  };
  JoinHandle raising = Spawn(raise());
  absl::StatusOr<int> signal = co_await signals.Next();
  if (absl::IsCancelled(signal.status())) {
    signal = co_await Shield(signals.Next());
  }
  co_return signal;
}

TEST_F(SignalSetTest, NoSignalIsLostWhereverAWaitIsCancelled) {
  auto check = [](const absl::StatusOr<int>& signal,
                  const testing::Interrupted&) {
    if (!signal.ok()) return signal.status();
    return *signal == SIGUSR1 ? absl::OkStatus() : absl::InternalError("other");
  };

  const absl::StatusOr<int> places =
      testing::CancelEverywhere({.seeds = 10}, TakeInSpiteOfAll, check);

  ASSERT_EQ(places.status(), absl::OkStatus());
  EXPECT_GE(*places, 3);
}

}  // namespace
}  // namespace weft::net
