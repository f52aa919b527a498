// Select: waits for several things, and does exactly one of them.
//
//     const std::size_t chosen = co_await OrReturn(Select(
//         OnReceive(jobs, [&](absl::StatusOr<Job> job) { next = *job; }),
//         OnSend(results, result),
//         OnTimeout(absl::Seconds(1))));
//     switch (chosen) { ... }
//
// It gives the index of the arm that took effect, once its handler has been
// called with what that operation gives by itself. An arm that is not chosen
// has done nothing: it took no value, sent none, holds no lock and no permit.
//
// What stands in one waits where a task would, in the queue of its primitive
// (selection.h says how one of several is decided).
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_SYNC_SELECT_H_
#define WEFT_SYNC_SELECT_H_

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "weft/runtime/join_arm.h"
#include "weft/runtime/ready_arm.h"
#include "weft/runtime/selection.h"
#include "weft/runtime/timer_arm.h"
#include "weft/sync/arm_set.h"
#include "weft/sync/operation_arm.h"
#include "weft/sync/send_arm.h"
#include "weft/sync/wait_list.h"

namespace weft::sync {

// What an arm is made of.
template <typename Source>
concept Receivable = requires(Source& source) {
  { source.Receive() } -> std::derived_from<Waiter>;
};
template <typename Sink, typename T>
concept SendableInto = requires(Sink& sink, T& value) {
  { sink.Send(std::move(value)) } -> std::derived_from<Waiter>;
  { sink.TrySend(value) } -> std::same_as<bool>;
  { sink.closed() } -> std::same_as<bool>;
};
template <typename M>
concept Lockable = requires(M& mutex) {
  { mutex.Lock() } -> std::derived_from<Waiter>;
};
template <typename Permits>
concept Acquirable = requires(Permits& permits, std::int64_t count) {
  { permits.Acquire(count) } -> std::derived_from<Waiter>;
};
template <typename Happening>
concept WaitedFor = requires(Happening& happening) {
  { happening.Wait() } -> std::derived_from<Waiter>;
};

// An arm, with a name or without.
template <typename A>
concept AnArm = std::derived_from<std::remove_reference_t<A>, Arm>;

// --- The arms ---------------------------------------------------------------
//
// And OnTimeout, OnDeadline, OnJoin and OnReady of the runtime. A handler is
// called in the task that selects, before the co_await is over; one that wants
// no result takes no argument. It cannot suspend: keep what it got, and switch
// by the index. A lambda with captures has them by reference, or has a name
// (CONTRIBUTING says what g++ 12 does otherwise).
//
// Borrows: what they are made of, until the Select is over.

// Takes a value out of a Channel, a Receiver, an UnboundedChannel, a
// OneShotReceiver: whatever has Receive(). The handler gets a StatusOr of it;
// one that is closed is ready, with OUT_OF_RANGE.
template <Receivable Source, typename Handler>
auto OnReceive(Source& source, Handler handler) {
  return MakeOperationArm([&source] { return source.Receive(); },
                          std::move(handler));
}

// Sends `value` into a Channel or a Sender. It is moved from if it is sent, and
// else stays as it is; the handler gets OK, or OUT_OF_RANGE of one that is
// closed.
template <typename Sink, typename T,
          HandlerOf<absl::Status> Handler = JustChosen>
  requires SendableInto<Sink, T>
auto OnSend(Sink& sink, T& value, Handler handler = {}) {
  return SendArm<Sink, T, Handler>(sink, value, std::move(handler));
}

// Takes a Mutex. The handler gets a StatusOr of its Guard.
template <Lockable M, typename Handler>
auto OnLock(M& mutex, Handler handler) {
  return MakeOperationArm([&mutex] { return mutex.Lock(); },
                          std::move(handler));
}

// Takes `count` permits of a Semaphore. The handler gets a StatusOr of them.
template <Acquirable Permits, typename Handler>
auto OnAcquire(Permits& semaphore, std::int64_t count, Handler handler) {
  return MakeOperationArm(
      [&semaphore, count] { return semaphore.Acquire(count); },
      std::move(handler));
}

// An Event that is set, a Latch that is open.
template <WaitedFor Happening, typename Handler = JustChosen>
auto OnEvent(Happening& event, Handler handler = {}) {
  return MakeOperationArm([&event] { return event.Wait(); },
                          std::move(handler));
}

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

// --- The wait ---------------------------------------------------------------

template <std::size_t kArms>
class [[nodiscard("co_await it")]] SelectAwaiter final : public Selection {
 public:
  explicit SelectAwaiter(const std::array<Arm*, kArms>& arms) noexcept
      : Selection(arms_), arms_(arms) {}
  ~SelectAwaiter() { LeaveIfParked(); }

 private:
  const std::array<Arm*, kArms> arms_;
};

// Waits until one of the arms can take effect; it does, and the others do not.
// Gives its index, counted from 0.
//
// Suspends: until then; never where there is an OnDefault. Where several could
//           at once, one at random (in a simulation: by its seed) does; among
//           those who wait for the same thing, each stands in its queue.
// Cancel:   CANCELLED; no arm took effect, and no handler was called.
// Errors:   FAILED_PRECONDITION where all arms are switched off. What an
//           operation fails with goes to its handler. An exception from a
//           handler is thrown from the co_await; its arm has taken effect.
// Threads:  any.
// Borrows:  the arms, until the wait is over.
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

}  // namespace weft::sync

#endif  // WEFT_SYNC_SELECT_H_
