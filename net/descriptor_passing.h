// One try each of sending and receiving open descriptors over a Unix socket:
// bytes with ancillary data (unix(7), SCM_RIGHTS; cmsg(3)).
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_DESCRIPTOR_PASSING_H_
#define WEFT_NET_DESCRIPTOR_PASSING_H_

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "weft/net/message_with_descriptors.h"
#include "weft/net/peer.h"
#include "weft/net/socket_attempts.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/source.h"

namespace weft::net {

struct ReceivedDescriptors {
  std::size_t size = 0;  // Bytes read; 0 at the end of the stream.
  std::vector<reactor::Fd> descriptors;
  // Whether some were lost: the process has no descriptor left for them.
  bool truncated = false;
};

class SendDescriptorsAttempt : public SocketAttempt {
 public:
  SendDescriptorsAttempt(reactor::Source& source, const Peer& peer,
                         std::span<const std::byte> bytes,
                         std::span<const int> descriptors) noexcept
      : SocketAttempt(source, peer), bytes_(bytes), descriptors_(descriptors) {}

  std::optional<Count> operator()();

 private:
  std::span<const std::byte> bytes_;
  std::span<const int> descriptors_;
};

class ReceiveDescriptorsAttempt : public SocketAttempt {
 public:
  ReceiveDescriptorsAttempt(reactor::Source& source, const Peer& peer,
                            std::span<std::byte> into) noexcept
      : SocketAttempt(source, peer), into_(into) {}

  std::optional<absl::StatusOr<ReceivedDescriptors>> operator()();

 private:
  std::span<std::byte> into_;
};

}  // namespace weft::net

#endif  // WEFT_NET_DESCRIPTOR_PASSING_H_
