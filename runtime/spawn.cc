// Joining, and what spawning needs that does not depend on a type.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/spawn.h"

#include <exception>
#include <utility>

#include "absl/base/internal/raw_logging.h"
#include "weft/reactor/spin_wait.h"
#include "weft/runtime/cancellation.h"
#include "weft/runtime/current.h"
#include "weft/runtime/internal/scheduler.h"
#include "weft/runtime/internal/worker.h"
#include "weft/runtime/thread_parking.h"

namespace weft::internal {

bool JoinLeaf::await_ready() noexcept {
  const Entry entry = EnterOperation();
  if (entry == Entry::kCancelled) {
    status_ = CancelledError();
    return true;
  }
  if (!task_.finished()) return false;
  queue_first_ = entry == Entry::kQueueFirst;
  return !queue_first_;
}

bool JoinLeaf::await_suspend(Continuation caller) noexcept {
  // EnterOperation has announced the forks around us: the scope can be found.
  Prepare(caller, this_thread);
  if (queue_first_) {
    ScheduleFairly();  // From here on `*this` may be gone.
    return true;
  }
  if (!Publish()) {
    status_ = CancelledError();
    return false;
  }
  waiting_ = true;
  // From here on `*this` may be gone.
  if (task_.SetJoiner(*this)) return true;
  waiting_ = false;
  Retract();
  return false;
}

// The task's thread is free now, and the joiner is what it ran for: it goes on
// there, without a way through a queue. Not when the worker is overdue: a long
// chain of joins would keep it from its loop.
Continuation JoinLeaf::OnFinished(ThisThread& here) noexcept {
  if (here.worker != nullptr && !here.worker->overdue() &&
      &here.worker->scheduler() == &context().home()->scheduler()) {
    return GoOn(here);
  }
  Schedule();  // From here on `*this` may be gone.
  return {};
}

void JoinLeaf::Cancel() noexcept {
  reactor::SpinWait spin;
  for (;;) {
    switch (task_.TakeJoinerBack(*this)) {
      case Root::TakenBack::kYes:
        status_ = CancelledError();
        return Schedule();
      case Root::TakenBack::kNotSetYet:
        spin.Once();
        break;
      case Root::TakenBack::kTooLate:
        return;
    }
  }
}

namespace {

class ThreadJoiner final : public Joiner {
 public:
  Continuation OnFinished(ThisThread& here) noexcept override {
    return parking_.Run(here);
  }
  void Wait() { parking_.Wait(); }

 private:
  ThreadParking parking_;
};

}  // namespace

bool BlockUntilFinished(Root& task) {
  ABSL_RAW_CHECK(Here().worker == nullptr,
                 "a worker cannot block for a task: co_await Join() instead");
  ThreadJoiner joiner;
  if (task.SetJoiner(joiner)) joiner.Wait();
  return !task.torn_down();
}

TaskList& HomeForCaller() noexcept {
  const ThisThread& here = this_thread;
  if (here.worker != nullptr) [[likely]]
    return here.worker->registry();
  // From the destructor of a frame whose runtime has stopped it is no error.
  ABSL_RAW_CHECK(here.tearing_down != nullptr,
                 "weft::Spawn needs a runtime: call it from a task, or use "
                 "Runtime::Spawn or Simulator::Spawn");
  return here.tearing_down->RegistryForCaller();
}

void EndProgramWith(const std::exception_ptr& escaped) noexcept {
  try {
    std::rethrow_exception(escaped);
  } catch (const std::exception& error) {
    ABSL_RAW_LOG(FATAL, "an exception escaped from a task nobody joins: %s",
                 error.what());
  } catch (...) {
    ABSL_RAW_LOG(FATAL, "an exception escaped from a task nobody joins");
  }
  std::abort();
}

}  // namespace weft::internal
