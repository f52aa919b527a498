// Tests of descriptors that are closed while their events are on the way, and
// whose numbers are used again at once.
//
// SPDX-License-Identifier: MIT

#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/reactor.h"
#include "weft/reactor/source.h"
#include "weft/reactor/source_pool.h"
#include "weft/reactor/system.h"
#include "weft/reactor/waiter.h"
#include "weft/tests/support/soak.h"

namespace weft::reactor {
namespace {

class CountingWaiter final : public Waiter {
 public:
  void OnReady() noexcept override { wakes.fetch_add(1); }

  std::atomic<int> wakes{0};
};

// One descriptor: a pipe with a reader that waits.
class Life {
 public:
  Life(Reactor& reactor, SourcePool& pool) {
    System& system = reactor.system();
    std::array<int, 2> ends;
    EXPECT_EQ(::pipe(ends.data()), 0);
    number_ = ends[0];
    source_ = pool.Adopt(Fd(ends[0], system), system);
    writer_ = Fd(ends[1], system);
    EXPECT_TRUE(source_->Register(reactor).ok());
    source_->TakeReady(Direction::kRead);
    EXPECT_EQ(source_->Arm(Direction::kRead, waiter_), ArmResult::kWaiting);
  }
  ~Life() {
    source_.reset();
    // Closing wakes, unless an event does; which may still be about to.
    while (waiter_.wakes == 0) std::this_thread::yield();
    EXPECT_EQ(waiter_.wakes, 1);
  }

  int number() const { return number_; }
  bool heard_anything() const {
    return waiter_.wakes > 0 || source_->hang_up();
  }
  void BecomeReadable() { EXPECT_EQ(::write(writer_.get(), "!", 1), 1); }

 private:
  CountingWaiter waiter_;
  int number_;
  SourceHandle source_;
  Fd writer_;
};

// Eight at a time, so that an event waits its turn behind others while its
// descriptor is closed. The next eight get the same numbers, and mostly the
// same slots of the pool; nobody writes to them until all have been asked.
TEST(SourcePoolStressTest, WhoGetsAUsedNumberHearsNothingOfTheOneBefore) {
  constexpr int kAtATime = 8;
  const std::int64_t rounds = tests::Times(1'000'000) / kAtATime;
  const auto pool = std::make_shared<SourcePool>();
  absl::StatusOr<std::unique_ptr<Reactor>> created =
      Reactor::Create(System::Kernel(), *pool);
  ASSERT_TRUE(created.ok()) << created.status();
  Reactor& reactor = **created;
  std::atomic<bool> done{false};
  std::jthread polling([&] {
    while (!done) EXPECT_TRUE(reactor.Poll(absl::InfiniteDuration()).ok());
  });
  std::int64_t heard = 0;
  std::int64_t reused = 0;
  int first_number = -1;

  for (std::int64_t round = 0; round < rounds; ++round) {
    std::array<std::optional<Life>, kAtATime> lives;
    for (auto& life : lives) life.emplace(reactor, *pool);
    reused +=
        lives[0]->number() == std::exchange(first_number, lives[0]->number());
    if (round % 8 == 0) std::this_thread::yield();
    for (auto& life : lives) heard += life->heard_anything();
    for (auto& life : lives) life->BecomeReadable();
  }
  done = true;
  reactor.Wake();

  EXPECT_EQ(heard, 0);
  EXPECT_GT(reused, 0);
}

}  // namespace
}  // namespace weft::reactor
