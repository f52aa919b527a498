// Starting, finishing, joining and tearing down a spawned task.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/internal/root.h"

#include <memory>

#include "absl/base/internal/raw_logging.h"
#include "weft/runtime/current.h"
#include "weft/runtime/internal/frame_owner.h"
#include "weft/runtime/internal/scheduler.h"
#include "weft/runtime/promise.h"

namespace weft::internal {

Root::Root(TaskList& home)
    : TaskContext(&home), id_(home.scheduler().NextTaskId()) {
  if (auto inherited = InheritFromCaller(home)) [[unlikely]] {
    set_inheritance(*inherited.release());
  }
}

void Root::Start() noexcept {
  home()->Add(*this);
  // Now that we are registered: either the drainer's walk finds us, or we see
  // that it has begun.
  Scheduler& scheduler = home()->scheduler();
  if (scheduler.draining()) Cancel();
  scheduler.Spawn(*this);
}

Continuation Root::Run(ThisThread& here) noexcept {
  PromiseBase& task = frame();
  if (task.continuation().empty()) {
    here.context = this;
    task.set_continuation(*this);
    return std::coroutine_handle<PromiseBase>::from_promise(task);
  }
  TakeResult();
  if (inheritance() != nullptr) [[unlikely]]
    ForgetInheritance();
  home()->Remove(*this);
  home()->scheduler().TaskEnded();
  here.context = nullptr;
  return Finish(here);  // From here on `*this` may be gone.
}

// Before the task has finished: a handle may keep us for long.
void Root::ForgetInheritance() noexcept {
  const std::unique_ptr<Inheritance> inherited(inheritance());
  set_home(inherited->home);
}

bool Root::SetJoiner(Joiner& joiner) noexcept {
  // Where the word is null, adding is setting, at half of what a
  // compare-and-swap costs. release: pairs with the acquire in Publish, which
  // tells the joiner, and in TakeJoinerBack, which wakes it too. acquire, if
  // the task has finished: its result is read next.
  const std::uintptr_t before = state_.fetch_add(
      reinterpret_cast<std::uintptr_t>(&joiner), std::memory_order_acq_rel);
  if (before == 0) return true;
  ABSL_RAW_CHECK((before & kFinished) != 0,
                 "a task is joined twice at the same time: join it once, and "
                 "share its result");
  // The task has let go, and nobody but the handle, through which we came,
  // changes the word any more. A canceller in between finds neither us nor
  // null: too late. release: hands on what we acquired to those who ask
  // finished().
  state_.store(before, std::memory_order_release);
  return false;
}

Root::TakenBack Root::TakeJoinerBack(Joiner& joiner) noexcept {
  auto expected = reinterpret_cast<std::uintptr_t>(&joiner);
  // acquire: pairs with the release in SetJoiner. Whoever takes the joiner back
  // wakes it on another thread, which reads what the waiter wrote before it
  // came here; it may have written that after it published its leaf.
  if (state_.compare_exchange_strong(expected, 0, std::memory_order_acquire,
                                     std::memory_order_relaxed)) {
    return TakenBack::kYes;
  }
  return expected == 0 ? TakenBack::kNotSetYet : TakenBack::kTooLate;
}

Continuation Root::Publish(std::uintptr_t finished, ThisThread& here) noexcept {
  // acq_rel: release, so that the joiner (finished, SetJoiner) or the handle
  // that frees us sees the result; acquire, to see the joiner filled in, and
  // what the handle did before it let go.
  const std::uintptr_t before =
      state_.exchange(finished, std::memory_order_acq_rel);
  // A handle that joins has not released: it is a joiner or the bit, not both.
  if (before == kReleased) {
    Free();
    return {};
  }
  // From here on `*this` may be gone: the handle may free it.
  if (before == 0) return {};
  return reinterpret_cast<Joiner*>(before)->OnFinished(here);
}

void Root::ReleaseHandle() noexcept {
  if (finished()) return Free();  // The task has let go: the rest is ours.
  // acq_rel: as in PublishResult, for the other order of events.
  const std::uintptr_t before =
      state_.fetch_or(kReleased, std::memory_order_acq_rel);
  if ((before & kFinished) != 0) Free();
}

void Root::DropHandle() noexcept {
  if (finished()) return Free();  // As in ReleaseHandle.
  Cancel();
  ReleaseHandle();
}

void Root::TearDown() noexcept {
  if (Leaf* const leaf = TakeLeafWhenStopped()) {
    leaf->TearDownChildren();
    Unwind(leaf->awaiting_promise(), nullptr);
    ForgetFrame();
  }
  // A task that never started is freed with its owner, arguments and all. Who
  // joins it goes nowhere on this thread: it is no worker's.
  static_cast<void>(Publish(kFinished | kTornDown, Here()));
}

}  // namespace weft::internal
