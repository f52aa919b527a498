// Select: waits for several things, and does exactly one of them.
//
//     const std::size_t chosen = co_await OrReturn(Select(
//         OnJoin(report, [&](absl::StatusOr<Report> r) { ... }),
//         OnTimeout(absl::Seconds(1))));
//     switch (chosen) { ... }
//
// It gives the index of the arm that took effect, once its handler has been
// called with what that operation gives by itself. An arm that is not chosen
// has done nothing. Here are the wait, and the arms that need no structure of
// their own; OnTimeout, OnJoin and OnReady have a file each, and channels,
// locks and events are in sync/select.h.
//
// A handler is called in the task that selects, before the co_await is over;
// one that wants no result takes no argument. It cannot suspend: keep what it
// got, and switch by the index. A lambda with captures has them by reference,
// or has a name (CONTRIBUTING says what g++ 12 does otherwise).
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_SELECT_H_
#define WEFT_RUNTIME_SELECT_H_

#include <array>
#include <concepts>
#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>

#include "weft/runtime/arm_set.h"
#include "weft/runtime/selection.h"

namespace weft {

// An arm, with a name or without.
template <typename A>
concept AnArm = std::derived_from<std::remove_reference_t<A>, Arm>;

template <std::size_t kArms>
class [[nodiscard("co_await it")]] SelectAwaiter final : public Selection {
 public:
  explicit SelectAwaiter(const std::array<Arm*, kArms>& arms) noexcept
      : Selection(arms_), arms_(arms) {}
  ~SelectAwaiter() { LeaveIfParked(); }

 private:
  const std::array<Arm*, kArms> arms_;
};

class [[nodiscard("co_await it")]] SelectSetAwaiter final : public Selection {
 public:
  explicit SelectSetAwaiter(std::span<Arm* const> arms) noexcept
      : Selection(arms) {}
  ~SelectSetAwaiter() { LeaveIfParked(); }
};

// Waits until one of the arms can take effect; it does, and the others do not.
// Gives its index, counted from 0.
//
// Suspends: until then. Where several could at once, it is the first that can
//           from a random one on (in a simulation its seed says which); where
//           none can, each stands in its queue in its turn. With an OnDefault
//           not at all, but for a turn when the task has completed many
//           operations without waiting.
// Cancel:   CANCELLED; no arm took effect, and no handler was called.
// Errors:   FAILED_PRECONDITION where all arms are switched off. What an
//           operation fails with goes to its handler. An exception from a
//           handler is thrown from the co_await; its arm has taken effect.
// Threads:  any task.
// Borrows:  the arms, and what they are made of, until the wait is over: where
//           they have no names, co_await it in the same expression.
// Cost:     no allocation. Where one can take effect at once, the looks at
//           those before it; else a lock of each structure to look, one to
//           park and one to leave.
template <AnArm... Arms>
  requires(sizeof...(Arms) > 0)
SelectAwaiter<sizeof...(Arms)> Select(Arms&&... arms) noexcept {
  return SelectAwaiter<sizeof...(Arms)>({&arms...});
}

// As above, for as many arms as there are at run time.
//
// Suspends: as above.
// Cancel:   as above.
template <std::derived_from<Arm> A>
SelectSetAwaiter Select(ArmSet<A>& arms) noexcept {
  return SelectSetAwaiter(arms.arms());
}

template <std::invocable Handler>
class [[nodiscard("an arm is for a Select")]] DefaultArm final : public Arm {
 public:
  explicit DefaultArm(Handler handler) : handler_(std::move(handler)) {}

  bool is_default() const noexcept override { return true; }
  // With it a Select never parks.
  bool TryNow() noexcept override { return true; }
  Parking Park() noexcept override { return Parking::kTaken; }
  void Unpark() noexcept override {}
  void Deliver() override { handler_(); }

 private:
  Handler handler_;
};

// Chosen where no other arm can take effect at once: the Select never waits.
template <std::invocable Handler = JustChosen>
DefaultArm<Handler> OnDefault(Handler handler = {}) {
  return DefaultArm<Handler>(std::move(handler));
}

// Switches an arm off, or on: `OnlyIf(open, OnReceive(...))`.
template <AnArm A>
A&& OnlyIf(bool enabled, A&& arm) noexcept {
  arm.set_enabled(enabled);
  return std::forward<A>(arm);
}

}  // namespace weft

#endif  // WEFT_RUNTIME_SELECT_H_
