// The thread-local of the runtime, one for each logical thread.
//
// SPDX-License-Identifier: MIT

#include "weft/tests/explore/runtime_model.h"

#include <array>

#include "weft/runtime/current.h"

namespace weft::explore {
namespace {

using weft::internal::this_thread;
using weft::internal::ThisThread;

// All but the frames: whose thread's they are makes no difference to anybody
// but the frame pool, which has a model of its own.
struct Own {
  weft::internal::Worker* worker = nullptr;
  weft::internal::ForkDeque* forks = nullptr;
  weft::internal::Scheduler* tearing_down = nullptr;
  TaskContext* context = nullptr;
  const char* stack_base = nullptr;
  std::coroutine_handle<> deferred = nullptr;
  const Selection* trying = nullptr;
  void* torn_down = nullptr;
};

// The last is the outside's.
std::array<Own, kMaxThreads + 1> owned;

Own& Of(int thread) {
  return owned[static_cast<std::size_t>(thread < 0 ? kMaxThreads : thread)];
}

void SwapThisThread(int leaving, int coming) {
  ThisThread& here = this_thread;
  if (leaving < 0) owned.fill(Own());
  Of(leaving) = {here.worker,  here.forks,      here.tearing_down,
                 here.context, here.stack_base, here.deferred,
                 here.trying,  here.torn_down};
  const Own& next = Of(coming);
  here.worker = next.worker;
  here.forks = next.forks;
  here.tearing_down = next.tearing_down;
  here.context = next.context;
  here.stack_base = next.stack_base;
  here.deferred = next.deferred;
  here.trying = next.trying;
  here.torn_down = next.torn_down;
}

}  // namespace

RuntimeModel::RuntimeModel() { OnSwitch(SwapThisThread); }

int LeapingClock::clock_gettime(clockid_t, timespec* now) {
  ++looks_;
  now->tv_sec = looks_ / 10;
  now->tv_nsec = looks_ % 10 * 100'000'000;
  return 0;
}

}  // namespace weft::explore
