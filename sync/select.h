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

}  // namespace weft::sync

#endif  // WEFT_SYNC_SELECT_H_
