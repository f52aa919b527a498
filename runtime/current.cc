// The thread-local itself, and what needs nothing but it.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/current.h"

#include "absl/base/internal/raw_logging.h"
#include "weft/reactor/reactor.h"
#include "weft/runtime/internal/buffer_shelf.h"
#include "weft/runtime/internal/fork.h"
#include "weft/runtime/internal/frame_owner.h"
#include "weft/runtime/internal/worker.h"
#include "weft/runtime/promise.h"
#include "weft/runtime/task_context.h"

namespace weft {
namespace internal {
// Said again: g++ forgets it at a declaration that does not.
[[gnu::tls_model(
    "initial-exec")]] constinit thread_local ThisThread this_thread;

namespace {

// Touched only when a thread's cache first meets the depot, and when the first
// buffer is given back.
struct ReleaseAtExit {
  ~ReleaseAtExit() {
    ReleaseFrameCache();
    ReleaseBufferShelf();
  }
  bool armed = false;
};
thread_local ReleaseAtExit release_at_exit;

}  // namespace

ThisThread& Here() noexcept { return this_thread; }

void ReleaseFrameCacheAtThreadExit() noexcept {
  if (this_thread.releases_frames_at_exit) return;
  this_thread.releases_frames_at_exit = true;
  release_at_exit.armed = true;  // Registers the destructor.
}

void ReleaseBufferShelfAtThreadExit() noexcept {
  if (this_thread.buffers.is_released_at_exit) return;
  this_thread.buffers.is_released_at_exit = true;
  release_at_exit.armed = true;  // As above.
}

void DestroyUnlessTornDown(std::coroutine_handle<> frame) noexcept {
  ThisThread& here = Here();
  if (frame.address() == here.torn_down) {
    here.torn_down = nullptr;
  } else {
    frame.destroy();
  }
}

void Unwind(PromiseBase* leaf, PromiseBase* stop) noexcept {
  ThisThread& here = Here();
  for (PromiseBase* frame = leaf; frame != stop;) {
    PromiseBase* const awaiter = frame->continuation().promise();
    auto handle = std::coroutine_handle<PromiseBase>::from_promise(*frame);
    void* const address = handle.address();
    handle.destroy();
    here.torn_down = address;
    frame = awaiter;
  }
  here.torn_down = nullptr;
}

}  // namespace internal

namespace {

constexpr char kNeedsARuntime[] =
    "this needs a runtime: call it from a task that weft::Run, a "
    "weft::Runtime or a weft::testing::Simulator runs";

}  // namespace

bool InsideRuntime() noexcept { return internal::Here().worker != nullptr; }

std::uint64_t CurrentTaskId() noexcept {
  const TaskContext* const context = internal::this_thread.context;
  return context == nullptr ? 0 : internal::TaskAround(*context).task_id();
}

reactor::Reactor& CurrentReactor() noexcept {
  internal::Worker* worker = internal::Here().worker;
  ABSL_RAW_CHECK(worker != nullptr, kNeedsARuntime);
  return worker->reactor();
}

std::uint32_t RandomBelow(std::uint32_t bound) noexcept {
  internal::Worker* const worker = internal::this_thread.worker;
  ABSL_RAW_CHECK(worker != nullptr, kNeedsARuntime);
  const std::uint64_t random = worker->Random();
  return static_cast<std::uint32_t>((random * bound) >> 32);
}

Instant Now() noexcept { return CurrentReactor().Now(); }

}  // namespace weft
