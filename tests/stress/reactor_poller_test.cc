// A poller that several threads wake a million times, while it goes to sleep
// and while it is about to. A wake that is lost hangs the test, and
// tests/run.py tells where every thread was.
//
//     posters   post, Wake, post, Wake ...  and wait until all posts are seen
//     poller    Wait, and look at how many posts there are
//
// The posters wait for each other's posts as well: of the last wake of a round
// there is no other after it, by which its loss would not be noticed.
//
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <random>
#include <span>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/reactor/poller.h"
#include "weft/tests/support/soak.h"

namespace weft::reactor {
namespace {

constexpr int kPosters = 3;
constexpr int kSizes = 12;  // Of a part in a round: 1, 2, 4 ... 2048.

// What all of them see.
struct Posts {
  std::atomic<std::int64_t> posted = 0;
  std::atomic<std::int64_t> seen = 0;
};

// The sizes of the rounds are the same for all, so each knows how many posts
// there are when one is over.
void Post(Poller& poller, Posts& posts, std::int64_t each) {
  std::mt19937 random(1);
  for (std::int64_t done = 0; done < each;) {
    const std::int64_t burst =
        std::min<std::int64_t>(1 << (random() % kSizes), each - done);
    for (int i = 0; i < burst; ++i) {
      ++posts.posted;
      poller.Wake();
    }
    done += burst;
    for (std::int64_t seen = posts.seen; seen < kPosters * done;) {
      posts.seen.wait(seen);
      seen = posts.seen;
    }
  }
}

// Until `total` posts are seen. Gives how many waits it took.
std::int64_t LookAtPosts(Poller& poller, Posts& posts, std::int64_t total) {
  std::array<Event, 4> events;
  std::int64_t waits = 0;
  while (posts.seen < total) {
    const absl::StatusOr<std::span<const Event>> woken =
        poller.Wait(events, absl::InfiniteDuration());
    EXPECT_TRUE(woken.ok() && woken->empty()) << woken.status();
    posts.seen = posts.posted.load();
    posts.seen.notify_all();
    ++waits;
  }
  return waits;
}

TEST(PollerStressTest, NoneOfAMillionWakesIsLost) {
  const std::int64_t each = tests::Times(1'000'000) / kPosters + 1;
  const std::int64_t total = kPosters * each;
  absl::StatusOr<Poller> poller = Poller::Create();
  ASSERT_TRUE(poller.ok()) << poller.status();
  Posts posts;
  std::int64_t waits = 0;
  {
    std::vector<std::jthread> posters;
    for (int i = 0; i < kPosters; ++i) {
      posters.emplace_back([&] { Post(*poller, posts, each); });
    }

    waits = LookAtPosts(*poller, posts, total);
  }

  EXPECT_EQ(posts.posted, total);
  // One in each round, however many of its posts a wait sees.
  EXPECT_GE(waits, each >> (kSizes - 1));
  RecordProperty("waits", static_cast<int>(waits));
}

}  // namespace
}  // namespace weft::reactor
