// OneShot<T>: one value, sent once, received once.
//
//     auto [sender, receiver] = sync::MakeOneShot<Reply>();
//     worker.Submit(request, std::move(sender));
//     Reply reply = co_await OrReturn(receiver.Receive());
//
// The two ends may be in different tasks, threads or runtimes, and either may
// go first: a sender that is dropped is an error that the receiver sees; a
// receiver that is dropped is an answer that the sender gets.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_SYNC_ONE_SHOT_H_
#define WEFT_SYNC_ONE_SHOT_H_

#include <concepts>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/base/internal/raw_logging.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weft/sync/channel.h"
#include "weft/sync/wait_list.h"

namespace weft::sync {

// What the two ends share; the last one frees it.
template <Message T>
class OneShotState : public WaitList {
 public:
  // Applies `change` under the lock and wakes who waits: the first of them
  // finds the value, the others that it is gone.
  template <std::invocable Change>
  void Finish(Change change) noexcept {
    WakeList granted;
    {
      std::lock_guard guard(lock());
      change();
      while (Waiter* const receiver = Pop()) granted.Add(*receiver);
    }
    granted.WakeAll();
  }

  // Guarded by lock(), all three.
  std::optional<T> value;
  bool sender_gone = false;
  bool receiver_gone = false;
};

template <Message T>
class [[nodiscard("dropping it tells the receiver that nothing comes")]]
OneShotSender {
 public:
  explicit OneShotSender(std::shared_ptr<OneShotState<T>> state) noexcept
      : state_(std::move(state)) {}
  OneShotSender(OneShotSender&&) noexcept = default;
  OneShotSender& operator=(OneShotSender&&) =
      delete;  // Would drop the old end.
  ~OneShotSender() {
    if (state_ == nullptr) return;
    state_->Finish([this] { state_->sender_gone = true; });
  }

  // Sends the value, at most once. False where the receiver is gone; the value
  // is lost then. Never waits; any thread, tasks or not.
  bool Send(T value) noexcept {
    ABSL_RAW_CHECK(state_ != nullptr,
                   "a OneShot sends one value: make a new one, or a Channel");
    const std::shared_ptr<OneShotState<T>> state = std::move(state_);
    bool sent = false;
    state->Finish([&] {
      sent = !state->receiver_gone;
      if (sent) state->value.emplace(std::move(value));
      state->sender_gone = true;
    });
    return sent;
  }

 private:
  std::shared_ptr<OneShotState<T>> state_;
};

template <Message T>
class OneShotReceiver {
 public:
  class ReceiveAwaiter;

  explicit OneShotReceiver(std::shared_ptr<OneShotState<T>> state) noexcept
      : state_(std::move(state)) {}
  OneShotReceiver(OneShotReceiver&&) noexcept = default;
  OneShotReceiver& operator=(OneShotReceiver&&) = delete;
  ~OneShotReceiver() {
    if (state_ == nullptr) return;
    std::lock_guard guard(state_->lock());
    state_->receiver_gone = true;
  }

  // Waits for the value.
  //
  // Suspends: until it is sent or the sender is gone.
  // Cancel:   CANCELLED; the value, if it comes, can be received later.
  // Errors:   OUT_OF_RANGE where the sender was dropped without sending, or the
  //           value has been received already.
  // Threads:  any.
  // Borrows:  the receiver, until the wait is over.
  // Cost:     two spin locks; no allocation.
  ReceiveAwaiter Receive() noexcept {
    ABSL_RAW_CHECK(state_ != nullptr,
                   "this OneShotReceiver was moved from: receive where it is "
                   "now");
    return ReceiveAwaiter(*state_);
  }

  // As Receive, for a plain thread: blocks it. Threads: any that is not a
  // worker.
  absl::StatusOr<T> BlockingReceive() {
    ReceiveAwaiter receive = Receive();
    receive.Block();
    return receive.await_resume();
  }

 private:
  std::shared_ptr<OneShotState<T>> state_;
};

template <Message T>
class [[nodiscard("co_await it")]] OneShotReceiver<T>::ReceiveAwaiter final
    : public Waiter {
 public:
  static constexpr bool kMayBeAnArm = true;

  explicit ReceiveAwaiter(OneShotState<T>& state) noexcept : Waiter(state) {}

  absl::StatusOr<T> await_resume() {
    if (cancelled()) return status();
    OneShotState<T>& shared = state();
    std::lock_guard guard(shared.lock());
    if (!shared.value.has_value()) {
      return absl::OutOfRangeError(
          "the sender was dropped, or the value received already");
    }
    absl::StatusOr<T> received = *std::move(shared.value);
    shared.value.reset();
    return received;
  }

  WaitDescription Describe() const noexcept override {
    return {.kind = "one-shot", .on = &state()};
  }

 private:
  bool TryLocked(WakeList&) noexcept override { return state().sender_gone; }
  OneShotState<T>& state() const noexcept {
    return static_cast<OneShotState<T>&>(list());
  }
};

template <typename T>
struct OneShot {
  OneShotSender<T> sender;
  OneShotReceiver<T> receiver;
};

// Makes the two ends. Cost: one allocation.
template <Message T>
OneShot<T> MakeOneShot() {
  auto state = std::make_shared<OneShotState<T>>();
  return {OneShotSender<T>(state), OneShotReceiver<T>(state)};
}

}  // namespace weft::sync

#endif  // WEFT_SYNC_ONE_SHOT_H_
