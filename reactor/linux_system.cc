// What is Linux's own, as a System; the rest is posix_system.cc.
//
// SPDX-License-Identifier: MIT

#include <fcntl.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "weft/reactor/system.h"

namespace weft::reactor {
namespace {

// What the kernel takes for an array of mmsghdr.
mmsghdr* AsArrayOfTheKernel(CountedMessage* messages) {
  static_assert(sizeof(CountedMessage) == sizeof(mmsghdr));
  static_assert(offsetof(CountedMessage, header) == offsetof(mmsghdr, msg_hdr));
  static_assert(offsetof(CountedMessage, length) == offsetof(mmsghdr, msg_len));
  return reinterpret_cast<mmsghdr*>(messages);
}

int AdviceOfTheKernel(FileAdvice advice) {
  switch (advice) {
    case FileAdvice::kNormal:
      return POSIX_FADV_NORMAL;
    case FileAdvice::kSequential:
      return POSIX_FADV_SEQUENTIAL;
    case FileAdvice::kRandom:
      return POSIX_FADV_RANDOM;
    case FileAdvice::kWillNeed:
      return POSIX_FADV_WILLNEED;
    case FileAdvice::kDontNeed:
      return POSIX_FADV_DONTNEED;
  }
  return POSIX_FADV_NORMAL;
}

// Blocks are counted in fragments, whatever f_bsize says: statvfs(3).
FileSystemSpace SpaceOf(const struct statvfs& about) {
  const auto fragment = static_cast<std::uint64_t>(about.f_frsize);
  return {.total = about.f_blocks * fragment,
          .free = about.f_bfree * fragment,
          .available = about.f_bavail * fragment};
}

}  // namespace

int System::available_processors() {
  cpu_set_t allowed;
  if (::sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return 1;
  return CPU_COUNT(&allowed);
}

// The C library has no wrapper for it.
int System::membarrier_register() {
  return static_cast<int>(::syscall(
      SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0));
}

int System::membarrier() {
  return static_cast<int>(
      ::syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0));
}

int System::pipe(int ends[2]) { return ::pipe2(ends, O_NONBLOCK | O_CLOEXEC); }

// At the position -1, which is the descriptor's own: preadv2(2).
ssize_t System::read_nowait(int fd, void* buffer, std::size_t size) {
  const iovec part{buffer, size};
  return ::preadv2(fd, &part, 1, -1, RWF_NOWAIT);
}

ssize_t System::write_nowait(int fd, const void* buffer, std::size_t size) {
  const iovec part{const_cast<void*>(buffer), size};
  return ::pwritev2(fd, &part, 1, -1, RWF_NOWAIT);
}

// RWF_NOWAIT: see preadv2(2). File systems that cannot tell, such as FUSE or
// an old overlay, answer EOPNOTSUPP.
ssize_t System::pread_nowait(int fd, void* buffer, std::size_t size,
                             off_t offset) {
  const iovec part{buffer, size};
  return ::preadv2(fd, &part, 1, offset, RWF_NOWAIT);
}

ssize_t System::preadv_nowait(int fd, const iovec* parts, int count,
                              off_t offset) {
  return ::preadv2(fd, parts, count, offset, RWF_NOWAIT);
}

int System::fsync(int fd) { return ::fsync(fd); }

int System::fdatasync(int fd) { return ::fdatasync(fd); }

int System::fallocate(int fd, off_t offset, off_t size) {
  return ::fallocate(fd, 0, offset, size);
}

// The call answers with the error's number instead of noting it.
int System::fadvise(int fd, off_t offset, off_t size, FileAdvice advice) {
  const int error =
      ::posix_fadvise(fd, offset, size, AdviceOfTheKernel(advice));
  if (error == 0) return 0;
  errno = error;
  return -1;
}

ssize_t System::copy_file_range(int from, off_t from_offset, int to,
                                off_t to_offset, std::size_t size) {
  return ::copy_file_range(from, &from_offset, to, &to_offset, size, 0);
}

int System::statvfs(const char* path, FileSystemSpace* out) {
  struct statvfs about{};
  if (::statvfs(path, &about) == -1) return -1;
  *out = SpaceOf(about);
  return 0;
}

int System::fstatvfs(int fd, FileSystemSpace* out) {
  struct statvfs about{};
  if (::fstatvfs(fd, &about) == -1) return -1;
  *out = SpaceOf(about);
  return 0;
}

// A file system that has no such rename says EINVAL: rename(2).
int System::rename_noreplace(const char* from, const char* to) {
  return ::renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);
}

int System::socket(int domain, int type, int protocol) {
  return ::socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
}

int System::socketpair(int domain, int type, int protocol, int ends[2]) {
  return ::socketpair(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol,
                      ends);
}

int System::accept(int fd, sockaddr* address, socklen_t* size) {
  return ::accept4(fd, address, size, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

ssize_t System::send(int fd, const void* buffer, std::size_t size, int flags) {
  return ::send(fd, buffer, size, flags | MSG_NOSIGNAL);
}

// A descriptor that arrives in a message is close-on-exec like any other.
ssize_t System::recvmsg(int fd, msghdr* message, int flags) {
  return ::recvmsg(fd, message, flags | MSG_CMSG_CLOEXEC);
}

ssize_t System::sendmsg(int fd, const msghdr* message, int flags) {
  return ::sendmsg(fd, message, flags | MSG_NOSIGNAL);
}

int System::recvmmsg(int fd, CountedMessage* messages, unsigned int count,
                     int flags) {
  return ::recvmmsg(fd, AsArrayOfTheKernel(messages), count,
                    flags | MSG_CMSG_CLOEXEC, nullptr);
}

int System::sendmmsg(int fd, CountedMessage* messages, unsigned int count,
                     int flags) {
  return ::sendmmsg(fd, AsArrayOfTheKernel(messages), count,
                    flags | MSG_NOSIGNAL);
}

ssize_t System::sendfile(int to, int from, off_t offset, std::size_t size) {
  return ::sendfile(to, from, &offset, size);
}

ssize_t System::splice(int from, int to, std::size_t size) {
  return ::splice(from, nullptr, to, nullptr, size,
                  SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
}

int System::peer_credentials(int fd, PeerCredentials* out) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == -1) return -1;
  *out = {.user = peer.uid, .group = peer.gid, .process = peer.pid};
  return 0;
}

// The C library has no wrapper for it.
int System::pidfd_open(pid_t process) {
  return static_cast<int>(::syscall(SYS_pidfd_open, process, 0));
}

int System::inotify_init() { return ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC); }

int System::inotify_add_watch(int fd, const char* path, std::uint32_t mask) {
  return ::inotify_add_watch(fd, path, mask);
}

int System::inotify_rm_watch(int fd, int watch) {
  return ::inotify_rm_watch(fd, watch);
}

}  // namespace weft::reactor
