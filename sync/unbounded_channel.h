// UnboundedChannel<T>: a queue between tasks that never makes a sender wait.
//
// For what must not wait, and cannot get ahead for long: reports, log lines,
// messages to a task that is known to keep up. Where senders may be faster than
// receivers for good, memory is what gives way first: take a Channel.
//
// A value lies in a node of its own, from the frame pool, which is made before
// the lock is taken and freed after it.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_SYNC_UNBOUNDED_CHANNEL_H_
#define WEFT_SYNC_UNBOUNDED_CHANNEL_H_

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weft/runtime/recycled.h"
#include "weft/sync/channel.h"
#include "weft/sync/wait_list.h"

namespace weft::sync {

template <Message T>
class UnboundedChannel : WaitList {
  static_assert(alignof(T) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__,
                "the frame pool aligns as operator new does: send it by "
                "std::unique_ptr");

 public:
  class ReceiveAwaiter;

  UnboundedChannel() = default;
  ~UnboundedChannel() {
    while (TryReceive().has_value()) {
    }
  }

  // Puts `value` at the end of the queue. Never waits; any thread, tasks or
  // not.
  // Errors: OUT_OF_RANGE once the channel is closed; the value dies with the
  //         call. std::bad_alloc, and then nothing was sent.
  // Cost:   a node from the frame pool and one spin lock.
  absl::Status Send(T value) {
    auto node = std::make_unique<Node>(std::move(value));
    ReceiveAwaiter* granted = nullptr;
    bool refused = false;
    {
      std::lock_guard guard(lock());
      if (closed_) {
        refused = true;
      } else if ((granted = static_cast<ReceiveAwaiter*>(Pop())) != nullptr) {
        granted->node_ = std::move(node);
      } else {
        PushLocked(std::move(node));
      }
    }
    if (refused) return absl::OutOfRangeError("the channel is closed");
    if (granted != nullptr) granted->Wake();
    return absl::OkStatus();
  }

  // Takes the oldest value.
  //
  // Suspends: while the channel is empty. Receivers are served in the order
  //           they came.
  // Cancel:   CANCELLED; no value was taken.
  // Errors:   OUT_OF_RANGE once the channel is closed and drained: "no more".
  // Threads:  any.
  // Borrows:  the channel, until the wait is over.
  // Cost:     one spin lock; no allocation.
  ReceiveAwaiter Receive() noexcept { return ReceiveAwaiter(*this); }

  // As Receive, but never suspends: empty where there is nothing. Any thread,
  // tasks or not.
  std::optional<T> TryReceive() noexcept {
    std::unique_ptr<Node> node;
    {
      std::lock_guard guard(lock());
      node = PopLocked();
    }
    if (node == nullptr) return std::nullopt;
    return std::move(node->value);
  }

  // As Receive, for a plain thread: blocks it. Threads: any that is not a
  // worker.
  absl::StatusOr<T> BlockingReceive() {
    ReceiveAwaiter receive = Receive();
    receive.Block();
    return receive.await_resume();
  }

  // No more sends. What was sent can still be received. Idempotent; any thread,
  // tasks or not.
  void Close() noexcept {
    WakeList woken;
    {
      std::lock_guard guard(lock());
      closed_ = true;
      while (Waiter* const waiter = Pop()) woken.Add(*waiter);
    }
    woken.WakeAll();
  }

  bool closed() noexcept {
    std::lock_guard guard(lock());
    return closed_;
  }
  // Values that wait to be received. A hint: others change it.
  std::size_t size() noexcept {
    std::lock_guard guard(lock());
    return size_;
  }

 private:
  struct Node : Recycled {
    explicit Node(T sent) noexcept : value(std::move(sent)) {}

    T value;
    std::unique_ptr<Node> next;
  };

  void PushLocked(std::unique_ptr<Node> node) noexcept {
    Node* const last = node.get();
    (last_ == nullptr ? first_ : last_->next) = std::move(node);
    last_ = last;
    ++size_;
  }
  std::unique_ptr<Node> PopLocked() noexcept {
    std::unique_ptr<Node> node = std::move(first_);
    if (node == nullptr) return node;
    first_ = std::move(node->next);
    if (first_ == nullptr) last_ = nullptr;
    --size_;
    return node;
  }

  // Guarded by lock(), all four.
  std::unique_ptr<Node> first_;
  Node* last_ = nullptr;
  std::size_t size_ = 0;
  bool closed_ = false;
};

template <Message T>
class [[nodiscard("co_await it")]] UnboundedChannel<T>::ReceiveAwaiter final
    : public Waiter {
 public:
  static constexpr bool kMayBeAnArm = true;

  explicit ReceiveAwaiter(UnboundedChannel& channel) noexcept
      : Waiter(channel) {}

  absl::StatusOr<T> await_resume() {
    if (this->cancelled()) return this->status();
    if (node_ == nullptr) {
      return absl::OutOfRangeError("the channel is closed and drained");
    }
    return std::move(node_->value);
  }

  WaitDescription Describe() const noexcept override {
    return {.kind = "channel receive", .on = &channel()};
  }

 private:
  friend class UnboundedChannel;

  bool TryLocked(WakeList&) noexcept override {
    node_ = channel().PopLocked();
    return node_ != nullptr || channel().closed_;
  }
  UnboundedChannel& channel() const noexcept {
    return static_cast<UnboundedChannel&>(this->list());
  }

  std::unique_ptr<Node> node_;
};

}  // namespace weft::sync

#endif  // WEFT_SYNC_UNBOUNDED_CHANNEL_H_
