// Tests of weft::reactor::TimerWheel. Time is a number here: the wheel reads no
// clock. The model test runs it against a sorted map over twelve years; the
// last test runs it under real threads, for the thread sanitizer.
//
// SPDX-License-Identifier: MIT

#include "weft/reactor/timer_wheel.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/reactor/instant.h"

namespace weft::reactor {
namespace {

using ::testing::ElementsAre;

// The wheel's promise of accuracy, with its tick of 2^15 ns.
constexpr absl::Duration kTick = absl::Nanoseconds(1 << 15);
constexpr absl::Duration kYear = absl::Hours(24 * 365);

constexpr Instant kStart = Instant::FromNanoseconds(1'234'567'891'234'567);

// Writes its number into a log.
class LoggingTimer final : public Timer {
 public:
  LoggingTimer(std::vector<int>& log, int number)
      : log_(log), number_(number) {}

  void OnTimer() noexcept override { log_.push_back(number_); }

 private:
  std::vector<int>& log_;
  const int number_;
};

// Does what the test says.
class CallingTimer final : public Timer {
 public:
  explicit CallingTimer(std::function<void()> body) : body_(std::move(body)) {}

  void OnTimer() noexcept override { body_(); }

 private:
  const std::function<void()> body_;
};

class TimerWheelTest : public ::testing::Test {
 protected:
  TimerWheel wheel_{kStart};
  std::vector<int> log_;
  LoggingTimer one_{log_, 1};
  LoggingTimer two_{log_, 2};
  LoggingTimer three_{log_, 3};
};

TEST_F(TimerWheelTest, ATimerCostsItsWaiterThirtyTwoBytes) {
  EXPECT_LE(sizeof(Timer), 32u);
}

TEST_F(TimerWheelTest, IsEmptyUntilSomethingIsArmed) {
  EXPECT_TRUE(wheel_.empty());
  EXPECT_EQ(wheel_.NextDeadline(), Instant::InfiniteFuture());
  EXPECT_EQ(wheel_.Fire(kStart + kYear), 0);

  wheel_.Arm(one_, kStart + 2 * kYear);

  EXPECT_EQ(wheel_.size(), 1u);
  EXPECT_TRUE(wheel_.Cancel(one_));
  EXPECT_TRUE(wheel_.empty());
}

// Deadlines around every power of two, so on both sides of each slot's and each
// level's border.
TEST_F(TimerWheelTest, FiresNeverEarlyAndAtMostOneTickLate) {
  for (int power = 0; power < 60; ++power) {
    for (std::int64_t offset : {-32769, -32768, -1, 0, 1, 32767, 32768}) {
      const absl::Duration distance =
          absl::Nanoseconds((std::int64_t{1} << power) + offset);
      if (distance <= absl::ZeroDuration()) continue;
      TimerWheel wheel(kStart);
      LoggingTimer timer(log_, 0);

      wheel.Arm(timer, kStart + distance);

      EXPECT_EQ(wheel.Fire(kStart + distance - absl::Nanoseconds(1)), 0);
      EXPECT_EQ(wheel.Fire(kStart + distance + kTick), 1);
    }
  }
}

// The tick after one whose lower digits are all 63 carries through that many
// levels at once: there a wheel that rotates would go round.
TEST_F(TimerWheelTest, FiresInTimeWhereEveryLevelGoesRound) {
  for (int level = 1; level <= 7; ++level) {
    const auto border = absl::Nanoseconds(
        static_cast<std::int64_t>((std::uint64_t{1} << (15 + 6 * level)) - 1));
    const Instant begin = Instant::FromNanoseconds(0);
    TimerWheel wheel(begin);
    wheel.Fire(begin + border - 2 * kTick);
    log_.clear();

    wheel.Arm(one_, begin + border - kTick);
    wheel.Arm(two_, begin + border);
    wheel.Arm(three_, begin + border + kTick);

    EXPECT_EQ(wheel.Fire(begin + border - kTick - absl::Nanoseconds(1)), 0);
    EXPECT_EQ(wheel.Fire(begin + border + 2 * kTick), 3);
    EXPECT_THAT(log_, ElementsAre(1, 2, 3));
  }
}

TEST_F(TimerWheelTest, FiresWhatIsOverdueAtTheNextFire) {
  wheel_.Fire(kStart + kYear);

  wheel_.Arm(one_, kStart);
  wheel_.Arm(two_, kStart + kYear - kTick);

  EXPECT_LE(wheel_.NextDeadline(), kStart + kYear);
  EXPECT_EQ(wheel_.Fire(kStart + kYear), 2);
  EXPECT_THAT(log_, ElementsAre(1, 2));
}

TEST_F(TimerWheelTest, FiresInTheOrderOfDeadlinesAndOfArming) {
  const Instant same = kStart + absl::Hours(3);
  LoggingTimer four(log_, 4);
  wheel_.Arm(two_, same);
  wheel_.Arm(four, same + absl::Milliseconds(1));
  wheel_.Fire(same - absl::Milliseconds(1));  // `two_` has moved down by now.
  wheel_.Arm(three_, same);
  wheel_.Arm(one_, same - absl::Microseconds(500));

  EXPECT_EQ(wheel_.Fire(same + absl::Hours(1)), 4);

  EXPECT_THAT(log_, ElementsAre(1, 2, 3, 4));
}

TEST_F(TimerWheelTest, FiresOnce) {
  wheel_.Arm(one_, kStart + kTick);

  EXPECT_EQ(wheel_.Fire(kStart + 2 * kTick), 1);
  EXPECT_EQ(wheel_.Fire(kStart + kYear), 0);
  EXPECT_TRUE(wheel_.empty());
}

TEST_F(TimerWheelTest, ATimerCanBeArmedAgainAfterItFired) {
  wheel_.Arm(one_, kStart + kTick);
  wheel_.Fire(kStart + 2 * kTick);

  wheel_.Arm(one_, kStart + kYear);

  EXPECT_EQ(wheel_.Fire(kStart + kYear - kTick), 0);
  EXPECT_EQ(wheel_.Fire(kStart + kYear + kTick), 1);
}

TEST_F(TimerWheelTest, ACancelledTimerNeverFires) {
  wheel_.Arm(one_, kStart + absl::Seconds(1));
  wheel_.Arm(two_, kStart + absl::Seconds(1));

  EXPECT_TRUE(wheel_.Cancel(one_));

  EXPECT_EQ(wheel_.Fire(kStart + kYear), 1);
  EXPECT_THAT(log_, ElementsAre(2));
}

TEST_F(TimerWheelTest, CancelSaysFalseWhenThereIsNothingToCancel) {
  EXPECT_FALSE(wheel_.Cancel(one_));

  wheel_.Arm(one_, kStart);
  wheel_.Fire(kStart);
  EXPECT_FALSE(wheel_.Cancel(one_));

  wheel_.Arm(one_, kStart);
  EXPECT_TRUE(wheel_.Cancel(one_));
  EXPECT_FALSE(wheel_.Cancel(one_));
}

TEST_F(TimerWheelTest, ATimerForEverIsArmedAndNeverFires) {
  wheel_.Arm(one_, Instant::InfiniteFuture());

  EXPECT_EQ(wheel_.size(), 1u);
  EXPECT_EQ(wheel_.NextDeadline(), Instant::InfiniteFuture());
  EXPECT_EQ(wheel_.Fire(kStart + 250 * kYear), 0);
  EXPECT_TRUE(wheel_.Cancel(one_));
  EXPECT_TRUE(wheel_.empty());
}

TEST_F(TimerWheelTest, ArmsOnlyWithPermission) {
  EXPECT_FALSE(wheel_.ArmIf(one_, kStart, [] { return false; }));
  EXPECT_TRUE(wheel_.empty());
  EXPECT_EQ(wheel_.Fire(kStart + kYear), 0);

  EXPECT_TRUE(wheel_.ArmIf(one_, kStart + kYear, [] { return true; }));
  EXPECT_TRUE(wheel_.Cancel(one_));
}

TEST_F(TimerWheelTest, ACallbackMayDestroyItsTimer) {
  std::unique_ptr<CallingTimer> timer;
  timer = std::make_unique<CallingTimer>([&timer] { timer.reset(); });
  wheel_.Arm(*timer, kStart);

  EXPECT_EQ(wheel_.Fire(kStart), 1);

  EXPECT_EQ(timer, nullptr);
}

TEST_F(TimerWheelTest, ACallbackThatArmsAnOverdueTimerDoesNotFireForEver) {
  CallingTimer again([&] { wheel_.Arm(again, kStart); });
  wheel_.Arm(again, kStart);

  EXPECT_EQ(wheel_.Fire(kStart), 1);
  EXPECT_EQ(wheel_.Fire(kStart), 1);
  EXPECT_TRUE(wheel_.Cancel(again));
}

TEST_F(TimerWheelTest, ACallbackCancelsATimerThatIsDueTogetherWithIt) {
  bool cancelled = false;
  CallingTimer first([&] { cancelled = wheel_.Cancel(one_); });
  wheel_.Arm(first, kStart);
  wheel_.Arm(one_, kStart);

  EXPECT_EQ(wheel_.Fire(kStart), 1);

  EXPECT_TRUE(cancelled);
  EXPECT_TRUE(log_.empty());
}

TEST_F(TimerWheelTest, ALoneTimerNeedsOneWakeHoweverFarItIs) {
  const Instant deadline = kStart + 9 * kYear + absl::Nanoseconds(12345);
  wheel_.Arm(one_, deadline);

  const Instant wake = wheel_.NextDeadline();

  EXPECT_GE(wake, deadline);
  EXPECT_LE(wake, deadline + kTick);
  EXPECT_EQ(wheel_.Fire(wake), 1);
}

TEST_F(TimerWheelTest, AnEarlierTimerBringsTheNextDeadlineForward) {
  wheel_.Arm(one_, kStart + absl::Hours(1));
  wheel_.Arm(two_, kStart + absl::Seconds(1));

  EXPECT_LE(wheel_.NextDeadline(), kStart + absl::Seconds(1) + kTick);
  wheel_.Cancel(two_);
  EXPECT_GT(wheel_.NextDeadline(), kStart + absl::Minutes(59));
  wheel_.Cancel(one_);
}

TEST_F(TimerWheelTest, SleepingUntilTheNextDeadlineFiresACrowdInTime) {
  std::vector<std::unique_ptr<LoggingTimer>> crowd;
  for (int i = 0; i < 100; ++i) {
    crowd.push_back(std::make_unique<LoggingTimer>(log_, i));
    wheel_.Arm(*crowd.back(), kStart + kYear + absl::Microseconds(i));
  }

  int wakes = 0;
  while (!wheel_.empty()) {
    const Instant wake = wheel_.NextDeadline();
    EXPECT_LE(wake, kStart + kYear + absl::Microseconds(100) + kTick);
    wheel_.Fire(wake);
    ++wakes;
  }

  EXPECT_EQ(log_.size(), 100u);
  EXPECT_LE(wakes, 7 + 5);  // Once a level, once a tick.
}

TEST_F(TimerWheelTest, AClockThatStandsStillOrStepsBackFiresNothingTwice) {
  wheel_.Arm(one_, kStart + absl::Seconds(2));
  wheel_.Fire(kStart + absl::Seconds(1));

  EXPECT_EQ(wheel_.Fire(kStart), 0);
  EXPECT_EQ(wheel_.Fire(kStart + absl::Seconds(3)), 1);
  EXPECT_EQ(wheel_.Fire(kStart + absl::Seconds(3)), 0);
  EXPECT_EQ(wheel_.Fire(kStart - absl::Seconds(3)), 0);
}

TEST_F(TimerWheelTest, ReachesTheEndOfTheClock) {
  const Instant nearly = Instant::InfiniteFuture();
  const Instant last = Instant::FromNanoseconds(nearly.nanoseconds() - 100'000);
  wheel_.Arm(one_, last);

  EXPECT_EQ(wheel_.Fire(last - absl::Nanoseconds(1)), 0);
  EXPECT_EQ(wheel_.Fire(Instant::InfiniteFuture()), 1);
}

TEST_F(TimerWheelTest, AcceptsAClockThatBeganBeforeItsOrigin) {
  const Instant before = Instant::FromNanoseconds(-5'000'000'000);
  TimerWheel wheel(before);
  wheel.Arm(one_, before + absl::Seconds(6));

  EXPECT_EQ(wheel.Fire(before + absl::Seconds(5)), 0);
  EXPECT_EQ(wheel.Fire(before + absl::Seconds(7)), 1);
}

using TimerWheelDeathTest = TimerWheelTest;

TEST_F(TimerWheelDeathTest, ArmingTwiceSaysWhatToDo) {
  wheel_.Arm(one_, kStart);
  EXPECT_DEATH(wheel_.Arm(one_, kStart), "Cancel it before arming it again");
  wheel_.Cancel(one_);
}

TEST_F(TimerWheelDeathTest, DestroyingAnArmedTimerSaysWhatToDo) {
  EXPECT_DEATH(
      {
        LoggingTimer timer(log_, 0);
        wheel_.Arm(timer, kStart);
      },
      "Cancel it first");
}

// --- Against a model --------------------------------------------------------

// The wheel and a sorted map, side by side.
class Model {
 public:
  explicit Model(std::uint32_t seed) : random_(seed) {
    for (int i = 0; i < kTimers; ++i) {
      timers_.push_back(std::make_unique<ModelTimer>(*this));
    }
  }
  ~Model() {
    for (auto& timer : timers_) wheel_.Cancel(*timer);
  }

  void ArmOne() {
    ModelTimer& timer = AnyTimer();
    if (timer.armed) return;
    timer.armed = true;
    timer.deadline = now_ + SomeDistance() - absl::Microseconds(100);
    timer.was_overdue = timer.deadline <= now_;
    wheel_.Arm(timer, timer.deadline);
    deadlines_.emplace(timer.deadline, &timer);
  }

  void CancelOne() {
    ModelTimer& timer = AnyTimer();
    EXPECT_EQ(wheel_.Cancel(timer), timer.armed);
    Forget(timer);
  }

  // Either exactly to where the wheel says, or anywhere.
  void Advance() {
    const Instant wake = wheel_.NextDeadline();
    if (deadlines_.empty()) {
      EXPECT_EQ(wake, Instant::InfiniteFuture());
    } else {
      EXPECT_LE(wake, std::max(deadlines_.begin()->first + kTick, now_));
    }
    const bool follow = Chance(2) && wake != Instant::InfiniteFuture();
    now_ = follow ? std::max(wake, now_) : now_ + SomeDistance() / 4;
    last_fired_ = Instant::FromNanoseconds(0);
    wheel_.Fire(now_);
    if (!deadlines_.empty()) {
      EXPECT_GT(deadlines_.begin()->first, now_ - kTick) << "fired too late";
    }
    EXPECT_EQ(wheel_.size(), deadlines_.size());
  }

  bool Chance(int one_in) { return random_() % one_in == 0; }
  Instant now() const { return now_; }
  int fired() const { return fired_; }

 private:
  static constexpr int kTimers = 300;

  struct ModelTimer final : Timer {
    explicit ModelTimer(Model& model) : model(model) {}
    void OnTimer() noexcept override { model.Fired(*this); }

    Model& model;
    bool armed = false;
    bool was_overdue = false;
    Instant deadline;
  };

  void Fired(ModelTimer& timer) {
    EXPECT_TRUE(timer.armed);
    EXPECT_LE(timer.deadline, now_) << "fired too early";
    if (!timer.was_overdue) {
      EXPECT_GE(timer.deadline, last_fired_ - kTick) << "out of order";
      last_fired_ = timer.deadline;
    }
    ++fired_;
    Forget(timer);
  }

  void Forget(ModelTimer& timer) {
    if (!timer.armed) return;
    timer.armed = false;
    auto [from, to] = deadlines_.equal_range(timer.deadline);
    for (auto it = from; it != to; ++it) {
      if (it->second == &timer) return static_cast<void>(deadlines_.erase(it));
    }
    ADD_FAILURE() << "a timer that the model does not know";
  }

  ModelTimer& AnyTimer() { return *timers_[random_() % kTimers]; }

  // Every order of magnitude is as likely as any other: 1 ns to 4.5 months.
  absl::Duration SomeDistance() {
    const int bits = 1 + static_cast<int>(random_() % 53);
    return absl::Nanoseconds(
        static_cast<std::int64_t>(random_() >> (64 - bits)));
  }

  std::mt19937_64 random_;
  Instant now_ = kStart;
  TimerWheel wheel_{kStart};
  std::vector<std::unique_ptr<ModelTimer>> timers_;
  std::multimap<Instant, ModelTimer*> deadlines_;
  Instant last_fired_;
  int fired_ = 0;
};

TEST(TimerWheelModelTest, AgreesWithASortedMapOverTwelveYears) {
  for (std::uint32_t seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    Model model(seed);

    while (model.now() < kStart + 12 * kYear &&
           !::testing::Test::HasFailure()) {
      model.ArmOne();
      if (model.Chance(3)) model.CancelOne();
      if (model.Chance(4)) model.Advance();
    }

    EXPECT_GT(model.fired(), 1000);
  }
}

// --- Under threads ----------------------------------------------------------

// A timer that is armed, and then either fires or is cancelled.
struct ContestedTimer final : Timer {
  void OnTimer() noexcept override {
    fired.fetch_add(1, std::memory_order_relaxed);
    idle.store(true, std::memory_order_release);
  }

  std::atomic<int> fired{0};
  std::atomic<int> cancelled{0};
  std::atomic<bool> idle{true};
};

// The owner arms and fires, a canceller cancels, and a sibling fires as if the
// owner were stuck: each arming has one outcome.
TEST(TimerWheelThreadTest, EachArmedTimerFiresOrIsCancelledOnce) {
  constexpr int kRounds = 20'000;
  TimerWheel wheel(kStart);
  std::array<ContestedTimer, 32> timers;
  std::atomic<std::int64_t> clock{kStart.nanoseconds()};
  std::atomic<bool> done{false};
  const auto now = [&] { return Instant::FromNanoseconds(clock.load()); };

  std::thread canceller([&] {
    std::mt19937 random(1);
    while (!done.load()) {
      ContestedTimer& timer = timers[random() % timers.size()];
      if (!wheel.Cancel(timer)) continue;
      timer.cancelled.fetch_add(1, std::memory_order_relaxed);
      timer.idle.store(true, std::memory_order_release);
    }
  });
  std::thread sibling([&] {
    while (!done.load()) {
      wheel.Fire(now());
      std::this_thread::yield();
    }
  });
  std::mt19937 random(2);
  int armed = 0;
  while (armed < kRounds) {
    ContestedTimer& timer = timers[random() % timers.size()];
    if (timer.idle.load(std::memory_order_acquire)) {
      timer.idle.store(false, std::memory_order_relaxed);
      wheel.Arm(timer, now() + absl::Microseconds(random() % 5000));
      ++armed;
    }
    clock.fetch_add(50'000);
    wheel.Fire(now());
  }
  done.store(true);
  canceller.join();
  sibling.join();
  wheel.Fire(now() + absl::Seconds(1));

  EXPECT_TRUE(wheel.empty());
  int outcomes = 0;
  for (ContestedTimer& timer : timers) {
    outcomes += timer.fired.load() + timer.cancelled.load();
  }
  EXPECT_EQ(outcomes, armed);
}

}  // namespace
}  // namespace weft::reactor
