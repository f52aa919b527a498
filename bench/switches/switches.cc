// Switches of coroutines, bare and under the runtime.
//
// SPDX-License-Identifier: MIT

#include "weft/bench/switches/switches.h"

#include <coroutine>

#include "absl/status/status.h"
#include "weft/bench/runtime/bare_coroutine.h"
#include "weft/bench/runtime/block_on.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/yield.h"
#include "weft/sync/channel.h"
#include "weft/sync/semaphore.h"

namespace weft::bench {
namespace {

using Clock = std::chrono::steady_clock;

BareCoroutine SuspendForEver() {
  for (;;) co_await std::suspend_always();
}

struct JumpTo {
  const std::coroutine_handle<>& other;
  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(
      std::coroutine_handle<>) const noexcept {
    return other;
  }
  void await_resume() const noexcept {}
};

// Takes two jumps off `left` a round; whoever runs out goes back to whoever
// resumed the first of the two.
BareCoroutine JumpWhileLeft(const std::coroutine_handle<>& other,
                            std::int64_t& left) {
  while (--left > 0) co_await JumpTo(other);
}

// Two ends of one conversation: release theirs, acquire ours.
Task<absl::Status> Converse(sync::Semaphore& mine, sync::Semaphore& theirs,
                            std::int64_t rounds) {
  for (std::int64_t i = 0; i < rounds; ++i) {
    theirs.Release();
    auto permit = co_await OrReturn(mine.Acquire());
    permit.Forget();
  }
  co_return absl::OkStatus();
}

Elapsed ConverseOn(Runtime& here, Runtime& there, std::int64_t count) {
  const std::int64_t rounds = count / 2;
  sync::Semaphore ping(0);
  sync::Semaphore pong(0);
  auto answer = there.Spawn(Converse(ping, pong, rounds));
  const Clock::time_point begin = Clock::now();
  MustBeOk(here.BlockOn(Converse(pong, ping, rounds)));
  const Elapsed elapsed = Clock::now() - begin;
  MustBeOk(answer.BlockingJoin());
  return elapsed;
}

}  // namespace

Elapsed ResumeRaw(std::int64_t count) {
  const BareCoroutine coroutine = SuspendForEver();
  const Clock::time_point begin = Clock::now();
  for (std::int64_t i = 0; i < count; ++i) coroutine.handle().resume();
  return Clock::now() - begin;
}

Elapsed TransferRaw(std::int64_t count) {
  std::coroutine_handle<> first;
  std::coroutine_handle<> second;
  const BareCoroutine one = JumpWhileLeft(second, count);
  const BareCoroutine two = JumpWhileLeft(first, count);
  first = one.handle();
  second = two.handle();
  const Clock::time_point begin = Clock::now();
  first.resume();
  return Clock::now() - begin;
}

Elapsed YieldAlone(std::int64_t count) {
  auto yield = [](std::int64_t times) -> Task<Elapsed> {
    const Clock::time_point begin = Clock::now();
    for (std::int64_t i = 0; i < times; ++i) co_await Yield();
    co_return Clock::now() - begin;
  };
  Runtime runtime({.workers = 1});
  return *runtime.BlockOn(yield(count));
}

Elapsed WakeOnSameWorker(std::int64_t count) {
  Runtime runtime({.workers = 1});
  return ConverseOn(runtime, runtime, count);
}

Elapsed PassMessage(std::int64_t count) {
  using Channel = sync::Channel<std::int64_t>;
  auto serve = [](Channel& balls, Channel& returns,
                  std::int64_t rounds) -> Task<absl::Status> {
    for (std::int64_t i = 0; i < rounds; ++i) {
      co_await OrReturn(balls.Send(i));
      co_await OrReturn(returns.Receive());
    }
    co_return absl::OkStatus();
  };
  auto answer = [](Channel& balls, Channel& returns,
                   std::int64_t rounds) -> Task<absl::Status> {
    for (std::int64_t i = 0; i < rounds; ++i) {
      const std::int64_t ball = co_await OrReturn(balls.Receive());
      co_await OrReturn(returns.Send(ball));
    }
    co_return absl::OkStatus();
  };
  Runtime runtime({.workers = 1});
  Channel balls(1);
  Channel returns(1);
  auto opponent = runtime.Spawn(answer(balls, returns, count / 2));
  const Clock::time_point begin = Clock::now();
  MustBeOk(runtime.BlockOn(serve(balls, returns, count / 2)));
  const Elapsed elapsed = Clock::now() - begin;
  MustBeOk(opponent.BlockingJoin());
  return elapsed;
}

Elapsed WakeAcrossRuntimes(std::int64_t count) {
  Runtime here({.workers = 1});
  Runtime there({.workers = 1});
  return ConverseOn(here, there, count);
}

std::vector<Switch> AllSwitches() {
  std::vector<Switch> switches = {
      {"raw coroutine resume", ResumeRaw},
      {"symmetric transfer", TransferRaw},
      {"Yield", YieldAlone},
      {"wake on the same worker", WakeOnSameWorker},
      {"channel ping-pong, a message", PassMessage},
      {"wake across two runtimes", WakeAcrossRuntimes},
  };
  AddSystemSwitches(switches);
  return switches;
}

}  // namespace weft::bench
