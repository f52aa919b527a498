// Queue<T>: a channel whose items are work, and which knows what is not done.
//
//     producers:  co_await OrReturn(queue.Put(std::move(job)));
//     workers:    Job job = co_await OrReturn(queue.Get());
//                 ...
//                 queue.TaskDone();
//     whoever:    co_await OrReturn(queue.Join());   // All of it is done.
//
//     Queue<T>           the oldest item first
//     LifoQueue<T>       the newest first
//     PriorityQueue<T>   the smallest first, and of equal ones the oldest
//
// The queues of Python's asyncio, with room for so many items; where nobody
// joins, a Channel is smaller.
//
// Invariants
//   1. An item is unfinished from when Put is called, before anybody can get
//      it, until its TaskDone. So the count never lags behind what workers do:
//      a worker that gets an item finds it counted, however fast it is, on
//      whatever thread.
//   2. A Put that has no effect, since it was cancelled, refused or never
//      awaited, still has its item, and un-counts it when it has destroyed it.
//      It may be the one that a Join waits for.
//   3. So a Join returns at a moment when no item was on its way into the
//      queue, in it, or with a worker; and every Put that was called before has
//      been done, or has had no effect.
//
// Rejected: an item that counts as done when it is destroyed. Join would say
// less: a worker that fails, or drops what it got, would look like one that has
// done it.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_SYNC_QUEUE_H_
#define WEFT_SYNC_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weft/sync/channel.h"
#include "weft/sync/heap.h"
#include "weft/sync/ring.h"
#include "weft/sync/stack.h"
#include "weft/sync/unfinished.h"

namespace weft::sync {

template <Message T, ChannelStore<T> Store = Ring<T>>
class Queue {
 public:
  class PutAwaiter;
  using GetAwaiter = typename Channel<T, Store>::ReceiveAwaiter;

  // Holds at most `capacity` items. With 0 every Put waits for its Get.
  // Cost: one allocation, here; none later.
  explicit Queue(std::size_t capacity) : items_(capacity) {}

  // Puts an item into the queue. It is unfinished from this call on.
  //
  // Suspends: while the queue is full. Those who wait are served in the order
  //           they came, whatever the order of the items.
  // Cancel:   CANCELLED; the item was not put, dies with the call, and counts
  //           no more.
  // Errors:   OUT_OF_RANGE once the queue is closed; likewise.
  // Threads:  any.
  // Borrows:  the queue, until the wait is over.
  // Cost:     two spin locks; no allocation. In a PriorityQueue some log2(size)
  //           comparisons under one of them; in its Get a few times as many.
  PutAwaiter Put(T item) noexcept { return PutAwaiter(*this, std::move(item)); }

  // Takes the first item. Whoever gets it calls TaskDone when it has been done.
  //
  // Suspends: while the queue is empty. Those who wait are served in the order
  //           they came.
  // Cancel:   CANCELLED; no item was taken.
  // Errors:   OUT_OF_RANGE once the queue is closed and drained: "no more".
  // Threads:  any.
  // Borrows:  the queue, until the wait is over.
  // Cost:     one spin lock; no allocation.
  GetAwaiter Get() noexcept { return items_.Receive(); }

  // An item that Get gave has been done. What the worker did before is visible
  // to those who join. Any thread, tasks or not.
  // Requires: one that has not been done: more than were put ends the program.
  void TaskDone() noexcept { unfinished_.Finish(); }

  // Waits until everything that was put has been done.
  //
  // Suspends: while an item is unfinished. Closing does not end it: what was
  //           put is still to be done, and where nobody gets it any more, it is
  //           the user who drains the queue, with TryGet and TaskDone. An item
  //           that died with its worker's runtime, on its way to it, stays
  //           unfinished.
  // Cancel:   CANCELLED.
  // Threads:  any.
  // Borrows:  the queue, until the wait is over. The waiter may destroy it
  //           then, even while the last TaskDone is still returning elsewhere;
  //           but not under a Put or a Get that has not returned to its task.
  // Cost:     one spin lock; no allocation.
  Unfinished::JoinAwaiter Join() noexcept { return unfinished_.Join(); }

  // As Put, but never suspends: false, and `item` untouched, where it would
  // have to, or the queue is closed. Any thread, tasks or not.
  bool TryPut(T& item) noexcept {
    unfinished_.Add();
    if (items_.TrySend(item)) return true;
    unfinished_.Finish();
    return false;
  }
  // As Get, but never suspends: empty where there is nothing. Any thread, tasks
  // or not.
  std::optional<T> TryGet() noexcept { return items_.TryReceive(); }

  // As Put, Get and Join, for a plain thread: they block it where a task would
  // suspend, in the same queue. Threads: any that is not a worker.
  absl::Status BlockingPut(T item);
  absl::StatusOr<T> BlockingGet() { return items_.BlockingReceive(); }
  absl::Status BlockingJoin();

  // No more puts: those that wait and those that come get OUT_OF_RANGE. What is
  // in the queue can still be got. Idempotent; any thread, tasks or not.
  void Close() noexcept { items_.Close(); }
  bool closed() noexcept { return items_.closed(); }

  // Hints, both, since others change them: the items in the queue, and those
  // that have not been done.
  std::size_t size() const noexcept { return items_.size(); }
  std::int64_t unfinished() noexcept { return unfinished_.count(); }

 private:
  Channel<T, Store> items_;
  Unfinished unfinished_;
};

template <Message T>
using LifoQueue = Queue<T, Stack<T>>;

// Compare says which of two items goes first: the smallest, as in asyncio, and
// with std::greater<> the largest.
template <Message T, QuickOrder<T> Compare = std::less<>>
using PriorityQueue = Queue<T, Heap<T, Compare>>;

// A send that counts what it has in hand.
template <Message T, ChannelStore<T> Store>
class [[nodiscard("co_await it")]] Queue<T, Store>::PutAwaiter final
    : public Channel<T, Store>::SendAwaiter {
 public:
  PutAwaiter(Queue& queue, T item) noexcept
      : Channel<T, Store>::SendAwaiter(queue.items_, std::move(item)),
        unfinished_(queue.unfinished_) {
    unfinished_.Add();
  }
  ~PutAwaiter() {
    this->LeaveIfParked();  // Or somebody might take the item meanwhile.
    if (!this->value().has_value()) return;
    this->value().reset();
    unfinished_.Finish();
  }

 private:
  Unfinished& unfinished_;
};

template <Message T, ChannelStore<T> Store>
absl::Status Queue<T, Store>::BlockingPut(T item) {
  PutAwaiter put = Put(std::move(item));
  put.Block();
  return put.await_resume();
}

template <Message T, ChannelStore<T> Store>
absl::Status Queue<T, Store>::BlockingJoin() {
  Unfinished::JoinAwaiter join = Join();
  join.Block();
  return join.await_resume();
}

}  // namespace weft::sync

#endif  // WEFT_SYNC_QUEUE_H_
