// The packets of a simulated connection, at the end that sends them and at the
// one where they arrive.
//
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <cerrno>
#include <utility>

#include "weft/net/testing/simulated_stream.h"

namespace weft::net::testing {

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

}  // namespace weft::net::testing
