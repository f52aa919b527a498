// Starting, finishing, joining and tearing down a spawned task.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/internal/root.h"

#include "absl/base/internal/raw_logging.h"
#include "weft/runtime/current.h"
#include "weft/runtime/internal/frame_owner.h"
#include "weft/runtime/internal/scheduler.h"
#include "weft/runtime/promise.h"

namespace weft::internal {

Root::Root(TaskList& home) noexcept
    : TaskContext(&home), id_(home.scheduler().NextTaskId()) {}

void Root::Start() noexcept {
  home()->Add(*this);
  // Now that we are registered: either the drainer's walk finds us, or we see
  // that it has begun.
  if (scheduler().draining()) Cancel();
  scheduler().Spawn(*this);
}

Continuation Root::Run(ThisThread& here) noexcept {
  PromiseBase& task = frame();
  if (task.continuation().empty()) {
    here.context = this;
    task.set_continuation(*this);
    return std::coroutine_handle<PromiseBase>::from_promise(task);
  }
  TakeResult();
  home()->Remove(*this);
  scheduler().TaskEnded();
  here.context = nullptr;
  return Finish(here);  // From here on `*this` may be gone.
}

bool Root::finished() const noexcept {
  // acquire: pairs with the release in PublishResult; the result is in place.
  return (state_.load(std::memory_order_acquire) & kFinished) != 0;
}

bool Root::released() const noexcept {
  // relaxed: a hint; ReleaseHandle and PublishResult decide.
  return (state_.load(std::memory_order_relaxed) & kReleased) != 0;
}

bool Root::torn_down() const noexcept {
  return (state_.load(std::memory_order_acquire) & kTornDown) != 0;
}

bool Root::has_result() const noexcept {
  // acquire: as in finished.
  constexpr std::uintptr_t kEnded = kFinished | kTornDown;
  return (state_.load(std::memory_order_acquire) & kEnded) == kFinished;
}

bool Root::SetJoiner(Joiner& joiner) noexcept {
  std::uintptr_t expected = 0;
  // release: pairs with the acquire in Publish, which tells the joiner. acquire
  // on failure: the task has finished, its result is read next.
  if (state_.compare_exchange_strong(
          expected, reinterpret_cast<std::uintptr_t>(&joiner),
          std::memory_order_release, std::memory_order_acquire)) {
    return true;
  }
  ABSL_RAW_CHECK((expected & kFinished) != 0,
                 "a task is joined twice at the same time: join it once, and "
                 "share its result");
  return false;
}

Root::TakenBack Root::TakeJoinerBack(Joiner& joiner) noexcept {
  auto expected = reinterpret_cast<std::uintptr_t>(&joiner);
  // relaxed: the canceller that takes it back passes nothing on through state_.
  if (state_.compare_exchange_strong(expected, 0, std::memory_order_relaxed)) {
    return TakenBack::kYes;
  }
  return expected == 0 ? TakenBack::kNotSetYet : TakenBack::kTooLate;
}

void Root::Publish(std::uintptr_t finished) noexcept {
  // acq_rel: release, so that the joiner (finished, SetJoiner) or the handle
  // that frees us sees the result; acquire, to see the joiner filled in, and
  // what the handle did before it let go.
  const std::uintptr_t before =
      state_.exchange(finished, std::memory_order_acq_rel);
  // A handle that joins has not released: it is a joiner or the bit, not both.
  if (before == kReleased) return Free();
  // From here on `*this` may be gone: the handle may free it.
  if (before != 0) reinterpret_cast<Joiner*>(before)->OnFinished();
}

void Root::ReleaseHandle() noexcept {
  if (finished()) return Free();  // The task has let go: the rest is ours.
  // acq_rel: as in PublishResult, for the other order of events.
  const std::uintptr_t before =
      state_.fetch_or(kReleased, std::memory_order_acq_rel);
  if ((before & kFinished) != 0) Free();
}

void Root::TearDown() noexcept {
  if (Leaf* const leaf = TakeLeafWhenStopped()) {
    leaf->TearDownChildren();
    Unwind(leaf->awaiting_promise(), nullptr);
    ForgetFrame();
  }
  // A task that never started is freed with its owner, arguments and all.
  Publish(kFinished | kTornDown);
}

}  // namespace weft::internal
