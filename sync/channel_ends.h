// Sender<T> and Receiver<T>: the two ends of a channel, which closes when one
// of them is gone.
//
//     auto [sender, receiver] = sync::MakeChannel<Job>(64);
//     Spawn(Produce, sender).Detach();         // A copy is one more sender.
//     Spawn(Produce, std::move(sender)).Detach();
//     for (;;) {
//       absl::StatusOr<Job> job = co_await receiver.Receive();
//       if (!job.ok()) break;                  // No sender is left.
//     }
//
// When the last sender goes, receivers drain what was sent, and then are told
// that no more comes; when the last receiver goes, what nobody received is
// destroyed, and senders are told that nobody listens. Nobody has to remember
// to close.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_SYNC_CHANNEL_ENDS_H_
#define WEFT_SYNC_CHANNEL_ENDS_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/base/internal/raw_logging.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weft/runtime/atomic.h"
#include "weft/sync/channel.h"

namespace weft::sync {

// What the ends share; the last one frees it.
template <Message T>
struct ChannelState {
  explicit ChannelState(std::size_t capacity) : channel(capacity) {}

  Channel<T> channel;
  Atomic<std::size_t> senders{0};
  Atomic<std::size_t> receivers{0};
};

// One of the senders, or of the receivers, whom `kCount` counts.
template <Message T, Atomic<std::size_t> ChannelState<T>::* kCount>
class ChannelEnd {
 public:
  explicit ChannelEnd(std::shared_ptr<ChannelState<T>> state) noexcept
      : state_(std::move(state)) {
    Join();
  }
  ChannelEnd(const ChannelEnd& other) noexcept : state_(other.state_) {
    Join();
  }
  ChannelEnd(ChannelEnd&& other) noexcept = default;
  ChannelEnd& operator=(ChannelEnd other) noexcept {
    state_.swap(other.state_);
    return *this;
  }
  ~ChannelEnd() {
    // acq_rel: the last one closes after all that the others did.
    if (state_ == nullptr ||
        ((*state_).*kCount).fetch_sub(1, std::memory_order_acq_rel) != 1) {
      return;
    }
    state_->channel.Close();
    if constexpr (kCount == &ChannelState<T>::receivers) {
      // Nobody will receive what is left, and senders may live for long.
      while (state_->channel.TryReceive().has_value()) {
      }
    }
  }

  // Closes the channel before its time, for both sides.
  void Close() noexcept { channel().Close(); }

 protected:
  Channel<T>& channel() const noexcept {
    ABSL_RAW_CHECK(state_ != nullptr,
                   "this end of a channel was moved from: use it where it is "
                   "now");
    return state_->channel;
  }

 private:
  void Join() noexcept {
    // relaxed: who copies an end has one, so the count is not 0 meanwhile.
    if (state_ != nullptr) {
      ((*state_).*kCount).fetch_add(1, std::memory_order_relaxed);
    }
  }

  std::shared_ptr<ChannelState<T>> state_;
};

// Copies send into the same channel. Threads: each copy by one at a time; they
// are independent of each other.
template <Message T>
class Sender : public ChannelEnd<T, &ChannelState<T>::senders> {
 public:
  using ChannelEnd<T, &ChannelState<T>::senders>::ChannelEnd;

  // As Channel::Send.
  //
  // Suspends: while the channel is full.
  // Cancel:   CANCELLED; the value was not sent, and dies with the call.
  // Errors:   OUT_OF_RANGE once no receiver is left; likewise.
  // Borrows:  this end, until the wait is over.
  typename Channel<T>::SendAwaiter Send(T value) noexcept {
    return this->channel().Send(std::move(value));
  }
  // As Channel::Offer.
  //
  // Suspends: while the channel is full.
  // Cancel:   CANCELLED; `value` is as it was.
  // Errors:   OUT_OF_RANGE once no receiver is left; likewise.
  // Borrows:  this end and `value`, until the wait is over.
  typename Channel<T>::OfferAwaiter Offer(T& value) noexcept {
    return this->channel().Offer(value);
  }
  // No receiver is left.
  bool closed() noexcept { return this->channel().closed(); }
  // As Channel::TrySend and Channel::BlockingSend.
  bool TrySend(T& value) noexcept { return this->channel().TrySend(value); }
  absl::Status BlockingSend(T value) {
    return this->channel().BlockingSend(std::move(value));
  }
};

// Copies take turns at the same values: each is received once.
template <Message T>
class Receiver : public ChannelEnd<T, &ChannelState<T>::receivers> {
 public:
  using ChannelEnd<T, &ChannelState<T>::receivers>::ChannelEnd;

  // As Channel::Receive.
  //
  // Suspends: while the channel is empty.
  // Cancel:   CANCELLED; no value was taken.
  // Errors:   OUT_OF_RANGE once no sender is left, and what they sent has been
  //           received.
  // Borrows:  this end, until the wait is over.
  typename Channel<T>::ReceiveAwaiter Receive() noexcept {
    return this->channel().Receive();
  }
  // As Channel::ReceiveMany.
  //
  // Suspends: while the channel is empty.
  // Cancel:   CANCELLED; no value was taken.
  // Errors:   as Receive; INVALID_ARGUMENT for `most` 0.
  // Borrows:  this end and `values`, until the wait is over.
  typename Channel<T>::ReceiveManyAwaiter ReceiveMany(std::vector<T>& values,
                                                      std::size_t most) {
    return this->channel().ReceiveMany(values, most);
  }
  // As Channel::TryReceive and Channel::BlockingReceive.
  std::optional<T> TryReceive() noexcept {
    return this->channel().TryReceive();
  }
  absl::StatusOr<T> BlockingReceive() {
    return this->channel().BlockingReceive();
  }
};

template <Message T>
struct ChannelEnds {
  Sender<T> sender;
  Receiver<T> receiver;
};

// Makes a channel with one sender and one receiver. Cost: two allocations.
template <Message T>
ChannelEnds<T> MakeChannel(std::size_t capacity) {
  auto state = std::make_shared<ChannelState<T>>(capacity);
  return {Sender<T>(state), Receiver<T>(state)};
}

}  // namespace weft::sync

#endif  // WEFT_SYNC_CHANNEL_ENDS_H_
