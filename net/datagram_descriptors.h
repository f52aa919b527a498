// One try each of sending and receiving a datagram of this machine with what
// may go along with it: open descriptors, and who has sent it. What
// descriptor_passing.h is for streams; the rest is datagram_attempts.h.
//
// A datagram of no bytes is one, so that it may carry descriptors too.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_DATAGRAM_DESCRIPTORS_H_
#define WEFT_NET_DATAGRAM_DESCRIPTORS_H_

#include <cstddef>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weft/net/datagram.h"
#include "weft/net/datagram_attempts.h"
#include "weft/net/unix_address.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/source.h"
#include "weft/reactor/system.h"

namespace weft::net {

// A datagram, from where it came, and what came along with it.
struct DatagramWithDescriptors : ReceivedFrom<UnixAddress> {
  std::vector<reactor::Fd> descriptors;
  // Whether some were lost: the process has no descriptor left for them.
  bool descriptors_truncated = false;
  // Where the socket was asked for it.
  std::optional<reactor::PeerCredentials> sender;
};

// Borrows: `place`, which names where it goes when that is not said, the bytes
//          and the descriptors.
class SendDatagramDescriptorsAttempt : public DatagramAttempt {
 public:
  SendDatagramDescriptorsAttempt(reactor::Source& source,
                                 const UnixAddress& place,
                                 OutgoingTo<UnixAddress> datagram,
                                 std::span<const int> descriptors) noexcept
      : DatagramAttempt(source),
        place_(place),
        datagram_(std::move(datagram)),
        descriptors_(descriptors) {}

  std::optional<absl::Status> operator()();

 private:
  const UnixAddress& place_;
  const OutgoingTo<UnixAddress> datagram_;
  const std::span<const int> descriptors_;
};

// Borrows: `place`, which names the socket in errors, and `into`.
class ReceiveDatagramDescriptorsAttempt : public DatagramAttempt {
 public:
  ReceiveDatagramDescriptorsAttempt(reactor::Source& source,
                                    const UnixAddress& place,
                                    std::span<std::byte> into) noexcept
      : DatagramAttempt(source), place_(place), into_(into) {}

  std::optional<absl::StatusOr<DatagramWithDescriptors>> operator()();

 private:
  const UnixAddress& place_;
  const std::span<std::byte> into_;
};

}  // namespace weft::net

#endif  // WEFT_NET_DATAGRAM_DESCRIPTORS_H_
