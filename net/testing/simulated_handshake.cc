// How a simulated connection is made, refused and given up.
//
// The packets of a handshake are sent again by whoever misses an answer, so
// they are lost in a cut and do not wait in it. The times are Linux's, tcp(7):
// six repetitions of the first packet (tcp_syn_retries), each after twice the
// time, are 127 seconds; the five of the second (tcp_synack_retries) are 63.
//
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <cerrno>
#include <utility>

#include "weft/net/testing/simulated_stream.h"

namespace weft::net::testing {
namespace {

constexpr int kRepetitions = 6;
constexpr absl::Duration kFirstPatience = absl::Seconds(1);
constexpr absl::Duration kHalfOpenPatience = absl::Seconds(63);

// What fits into an Ethernet frame beside the headers and a timestamp; and what
// Linux puts through its loopback interface at once.
constexpr std::size_t kEthernetSegment = 1448;
constexpr std::size_t kLoopbackSegment = 64 << 10;

}  // namespace

int StreamSocket::Connect(const Address& peer) {
  if (stage_ == Stage::kConnecting) return -EALREADY;
  if (stage_ != Stage::kFresh) return -EISCONN;
  Address local;
  const int bound = BindToward(peer, local);
  if (bound < 0) return bound;
  const Address meant =
      IsAny(peer) ? fabric_.hosts.Toward(*host(), peer)->WithPort(peer.port())
                  : peer;
  Open(local, meant, fabric_.hosts.Meant(*host(), meant));
  stage_ = Stage::kConnecting;
  SendConnect(/*attempt=*/0);
  // Also on the loopback interface, where the answer comes before this returns.
  return -EINPROGRESS;
}

void StreamSocket::Open(const Address& local, const Address& peer,
                        HostId peer_host) {
  local_ = local;
  peer_address_ = peer;
  lane_ = std::make_shared<Lane>(Route{
      .from_host = *host(), .to_host = peer_host, .from = local, .to = peer});
  segment_ = *host() == peer_host ? kLoopbackSegment : kEthernetSegment;
  number_ = fabric_.connections_made++;
  fabric_.connections.emplace(number_, self());
}

void StreamSocket::SendConnect(int attempt) {
  attempt_ = attempt;
  fabric_.wire.Send(
      lane_,
      {.what = "connect", .once = true, .arrive = [weak = weak_from_this()] {
         if (const Self client = Of(weak)) {
           OnConnect(client->fabric_, client);
         }
       }});
  SetTimer(kFirstPatience * (1 << attempt), &StreamSocket::OnNoAnswer);
}

void StreamSocket::OnNoAnswer() {
  if (attempt_ == kRepetitions) return Fail(ETIMEDOUT);
  SendConnect(attempt_ + 1);
}

// On the host that is connected to.
void StreamSocket::OnConnect(Fabric& fabric, const Self& client) {
  if (client->stage_ != Stage::kConnecting) return;
  // Sent again, since our answer was lost or is late.
  const Self known = client->peer_.lock();
  if (known != nullptr && known->stage_ == Stage::kHalfOpen) {
    return known->SendAnswer();
  }
  const Route& route = client->lane_->route;
  auto* const listener = static_cast<StreamSocket*>(fabric.ports.Find(
      route.to_host, Transport::kStream, route.to, route.from));
  if (listener == nullptr) return client->Missed(IfMissed::kReset);
  if (listener->queue_->full()) {
    return fabric.wire.trace().Note(fabric.wire.now(), "backlog full",
                                    route.from, route.to);
  }
  AddHalfOpen(fabric, client, *listener)->SendAnswer();
}

StreamSocket::Self StreamSocket::AddHalfOpen(Fabric& fabric, const Self& client,
                                             StreamSocket& listener) {
  const Route& route = client->lane_->route;
  const auto server =
      std::make_shared<StreamSocket>(fabric, route.to.is_ipv6(), route.to_host);
  server->Inherit(listener);
  server->Open(route.to, route.from, route.from_host);
  server->stage_ = Stage::kHalfOpen;
  server->listener_ = listener.self();
  server->peer_ = client;
  client->peer_ = server;
  client->advertised_ = client->receive_buffer();
  server->advertised_ = server->receive_buffer();
  server->credit_ = static_cast<std::int64_t>(client->advertised_);
  client->credit_ = static_cast<std::int64_t>(server->advertised_);
  listener.queue_->AddHalfOpen(server);
  server->SetTimer(kHalfOpenPatience, &StreamSocket::OnNoThird);
  return server;
}

void StreamSocket::SendAnswer() {
  fabric_.wire.Send(
      lane_, {.what = "answer", .once = true, .arrive = [client = peer_] {
                if (const Self alive = client.lock()) {
                  alive->OnAnswer();
                }
              }});
}

void StreamSocket::OnAnswer() {
  if (stage_ != Stage::kConnecting) return;
  StopTimer();
  stage_ = Stage::kConnected;
  SendToPeer("established", 0, IfMissed::kNothing,
             [](StreamSocket& server) { server.OnEstablished(); });
  Announce();
}

void StreamSocket::OnEstablished() {
  const Self listener = listener_.lock();
  if (stage_ != Stage::kHalfOpen || listener == nullptr) return;
  StopTimer();
  stage_ = Stage::kConnected;
  listener->queue_->MakeReady(self());
  listener->Announce();
}

void StreamSocket::OnNoThird() { Fail(ETIMEDOUT); }

// --- Listening --------------------------------------------------------------

int StreamSocket::Listen(int backlog) {
  if (stage_ == Stage::kListening) return 0;
  if (stage_ != Stage::kFresh) return -EINVAL;
  if (local_.port() == 0) {
    const int bound = Bind(local_);
    if (bound < 0) return bound;
  }
  if (!MayListen()) return -EADDRINUSE;
  stage_ = Stage::kListening;
  queue_ = std::make_unique<AcceptQueue>(backlog);
  return 0;
}

std::shared_ptr<SimulatedSocket> StreamSocket::Accept(Address& peer,
                                                      int& error) {
  if (queue_ == nullptr) {
    error = EINVAL;  // accept(2): it does not listen, or not any more.
    return nullptr;
  }
  error = EAGAIN;
  if (!queue_->any_ready()) return nullptr;
  const Self connection = queue_->Take();
  peer = connection->peer_address_;
  return connection;
}

// Nobody will accept what is in the queue.
void StreamSocket::CloseQueue() {
  if (queue_ == nullptr) return;
  const std::vector<Self> waiting = queue_->TakeAll();
  queue_.reset();
  stage_ = Stage::kOver;
  for (const Self& connection : waiting) {
    connection->closed_ = true;
    connection->Reset();
  }
}

}  // namespace weft::net::testing
