// Channel<T>: a bounded queue between tasks; many senders, many receivers.
//
//     senders -> [ oldest | ... | newest ] -> receivers
//                at most `capacity` values
//
// A full channel makes senders wait, an empty one receivers: that is the
// back-pressure. With capacity 0 every send waits for its receive, a
// rendezvous. After Hoare, "Communicating Sequential Processes", CACM 1978.
//
// Invariants
//   1. Senders wait only while the queue is full, receivers only while it is
//      empty and no sender waits. So one WaitList serves both: it never holds
//      both kinds. (A Select that does both on a channel without a queue would;
//      it is refused.)
//   2. A value is in exactly one place: its sender's hand, the queue, or its
//      receiver's awaiter; it is moved, and what it was moved from destroyed,
//      under the lock. A sender's hand is its awaiter, or where it offers it.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_SYNC_CHANNEL_H_
#define WEFT_SYNC_CHANNEL_H_

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weft/runtime/atomic.h"
#include "weft/sync/ring.h"
#include "weft/sync/wait_list.h"

namespace weft::sync {

// What can go through a channel: values that move without throwing.
template <typename T>
concept Message = std::is_nothrow_move_constructible_v<T> &&
                  std::is_nothrow_destructible_v<T>;

// Where a channel keeps its values: a Ring, oldest first, unless a Queue
// (queue.h) wants another order. Guarded by the channel's lock, but for size(),
// full() and empty(), which are hints from beside it.
template <typename Store, typename T>
concept ChannelStore = requires(Store store, const Store& seen, T value) {
  { seen.capacity() } -> std::same_as<std::size_t>;
  { seen.size() } -> std::same_as<std::size_t>;
  { seen.full() } -> std::same_as<bool>;
  { seen.empty() } -> std::same_as<bool>;
  { store.Push(std::move(value)) } noexcept;
  { store.Pop() } noexcept -> std::same_as<T>;
};

template <Message T, ChannelStore<T> Store = Ring<T>>
class Channel : WaitList {
 public:
  class SendAwaiter;
  class OfferAwaiter;
  class ReceiveAwaiter;
  class ReceiveManyAwaiter;

  // Holds at most `capacity` values.
  // Cost: one allocation, here; none later.
  explicit Channel(std::size_t capacity) : queue_(capacity) {}

  // Puts `value` at the end of the queue.
  //
  // Suspends: while the channel is full; with capacity 0, until a receiver has
  //           it. Senders are served in the order they came.
  // Cancel:   CANCELLED; the value was not sent, and dies with the call.
  // Errors:   OUT_OF_RANGE once the channel is closed; likewise.
  // Threads:  any.
  // Borrows:  the channel, until the wait is over.
  // Cost:     one spin lock; no allocation.
  SendAwaiter Send(T value) noexcept;

  // As Send, of a value that stays the caller's until it is sent: it is moved
  // from then, and else untouched. Nobody may use it meanwhile.
  //
  // Suspends: as Send.
  // Cancel:   CANCELLED; `value` is as it was.
  // Errors:   OUT_OF_RANGE once the channel is closed; likewise.
  // Threads:  any.
  // Borrows:  the channel and `value`, until the wait is over.
  // Cost:     one spin lock; no allocation.
  OfferAwaiter Offer(T& value) noexcept;

  // Takes the oldest value.
  //
  // Suspends: while the channel is empty. Receivers are served in the order
  //           they came.
  // Cancel:   CANCELLED; no value was taken.
  // Errors:   OUT_OF_RANGE once the channel is closed and drained: "no more".
  // Threads:  any.
  // Borrows:  the channel, until the wait is over.
  // Cost:     one spin lock; no allocation.
  ReceiveAwaiter Receive() noexcept;

  // As Send, but never suspends: false, and `value` untouched, where it would
  // have to, or the channel is closed. Any thread, tasks or not.
  bool TrySend(T& value) noexcept {
    WakeList granted;
    bool sent;
    {
      std::lock_guard guard(lock());
      sent = !IsClosed() && PutLocked(value, granted);
    }
    granted.WakeAll();
    return sent;
  }

  // As Receive, but never suspends: empty where there is nothing. Any thread,
  // tasks or not.
  std::optional<T> TryReceive() noexcept {
    std::optional<T> value;
    WakeList granted;
    {
      std::lock_guard guard(lock());
      TakeLocked(value, granted);
    }
    granted.WakeAll();
    return value;
  }

  // As Send and Receive, for a plain thread: they block it where a task would
  // suspend, in the same queue. Threads: any that is not a worker.
  absl::Status BlockingSend(T value);
  absl::StatusOr<T> BlockingReceive();

  // Takes up to `most` values, the oldest first, and appends them to `values`.
  // Returns how many: one at least, and no more than the channel holds.
  //
  // Suspends: while the channel is empty.
  // Cancel:   CANCELLED; no value was taken.
  // Errors:   OUT_OF_RANGE once the channel is closed and drained: "no more".
  //           INVALID_ARGUMENT for `most` 0.
  // Threads:  any.
  // Borrows:  the channel and `values`, until the wait is over.
  // Cost:     one spin lock where values are there; memory, before anything is
  //           taken, where `values` has to grow.
  ReceiveManyAwaiter ReceiveMany(std::vector<T>& values, std::size_t most);

  // No more sends: those that wait and those that come get OUT_OF_RANGE. What
  // was sent can still be received. Idempotent; any thread, tasks or not.
  void Close() noexcept {
    WakeList woken;
    {
      std::lock_guard guard(lock());
      closed_.store(true, std::memory_order_relaxed);
      // Whoever waits got nothing and gave nothing, and finds that out.
      while (Waiter* const waiter = Pop()) woken.Add(*waiter);
    }
    woken.WakeAll();
  }

  bool closed() noexcept {
    std::lock_guard guard(lock());
    return IsClosed();
  }
  // Values that wait to be received. A hint: others change it.
  std::size_t size() const noexcept { return queue_.size(); }

 private:
  // What senders and receivers have in common: a value that is on its way.
  class Party : public Waiter {
   public:
    enum class Side : bool { kSender, kReceiver };

    Side side() const noexcept { return side_; }
    // A sender's until it is taken; a receiver's from when it is given.
    std::optional<T>& value() noexcept { return value_; }
    // What a sender sends, in its hand or where it is offered; and that it was
    // taken from there.
    T& outgoing() noexcept { return offers_ ? offer().value() : *value_; }
    void Sent() noexcept { offers_ ? offer().Sent() : value_.reset(); }

   protected:
    Party(Channel& channel, Side side, bool offers = false) noexcept
        : Waiter(channel), side_(side), offers_(offers) {}
    // While the value is still there for whoever comes by.
    ~Party() { this->LeaveIfParked(); }

    Channel& channel() const noexcept {
      return static_cast<Channel&>(this->list());
    }

   private:
    OfferAwaiter& offer() noexcept { return static_cast<OfferAwaiter&>(*this); }

    const Side side_;
    const bool offers_;
    std::optional<T> value_;
  };

  // Takes the first party out, if those that wait are of that side.
  Party* PopWaiting(typename Party::Side side) noexcept {
    auto* const party = static_cast<Party*>(front());
    if (party == nullptr || party->side() != side) return nullptr;
    return static_cast<Party*>(Pop());
  }

  // Moves `value` on: to the first receiver, or into the queue.
  bool PutLocked(T& value, WakeList& granted) noexcept {
    if (Party* const receiver = PopWaiting(Party::Side::kReceiver)) {
      receiver->value().emplace(std::move(value));
      granted.Add(*receiver);
      return true;
    }
    if (queue_.full()) return false;
    queue_.Push(std::move(value));
    return true;
  }

  // Moves the oldest value out; the first sender's takes the free place, or,
  // with no queue between them, goes straight to us.
  bool TakeLocked(std::optional<T>& value, WakeList& granted) noexcept {
    if (!queue_.empty()) value.emplace(queue_.Pop());
    if (Party* const sender = PopWaiting(Party::Side::kSender)) {
      if (value.has_value()) {
        queue_.Push(std::move(sender->outgoing()));
      } else {
        value.emplace(std::move(sender->outgoing()));
      }
      sender->Sent();
      granted.Add(*sender);
    }
    return value.has_value();
  }

  bool IsClosed() const noexcept {
    return closed_.load(std::memory_order_relaxed);
  }
  // Whether what the queue alone says is not all that counts. A hint.
  bool LooksUnusual() const noexcept {
    return IsClosed() || queue_.capacity() == 0;
  }

  // Guarded by lock(), as the queue; relaxed, since who has no lock wants no
  // more than a hint.
  Atomic<bool> closed_{false};
  Store queue_;
};

// Not final: a Queue's Put is one that counts. Its steps are, so that they are
// called without asking whose they are.
template <Message T, ChannelStore<T> Store>
class [[nodiscard("co_await it")]] Channel<T, Store>::SendAwaiter
    : public Party {
 public:
  SendAwaiter(Channel& channel, T value) noexcept
      : Party(channel, Party::Side::kSender) {
    this->value().emplace(std::move(value));
  }

  bool await_ready() noexcept {
    return this->Begin([this] { return TryFast(); });
  }
  absl::Status await_resume() {
    if (this->cancelled()) [[unlikely]]
      return this->status();
    if (this->value().has_value()) {
      return absl::OutOfRangeError("the channel is closed");
    }
    return absl::OkStatus();
  }

  WaitDescription Describe() const noexcept override {
    return {.kind = "channel send", .on = &this->channel()};
  }

 private:
  // With a place in sight; under capacity 0 there never is one.
  bool TryFast() noexcept final {
    return !this->channel().queue_.full() &&
           this->UnderLock(
               [this](WakeList& granted) { return TryLocked(granted); });
  }
  bool TryLocked(WakeList& granted) noexcept final {
    Channel& channel = this->channel();
    if (channel.IsClosed()) return true;  // With the value still in hand.
    if (!channel.PutLocked(*this->value(), granted)) return false;
    this->value().reset();
    return true;
  }
};

// A send whose value lies elsewhere.
template <Message T, ChannelStore<T> Store>
class [[nodiscard("co_await it")]] Channel<T, Store>::OfferAwaiter final
    : public Party {
 public:
  static constexpr bool kMayBeAnArm = true;

  OfferAwaiter(Channel& channel, T& value) noexcept
      : Party(channel, Party::Side::kSender, /*offers=*/true), value_(value) {}

  absl::Status await_resume() {
    if (this->cancelled()) [[unlikely]]
      return this->status();
    return sent_ ? absl::OkStatus()
                 : absl::OutOfRangeError("the channel is closed");
  }

  // For the channel, with the lock held.
  T& value() noexcept { return value_; }
  void Sent() noexcept { sent_ = true; }

  WaitDescription Describe() const noexcept override {
    return {.kind = "channel send", .on = &this->channel()};
  }

 private:
  bool TryFast() noexcept override {
    return !this->channel().queue_.full() &&
           this->UnderLock(
               [this](WakeList& granted) { return TryLocked(granted); });
  }
  bool IsWorthTheLock() const noexcept override {
    return this->channel().LooksUnusual();
  }
  bool TryLocked(WakeList& granted) noexcept override {
    Channel& channel = this->channel();
    if (channel.IsClosed()) return true;
    sent_ = channel.PutLocked(value_, granted);
    return sent_;
  }

  T& value_;
  bool sent_ = false;
};

template <Message T, ChannelStore<T> Store>
class [[nodiscard("co_await it")]] Channel<T, Store>::ReceiveAwaiter final
    : public Party {
 public:
  static constexpr bool kMayBeAnArm = true;

  explicit ReceiveAwaiter(Channel& channel) noexcept
      : Party(channel, Party::Side::kReceiver) {}

  bool await_ready() noexcept {
    return this->Begin([this] { return TryFast(); });
  }
  absl::StatusOr<T> await_resume() {
    if (this->cancelled()) [[unlikely]]
      return this->status();
    if (!this->value().has_value()) {
      return absl::OutOfRangeError("the channel is closed and drained");
    }
    return *std::move(this->value());
  }

  WaitDescription Describe() const noexcept override {
    return {.kind = "channel receive", .on = &this->channel()};
  }

 private:
  // With a value in sight.
  bool TryFast() noexcept override {
    return !this->channel().queue_.empty() &&
           this->UnderLock(
               [this](WakeList& granted) { return TryLocked(granted); });
  }
  bool IsWorthTheLock() const noexcept override {
    return this->channel().LooksUnusual();
  }
  bool TryLocked(WakeList& granted) noexcept override {
    Channel& channel = this->channel();
    return channel.TakeLocked(this->value(), granted) || channel.IsClosed();
  }
};

template <Message T, ChannelStore<T> Store>
class [[nodiscard("co_await it")]] Channel<T, Store>::ReceiveManyAwaiter final
    : public Party {
 public:
  ReceiveManyAwaiter(Channel& channel, std::vector<T>& values, std::size_t most)
      : Party(channel, Party::Side::kReceiver),
        values_(values),
        most_(std::min(most,
                       std::max<std::size_t>(channel.queue_.capacity(), 1))) {
    // Now, so that nothing can fail once a value has been taken; and doubled,
    // as a vector that is appended to grows.
    if (values.capacity() - values.size() < most_) {
      values.reserve(std::max(values.size() + most_, 2 * values.capacity()));
    }
  }

  absl::StatusOr<std::size_t> await_resume() {
    if (this->cancelled()) [[unlikely]]
      return this->status();
    if (most_ == 0) {
      return absl::InvalidArgumentError("a receive of up to no values");
    }
    // A sender has woken us with one; what else is there by now is ours, too.
    while (this->value().has_value()) {
      Keep();
      if (taken_ == most_) break;
      if (std::optional<T> next = this->channel().TryReceive()) {
        this->value().emplace(*std::move(next));
      }
    }
    if (taken_ == 0) {
      return absl::OutOfRangeError("the channel is closed and drained");
    }
    return taken_;
  }

  WaitDescription Describe() const noexcept override {
    return {.kind = "channel receive", .on = &this->channel()};
  }

 private:
  bool TryLocked(WakeList& granted) noexcept override {
    Channel& channel = this->channel();
    while (taken_ < most_ && channel.TakeLocked(this->value(), granted)) {
      Keep();
    }
    return taken_ > 0 || channel.IsClosed() || most_ == 0;
  }
  void Keep() noexcept {
    values_.push_back(*std::move(this->value()));
    this->value().reset();
    ++taken_;
  }

  std::vector<T>& values_;
  const std::size_t most_;
  std::size_t taken_ = 0;
};

template <Message T, ChannelStore<T> Store>
typename Channel<T, Store>::SendAwaiter Channel<T, Store>::Send(
    T value) noexcept {
  return SendAwaiter(*this, std::move(value));
}

template <Message T, ChannelStore<T> Store>
typename Channel<T, Store>::OfferAwaiter Channel<T, Store>::Offer(
    T& value) noexcept {
  return OfferAwaiter(*this, value);
}

template <Message T, ChannelStore<T> Store>
typename Channel<T, Store>::ReceiveAwaiter
Channel<T, Store>::Receive() noexcept {
  return ReceiveAwaiter(*this);
}

template <Message T, ChannelStore<T> Store>
typename Channel<T, Store>::ReceiveManyAwaiter Channel<T, Store>::ReceiveMany(
    std::vector<T>& values, std::size_t most) {
  return ReceiveManyAwaiter(*this, values, most);
}

template <Message T, ChannelStore<T> Store>
absl::Status Channel<T, Store>::BlockingSend(T value) {
  SendAwaiter send = Send(std::move(value));
  send.Block();
  return send.await_resume();
}

template <Message T, ChannelStore<T> Store>
absl::StatusOr<T> Channel<T, Store>::BlockingReceive() {
  ReceiveAwaiter receive = Receive();
  receive.Block();
  return receive.await_resume();
}

}  // namespace weft::sync

#endif  // WEFT_SYNC_CHANNEL_H_
