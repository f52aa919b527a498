// MessageWithDescriptors: a message of one piece of bytes, and what goes along
// with it within this machine: open descriptors, and who has sent it.
//
//     msghdr --> iovec --> bytes
//            --> control   | SCM_CREDENTIALS: who | SCM_RIGHTS: descriptors |
//
// unix(7), cmsg(3).
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_MESSAGE_WITH_DESCRIPTORS_H_
#define WEFT_NET_MESSAGE_WITH_DESCRIPTORS_H_

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/system.h"

namespace weft::net {

// What Linux passes at once (SCM_MAX_FD).
inline constexpr std::size_t kMaxDescriptors = 253;

class MessageWithDescriptors {
 public:
  explicit MessageWithDescriptors(std::span<const std::byte> bytes) noexcept;
  MessageWithDescriptors(const MessageWithDescriptors&) = delete;
  MessageWithDescriptors& operator=(const MessageWithDescriptors&) = delete;

  // To be sent along. Requires: no more than kMaxDescriptors.
  void Put(std::span<const int> descriptors) noexcept;

  // Makes room for all that may come.
  void MakeRoom() noexcept;

  // The descriptors that came; each is owned from here on. Once.
  std::vector<reactor::Fd> Take(reactor::System& system) noexcept;
  // Whether some were lost, for want of numbers or memory.
  bool truncated() const noexcept {
    return (message_.msg_flags & MSG_CTRUNC) != 0;
  }
  // Who has sent it, where the system was asked to tell.
  std::optional<reactor::PeerCredentials> Sender() noexcept;

  msghdr& get() noexcept { return message_; }

 private:
  // That of the credentials is more than any system wants.
  static constexpr std::size_t kRoom =
      CMSG_SPACE(kMaxDescriptors * sizeof(int)) + 64;

  iovec part_;
  msghdr message_{};
  alignas(cmsghdr) std::array<char, kRoom> control_{};
};

// Asks the system to tell of each message that comes to `fd` who has sent it,
// or to leave that out.
//
// Errors: UNIMPLEMENTED where it has no such thing.
absl::Status SetPassCredentials(reactor::System& system, int fd, bool pass);

}  // namespace weft::net

#endif  // WEFT_NET_MESSAGE_WITH_DESCRIPTORS_H_
