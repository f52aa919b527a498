// A simulated connection, once there is one: what its program does with it, and
// how it ends.
//
// SPDX-License-Identifier: MIT

#include "weft/net/testing/simulated_stream.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <utility>

namespace weft::net::testing {
namespace {

// How long Linux sends again what is not acknowledged before it gives up: the
// "hypothetical timeout" of tcp_retries2, tcp(7), at its shortest.
constexpr absl::Duration kLongSilence = absl::Milliseconds(924'600);

}  // namespace

// --- What the program does --------------------------------------------------

ssize_t StreamSocket::Send(const msghdr& message, int) {
  if (has_error()) return -TakeError();
  if (stage_ == Stage::kFresh || listens()) return -ENOTCONN;
  if (stage_ == Stage::kOver || end_wanted_) return -EPIPE;
  if (stage_ != Stage::kConnected) return -EAGAIN;
  std::vector<std::byte> bytes = Gather(message, room());
  const std::size_t count = bytes.size();
  if (count == 0 && SizeOf(message) > 0) return -EAGAIN;
  unsent_.Append(std::move(bytes));
  SendWhatFits();
  return static_cast<ssize_t>(count);
}

ssize_t StreamSocket::Receive(msghdr& message, int flags) {
  message.msg_flags = 0;
  message.msg_namelen = 0;
  message.msg_controllen = 0;
  if (stage_ == Stage::kFresh || listens()) return -ENOTCONN;
  if (received_.empty()) {
    // As on Linux, what has come is read before the error is told.
    if (has_error()) return -TakeError();
    const bool ended = stage_ == Stage::kOver || peer_ended_ || reading_shut_;
    return ended || SizeOf(message) == 0 ? 0 : -EAGAIN;
  }
  std::size_t count = 0;
  for (const std::span<std::byte> part : RoomIn(message)) {
    if ((flags & MSG_PEEK) == 0) {
      count += received_.Take(part);
    } else if (count == 0) {
      count = received_.Copy(part);  // Into the first only: nobody asks more.
    }
  }
  if ((flags & MSG_PEEK) == 0) Consumed(count);
  return static_cast<ssize_t>(count);
}

int StreamSocket::Shutdown(int how) {
  if (stage_ != Stage::kConnected) return -ENOTCONN;
  if (how != SHUT_WR) reading_shut_ = true;
  if (how != SHUT_RD && !end_wanted_) {
    end_wanted_ = true;
    SendWhatFits();
  }
  Announce();
  return 0;
}

void StreamSocket::Close() {
  closed_ = true;
  StopAnnouncing();
  ReleasePort();
  CloseQueue();
  // RFC 2525, 2.17: who closes without having read all resets, so that the peer
  // does not think it was heard.
  const bool rude = closes_at_once() || !received_.empty();
  if (stage_ == Stage::kConnected && !rude) {
    end_wanted_ = true;
    SendWhatFits();
  } else if (stage_ != Stage::kOver && stage_ != Stage::kFresh) {
    Reset();
  }
  ForgetIfDone();
}

std::optional<Address> StreamSocket::peer() const {
  if (stage_ != Stage::kConnected) return std::nullopt;
  return peer_address_;
}

SimulatedSocket::Readiness StreamSocket::CurrentReadiness() const {
  switch (stage_) {
    case Stage::kListening:
      return {.readable = queue_->any_ready()};
    case Stage::kConnected:
      return {.readable = !received_.empty() || peer_ended_ || reading_shut_,
              // A third, as Linux has it: a writer that is woken for each
              // packet that was acknowledged would write as many small ones.
              .writable = room() * 3 >= send_buffer() || end_wanted_,
              .hang_up = peer_ended_ || reading_shut_};
    case Stage::kOver:
      return {.readable = true, .writable = true, .hang_up = true};
    default:
      return {};
  }
}

std::size_t StreamSocket::room() const {
  const std::size_t used = unsent_.size() + unacknowledged_;
  return send_buffer() - std::min(send_buffer(), used);
}

void StreamSocket::Consumed(std::size_t count) {
  consumed_ += static_cast<std::int64_t>(count);
  const auto worth_telling = static_cast<std::int64_t>(advertised_ / 4);
  if (stage_ != Stage::kConnected || consumed_ < worth_telling) return;
  SendTaken(0, std::exchange(consumed_, 0), false);
}

// A receive buffer that was made larger is as if something had been read, and
// one that was made smaller lets that much be read before there is new room. In
// a larger send buffer there is room at once.
void StreamSocket::OptionChanged() {
  if (stage_ != Stage::kConnected) return;
  const std::size_t before = std::exchange(advertised_, receive_buffer());
  consumed_ += static_cast<std::int64_t>(advertised_) -
               static_cast<std::int64_t>(before);
  Consumed(0);
  Announce();
}

// --- How it ends ------------------------------------------------------------

bool StreamSocket::Joins(HostId one, HostId other) const {
  if (lane_ == nullptr) return false;
  const HostId from = lane_->route.from_host;
  const HostId to = lane_->route.to_host;
  return (from == one && to == other) || (from == other && to == one);
}

void StreamSocket::Fail(int error) {
  if (stage_ == Stage::kOver) return;
  // Nobody has accepted it, or ever will, and so nobody closes it.
  if (stage_ == Stage::kHalfOpen) closed_ = true;
  if (const Self listener = listener_.lock();
      listener != nullptr && listener->queue_ != nullptr) {
    listener->queue_->Forget(self());
  }
  lane_->abandoned = true;
  SetError(error);
  BecomeOver();
}

// Of our own will.
void StreamSocket::Reset() {
  SendReset();
  BecomeOver();
}

void StreamSocket::BecomeOver() {
  stage_ = Stage::kOver;
  StopTimer();
  unsent_.Clear();
  Announce();
  ForgetIfDone();
}

void StreamSocket::Crash() {
  ReleasePort();
  CloseQueue();
  received_.Clear();
  SetError(ENETDOWN);
  if (stage_ != Stage::kOver && stage_ != Stage::kFresh) Reset();
  stage_ = Stage::kOver;
  Announce();
}

// From here on `*this` may be gone, unless the caller holds it.
void StreamSocket::ForgetIfDone() {
  if (!closed_ || lane_ == nullptr) return;
  if (stage_ == Stage::kOver || end_acknowledged_) {
    fabric_.connections.erase(number_);
  }
}

// --- Time -------------------------------------------------------------------

void StreamSocket::MindCuts() {
  if (stage_ != Stage::kConnected) return;
  const bool waits = unacknowledged_ > 0 || (end_sent_ && !end_acknowledged_);
  const Route& route = lane_->route;
  const bool cut = fabric_.wire.IsCut(route.from_host, route.to_host) ||
                   fabric_.wire.IsCut(route.to_host, route.from_host);
  if (!waits || !cut) return StopTimer();
  if (!timer_.has_value()) SetTimer(kLongSilence, &StreamSocket::OnSilence);
}

void StreamSocket::OnSilence() { Fail(ETIMEDOUT); }

void StreamSocket::SetTimer(absl::Duration delay,
                            void (StreamSocket::*then)()) {
  StopTimer();
  timer_ = fabric_.wire.agenda().Add(fabric_.wire.now() + delay,
                                     [weak = weak_from_this(), then] {
                                       const Self alive = Of(weak);
                                       if (alive == nullptr) return;
                                       alive->timer_.reset();
                                       (alive.get()->*then)();
                                     });
}

void StreamSocket::StopTimer() {
  if (timer_.has_value()) fabric_.wire.agenda().Cancel(*timer_);
  timer_.reset();
}

}  // namespace weft::net::testing
