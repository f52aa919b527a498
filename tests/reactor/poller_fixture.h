// A poller to test, whichever is built: PollerTest, whose system counts calls
// and fails when told to.
//
// Sockets of one machine answer at once or a moment later, so a test waits for
// what must come, as long as it takes, and only then looks for what must not.
// Nothing measures an upper bound of time. That a wait ends *too early* is a
// bug on any machine, however slow, and so may be measured.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_REACTOR_POLLER_FIXTURE_H_
#define WEFT_TESTS_REACTOR_POLLER_FIXTURE_H_

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/poller.h"
#include "weft/reactor/system.h"

namespace weft::reactor {

inline constexpr Token kToken{0x0000'0007'0000'002A};
// The same slot, one generation on.
inline constexpr Token kOther{0x0000'0008'0000'002A};

// The kernel, counting, and failing when told to.
class FaultySystem : public System {
 public:
  // From now on, the n-th call (from 1) fails with `error`, once.
  void FailControl(int nth, int error) {
    control_fault_ = {.calls_left = nth, .error = error};
  }
  void FailWait(int error) { wait_fault_ = {.calls_left = 1, .error = error}; }

  int event_queue_control(absl::FunctionRef<int()> call) override {
    ++control_calls_;
    return control_fault_.Strikes() ? -1 : call();
  }
  int event_queue_wait(absl::FunctionRef<int()> call) override {
    waits_entered_.fetch_add(1);
    waits_entered_.notify_all();
    return wait_fault_.Strikes() ? -1 : call();
  }

  int control_calls() const { return control_calls_.load(); }
  // Returns when a thread is at the door of the kernel for the n-th time.
  void AwaitWaits(int n) const {
    for (int seen = waits_entered_.load(); seen < n;
         seen = waits_entered_.load()) {
      waits_entered_.wait(seen);
    }
  }

 private:
  struct Fault {
    int calls_left = 0;
    int error = 0;

    bool Strikes() {
      if (calls_left == 0) return false;
      --calls_left;
      if (calls_left > 0) return false;
      errno = error;
      return true;
    }
  };

  Fault control_fault_;
  Fault wait_fault_;
  std::atomic<int> control_calls_ = 0;
  std::atomic<int> waits_entered_ = 0;
};

inline absl::Duration MonotonicNow() {
  return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

class PollerTest : public ::testing::Test {
 protected:
  PollerTest() : poller_(*Poller::Create(system_)) {}

  std::vector<Event> Poll(absl::Duration max_wait = absl::ZeroDuration(),
                          std::size_t room = 16) {
    std::vector<Event> buffer(room);
    const absl::StatusOr<std::span<const Event>> ready =
        poller_.Wait(buffer, max_wait);
    EXPECT_TRUE(ready.ok()) << ready.status();
    if (!ready.ok()) return {};
    return {ready->begin(), ready->end()};
  }

  // Waits until `token` has been all that `wanted` says, in one event or in
  // several, and returns all that it has been by then.
  Event Await(Token token, Event wanted, std::size_t room = 16) {
    Event seen{.token = token};
    const auto lacks = [&] {
      return (wanted.readable && !seen.readable) ||
             (wanted.writable && !seen.writable) ||
             (wanted.hang_up && !seen.hang_up) ||
             (wanted.urgent && !seen.urgent);
    };
    while (lacks()) {
      for (const Event& event : Poll(absl::Minutes(1), room)) {
        if (event.token != token) continue;
        seen.readable |= event.readable;
        seen.writable |= event.writable;
        seen.hang_up |= event.hang_up;
        seen.urgent |= event.urgent;
      }
    }
    return seen;
  }
  Event AwaitReadable(Token token) {
    return Await(token, {.token = token, .readable = true});
  }
  Event AwaitWritable(Token token) {
    return Await(token, {.token = token, .writable = true});
  }
  Event AwaitHangUp(Token token) {
    return Await(token, {.token = token, .hang_up = true});
  }

  // Adds, and takes the event that tells of a fresh socket's buffer space.
  void AddConnected(const Fd& fd, Token token) {
    ASSERT_TRUE(poller_.Add(fd.get(), token).ok());
    AwaitWritable(token);
  }

  FaultySystem system_;
  Poller poller_;
};

}  // namespace weft::reactor

#endif  // WEFT_TESTS_REACTOR_POLLER_FIXTURE_H_
