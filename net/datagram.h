// What sockets of datagrams take and give: one that has come, one to be sent,
// and places in a batch.
//
// All of it is for any form of address: IP and a port, or whatever else names
// where a datagram comes from.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_DATAGRAM_H_
#define WEFT_NET_DATAGRAM_H_

#include <sys/socket.h>

#include <concepts>
#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "absl/status/statusor.h"

namespace weft::net {

// What has a form for the system, as Address has.
template <typename A>
concept SocketAddress =
    std::default_initializable<typename A::SystemForm> &&
    requires(const A& address, typename A::SystemForm& form) {
      { address.ToSystem() } -> std::same_as<typename A::SystemForm>;
      { address.ToString() } -> std::convertible_to<std::string>;
      { A::FromSystem(form) } -> std::same_as<absl::StatusOr<A>>;
      { form.get() } -> std::same_as<sockaddr*>;
      { form.size() } -> std::same_as<socklen_t>;
      { form.size_to_fill() } -> std::same_as<socklen_t*>;
    };

// What has come.
struct Received {
  std::size_t size = 0;    // Bytes in the buffer; 0 is a datagram too.
  bool truncated = false;  // It was longer than the buffer; the rest is lost.
  // Where several were coalesced: each of them has that many bytes, but for
  // the last, which may have fewer. 0: it is one.
  std::size_t segment_size = 0;
};

// ... and from where.
template <SocketAddress A>
struct ReceivedFrom : Received {
  A from;
};

// A place in a batch to be received.
template <SocketAddress A>
struct IncomingFrom {
  std::span<std::byte> into;
  ReceivedFrom<A> got = {};  // Set for those that have come.

  std::span<std::byte> bytes() const noexcept { return into.first(got.size); }
};

// One of a batch to be sent.
template <SocketAddress A>
struct OutgoingTo {
  std::span<const std::byte> bytes;
  std::optional<A> to = {};  // Empty: to whom the socket is connected.
  // Not 0: to be cut up into datagrams of that many bytes, and a last one.
  std::size_t segment_size = 0;
};

}  // namespace weft::net

#endif  // WEFT_NET_DATAGRAM_H_
