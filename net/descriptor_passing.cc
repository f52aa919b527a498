// Ancillary data, packed and unpacked.
//
// SPDX-License-Identifier: MIT

#include "weft/net/descriptor_passing.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "weft/reactor/os_error.h"
#include "weft/reactor/system.h"

namespace weft::net {
namespace {

using ::weft::reactor::Fd;
using ::weft::reactor::RetryInterrupted;
using ::weft::reactor::System;

// A message of one piece of bytes, with room for descriptors beside it.
class MessageWithDescriptors {
 public:
  explicit MessageWithDescriptors(std::span<const std::byte> bytes) noexcept
      // The interface of the call is older than const.
      : part_{const_cast<std::byte*>(bytes.data()), bytes.size()} {
    message_.msg_iov = &part_;
    message_.msg_iovlen = 1;
  }
  MessageWithDescriptors(const MessageWithDescriptors&) = delete;
  MessageWithDescriptors& operator=(const MessageWithDescriptors&) = delete;

  void Put(std::span<const int> descriptors) noexcept {
    if (descriptors.empty()) return;
    message_.msg_control = control_.data();
    message_.msg_controllen = static_cast<decltype(message_.msg_controllen)>(
        CMSG_SPACE(descriptors.size_bytes()));
    cmsghdr* const header = CMSG_FIRSTHDR(&message_);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = static_cast<decltype(header->cmsg_len)>(
        CMSG_LEN(descriptors.size_bytes()));
    std::memcpy(CMSG_DATA(header), descriptors.data(),
                descriptors.size_bytes());
  }

  void MakeRoom() noexcept {
    message_.msg_control = control_.data();
    message_.msg_controllen =
        static_cast<decltype(message_.msg_controllen)>(control_.size());
  }

  // Every descriptor that came is owned from here on.
  std::vector<Fd> Take(System& system) {
    std::vector<Fd> taken;
    for (cmsghdr* header = CMSG_FIRSTHDR(&message_); header != nullptr;
         header = CMSG_NXTHDR(&message_, header)) {
      if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) {
        continue;
      }
      const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      for (std::size_t i = 0; i < count; ++i) {
        int number = -1;
        std::memcpy(&number, CMSG_DATA(header) + i * sizeof(int),
                    sizeof(number));
        taken.emplace_back(number, system);
      }
    }
    return taken;
  }

  msghdr& get() noexcept { return message_; }
  bool truncated() const noexcept {
    return (message_.msg_flags & MSG_CTRUNC) != 0;
  }

 private:
  iovec part_;
  msghdr message_{};
  alignas(cmsghdr)
      std::array<char, CMSG_SPACE(kMaxDescriptors * sizeof(int))> control_{};
};

}  // namespace

std::optional<absl::StatusOr<std::size_t>>
SendDescriptorsAttempt::operator()() {
  if (bytes_.empty() || descriptors_.size() > kMaxDescriptors) {
    return absl::InvalidArgumentError(absl::StrCat(
        "descriptors are passed along with bytes, of which there are ",
        bytes_.size(), ", and at most ", kMaxDescriptors, " of them, not ",
        descriptors_.size()));
  }
  MessageWithDescriptors message(
      bytes_.first(std::min(bytes_.size(), kLongestCall)));
  message.Put(descriptors_);
  const ssize_t result = RetryInterrupted([&] {
    return source_.system().sendmsg(source_.fd(), &message.get(), 0);
  });
  return Counted(result, errno, "sendmsg");
}

std::optional<absl::StatusOr<ReceivedDescriptors>>
ReceiveDescriptorsAttempt::operator()() {
  MessageWithDescriptors message(into_);
  message.MakeRoom();
  ssize_t result = RetryInterrupted([&] {
    return source_.system().recvmsg(source_.fd(), &message.get(), 0);
  });
  if (!into_.empty()) result = UnlessLost(result);
  const int error = errno;
  if (result < 0) {
    std::optional<absl::Status> failure = Failed(error, "recvmsg");
    if (!failure.has_value()) return std::nullopt;
    return *std::move(failure);
  }
  ReceivedDescriptors received;
  received.size = static_cast<std::size_t>(result);
  received.descriptors = message.Take(source_.system());
  received.truncated = message.truncated();
  return received;
}

}  // namespace weft::net
