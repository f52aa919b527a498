// The arms of a Select that are operations of sync.
//
//     const std::size_t chosen = co_await OrReturn(Select(
//         OnReceive(jobs, [&](absl::StatusOr<Job> job) { next = *job; }),
//         OnSend(results, result),
//         OnTimeout(absl::Seconds(1))));
//     switch (chosen) { ... }
//
// An arm that is not chosen took no value, sent none, holds no lock and no
// permit. It waits where a task would, in the queue of its primitive.
//
// Select itself, and what it promises, is in runtime/select.h; OnTimeout,
// OnDeadline, OnJoin and OnReady come with it. A handler is called with what
// the operation gives by itself, or with nothing where it takes nothing.
//
// Borrows: what the arms are made of, until the Select is over.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_SYNC_SELECT_H_
#define WEFT_SYNC_SELECT_H_

#include <concepts>
#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "weft/runtime/join_arm.h"
#include "weft/runtime/ready_arm.h"
#include "weft/runtime/select.h"
#include "weft/runtime/selection.h"
#include "weft/runtime/timer_arm.h"
#include "weft/sync/channel.h"
#include "weft/sync/operation_arm.h"
#include "weft/sync/wait_list.h"

namespace weft::sync {

// Has a use for what an operation gives: a lock that nobody keeps is a mistake.
template <typename Handler>
concept TakesResult =
    std::move_constructible<Handler> && !std::invocable<Handler&>;

// What an arm is made of.
template <typename Source>
concept Receivable = requires(Source& source) {
  { source.Receive() } noexcept -> ArmOperation;
};
template <typename Sink, typename T>
concept OfferableTo = requires(Sink& sink, T& value) {
  { sink.Offer(value) } noexcept -> ArmOperation;
};
template <typename M>
concept Lockable = requires(M& mutex) {
  { mutex.Lock() } noexcept -> ArmOperation;
};
template <typename M>
concept SharedLockable = requires(M& mutex) {
  { mutex.LockShared() } noexcept -> ArmOperation;
};
template <typename Permits>
concept Acquirable = requires(Permits& permits, std::int64_t count) {
  { permits.Acquire(count) } noexcept -> ArmOperation;
};
template <typename Happening>
concept WaitedFor = requires(Happening& happening) {
  { happening.Wait() } noexcept -> ArmOperation;
};
template <typename Items>
concept Gettable = requires(Items& items) {
  { items.Get() } noexcept -> ArmOperation;
};
template <typename Observer>
concept Observing = requires(Observer& observer) {
  { observer.Next() } noexcept -> ArmOperation;
};

// Takes a value out of a Channel, a Receiver, an UnboundedChannel, a
// OneShotReceiver, a Broadcast's Receiver. The handler gets a StatusOr of it;
// one that is closed is ready, with OUT_OF_RANGE.
template <Receivable Source, std::move_constructible Handler>
auto OnReceive(Source& source, Handler handler) {
  return MakeOperationArm([&source]() noexcept { return source.Receive(); },
                          std::move(handler));
}

// Sends `value` into a Channel or a Sender. It is moved from if it is sent, and
// else stays as it is, so that several arms may offer the same; the handler
// gets OK, or OUT_OF_RANGE of one that is closed.
template <typename Sink, Message T,
          HandlerOf<absl::Status> Handler = JustChosen>
  requires OfferableTo<Sink, T>
auto OnSend(Sink& sink, T& value, Handler handler = {}) {
  return MakeOperationArm(
      [&sink, &value]() noexcept { return sink.Offer(value); },
      std::move(handler));
}

// Takes an item out of a Queue. The handler gets a StatusOr of it, and whoever
// has it calls TaskDone.
template <Gettable Items, std::move_constructible Handler>
auto OnGet(Items& queue, Handler handler) {
  return MakeOperationArm([&queue]() noexcept { return queue.Get(); },
                          std::move(handler));
}

// A value that the observer of a Watch has not seen. The handler gets a
// StatusOr of it.
template <Observing Observer, std::move_constructible Handler>
auto OnNext(Observer& observer, Handler handler) {
  return MakeOperationArm([&observer]() noexcept { return observer.Next(); },
                          std::move(handler));
}

// Takes a Mutex, or a SharedMutex to write. The handler gets a StatusOr of the
// Guard; one that does not keep it unlocks at once.
template <Lockable M, TakesResult Handler>
auto OnLock(M& mutex, Handler handler) {
  return MakeOperationArm([&mutex]() noexcept { return mutex.Lock(); },
                          std::move(handler));
}

// Takes a SharedMutex to read.
template <SharedLockable M, TakesResult Handler>
auto OnLockShared(M& mutex, Handler handler) {
  return MakeOperationArm([&mutex]() noexcept { return mutex.LockShared(); },
                          std::move(handler));
}

// Takes `count` permits of a Semaphore. The handler gets a StatusOr of them.
template <Acquirable Permits, TakesResult Handler>
auto OnAcquire(Permits& semaphore, std::int64_t count, Handler handler) {
  return MakeOperationArm(
      [&semaphore, count]() noexcept { return semaphore.Acquire(count); },
      std::move(handler));
}

// An Event that is set, a Latch that is open.
template <WaitedFor Happening, std::move_constructible Handler = JustChosen>
auto OnEvent(Happening& event, Handler handler = {}) {
  return MakeOperationArm([&event]() noexcept { return event.Wait(); },
                          std::move(handler));
}

}  // namespace weft::sync

#endif  // WEFT_SYNC_SELECT_H_
