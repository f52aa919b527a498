// Datagrams on their way, and in the queue.
//
// SPDX-License-Identifier: MIT

#include "weft/net/testing/simulated_datagrams.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <utility>

namespace weft::net::testing {
namespace {

// 16 bits of length, without the headers of UDP and of IPv4 or IPv6.
constexpr std::size_t kLongestIpv4 = 65'507;
constexpr std::size_t kLongestIpv6 = 65'527;

// What a message costs a queue besides its bytes, so that empty ones fill it.
constexpr std::size_t kOverhead = 64;

}  // namespace

int DatagramSocket::Connect(const Address& peer) {
  Address local;
  const int bound = BindToward(peer, local);
  if (bound < 0) return bound;
  if (!peer_.has_value()) bound_ = local_;
  local_ = local;
  peer_ = IsAny(peer)
              ? fabric_.hosts.Toward(*host(), peer)->WithPort(peer.port())
              : peer;
  return 0;
}

int DatagramSocket::Disconnect() {
  if (peer_.has_value()) local_ = bound_;
  peer_.reset();
  return 0;
}

// --- Sending ----------------------------------------------------------------

ssize_t DatagramSocket::Send(const msghdr& message, int) {
  if (crashed_) return -ENETDOWN;
  if (has_error()) return -TakeError();
  if (writing_shut_) return -EPIPE;
  if (message.msg_controllen > 0) return -EINVAL;  // We would not do it.
  const std::size_t longest = local_.is_ipv6() ? kLongestIpv6 : kLongestIpv4;
  if (SizeOf(message) > longest) return -EMSGSIZE;
  std::optional<Address> to = peer_;
  if (message.msg_name != nullptr && message.msg_namelen > 0) {
    to = AddressFrom(message.msg_name, message.msg_namelen);
    if (!to.has_value()) return -EAFNOSUPPORT;
  }
  if (!to.has_value()) return -EDESTADDRREQ;
  return SendTo(*to, Gather(message, longest));
}

ssize_t DatagramSocket::SendTo(const Address& to, Bytes bytes) {
  Address from;
  const int bound = BindToward(to, from);
  if (bound < 0) return bound;
  if (to.port() == 0) return -EINVAL;
  const std::size_t size = bytes.size();
  if (departing_ > 0 && departing_ + size > send_buffer()) return -EAGAIN;
  const Route route = {.from_host = *host(),
                       .to_host = fabric_.hosts.Meant(*host(), to),
                       .from = from,
                       .to = to};
  Fabric* const fabric = &fabric_;
  const reactor::Instant departs = fabric_.wire.SendDatagram(
      route, {.what = "datagram",
              .size = size,
              .arrive = [fabric, route, bytes = std::move(bytes),
                         sender = weak_from_this()] {
                OnArrival(*fabric, route, bytes, sender);
              }});
  WaitForRoom(departs, size);
  return static_cast<ssize_t>(size);
}

void DatagramSocket::WaitForRoom(reactor::Instant departs, std::size_t size) {
  if (departs <= fabric_.wire.now()) return;
  departing_ += size;
  fabric_.wire.agenda().Add(departs, [weak = weak_from_this(), size] {
    const auto alive = std::static_pointer_cast<DatagramSocket>(weak.lock());
    if (alive == nullptr) return;
    alive->departing_ -= size;
    alive->Announce();
  });
}

// --- Arriving ---------------------------------------------------------------

void DatagramSocket::OnArrival(Fabric& fabric, const Route& route, Bytes bytes,
                               const std::weak_ptr<SimulatedSocket>& sender) {
  SimulatedSocket* const receiver = fabric.ports.Find(
      route.to_host, Transport::kDatagram, route.to, route.from);
  if (receiver == nullptr) return TellUnreachable(fabric, route, sender);
  static_cast<DatagramSocket*>(receiver)->Queue(route.from, std::move(bytes));
}

void DatagramSocket::Queue(const Address& from, Bytes bytes) {
  const std::size_t cost = bytes.size() + kOverhead;
  if (queued_ > 0 && queued_ + cost > receive_buffer()) {
    return fabric_.wire.trace().Note(fabric_.wire.now(), "overflow", from,
                                     local_, bytes.size());
  }
  queued_ += cost;
  queue_.push_back({.from = from, .bytes = std::move(bytes)});
  Announce();
}

// RFC 1122, 4.1.3.3: a UDP passes to its program what ICMP says.
void DatagramSocket::TellUnreachable(
    Fabric& fabric, const Route& route,
    const std::weak_ptr<SimulatedSocket>& sender) {
  fabric.wire.SendDatagram(
      {.from_host = route.to_host,
       .to_host = route.from_host,
       .from = route.to,
       .to = route.from},
      {.what = "unreachable", .arrive = [sender, nobody = route.to] {
         const auto told =
             std::static_pointer_cast<DatagramSocket>(sender.lock());
         if (told == nullptr || told->peer_ != nobody) return;
         told->SetError(ECONNREFUSED);
         told->Announce();
       }});
}

ssize_t DatagramSocket::Receive(msghdr& message, int flags) {
  message.msg_flags = 0;
  message.msg_controllen = 0;
  if (crashed_) return -ENETDOWN;
  if (has_error()) return -TakeError();
  if (queue_.empty()) return reading_shut_ ? 0 : -EAGAIN;
  const Message& first = queue_.front();
  if (message.msg_name != nullptr) {
    WriteAddress(first.from, message.msg_name, message.msg_namelen);
  }
  std::span<const std::byte> rest = first.bytes;
  for (const std::span<std::byte> part : RoomIn(message)) {
    const std::size_t count = std::min(part.size(), rest.size());
    std::copy_n(rest.begin(), count, part.begin());
    rest = rest.subspan(count);
  }
  if (!rest.empty()) message.msg_flags |= MSG_TRUNC;
  const std::size_t whole = first.bytes.size();
  if ((flags & MSG_PEEK) == 0) {
    queued_ -= whole + kOverhead;
    queue_.pop_front();
  }
  // recv(2): asked for, it tells the whole length.
  const bool tell_all = (flags & MSG_TRUNC) != 0;
  return static_cast<ssize_t>(tell_all ? whole : whole - rest.size());
}

// --- The rest ---------------------------------------------------------------

int DatagramSocket::Shutdown(int how) {
  if (!peer_.has_value()) return -ENOTCONN;
  writing_shut_ = writing_shut_ || how != SHUT_RD;
  reading_shut_ = reading_shut_ || how != SHUT_WR;
  Announce();
  return 0;
}

std::size_t DatagramSocket::Waiting() const {
  return queue_.empty() ? 0 : queue_.front().bytes.size();
}

void DatagramSocket::Close() {
  StopAnnouncing();
  ReleasePort();
}

void DatagramSocket::Crash() {
  ReleasePort();
  crashed_ = true;
  Announce();
}

SimulatedSocket::Readiness DatagramSocket::CurrentReadiness() const {
  const bool broken = crashed_ || has_error();
  return {.readable = broken || !queue_.empty() || reading_shut_,
          .writable = broken || departing_ < send_buffer(),
          .hang_up = crashed_ || reading_shut_};
}

}  // namespace weft::net::testing
