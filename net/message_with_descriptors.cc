// Ancillary data, packed and unpacked.
//
// SPDX-License-Identifier: MIT

#include "weft/net/message_with_descriptors.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "weft/net/socket.h"
#include "weft/reactor/os_error.h"

namespace weft::net {
namespace {

using ::weft::reactor::Fd;
using ::weft::reactor::PeerCredentials;
using ::weft::reactor::System;

#ifdef SCM_CREDENTIALS  // Linux only; drop when macOS tells of datagrams too.
using Credentials = ucred;
constexpr bool kHasCredentials = true;
constexpr int kCredentials = SCM_CREDENTIALS;
constexpr int kPassCredentials = SO_PASSCRED;
#else
struct Credentials {
  pid_t pid;
  uid_t uid;
  gid_t gid;
};
constexpr bool kHasCredentials = false;
constexpr int kCredentials = -1;
constexpr int kPassCredentials = -1;
#endif

static_assert(CMSG_SPACE(sizeof(Credentials)) <= 64);

}  // namespace

MessageWithDescriptors::MessageWithDescriptors(
    std::span<const std::byte> bytes) noexcept
    // The interface of the call is older than const.
    : part_{const_cast<std::byte*>(bytes.data()), bytes.size()} {
  message_.msg_iov = &part_;
  message_.msg_iovlen = 1;
}

void MessageWithDescriptors::Put(std::span<const int> descriptors) noexcept {
  if (descriptors.empty()) return;
  message_.msg_control = control_.data();
  message_.msg_controllen = static_cast<decltype(message_.msg_controllen)>(
      CMSG_SPACE(descriptors.size_bytes()));
  cmsghdr* const header = CMSG_FIRSTHDR(&message_);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = static_cast<decltype(header->cmsg_len)>(
      CMSG_LEN(descriptors.size_bytes()));
  std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size_bytes());
}

void MessageWithDescriptors::MakeRoom() noexcept {
  message_.msg_control = control_.data();
  message_.msg_controllen =
      static_cast<decltype(message_.msg_controllen)>(control_.size());
}

// What came with them has been read and must not be lost as well: where there
// is no memory, they are closed.
std::vector<Fd> MessageWithDescriptors::Take(System& system) noexcept {
  std::vector<Fd> taken;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message_); header != nullptr;
       header = CMSG_NXTHDR(&message_, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) {
      continue;
    }
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int number = -1;
      std::memcpy(&number, CMSG_DATA(header) + i * sizeof(int), sizeof(number));
      Fd descriptor(number, system);
      try {
        taken.push_back(std::move(descriptor));
      } catch (const std::bad_alloc&) {
        message_.msg_flags |= MSG_CTRUNC;
      }
    }
  }
  return taken;
}

std::optional<PeerCredentials> MessageWithDescriptors::Sender() noexcept {
  for (cmsghdr* header = CMSG_FIRSTHDR(&message_); header != nullptr;
       header = CMSG_NXTHDR(&message_, header)) {
    if (header->cmsg_level != SOL_SOCKET) continue;
    if (header->cmsg_type != kCredentials) continue;
    Credentials sender{};
    std::memcpy(&sender, CMSG_DATA(header), sizeof(sender));
    return PeerCredentials{
        .user = sender.uid, .group = sender.gid, .process = sender.pid};
  }
  return std::nullopt;
}

// macOS vouches for who has connected, and for nobody who only sends:
// LOCAL_PEERCRED, unix(4) there.
absl::Status SetPassCredentials(System& system, int fd, bool pass) {
  if (!kHasCredentials) {
    return reactor::ErrnoToStatus(ENOTSUP, "setsockopt(SO_PASSCRED)");
  }
  return SetOption(system, fd, SOL_SOCKET, kPassCredentials, pass ? 1 : 0,
                   "SO_PASSCRED");
}

}  // namespace weft::net
