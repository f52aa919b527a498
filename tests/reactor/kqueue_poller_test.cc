// The kqueue poller over a kernel that does everything it may: it interrupts,
// splits batches, shuffles, and reports what did not happen. Everything a calm
// kernel does is in poller_test.cc. Built only on the shim.
//
// SPDX-License-Identifier: MIT

#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/poller.h"
#include "weft/reactor/system.h"
#include "weft/tests/support/kqueue_shim/kqueue_shim.h"

namespace weft::reactor {
namespace {

constexpr std::size_t kPairs = 20;
constexpr int kBytes = 50;

struct Pair {
  Fd ours;
  Fd theirs;
  int received = 0;
  bool ended = false;
};

Pair UnixPair() {
  int ends[2] = {-1, -1};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  for (const int end : ends) ::fcntl(end, F_SETFL, O_NONBLOCK);
  return {Fd(ends[0]), Fd(ends[1])};
}

// Reads until there is nothing more for now, as every user of an edge must.
void Drain(Pair& pair) {
  char byte = 0;
  for (;;) {
    const ssize_t got = System::Kernel().recv(pair.ours.get(), &byte, 1, 0);
    if (got == 1) {
      ++pair.received;
    } else {
      pair.ended |= got == 0;
      return;
    }
  }
}

class KqueuePollerTest : public ::testing::TestWithParam<std::uint64_t> {
 protected:
  KqueuePollerTest() {
    kqueue_shim::SetKnobs(
        {.seed = GetParam(),
         .largest_batch = 1 + static_cast<int>(GetParam() % 3),
         .spurious_one_in = 3,
         .interrupted_one_in = 3});
  }
  ~KqueuePollerTest() override { kqueue_shim::SetKnobs({}); }
};

TEST_P(KqueuePollerTest, LosesNoByteAndNoEndUnderAnUnfriendlyKernel) {
  Poller poller = *Poller::Create();
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i < kPairs; ++i) {
    pairs.push_back(UnixPair());
    ASSERT_TRUE(poller.Add(pairs[i].ours.get(), Token{i}).ok());
  }
  std::thread sender([&] {
    for (int sent = 0; sent < kBytes; ++sent) {
      for (const Pair& pair : pairs) {
        ASSERT_EQ(System::Kernel().send(pair.theirs.get(), "x", 1, 0), 1);
      }
    }
    for (const Pair& pair : pairs) ::shutdown(pair.theirs.get(), SHUT_WR);
  });

  std::size_t ended = 0;
  std::array<Event, 8> buffer;
  while (ended < kPairs) {
    const auto events = poller.Wait(buffer, absl::InfiniteDuration());
    ASSERT_TRUE(events.ok()) << events.status();
    for (const Event& event : *events) {
      Pair& pair = pairs[static_cast<std::size_t>(event.token)];
      if (!event.readable || pair.ended) continue;
      Drain(pair);
      ended += pair.ended;
    }
  }

  sender.join();
  for (const Pair& pair : pairs) EXPECT_EQ(pair.received, kBytes);
}

TEST_P(KqueuePollerTest, LosesNoWakeUnderAnUnfriendlyKernel) {
  constexpr int kWakes = 2'000;
  Poller poller = *Poller::Create();
  const Pair noise = UnixPair();  // What spurious events are about.
  ASSERT_TRUE(poller.Add(noise.ours.get(), Token{1}).ok());
  std::atomic<int> posted = 0;
  std::thread waker([&] {
    for (int i = 0; i < kWakes; ++i) {
      posted.fetch_add(1);
      poller.Wake();
    }
  });

  std::array<Event, 8> buffer;
  while (posted.load() < kWakes) {
    ASSERT_TRUE(poller.Wait(buffer, absl::InfiniteDuration()).ok());
  }

  waker.join();
}

INSTANTIATE_TEST_SUITE_P(Seeds, KqueuePollerTest,
                         ::testing::Range<std::uint64_t>(1, 21));

}  // namespace
}  // namespace weft::reactor
