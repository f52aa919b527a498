// Watch<T>: the newest of a value that changes, and notice when it has.
//
//     sync::Watch<Config> config(ReadConfig());
//     config.Set(changed);                                  // Whoever.
//
//     auto observer = config.Observe();                     // Whoever else.
//     for (;;) {
//       const Config now = co_await OrReturn(observer.Next());
//       ...
//     }
//
// An observer sees the newest value, and not every one: what was set and
// replaced before it looked is gone. Where each counts, take a Broadcast. A new
// observer has seen nothing, so its first Next gives what is there: so no
// change can fall between a look and the first wait.
//
// Invariants
//   1. version_ counts the sets, and an observer knows the version that it saw.
//      It waits only while they are the same; so whoever sets wakes all.
//   2. Whoever was woken takes the value that is newest when it runs.
//   3. What was seen moves when the observer has its copy. A wait that was
//      cancelled, and a copy that threw, leave it.
//   4. Values are copied, and functions called, without the lock.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_SYNC_WATCH_H_
#define WEFT_SYNC_WATCH_H_

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/base/internal/raw_logging.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/utility/utility.h"
#include "weft/runtime/atomic.h"
#include "weft/runtime/cancellation.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/task.h"
#include "weft/sync/value_nodes.h"
#include "weft/sync/wait_list.h"

namespace weft::sync {

template <Copied T>
class Watch : WaitList {
 public:
  class Observer;

  // Cost: a node from the frame pool.
  explicit Watch(T initial);
  // Requires: no observer is left.
  ~Watch();

  // Replaces the value, and wakes all who wait for a new one. Never waits; any
  // thread, tasks or not.
  // Errors: OUT_OF_RANGE once the watch is closed; nothing was set.
  //         std::bad_alloc likewise.
  // Cost:   one spin lock, and a wake for each observer that waits. A node from
  //         the frame pool only where the old value is being copied, and no
  //         spare node is left of an earlier time.
  absl::Status Set(T value);

  // Sets what `function(T&)` makes of a copy of the newest value. It is called
  // without a lock, and again where somebody else has set meanwhile: so no
  // change is lost, and it should do nothing but change its argument. What it
  // throws passes through, and nothing was set.
  // Errors: as Set.
  // Cost:   as Set, a spin lock, and a copy for each attempt.
  template <std::invocable<T&> Function>
  absl::Status Update(Function function);

  // A copy of the newest value. Never waits; any thread, tasks or not.
  // Cost: two spin locks and what a copy costs.
  T Get() { return Look().value; }

  // One more observer. Any thread.
  Observer Observe() noexcept;

  // No more sets. Observers get the last value where they have not seen it, and
  // then OUT_OF_RANGE. Idempotent; any thread, tasks or not.
  void Close() noexcept;
  bool closed() noexcept;

  // A hint: others change it.
  std::size_t observers() noexcept;

 private:
  using Nodes = ValueNodes<T>;

  // A copy of the newest value, and which it is.
  struct Sight {
    T value;
    std::uint64_t version;
  };
  Sight Look();

  enum class Outcome { kSet, kClosed, kOutdated, kNeedsNode };
  // With `expected`, only where that is the version still.
  absl::StatusOr<bool> SetIf(T value, std::optional<std::uint64_t> expected);
  Outcome TrySet(T& value, std::optional<std::uint64_t> expected,
                 typename Nodes::NodePointer& spare) noexcept;
  void Leave() noexcept;

  // Only a hint without the lock. relaxed: whoever needs more has it.
  std::uint64_t version() const noexcept {
    return version_.load(std::memory_order_relaxed);
  }

  // Guarded by lock(), all but the hint.
  Nodes nodes_{lock()};
  typename Nodes::NodePointer newest_;
  Atomic<std::uint64_t> version_{1};
  std::size_t observers_ = 0;
  bool closed_ = false;
};

// One that observes: a handle, to be moved to the task that uses it.
//
// Threads: any, one at a time.
// Borrows: the watch.
template <Copied T>
class Watch<T>::Observer {
 public:
  class NextAwaiter;

  // For Observe.
  explicit Observer(Watch& watch) noexcept : watch_(&watch) {}
  // Requires: no Next of `other` is going on.
  Observer(Observer&& other) noexcept
      : watch_(std::exchange(other.watch_, nullptr)), seen_(other.seen_) {}
  Observer& operator=(Observer&&) = delete;  // Would have to leave first.
  ~Observer();

  // A copy of the newest value, which this observer has not seen.
  //
  // Suspends: while it has seen the newest.
  // Cancel:   CANCELLED; what comes next can be seen later.
  // Errors:   OUT_OF_RANGE once the watch is closed, and its last value seen.
  //           What the copy constructor of T throws; the value is unseen then.
  // Threads:  any, one Next at a time. The copy is made by the observer's.
  // Borrows:  the observer, until the wait is over.
  // Cost:     two spin locks, three where it waits, and what a copy costs.
  NextAwaiter Next() noexcept;

  // As Next, for a plain thread: blocks it. Threads: any that is not a worker.
  absl::StatusOr<T> BlockingNext();

  // A copy of the newest value, seen or not; it has been seen then. Never
  // waits.
  T Get();

  // Whether Next would give a value at once. Never waits.
  bool HasNext() const noexcept { return watch().version() != seen_; }

  // Waits until `predicate(value)` holds for the newest value, and gives that.
  // The newest is asked first, seen or not; each is asked about without a lock,
  // and has been seen then. A value that is replaced at once may be passed by.
  //
  // Suspends: while it does not hold.
  // Cancel:   CANCELLED; values that were asked about have been seen.
  // Errors:   OUT_OF_RANGE once the watch is closed, and it does not hold for
  //           the last value. What the predicate and the copies throw.
  // Threads:  as Next.
  // Borrows:  the observer, until the wait is over.
  // Cost:     a frame from the pool, and a Next for each value.
  template <std::predicate<const T&> Predicate>
  Task<absl::StatusOr<T>> WaitUntil(Predicate predicate);

 private:
  Watch& watch() const noexcept {
    ABSL_RAW_CHECK(watch_ != nullptr,
                   "this Observer was moved from: use it where it is now");
    return *watch_;
  }
  // All but the watch itself is the observer's own, and is touched by the one
  // operation that there may be.
  Watch* watch_;
  std::uint64_t seen_ = 0;
  const NextAwaiter* next_ = nullptr;  // Which is going on.
};

template <Copied T>
class [[nodiscard("co_await it")]] Watch<T>::Observer::NextAwaiter final
    : public Waiter {
 public:
  static constexpr bool kMayBeAnArm = true;

  NextAwaiter(Watch& watch, Observer& observer) noexcept
      : Waiter(watch), observer_(observer) {}
  ~NextAwaiter() {
    this->LeaveIfParked();
    End();
  }

  absl::StatusOr<T> await_resume();

  WaitDescription Describe() const noexcept override {
    return {.kind = "watch", .on = &watch()};
  }

 private:
  // With a new value in sight: nobody but us can make it a seen one.
  bool TryFast() noexcept override { return observer_.HasNext(); }
  bool TryLocked(WakeList&) noexcept override;
  void AfterCancel(WakeList&) noexcept override { End(); }

  // As a Broadcast's.
  void End() noexcept {
    if (began_) observer_.next_ = nullptr;
    began_ = false;
  }
  Watch& watch() const noexcept { return static_cast<Watch&>(this->list()); }

  Observer& observer_;
  bool began_ = false;
};

template <Copied T>
Watch<T>::Watch(T initial)
    : newest_(std::make_unique<typename Nodes::Node>(std::move(initial))) {}

template <Copied T>
Watch<T>::~Watch() {
  ABSL_RAW_CHECK(observers() == 0,
                 "a Watch was destroyed before its observers: let them go "
                 "first");
}

template <Copied T>
typename Watch<T>::Sight Watch<T>::Look() {
  std::uint64_t which;
  const typename Nodes::Held held = [&] {
    std::lock_guard guard(lock());
    which = version();
    return nodes_.HoldLocked(*newest_);
  }();
  return {held.value(), which};
}

template <Copied T>
absl::Status Watch<T>::Set(T value) {
  return SetIf(std::move(value), std::nullopt).status();
}

template <Copied T>
template <std::invocable<T&> Function>
absl::Status Watch<T>::Update(Function function) {
  for (;;) {
    Sight sight = Look();
    function(sight.value);
    const absl::StatusOr<bool> set =
        SetIf(std::move(sight.value), sight.version);
    if (!set.ok()) return set.status();
    if (*set) return absl::OkStatus();
  }
}

// Whether it was set: not, where the version is not the expected one.
template <Copied T>
absl::StatusOr<bool> Watch<T>::SetIf(T value,
                                     std::optional<std::uint64_t> expected) {
  typename Nodes::NodePointer spare;
  Outcome outcome = TrySet(value, expected, spare);
  while (outcome == Outcome::kNeedsNode) {
    spare = std::make_unique<typename Nodes::Node>();
    outcome = TrySet(value, expected, spare);
  }
  if (outcome == Outcome::kClosed) {
    return absl::OutOfRangeError("the watch is closed");
  }
  return outcome == Outcome::kSet;
}

template <Copied T>
typename Watch<T>::Outcome Watch<T>::TrySet(
    T& value, std::optional<std::uint64_t> expected,
    typename Nodes::NodePointer& spare) noexcept {
  std::optional<T> old;  // Dies after the lock is released.
  WakeList granted;
  {
    std::lock_guard guard(lock());
    if (closed_) return Outcome::kClosed;
    if (expected.value_or(version()) != version()) return Outcome::kOutdated;
    if (!nodes_.ReplaceLocked(newest_, value, old, spare)) {
      return Outcome::kNeedsNode;
    }
    version_.store(version() + 1, std::memory_order_relaxed);
    while (Waiter* const waiter = Pop()) granted.Add(*waiter);
  }
  // From here on `*this` may be gone: an observer has what it waited for.
  granted.WakeAll();
  return Outcome::kSet;
}

template <Copied T>
typename Watch<T>::Observer Watch<T>::Observe() noexcept {
  std::lock_guard guard(lock());
  ++observers_;
  return Observer(*this);
}

template <Copied T>
void Watch<T>::Leave() noexcept {
  std::lock_guard guard(lock());
  --observers_;
}

template <Copied T>
void Watch<T>::Close() noexcept {
  WakeList woken;
  {
    std::lock_guard guard(lock());
    closed_ = true;
    // Whoever waits has seen the last value.
    while (Waiter* const waiter = Pop()) woken.Add(*waiter);
  }
  woken.WakeAll();
}

template <Copied T>
bool Watch<T>::closed() noexcept {
  std::lock_guard guard(lock());
  return closed_;
}

template <Copied T>
std::size_t Watch<T>::observers() noexcept {
  std::lock_guard guard(lock());
  return observers_;
}

template <Copied T>
Watch<T>::Observer::~Observer() {
  if (watch_ == nullptr) return;
  ABSL_RAW_CHECK(next_ == nullptr,
                 "an Observer was destroyed while a task waits for it: end "
                 "the task first, for example with a Scope");
  watch_->Leave();
}

template <Copied T>
typename Watch<T>::Observer::NextAwaiter Watch<T>::Observer::Next() noexcept {
  return NextAwaiter(watch(), *this);
}

template <Copied T>
absl::StatusOr<T> Watch<T>::Observer::BlockingNext() {
  NextAwaiter next = Next();
  next.Block();
  return next.await_resume();
}

template <Copied T>
T Watch<T>::Observer::Get() {
  Sight sight = watch().Look();
  seen_ = sight.version;
  return std::move(sight.value);
}

template <Copied T>
template <std::predicate<const T&> Predicate>
Task<absl::StatusOr<T>> Watch<T>::Observer::WaitUntil(Predicate predicate) {
  co_await OrReturn(CheckCancelled());
  std::optional<T> value(Get());
  while (!predicate(std::as_const(*value))) {
    T next = co_await OrReturn(Next());
    value.emplace(std::move(next));
  }
  co_return *std::move(value);
}

template <Copied T>
bool Watch<T>::Observer::NextAwaiter::TryLocked(WakeList&) noexcept {
  ABSL_RAW_CHECK(observer_.next_ == nullptr || observer_.next_ == this,
                 "one task at a time waits for an Observer: Observe once more");
  observer_.next_ = this;
  began_ = true;
  return observer_.HasNext() || watch().closed_;
}

template <Copied T>
absl::StatusOr<T> Watch<T>::Observer::NextAwaiter::await_resume() {
  End();
  if (this->cancelled()) [[unlikely]]
    return this->status();
  // Set before we were woken, or closed instead.
  if (!observer_.HasNext()) {
    return absl::OutOfRangeError(
        "the watch is closed, and its last value seen");
  }
  return absl::StatusOr<T>(absl::in_place, observer_.Get());
}

}  // namespace weft::sync

#endif  // WEFT_SYNC_WATCH_H_
