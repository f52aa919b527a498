// A simulated connection, once there is one: data, its end, and its loss.
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

// --- To the peer ------------------------------------------------------------

// Weak on both sides, for a lane is its sender's own; fabric.connections keeps
// whoever is needed.
void StreamSocket::SendToPeer(std::string_view what, std::size_t size,
                              IfMissed if_missed, Action action) {
  fabric_.wire.Send(
      lane_, {.what = what,
              .size = size,
              .arrive = [sender = weak_from_this(), peer = peer_, if_missed,
                         action = std::move(action)]() mutable {
                if (const Self alive = peer.lock()) return action(*alive);
                const Self missing = Of(sender);
                if (missing != nullptr) missing->Missed(if_missed);
              }});
}

// Of the host that was sent to. Where the peer has said its last word, and knew
// that it was heard, it may have gone before it heard ours.
void StreamSocket::Missed(IfMissed if_missed) {
  if (if_missed == IfMissed::kNothing) return;
  const Route& route = lane_->route;
  const bool last_word =
      if_missed == IfMissed::kTakenIfBothEnded && peer_ended_;
  const auto back = std::make_shared<Lane>(Route{.from_host = route.to_host,
                                                 .to_host = route.from_host,
                                                 .from = route.to,
                                                 .to = route.from});
  fabric_.wire.Send(back, {.what = last_word ? "taken" : "reset",
                           .once = true,
                           .arrive = [weak = weak_from_this(), last_word] {
                             const Self sender = Of(weak);
                             if (sender == nullptr) return;
                             if (!last_word) return sender->OnReset();
                             sender->OnTaken(0, 0, true);
                           }});
}

void StreamSocket::SendReset() {
  lane_->abandoned = true;
  fabric_.wire.Send(lane_,
                    {.what = "reset", .once = true, .arrive = [peer = peer_] {
                       if (const Self alive = peer.lock()) {
                         alive->OnReset();
                       }
                     }});
}

void StreamSocket::SendTaken(std::size_t acknowledged, std::int64_t credit,
                             bool end) {
  SendToPeer("taken", 0, IfMissed::kNothing, [=](StreamSocket& peer) {
    peer.OnTaken(acknowledged, credit, end);
  });
}

void StreamSocket::SendWhatFits() {
  while (!unsent_.empty() && credit_ > 0) {
    const std::size_t size =
        std::min({unsent_.size(), static_cast<std::size_t>(credit_), segment_});
    std::vector<std::byte> piece(size);
    unsent_.Take(piece);
    credit_ -= static_cast<std::int64_t>(size);
    unacknowledged_ += size;
    SendToPeer("data", size, IfMissed::kReset,
               [piece = std::move(piece)](StreamSocket& peer) mutable {
                 peer.OnData(std::move(piece));
               });
  }
  if (unsent_.empty() && end_wanted_ && !end_sent_) {
    end_sent_ = true;
    SendToPeer("end", 0, IfMissed::kTakenIfBothEnded,
               [](StreamSocket& peer) { peer.OnEnd(); });
  }
  MindCuts();
}

// --- From the peer ----------------------------------------------------------

void StreamSocket::OnData(std::vector<std::byte> piece) {
  if (stage_ != Stage::kConnected) return SendReset();
  if (closed_) return Reset();  // Nobody will ever read it.
  const std::size_t size = piece.size();
  received_.Append(std::move(piece));
  SendTaken(size, 0, false);
  Announce();
}

void StreamSocket::OnTaken(std::size_t acknowledged, std::int64_t credit,
                           bool end) {
  if (stage_ != Stage::kConnected) return;
  unacknowledged_ -= acknowledged;
  credit_ += credit;
  end_acknowledged_ = end_acknowledged_ || end;
  StopTimer();  // There is an answer: a cut begins its count anew.
  SendWhatFits();
  Announce();
  ForgetIfDone();
}

void StreamSocket::OnEnd() {
  if (stage_ != Stage::kConnected) return SendReset();
  peer_ended_ = true;
  SendTaken(0, 0, true);
  Announce();
}

// Linux's choice of errors, tcp_reset.
void StreamSocket::OnReset() {
  if (stage_ == Stage::kConnecting) return Fail(ECONNREFUSED);
  if (stage_ == Stage::kHalfOpen) closed_ = true;  // Nobody has it.
  Fail(peer_ended_ ? EPIPE : ECONNRESET);
}

void StreamSocket::Consumed(std::size_t count) {
  consumed_ += static_cast<std::int64_t>(count);
  const auto worth_telling = static_cast<std::int64_t>(advertised_ / 4);
  if (stage_ != Stage::kConnected || consumed_ < worth_telling) return;
  SendTaken(0, std::exchange(consumed_, 0), false);
}

// A receive buffer that was made larger is as if something had been read, and
// one that was made smaller lets that much be read before there is new room.
void StreamSocket::OptionChanged() {
  if (stage_ != Stage::kConnected) return;
  const std::size_t before = std::exchange(advertised_, receive_buffer());
  consumed_ += static_cast<std::int64_t>(advertised_) -
               static_cast<std::int64_t>(before);
  Consumed(0);
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
