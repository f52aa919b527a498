// The ways from one flow of control to another, each ready to be timed.
//
//     no runtime      a call through a coroutine handle; a jump between two
//     weft            Yield; a wake on the same worker; a message through a
//                     channel; a wake across two runtimes
//     the system      ucontext; a thread that is woken by epoll, by a futex
//
// The tour prints them as a table; runtime_bench reports those without weft as
// floors. Both mean the same thing, since the code is the same.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_BENCH_SWITCHES_SWITCHES_H_
#define WEFT_BENCH_SWITCHES_SWITCHES_H_

#include <chrono>
#include <cstdint>
#include <string_view>
#include <vector>

namespace weft::bench {

using Elapsed = std::chrono::nanoseconds;

struct Switch {
  std::string_view name;
  // Does it `count` times and tells how long that took, without what it needed
  // to begin. On a plain thread.
  Elapsed (*run)(std::int64_t count);
};

// Kind by kind, as above. Some are there only on Linux.
std::vector<Switch> AllSwitches();

// One resume() of a coroutine that suspends again.
Elapsed ResumeRaw(std::int64_t count);
// One jump from a coroutine to another one, by symmetric transfer.
Elapsed TransferRaw(std::int64_t count);
// One Yield of a task that is alone on its worker.
Elapsed YieldAlone(std::int64_t count);
// A task wakes another one and waits to be woken by it: one of the two wakes,
// and the switch that it makes.
Elapsed WakeOnSameWorker(std::int64_t count);
// The same through two channels of capacity 1: one message.
Elapsed PassMessage(std::int64_t count);
// As WakeOnSameWorker, between two runtimes of one worker each. (Between two
// workers of one runtime it cannot be asked for: what is woken stays with the
// waker's worker, unless somebody steals it.)
Elapsed WakeAcrossRuntimes(std::int64_t count);

// Linux. A thread wakes another one that sleeps in epoll_wait, by an eventfd,
// and sleeps until it is woken by it: one of the two wakes.
Elapsed WakeByEpoll(std::int64_t count);
// The same, asleep on a futex.
Elapsed WakeByFutex(std::int64_t count);
// One swapcontext.
Elapsed SwapContext(std::int64_t count);

// The rows that only Linux has.
void AddSystemSwitches(std::vector<Switch>& switches);

}  // namespace weft::bench

#endif  // WEFT_BENCH_SWITCHES_SWITCHES_H_
