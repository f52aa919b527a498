// Tests of weft::Using: what is acquired is released, on every way out.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/using.h"

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/runtime/cancellation.h"
#include "weft/runtime/error_group.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/runtime/yield.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Journal = std::vector<std::string>;

// Notes what is done to it. Its release takes a second.
class Lease {
 public:
  explicit Lease(Journal& journal, absl::Status release = absl::OkStatus())
      : journal_(&journal), release_(std::move(release)) {}
  Lease(Lease&& other) noexcept
      : journal_(std::exchange(other.journal_, nullptr)),
        release_(std::move(other.release_)) {}
  Lease& operator=(Lease&&) = delete;
  ~Lease() {
    if (journal_ != nullptr) journal_->push_back("destroyed");
  }

  Task<absl::Status> Release() {
    journal_->push_back("release begins");
    co_await OrReturn(SleepFor(absl::Seconds(1)));
    journal_->push_back("released");
    co_return release_;
  }

 private:
  Journal* journal_;
  absl::Status release_;
};

class UsingTest : public ::testing::Test {
 protected:
  testing::Simulator sim_;
  Journal journal_;
};

TEST_F(UsingTest, GivesTheBodysResultAfterTheRelease) {
  auto run = [&]() -> Task<absl::StatusOr<int>> {
    int n = co_await OrReturn(
        Using(Lease(journal_), [&](Lease&) -> Task<absl::StatusOr<int>> {
          journal_.push_back("used");
          co_return 42;
        }));
    journal_.push_back("after");
    co_return n;
  };

  EXPECT_EQ(sim_.Run(run()), absl::StatusOr<int>(42));

  EXPECT_THAT(journal_, ElementsAre("used", "release begins", "released",
                                    "destroyed", "after"));
}

Task<absl::Status> FailSoon(Lease&) {
  co_await Yield();
  co_return absl::NotFoundError("body");
}

TEST_F(UsingTest, ReleasesWhenTheBodyFails) {
  EXPECT_EQ(sim_.Run(Using(Lease(journal_), FailSoon)),
            absl::NotFoundError("body"));

  EXPECT_THAT(journal_, ElementsAre("release begins", "released", "destroyed"));
}

TEST_F(UsingTest, ReleasesWhenTheBodyEndsThroughOrReturn) {
  auto body = [](Lease& lease) -> Task<absl::StatusOr<int>> {
    co_await OrReturn(FailSoon(lease));
    co_return 1;
  };

  EXPECT_EQ(sim_.Run(Using(Lease(journal_), body)).status(),
            absl::NotFoundError("body"));

  EXPECT_THAT(journal_, ElementsAre("release begins", "released", "destroyed"));
}

Task<absl::Status> ThrowSoon(Lease&) {
  co_await Yield();
  throw std::runtime_error("thrown");
}

TEST_F(UsingTest, ThrowsTheBodysExceptionAfterTheRelease) {
  auto run = [&]() -> Task<absl::Status> {
    try {
      co_await OrReturn(Using(Lease(journal_), ThrowSoon));
    } catch (const std::runtime_error& error) {
      journal_.push_back(error.what());
    }
    co_return absl::OkStatus();
  };

  EXPECT_TRUE(sim_.Run(run()).ok());

  EXPECT_THAT(journal_,
              ElementsAre("release begins", "released", "destroyed", "thrown"));
}

TEST_F(UsingTest, ThrowsTheBodysExceptionAlsoWhenTheReleaseFails) {
  auto run = [&]() -> Task<std::string> {
    try {
      static_cast<void>(co_await Using(
          Lease(journal_, absl::UnavailableError("release")), ThrowSoon));
    } catch (const std::runtime_error& error) {
      co_return error.what();
    }
    co_return "nothing";
  };

  EXPECT_EQ(*sim_.Run(run()), "thrown");
}

Task<absl::Status> SleepForEver(Lease&) {
  co_await OrReturn(SleepFor(absl::InfiniteDuration()));
  co_return absl::OkStatus();
}

TEST_F(UsingTest, CancellationReachesTheBodyAndNeverTheRelease) {
  JoinHandle<absl::Status> user =
      sim_.SpawnJoinable(Using(Lease(journal_), SleepForEver));
  sim_.RunUntilIdle();

  user.Cancel();
  sim_.RunFor(absl::Seconds(2));

  ASSERT_TRUE(user.finished());
  EXPECT_EQ(user.BlockingJoin(), CancelledError());
  EXPECT_THAT(journal_, ElementsAre("release begins", "released", "destroyed"));
}

TEST_F(UsingTest, ASecondCancellationDuringTheReleaseChangesNothing) {
  JoinHandle<absl::Status> user =
      sim_.SpawnJoinable(Using(Lease(journal_), SleepForEver));
  sim_.RunUntilIdle();
  user.Cancel();
  sim_.RunFor(absl::Milliseconds(500));
  ASSERT_THAT(journal_, ElementsAre("release begins"));

  user.Cancel();
  sim_.RunFor(absl::Milliseconds(100));
  EXPECT_FALSE(user.finished());
  sim_.RunFor(absl::Seconds(1));

  ASSERT_TRUE(user.finished());
  EXPECT_THAT(journal_, ElementsAre("release begins", "released", "destroyed"));
}

TEST_F(UsingTest, ReleasesWhenItWasCancelledBeforeItBegan) {
  JoinHandle<absl::Status> user =
      sim_.SpawnJoinable(Using(Lease(journal_), SleepForEver));

  user.Cancel();
  sim_.RunFor(absl::Seconds(2));

  ASSERT_TRUE(user.finished());
  EXPECT_EQ(user.BlockingJoin(), CancelledError());
  EXPECT_THAT(journal_, ElementsAre("release begins", "released", "destroyed"));
}

TEST_F(UsingTest, GivesTheErrorOfTheReleaseWhereTheBodyHasNone) {
  auto body = [](Lease&) -> Task<absl::StatusOr<int>> { co_return 42; };

  absl::StatusOr<int> result =
      sim_.Run(Using(Lease(journal_, absl::UnavailableError("release")), body));

  EXPECT_EQ(result.status(), absl::UnavailableError("release"));
}

TEST_F(UsingTest, KeepsBothErrors) {
  absl::Status status = sim_.Run(
      Using(Lease(journal_, absl::UnavailableError("release")), FailSoon));

  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("release"));
  EXPECT_THAT(AllErrors(status),
              ElementsAre(absl::NotFoundError("body"),
                          absl::UnavailableError("release")));
}

TEST_F(UsingTest, NestsSoThatTheInnerOneIsReleasedFirst) {
  Journal inner;
  Journal outer;
  auto run = [&]() -> Task<absl::Status> {
    co_await OrReturn(Using(Lease(outer), [&](Lease&) -> Task<absl::Status> {
      co_await OrReturn(Using(Lease(inner), FailSoon));
      co_return absl::OkStatus();
    }));
    co_return absl::OkStatus();
  };
  JoinHandle<absl::Status> user = sim_.SpawnJoinable(run());

  sim_.RunFor(absl::Milliseconds(1500));
  EXPECT_THAT(inner, ElementsAre("release begins", "released", "destroyed"));
  EXPECT_THAT(outer, ElementsAre("release begins"));
  sim_.RunFor(absl::Seconds(1));

  ASSERT_TRUE(user.finished());
  EXPECT_EQ(user.BlockingJoin(), absl::NotFoundError("body"));
  EXPECT_THAT(outer, ElementsAre("release begins", "released", "destroyed"));
}

}  // namespace
}  // namespace weft
