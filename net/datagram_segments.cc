// Control messages that tell the length of segments, written and read.
//
// SPDX-License-Identifier: MIT

#include "weft/net/datagram_segments.h"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <limits>

namespace weft::net {
namespace {

#ifdef UDP_SEGMENT  // Linux only; drop when another system has segments too.
constexpr bool kHasSegments = true;
constexpr int kSegment = UDP_SEGMENT;
constexpr int kCoalesce = UDP_GRO;
#else
constexpr bool kHasSegments = false;
constexpr int kSegment = -1;
constexpr int kCoalesce = -1;
#endif

bool Takes(reactor::System& system, int fd, int option, int value) {
  return kHasSegments &&
         system.setsockopt(fd, IPPROTO_UDP, option, &value, sizeof(value)) == 0;
}

}  // namespace

// A length of 0 is what every socket begins with: to ask changes nothing.
bool SendsSegments(reactor::System& system, int fd) {
  return Takes(system, fd, kSegment, 0);
}

bool SetCoalescing(reactor::System& system, int fd, bool coalesce) {
  return Takes(system, fd, kCoalesce, coalesce ? 1 : 0);
}

int SegmentControl::Request(msghdr& message, std::size_t size) noexcept {
  // A system that does not know the control message passes over it, and sends
  // one large datagram.
  if (!kHasSegments) return ENOTSUP;
  if (size > std::numeric_limits<std::uint16_t>::max()) return EMSGSIZE;
  const auto length = static_cast<std::uint16_t>(size);
  MakeRoom(message);
  cmsghdr* const control = CMSG_FIRSTHDR(&message);
  control->cmsg_level = IPPROTO_UDP;
  control->cmsg_type = kSegment;
  control->cmsg_len = CMSG_LEN(sizeof(length));
  std::memcpy(CMSG_DATA(control), &length, sizeof(length));
  message.msg_controllen = CMSG_SPACE(sizeof(length));
  return 0;
}

void SegmentControl::MakeRoom(msghdr& message) noexcept {
  message.msg_control = space_.data();
  message.msg_controllen = sizeof(space_);
}

std::size_t SegmentControl::SizeIn(msghdr& message) noexcept {
  for (cmsghdr* control = CMSG_FIRSTHDR(&message); control != nullptr;
       control = CMSG_NXTHDR(&message, control)) {
    if (control->cmsg_level != IPPROTO_UDP) continue;
    if (control->cmsg_type != kCoalesce) continue;
    int length = 0;
    std::memcpy(&length, CMSG_DATA(control), sizeof(length));
    return static_cast<std::size_t>(length);
  }
  return 0;
}

}  // namespace weft::net
