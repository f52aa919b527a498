// Parking, waking and leaving.
//
// SPDX-License-Identifier: MIT

#include "weft/sync/wait_list.h"

#include <mutex>

#include "absl/base/internal/raw_logging.h"
#include "weft/runtime/cancellation.h"
#include "weft/runtime/current.h"
#include "weft/runtime/thread_parking.h"

namespace weft::sync {

// The lock is taken so that whoever let us go, an Event::Set, say, that made
// our owner's wait end, has released it.
WaitList::~WaitList() {
  std::lock_guard lock(lock_);
  ABSL_RAW_CHECK(first_ == nullptr,
                 "a primitive of weft::sync was destroyed while a task waits "
                 "on it: end the task first, for example with a Scope");
}

void WaitList::PushBack(Waiter& waiter) noexcept {
  waiter.next = nullptr;
  if (last_ == nullptr) {
    waiter.previous_ = &waiter;
    first_ = &waiter;
  } else {
    waiter.previous_ = last_;
    last_->next = &waiter;
  }
  last_ = &waiter;
}

void WaitList::Unlink(Waiter& waiter) noexcept {
  auto* const behind = static_cast<Waiter*>(waiter.next);
  const bool is_first = waiter.previous_ == &waiter;
  if (is_first) {
    first_ = behind;
  } else {
    waiter.previous_->next = behind;
  }
  if (behind == nullptr) {
    last_ = is_first ? nullptr : waiter.previous_;
  } else {
    behind->previous_ = is_first ? behind : waiter.previous_;
  }
  waiter.previous_ = Waiter::Mark(Waiter::kIdle);
}

bool WaitList::GrantFront() noexcept {
  Waiter& waiter = *first_;
  Unlink(waiter);
  if (!waiter.ClaimStep()) return false;
  waiter.previous_ = Waiter::Mark(Waiter::kGranted);
  return true;
}

Waiter* WaitList::Pop() noexcept {
  while (Waiter* const waiter = first_) {
    if (GrantFront()) return waiter;
  }
  return nullptr;
}

void WakeList::Add(Waiter& waiter) noexcept {
  waiter.next = nullptr;
  if (first_ == nullptr) {
    first_ = &waiter;
  } else {
    last_->next = &waiter;
  }
  last_ = &waiter;
}

void WakeList::WakeFirst() noexcept {
  Waiter& waiter = *first_;
  // Read first: from the wake on it may be gone.
  first_ = static_cast<Waiter*>(waiter.next);
  waiter.Wake();
}

bool Waiter::BeginOtherwise(Entry entry) noexcept {
  const bool cancelled = entry == Entry::kCancelled;
  previous_ = Mark(cancelled ? kCancelled : kQueuedFirst);
  return cancelled;
}

bool Waiter::await_suspend(Continuation caller) noexcept {
  Prepare(caller);
  if (previous_ == Mark(kQueuedFirst)) {
    ScheduleFairly();  // From here on `*this` may be gone.
    return true;
  }
  return !FinishOrPark();
}

Continuation Waiter::Run(internal::ThisThread& here) noexcept {
  const Continuation caller = GoOn(here);
  if (previous_ == Mark(kCancelled)) return caller;
  // What was granted is the caller's from here on.
  const bool granted = previous_ == Mark(kGranted);
  previous_ = Mark(kIdle);
  if (granted) return caller;
  if (context().cancelled()) {
    previous_ = Mark(kCancelled);
    return caller;
  }
  if (TryFast() || FinishOrPark()) return caller;
  return {};  // Parked: `*this` may be gone.
}

bool Waiter::FinishOrPark() noexcept {
  WakeList granted;
  bool finished = true;
  {
    std::lock_guard lock(list_.lock());
    if (!TryLocked(granted)) {
      list_.PushBack(*this);
      finished = !Publish();
      if (finished) {
        list_.Unlink(*this);
        previous_ = Mark(kCancelled);
        AfterCancel(granted);
      }
    }
  }
  // From here on `*this` may be gone, unless finished.
  granted.WakeAll();
  return finished;
}

void Waiter::Block() {
  ABSL_RAW_CHECK(!InsideRuntime(),
                 "a worker cannot block for a task: co_await it instead");
  if (TryFast()) return;
  ThreadParking parking;
  PrepareForStep(parking);
  WakeList granted;
  bool finished;
  {
    std::lock_guard lock(list_.lock());
    finished = TryLocked(granted);
    if (!finished) list_.PushBack(*this);
  }
  granted.WakeAll();
  if (finished) return;
  parking.Wait();
  // What was granted is the caller's from here on.
  previous_ = Mark(kIdle);
}

bool Waiter::TryAsArm() noexcept {
  if (TryFast()) return true;
  if (!IsWorthTheLock()) return false;
  WakeList granted;
  bool finished;
  {
    std::lock_guard lock(list_.lock());
    finished = TryLocked(granted);
    // It may have made ready to park, as a mutex does.
    if (!finished) AfterCancel(granted);
  }
  granted.WakeAll();
  return finished;
}

Arm::Parking Waiter::ParkAsArm(Arm& arm, Selection& selection) noexcept {
  PrepareForStep(arm);
  WakeList granted;
  Arm::Parking parking = Arm::Parking::kTaken;
  {
    std::lock_guard lock(list_.lock());
    if (!selection.BeginTrying()) return Arm::Parking::kDecided;
    if (!TryLocked(granted)) {
      list_.PushBack(*this);
      parking =
          selection.Reopen() ? Arm::Parking::kParked : Arm::Parking::kMissed;
    }
  }
  granted.WakeAll();
  return parking;
}

void Waiter::LeaveAsArm() noexcept {
  WakeList granted;
  {
    // Taken in any case: whoever dropped us has left the list's lock by then.
    std::lock_guard lock(list_.lock());
    if (linked()) {
      list_.Unlink(*this);
      AfterCancel(granted);
    }
  }
  granted.WakeAll();
}

void Waiter::Cancel() noexcept {
  WakeList granted;
  {
    std::lock_guard lock(list_.lock());
    if (!linked()) return;  // Granted: whoever unlinked us wakes us.
    list_.Unlink(*this);
    previous_ = Mark(kCancelled);
    AfterCancel(granted);
  }
  granted.WakeAll();
  Schedule();
}

absl::Status Waiter::status() const {
  return cancelled() ? CancelledError() : absl::OkStatus();
}

void Waiter::Leave() noexcept {
  WakeList granted;
  {
    std::lock_guard lock(list_.lock());
    list_.Unlink(*this);
    AfterCancel(granted);
  }
  granted.WakeAll();
}

void Waiter::Abandon() noexcept {
  Leaf::Abandon();
  if (previous_ != Mark(kGranted)) return;
  previous_ = Mark(kIdle);
  GiveBack();
}

}  // namespace weft::sync
