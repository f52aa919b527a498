// What the calling thread is doing: the only thread-local that the library
// reads. (current.cc has another one, for what its destructor does when the
// thread ends.)
//
// A compiler may keep the address of a thread-local in a register, and a
// coroutine may go on on another thread after a co_await. Here() is therefore
// compiled on its own, out of line, and nobody keeps its answer across a
// suspension.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_CURRENT_H_
#define WEFT_RUNTIME_CURRENT_H_

#include <coroutine>
#include <cstdint>

#include "weft/reactor/instant.h"
#include "weft/runtime/internal/buffer_shelf.h"
#include "weft/runtime/internal/frame_pool.h"

namespace weft {

namespace reactor {
class Reactor;
}
class Selection;
class TaskContext;
using reactor::Instant;

namespace internal {

class ForkDeque;
class Scheduler;
class Worker;

struct ThisThread {
  // The thread runs `next` from now on. Gives the one that it ran before.
  Worker* Bind(Worker* next) noexcept;

  // The worker that runs on this thread; null outside a runtime. And its fork
  // deque, for who need not know more of it.
  Worker* worker = nullptr;
  ForkDeque* forks = nullptr;
  // The stopped runtime whose frames this thread is destroying.
  Scheduler* tearing_down = nullptr;
  // The cancel scope whose code runs right now. Between two jobs that of the
  // last one, and null when the loop searches, polls or sleeps.
  TaskContext* context = nullptr;
  // stack_guard.h: where depth is measured from, and what was left for Resume.
  const char* stack_base = nullptr;
  std::coroutine_handle<> deferred = nullptr;
  // The Selection of which this thread is trying an arm; only compared.
  const Selection* trying = nullptr;
  // frame_owner.h: the frame that Unwind destroyed last.
  void* torn_down = nullptr;
  bool releases_frames_at_exit = false;
  FrameCache frames = {};
  BufferShelf buffers = {};
};

// The calling thread's. Valid until the next suspension.
[[gnu::noinline]] ThisThread& Here() noexcept;

// The same without the call, for functions of this library that are compiled
// out of line themselves and contain no suspension. Trivially destructible and
// constant-initialised, so that reading it needs no guard; initial-exec, so
// that it needs no call and no saved registers either, though the library is
// compiled to be position-independent: 6 of the 16 instructions that hand out a
// frame. A shared object that is loaded late has to fit it, 1.1 KB, into what
// the loader keeps in reserve.
[[gnu::tls_model(
    "initial-exec")]] extern constinit thread_local ThisThread this_thread;

// Sees to it that this thread's frames go to the depot when it ends, and its
// free buffers to the system.
void ReleaseFrameCacheAtThreadExit() noexcept;
void ReleaseBufferShelfAtThreadExit() noexcept;

}  // namespace internal

// Whether the caller runs on a worker of a runtime or Simulator.
bool InsideRuntime() noexcept;

// The id of the task that the caller runs in, by which dumps name it; 0 outside
// of a task.
std::uint64_t CurrentTaskId() noexcept;

// The reactor of the worker that runs the caller. Requires: InsideRuntime().
// Valid until the next suspension.
reactor::Reactor& CurrentReactor() noexcept;

// A number from 0 to bound - 1, for a choice that must favour nobody: cheap,
// and no secret. In a simulation with a seed it follows from that.
// Requires: InsideRuntime(), and a bound that is not 0.
std::uint32_t RandomBelow(std::uint32_t bound) noexcept;

// The runtime's clock: virtual in simulation. Requires: InsideRuntime().
// Cost: 22 ns, a clock_gettime.
Instant Now() noexcept;

}  // namespace weft

#endif  // WEFT_RUNTIME_CURRENT_H_
