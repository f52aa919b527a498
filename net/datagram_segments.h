// Segments: several datagrams of one length that pass between a program and the
// system as one block of bytes.
//
//     sent      | 1200 | 1200 | 1200 | 400 |   one call, four datagrams
//     received  | 1200 | 1200 | 1200 | 400 |   four datagrams, one call
//
// Routes are looked up and filters asked once a block instead of once a
// datagram; the network card cuts it up, or the system just before the card.
// Linux has both directions (UDP_SEGMENT and UDP_GRO, udp(7)). Elsewhere one
// finds out by asking.
//
// The length travels beside the bytes, in a control message (cmsg(3)).
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_DATAGRAM_SEGMENTS_H_
#define WEFT_NET_DATAGRAM_SEGMENTS_H_

#include <sys/socket.h>

#include <array>
#include <cstddef>

#include "weft/reactor/system.h"

namespace weft::net {

// Whether the system cuts up what is sent through `fd`.
bool SendsSegments(reactor::System& system, int fd);

// Asks the system to hand over, or not, several received datagrams as one.
// False: it has no such thing.
bool SetCoalescing(reactor::System& system, int fd, bool coalesce);

// Room for the control message of one msghdr, which points into it.
class SegmentControl {
 public:
  // Makes `message` one to be sent in segments of `size` bytes. Returns 0, or
  // the errno of why that cannot be said.
  [[nodiscard]] int Request(msghdr& message, std::size_t size) noexcept;

  // Lets the system say in `message` how long the segments are.
  void MakeRoom(msghdr& message) noexcept;

  // What it has said; 0 when the message is one datagram.
  static std::size_t SizeIn(msghdr& message) noexcept;

 private:
  // CMSG_SPACE of an int is 24 bytes, or 16; on some systems it is no constant.
  alignas(cmsghdr) std::array<std::byte, 32> space_;
};

}  // namespace weft::net

#endif  // WEFT_NET_DATAGRAM_SEGMENTS_H_
