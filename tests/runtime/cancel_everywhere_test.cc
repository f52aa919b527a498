// Tests of CancelEverywhere and its siblings by programs with a known fault:
// they find it, and say where.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/testing/cancel_everywhere.h"

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/runtime/cancellation.h"
#include "weft/runtime/current.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/yield.h"

namespace weft::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Accounts {
  int mine = 100;
  int yours = 0;
};

// What is on its way when it is cancelled is gone.
Task<absl::Status> Transfer(Accounts& accounts) {
  co_await Yield();
  accounts.mine -= 10;
  co_await OrReturn(SleepFor(absl::Seconds(1)));
  accounts.yours += 10;
  co_return absl::OkStatus();
}

absl::Status SumIs100(const Accounts& accounts) {
  if (accounts.mine + accounts.yours == 100) return absl::OkStatus();
  return absl::InternalError("money is lost");
}

class CancelEverywhereTest : public ::testing::Test {
 protected:
  auto Start() {
    return [this] { return Transfer(accounts_.emplace()); };
  }
  auto CheckSum() {
    return [this](const absl::Status&, const Interrupted&) {
      return SumIs100(*accounts_);
    };
  }

  std::optional<Accounts> accounts_;
};

TEST_F(CancelEverywhereTest, FindsWhereAProgramLosesSomething) {
  const absl::StatusOr<int> places = CancelEverywhere({}, Start(), CheckSum());

  EXPECT_TRUE(absl::IsInternal(places.status()));
  EXPECT_THAT(std::string(places.status().message()),
              HasSubstr("money is lost (interrupted at step 0, without a"));
}

TEST_F(CancelEverywhereTest, CountsThePlacesOfAProgramThatHolds) {
  auto start = []() -> Task<absl::Status> {
    co_await Yield();
    co_await Yield();
    co_return absl::OkStatus();
  };
  std::vector<bool> undisturbed;
  auto note = [&](const absl::Status&, const Interrupted& at) {
    undisturbed.push_back(at.undisturbed);
  };

  EXPECT_EQ(*CancelEverywhere({}, start, note), 3);
  EXPECT_THAT(undisturbed, ElementsAre(false, false, false, true));
}

TEST_F(CancelEverywhereTest, TriesEachSeedFromTheFirstOneOn) {
  auto start = []() -> Task<absl::Status> { co_return absl::OkStatus(); };
  std::vector<std::optional<std::uint64_t>> seeds;
  auto note = [&](const absl::Status&, const Interrupted& at) {
    if (at.step == 0) seeds.push_back(at.seed);
  };

  ASSERT_TRUE(
      CancelEverywhere({.seeds = 2, .first_seed = 7}, start, note).ok());

  EXPECT_THAT(seeds, ElementsAre(std::nullopt, 7u, 8u));
}

TEST_F(CancelEverywhereTest, SaysSoWhereAProgramDoesNotEnd) {
  auto start = []() -> Task<absl::Status> {
    while (true) co_await Yield();
  };
  auto check = [](const absl::Status&, const Interrupted&) {};

  const absl::StatusOr<int> places = CancelEverywhere({}, start, check);

  EXPECT_THAT(std::string(places.status().message()),
              HasSubstr("it does not end"));
}

TEST_F(CancelEverywhereTest, SaysSoWhereAProgramWaitsForEverUndisturbed) {
  auto start = []() -> Task<absl::Status> {
    co_return co_await SleepUntil(Instant::InfiniteFuture());
  };
  auto check = [](const absl::Status&, const Interrupted&) {};

  const absl::StatusOr<int> places = CancelEverywhere({}, start, check);

  EXPECT_THAT(std::string(places.status().message()),
              HasSubstr("where nobody disturbs it"));
}

TEST_F(CancelEverywhereTest, ManyDeadlinesMayPassOnOneClock) {
  SimulatedSystem system;
  auto start = []() -> Task<absl::Status> {
    for (int i = 0; i < 50; ++i) {
      co_await OrReturn(SleepFor(absl::Milliseconds(1)));
    }
    co_return absl::OkStatus();
  };
  auto check = [](const absl::Status& ended, const Interrupted&) {
    return absl::IsDeadlineExceeded(ended) ? absl::OkStatus() : ended;
  };

  const absl::StatusOr<int> places =
      ExpireEverywhere({.seeds = 20, .system = &system}, start, check);

  EXPECT_TRUE(places.ok()) << places.status();
}

TEST_F(CancelEverywhereTest, SaysSoWhereSomethingIsLeftThatWaitsForEver) {
  JoinHandle<absl::Status> never;
  auto wait = []() -> Task<absl::Status> {
    co_return co_await SleepUntil(Instant::InfiniteFuture());
  };
  auto start = [&]() -> Task<absl::Status> {
    Spawn(wait()).Detach();
    co_return absl::OkStatus();
  };
  auto check = [](const absl::Status&, const Interrupted&) {};

  const absl::StatusOr<int> places = CancelEverywhere({}, start, check);

  EXPECT_THAT(std::string(places.status().message()),
              HasSubstr("waits for ever"));
}

TEST_F(CancelEverywhereTest, ADeadlineIsPassedAtEachPlace) {
  int expired = 0;
  auto start = []() -> Task<absl::Status> {
    for (int i = 0; i < 3; ++i) {
      co_await OrReturn(SleepFor(absl::Seconds(1)));
    }
    co_return absl::OkStatus();
  };
  auto check = [&](const absl::Status& ended, const Interrupted& at) {
    if (at.undisturbed || at.step == 0) {
      EXPECT_EQ(ended, absl::OkStatus()) << at.step;
    } else {
      expired += absl::IsDeadlineExceeded(ended);
    }
  };

  const absl::StatusOr<int> places = ExpireEverywhere({}, start, check);

  ASSERT_TRUE(places.ok()) << places.status();
  EXPECT_GE(expired, 3);
}

// What is closed at each place: it is there between the program's first step
// and its last.
struct Door {
  bool open = true;
  bool slammed = false;
};

// Does not look whether somebody has closed the door meanwhile.
Task<absl::Status> Pass(Door*& door) {
  Door mine;
  door = &mine;
  const bool was_open = mine.open;
  co_await Yield();
  mine.slammed = was_open && !mine.open;
  door = nullptr;
  co_return mine.slammed ? absl::InternalError("slammed") : absl::OkStatus();
}

TEST_F(CancelEverywhereTest, FindsWhereAProgramDoesNotSeeWhatWasClosed) {
  Door* door = nullptr;
  int closed = 0;
  auto start = [&door] { return Pass(door); };
  auto close = [&] {
    if (door == nullptr) return;
    door->open = false;
    ++closed;
  };
  auto check = [](const absl::Status& ended, const Interrupted&) {
    return ended;
  };

  const absl::StatusOr<int> places = CloseEverywhere({}, start, close, check);

  EXPECT_EQ(closed, 1);
  EXPECT_THAT(std::string(places.status().message()),
              HasSubstr("slammed (interrupted at step 1, without a"));
}

TEST_F(CancelEverywhereTest, ClosesAtEachPlaceOnceFromOutsideAndOnceFromATask) {
  std::vector<bool> from_a_task;
  std::vector<bool> undisturbed;
  auto start = []() -> Task<absl::Status> {
    co_await Yield();
    co_await Yield();
    co_return absl::OkStatus();
  };
  auto close = [&] { from_a_task.push_back(InsideRuntime()); };
  auto note = [&](const absl::Status&, const Interrupted& at) {
    undisturbed.push_back(at.undisturbed);
  };

  EXPECT_EQ(*CloseEverywhere({}, start, close, note), 3);
  EXPECT_THAT(from_a_task,
              ElementsAre(false, false, false, false, true, true, true, true));
  EXPECT_THAT(undisturbed, ElementsAre(false, false, false, true, false, false,
                                       false, true));
}

TEST_F(CancelEverywhereTest, AnythingCanBeWhatInterrupts) {
  std::optional<Accounts> accounts;
  auto start = [&] { return Transfer(accounts.emplace()); };
  int interruptions = 0;
  auto interrupt = [&](auto&, Simulator&) { ++interruptions; };
  auto check = [&](const absl::Status&, const Interrupted&) {
    return SumIs100(*accounts);
  };

  const absl::StatusOr<int> places =
      InterruptEverywhere({}, start, interrupt, check);

  ASSERT_TRUE(places.ok()) << "nobody cancelled it";
  EXPECT_EQ(interruptions, *places + 1);
}

}  // namespace
}  // namespace weft::testing
