// Tests of weft::Select over what the runtime itself can wait for: tasks, the
// clock, descriptors. tests/sync/select_test.cc has the rest.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/select.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/reactor.h"
#include "weft/reactor/source.h"
#include "weft/reactor/source_pool.h"
#include "weft/reactor/system.h"
#include "weft/runtime/current.h"
#include "weft/runtime/join_arm.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/ready_arm.h"
#include "weft/runtime/ready_awaiter.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/runtime/timer_arm.h"
#include "weft/runtime/yield.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using testing::Simulator;
using ::testing::SizeIs;

using Chosen = absl::StatusOr<std::size_t>;

// Keeps what a task gave.
class Into {
 public:
  explicit Into(std::vector<int>& values) : values_(values) {}
  void operator()(const absl::StatusOr<int>& value) {
    if (value.ok()) values_.push_back(*value);
  }

 private:
  std::vector<int>& values_;
};

// --- Tasks ------------------------------------------------------------------

Task<int> GiveAfter(absl::Duration duration, int value) {
  std::ignore = co_await SleepFor(duration);
  co_return value;
}

TEST(SelectTest, JoinsTheTaskThatEndsFirstAndCanJoinTheOtherLater) {
  Simulator sim;
  std::vector<int> values;

  sim.Spawn([&]() -> Task<absl::Status> {
    JoinHandle<int> slow = Spawn(GiveAfter, absl::Seconds(2), 2);
    JoinHandle<int> fast = Spawn(GiveAfter, absl::Seconds(1), 1);
    const Chosen chosen =
        co_await Select(OnJoin(slow, Into(values)), OnJoin(fast, Into(values)));
    EXPECT_EQ(*chosen, 1u);
    values.push_back(co_await OrReturn(slow.Join()));
    co_return absl::OkStatus();
  });
  sim.RunUntilIdle();

  EXPECT_THAT(values, ElementsAre(1, 2));
}

TEST(SelectTest, ATaskThatHasEndedIsReady) {
  Simulator sim;
  std::vector<int> values;

  sim.Spawn([&]() -> Task<> {
    JoinHandle<int> done = Spawn(GiveAfter, absl::ZeroDuration(), 1);
    std::ignore = co_await SleepFor(absl::Seconds(1));
    std::ignore = co_await Select(OnJoin(done, Into(values)), OnDefault());
  });
  sim.RunUntilIdle();

  EXPECT_THAT(values, ElementsAre(1));
}

Task<int> Throw() {
  co_await Yield();
  throw std::runtime_error("from the task");
}

TEST(SelectTest, AnExceptionOfAJoinedTaskIsThrown) {
  Simulator sim;
  std::string caught;

  sim.Spawn([&]() -> Task<> {
    JoinHandle<int> task = Spawn(Throw);
    auto ignore = [](absl::StatusOr<int>) {};
    try {
      std::ignore = co_await Select(OnJoin(task, ignore));
    } catch (const std::runtime_error& error) {
      caught = error.what();
    }
  });
  sim.RunUntilIdle();

  EXPECT_EQ(caught, "from the task");
}

// --- Descriptors ------------------------------------------------------------

TEST(SelectTest, ADescriptorIsChosenWhenItIsReady) {
  Simulator sim;
  std::array<int, 2> ends;
  ASSERT_EQ(pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC), 0);
  const reactor::Fd writing(ends[1]);
  reactor::SourceHandle reading;
  std::vector<absl::Status> said;

  sim.Spawn([&]() -> Task<> {
    reading = CurrentReactor().sources().Adopt(reactor::Fd(ends[0]),
                                               reactor::System::Kernel());
    auto ready = OnReady(*reading, reactor::Direction::kRead,
                         [&](absl::Status s) { said.push_back(s); });
    // A fresh one counts as ready, until it has been tried.
    std::ignore = co_await Select(ready);
    reading->TakeReady(reactor::Direction::kRead);
    std::ignore = co_await Select(ready);
    reading->TakeReady(reactor::Direction::kRead);
    std::ignore = co_await Select(ready);
  });
  sim.RunUntilIdle();
  EXPECT_THAT(said, SizeIs(1));
  ASSERT_EQ(write(writing.get(), "x", 1), 1);
  sim.RunUntilIdle();
  EXPECT_THAT(said, SizeIs(2));
  reading->Close();
  sim.RunUntilIdle();

  ASSERT_THAT(said, SizeIs(3));
  EXPECT_TRUE(said[1].ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(said[2]));
}

TEST(SelectTest, ADescriptorThatLosesCanBeWaitedForAgain) {
  Simulator sim;
  std::array<int, 2> ends;
  ASSERT_EQ(pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC), 0);
  const reactor::Fd writing(ends[1]);
  reactor::SourceHandle reading;
  std::vector<std::size_t> chosen;

  sim.Spawn([&]() -> Task<> {
    reading = CurrentReactor().sources().Adopt(reactor::Fd(ends[0]),
                                               reactor::System::Kernel());
    for (int i = 0; i < 2; ++i) {
      reading->TakeReady(reactor::Direction::kRead);
      chosen.push_back(*co_await Select(
          OnReady(*reading, reactor::Direction::kRead, JustChosen()),
          OnTimeout(absl::Seconds(1))));
    }
    const absl::Status waited =
        co_await WaitReady(*reading, reactor::Direction::kRead);
    EXPECT_EQ(waited, absl::OkStatus());
  });
  sim.RunFor(absl::Seconds(3));
  EXPECT_THAT(chosen, ElementsAre(1, 1));
  ASSERT_EQ(write(writing.get(), "x", 1), 1);
  sim.RunUntilIdle();

  EXPECT_FALSE(sim.AnyTasks());
}

}  // namespace
}  // namespace weft
