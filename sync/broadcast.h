// Broadcast<T>: every receiver sees every value that is sent.
//
//     sent_ = 7, capacity 4:   [4] [5] [6] [3]       the oldest is overwritten
//     a receiver at 7                                waits
//     a receiver at 5           5, 6                 is to come
//     a receiver at 1           missed 2: DATA_LOSS, then 3, 4, 5, 6
//
// Senders never wait. Whoever is slower than `capacity` values misses the
// oldest, and is told how many; where nothing may be missed, give each receiver
// a Channel, whose senders wait. Where only the newest counts, take a Watch.
//
// Invariants
//   1. kept <= position <= sent for a receiver that is served; the kept ones
//      are the last min(sent, capacity). Positions only grow, and are never
//      subtracted the other way round.
//   2. A receiver that waits has seen all: its position is sent. So whoever
//      sends serves all who wait, and gives each the value that it sent: no
//      other can have overwritten it by the time they run.
//   3. A position moves when the receiver has its copy, or is told of a loss.
//      A wait that was cancelled, and a copy that threw, leave it.
//   4. Subscribing, sending and closing are ordered by one lock: a receiver
//      sees all that is sent after it, and nothing from before.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_SYNC_BROADCAST_H_
#define WEFT_SYNC_BROADCAST_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "absl/base/internal/raw_logging.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/utility/utility.h"
#include "weft/runtime/atomic.h"
#include "weft/sync/value_nodes.h"
#include "weft/sync/wait_list.h"

namespace weft::sync {

template <Copied T>
class Broadcast : WaitList {
 public:
  class Receiver;

  // Keeps the last `capacity` values: so far a receiver may fall behind.
  // Requires: room for one at least.
  // Cost: an allocation and a node from the frame pool a place, here.
  explicit Broadcast(std::size_t capacity);
  // Requires: no receiver is left.
  ~Broadcast();

  // Gives `value` to every receiver there is; to nobody where there is none.
  // Never waits; any thread, tasks or not.
  // Errors: OUT_OF_RANGE once the broadcast is closed; the value dies with the
  //         call. std::bad_alloc, and then nothing was sent.
  // Cost:   one spin lock, and a wake for each receiver that waits. A node from
  //         the frame pool only where the value that is overwritten is being
  //         copied, and no spare node is left of an earlier time.
  absl::Status Send(T value);

  // One more receiver, of all that is sent from now on. Any thread.
  Receiver Subscribe() noexcept;

  // No more sends. Receivers get what was sent, and then OUT_OF_RANGE.
  // Idempotent; any thread, tasks or not.
  void Close() noexcept;
  bool closed() noexcept;

  // A hint: others change it.
  std::size_t receivers() noexcept;

 private:
  using Nodes = ValueNodes<T>;

  bool TrySend(T& value, typename Nodes::NodePointer& spare,
               bool& refused) noexcept;
  void ServeLocked(WakeList& granted) noexcept;
  void Unsubscribe() noexcept;

  typename Nodes::NodePointer& PlaceOf(std::uint64_t number) noexcept {
    return ring_[number % ring_.size()];
  }
  // Only a hint without the lock. relaxed: whoever needs more has it.
  std::uint64_t sent() const noexcept {
    return sent_.load(std::memory_order_relaxed);
  }
  std::uint64_t first_kept() const noexcept {
    return sent() - std::min<std::uint64_t>(sent(), ring_.size());
  }

  // Guarded by lock(), all but the hint.
  Nodes nodes_{lock()};
  std::vector<typename Nodes::NodePointer> ring_;  // Value n in place n % size.
  Atomic<std::uint64_t> sent_{0};
  std::size_t receivers_ = 0;
  bool closed_ = false;
};

// One that receives: a handle, to be moved to the task that uses it.
//
// Threads: any, one at a time.
// Borrows: the broadcast.
template <Copied T>
class Broadcast<T>::Receiver {
 public:
  class ReceiveAwaiter;

  // For Subscribe.
  Receiver(Broadcast& broadcast, std::uint64_t position) noexcept
      : broadcast_(&broadcast), position_(position) {}
  // Requires: no Receive of `other` is going on.
  Receiver(Receiver&& other) noexcept
      : broadcast_(std::exchange(other.broadcast_, nullptr)),
        position_(other.position_),
        missed_(other.missed_) {}
  Receiver& operator=(Receiver&&) = delete;  // Would have to leave first.
  ~Receiver();

  // A copy of the oldest value that this receiver has not had, if it is kept.
  //
  // Suspends: while there is none.
  // Cancel:   CANCELLED; the value that comes next can be received later.
  // Errors:   DATA_LOSS where values were overwritten before they were
  //           received; missed() says how many. The next Receive goes on with
  //           the oldest that is kept. OUT_OF_RANGE once the broadcast is
  //           closed, and all of it received.
  //           What the copy constructor of T throws; the next Receive tries
  //           the same value again.
  // Threads:  any, one Receive at a time. The copy is made by the receiver's.
  // Borrows:  the receiver, until the wait is over.
  // Cost:     two spin locks, three where it waits, and what a copy costs.
  ReceiveAwaiter Receive() noexcept;

  // As Receive, but never suspends: empty where it would have to.
  std::optional<absl::StatusOr<T>> TryReceive();

  // As Receive, for a plain thread: blocks it. Threads: any that is not a
  // worker.
  absl::StatusOr<T> BlockingReceive();

  // How many values the last DATA_LOSS was about.
  std::uint64_t missed() const noexcept { return missed_; }

 private:
  // All but the broadcast itself is the receiver's own, and is touched by the
  // one Receive that there may be.
  Broadcast* broadcast_;
  std::uint64_t position_;  // The number of the value that comes next.
  std::uint64_t missed_ = 0;
  const ReceiveAwaiter* receive_ = nullptr;  // Which is going on.
};

template <Copied T>
class [[nodiscard("co_await it")]] Broadcast<T>::Receiver::ReceiveAwaiter final
    : public Waiter {
 public:
  static constexpr bool kMayBeAnArm = true;

  ReceiveAwaiter(Broadcast& broadcast, Receiver& receiver) noexcept
      : Waiter(broadcast), receiver_(receiver) {}
  ~ReceiveAwaiter() {
    this->LeaveIfParked();
    End();
  }

  bool await_ready() noexcept {
    return this->Begin([this] { return TryFast(); });
  }
  absl::StatusOr<T> await_resume();

  // Takes effect, or would have to wait: false.
  bool TryNow() noexcept {
    return this->UnderLock(
        [this](WakeList& granted) { return TryLocked(granted); });
  }
  // With the lock held, by Send: this is what it has waited for.
  void Give(typename Nodes::Held held) noexcept { held_ = std::move(held); }

  WaitDescription Describe() const noexcept override {
    return {.kind = "broadcast receive", .on = &broadcast()};
  }

 private:
  // With a value in sight.
  bool TryFast() noexcept override {
    return receiver_.position_ != broadcast().sent() && TryNow();
  }
  bool TryLocked(WakeList&) noexcept override;
  void AfterCancel(WakeList&) noexcept override { End(); }

  // The wait is over: the receiver, which may go before us, is free again.
  void End() noexcept {
    if (began_) receiver_.receive_ = nullptr;
    began_ = false;
  }
  Broadcast& broadcast() const noexcept {
    return static_cast<Broadcast&>(this->list());
  }

  Receiver& receiver_;
  typename Nodes::Held held_;
  bool began_ = false;
  bool lost_ = false;
};

template <Copied T>
Broadcast<T>::Broadcast(std::size_t capacity) {
  ABSL_RAW_CHECK(capacity > 0,
                 "a Broadcast keeps one value at least: its senders do not "
                 "wait");
  ring_.resize(capacity);
  for (auto& place : ring_) place = std::make_unique<typename Nodes::Node>();
}

template <Copied T>
Broadcast<T>::~Broadcast() {
  ABSL_RAW_CHECK(receivers() == 0,
                 "a Broadcast was destroyed before its receivers: let them go "
                 "first");
}

template <Copied T>
absl::Status Broadcast<T>::Send(T value) {
  typename Nodes::NodePointer spare;
  bool refused = false;
  while (!TrySend(value, spare, refused)) {
    spare = std::make_unique<typename Nodes::Node>();
  }
  if (refused) return absl::OutOfRangeError("the broadcast is closed");
  return absl::OkStatus();
}

// False: another node is wanted.
template <Copied T>
bool Broadcast<T>::TrySend(T& value, typename Nodes::NodePointer& spare,
                           bool& refused) noexcept {
  std::optional<T> old;  // Dies after the lock is released.
  WakeList granted;
  {
    std::lock_guard guard(lock());
    refused = closed_;
    if (refused || receivers_ == 0) return true;
    if (!nodes_.ReplaceLocked(PlaceOf(sent()), value, old, spare)) return false;
    ServeLocked(granted);
  }
  // From here on `*this` may be gone: a receiver has what it waited for.
  granted.WakeAll();
  return true;
}

// Gives everybody who waits the newest value, and counts it.
template <Copied T>
void Broadcast<T>::ServeLocked(WakeList& granted) noexcept {
  auto& newest = *PlaceOf(sent());
  while (Waiter* const waiter = Pop()) {
    static_cast<typename Receiver::ReceiveAwaiter*>(waiter)->Give(
        nodes_.HoldLocked(newest));
    granted.Add(*waiter);
  }
  sent_.store(sent() + 1, std::memory_order_relaxed);
}

template <Copied T>
typename Broadcast<T>::Receiver Broadcast<T>::Subscribe() noexcept {
  std::lock_guard guard(lock());
  ++receivers_;
  return Receiver(*this, sent());
}

template <Copied T>
void Broadcast<T>::Unsubscribe() noexcept {
  std::lock_guard guard(lock());
  --receivers_;
}

template <Copied T>
void Broadcast<T>::Close() noexcept {
  WakeList woken;
  {
    std::lock_guard guard(lock());
    closed_ = true;
    // Whoever waits has had all of it.
    while (Waiter* const waiter = Pop()) woken.Add(*waiter);
  }
  woken.WakeAll();
}

template <Copied T>
bool Broadcast<T>::closed() noexcept {
  std::lock_guard guard(lock());
  return closed_;
}

template <Copied T>
std::size_t Broadcast<T>::receivers() noexcept {
  std::lock_guard guard(lock());
  return receivers_;
}

template <Copied T>
Broadcast<T>::Receiver::~Receiver() {
  if (broadcast_ == nullptr) return;
  ABSL_RAW_CHECK(receive_ == nullptr,
                 "a Receiver was destroyed while a task waits for it: end the "
                 "task first, for example with a Scope");
  broadcast_->Unsubscribe();
}

template <Copied T>
typename Broadcast<T>::Receiver::ReceiveAwaiter
Broadcast<T>::Receiver::Receive() noexcept {
  ABSL_RAW_CHECK(broadcast_ != nullptr,
                 "this Receiver was moved from: receive where it is now");
  return ReceiveAwaiter(*broadcast_, *this);
}

template <Copied T>
std::optional<absl::StatusOr<T>> Broadcast<T>::Receiver::TryReceive() {
  ReceiveAwaiter receive = Receive();
  if (!receive.TryNow()) return std::nullopt;
  return receive.await_resume();
}

template <Copied T>
absl::StatusOr<T> Broadcast<T>::Receiver::BlockingReceive() {
  ReceiveAwaiter receive = Receive();
  receive.Block();
  return receive.await_resume();
}

template <Copied T>
bool Broadcast<T>::Receiver::ReceiveAwaiter::TryLocked(WakeList&) noexcept {
  ABSL_RAW_CHECK(receiver_.receive_ == nullptr || receiver_.receive_ == this,
                 "one task at a time receives from a Receiver: Subscribe one "
                 "more");
  receiver_.receive_ = this;
  began_ = true;
  Broadcast& all = broadcast();
  std::uint64_t& position = receiver_.position_;
  lost_ = position < all.first_kept();
  if (lost_) {
    receiver_.missed_ = all.first_kept() - position;
    position = all.first_kept();
  } else if (position < all.sent()) {
    held_ = all.nodes_.HoldLocked(*all.PlaceOf(position));
  }
  return lost_ || held_ || all.closed_;
}

template <Copied T>
absl::StatusOr<T> Broadcast<T>::Receiver::ReceiveAwaiter::await_resume() {
  End();
  if (this->cancelled()) [[unlikely]]
    return this->status();
  if (lost_) {
    return absl::DataLossError(
        absl::StrCat("the receiver was too slow, and missed ",
                     receiver_.missed_, " values"));
  }
  if (!held_) {
    return absl::OutOfRangeError("the broadcast is closed, and all received");
  }
  // Let go with the copy: whoever has it may destroy the broadcast.
  const typename Nodes::Held held = std::move(held_);
  absl::StatusOr<T> copy(absl::in_place, held.value());
  ++receiver_.position_;
  return copy;
}

}  // namespace weft::sync

#endif  // WEFT_SYNC_BROADCAST_H_
