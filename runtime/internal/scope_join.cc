// Cancelling, counting and collecting the parties of a scope.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/internal/scope_join.h"

#include <algorithm>
#include <exception>
#include <mutex>
#include <new>
#include <utility>

#include "absl/base/internal/raw_logging.h"
#include "weft/runtime/error_group.h"
#include "weft/runtime/internal/scheduler.h"
#include "weft/runtime/internal/worker.h"

namespace weft::internal {

ScopeJoin::ScopeJoin() noexcept : TaskList(Here().worker->scheduler()) {}

std::coroutine_handle<> ScopeJoin::BeginScope(Continuation caller) noexcept {
  ThisThread& here = Here();
  begun_ = true;
  if (!Begin(caller, /*parties=*/1)) CancelParties();
  return Transfer(body().Start(*this, here).Resolve(here));
}

void ScopeJoin::StartChild(Root& child) noexcept {
  ABSL_RAW_CHECK(begun_,
                 "Scope::Spawn before the scope has begun: the body of "
                 "WithScope must be a coroutine, and spawn in there");
  AddParty();
  // Not Root::Start: a scope in a Shield goes on while its runtime drains, and
  // so do those whom it has yet to start.
  Add(child);
  scheduler().Spawn(child);
  // seq_cst, with the store in CancelParties: the child is in the list before
  // we read, cancelled_ is set before the list is walked. `child` may be gone
  // by now if somebody ran it; the list is asked for it instead.
  if (cancelled_.load(std::memory_order_seq_cst)) CancelParties();
}

void ScopeJoin::CancelParties() noexcept {
  cancelled_.store(true, std::memory_order_seq_cst);
  body().Cancel();
  ForEach([](Root& child) { child.Cancel(); });
}

void ScopeJoin::EndParties() noexcept {
  {
    std::lock_guard lock(errors_lock_);
    ending_ = true;
  }
  CancelParties();
}

void ScopeJoin::Record(absl::Status status) noexcept {
  if (status.ok()) return;
  {
    std::lock_guard lock(errors_lock_);
    // What our own cancellation brings about is no error.
    if (ending_ && absl::IsCancelled(status)) return;
    KeepLocked(std::move(status));
    if (std::exchange(ending_, true)) return;
  }
  CancelParties();
}

void ScopeJoin::KeepLocked(absl::Status error) noexcept {
  try {
    errors_.push_back(std::move(error));
  } catch (const std::bad_alloc&) {
    if (escaped_ == nullptr) escaped_ = std::current_exception();
  }
}

void ScopeJoin::Record(const std::exception_ptr& escaped) noexcept {
  {
    std::lock_guard lock(errors_lock_);
    if (escaped_ == nullptr) escaped_ = escaped;
    ending_ = true;
  }
  CancelParties();
}

Continuation ScopeJoin::BranchDone(Branch&, ThisThread& here) noexcept {
  RecordBody();
  return Done(1, here);
}

absl::Status ScopeJoin::TakeErrors() {
  if (escaped_) std::rethrow_exception(escaped_);
  // CANCELLED passes for no error where somebody was cancelled, and must not
  // take along what is one: so it is the first only where it is all there is.
  const auto first = std::ranges::find_if_not(
      errors_,
      [](const absl::Status& error) { return absl::IsCancelled(error); });
  if (first != errors_.end()) std::rotate(errors_.begin(), first, first + 1);
  return JoinErrors(std::move(errors_));
}

// Children again, since the destructors of the body's locals may spawn some.
void ScopeJoin::TearDownChildren() noexcept {
  while (Root* const child = TakeAny()) child->TearDown();
  body().TearDown();
  while (Root* const child = TakeAny()) child->TearDown();
}

}  // namespace weft::internal
