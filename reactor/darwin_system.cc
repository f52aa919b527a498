// What is macOS's own, as a System; the rest is posix_system.cc.
//
// What it lacks, and what stands in: accept4, pipe2 and SOCK_NONBLOCK (fcntl
// after the call, so that a fork on another thread in between inherits the
// descriptor; there is no cure), MSG_NOSIGNAL (SO_NOSIGPIPE on every socket),
// RWF_NOWAIT (nothing: reads go where blocking is allowed), recvmmsg and
// sendmmsg (a loop). There is no copy_file_range, splice, pidfd or inotify.
//
// SPDX-License-Identifier: MIT

#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/ucred.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "weft/reactor/system.h"

namespace weft::reactor {
namespace {

// Closes `fd` without losing the errno that made the caller give up.
int GiveUp(int fd) {
  const int error = errno;
  ::close(fd);
  errno = error;
  return -1;
}

// Neither inherited nor blocking. The flags are those of a new descriptor, so
// nothing has to be read first.
bool Prepare(int fd) {
  return ::fcntl(fd, F_SETFD, FD_CLOEXEC) != -1 &&
         ::fcntl(fd, F_SETFL, O_NONBLOCK) != -1;
}

// As Prepare, and a write to a closed connection is EPIPE and no signal.
int PrepareSocket(int fd) {
  if (fd == -1) return -1;
  const int on = 1;
  if (!Prepare(fd) ||
      ::setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on) == -1) {
    return GiveUp(fd);
  }
  return fd;
}

int NotSupported() {
  errno = ENOTSUP;
  return -1;
}

// There is no MSG_CMSG_CLOEXEC.
void PrepareDescriptorsIn(const msghdr& message) {
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) {
      continue;
    }
    const std::size_t size = header->cmsg_len - CMSG_LEN(0);
    for (std::size_t at = 0; at + sizeof(int) <= size; at += sizeof(int)) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + at, sizeof fd);
      ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    }
  }
}

// Calls `move` for each message until one is not moved.
template <typename Move>
int MoveEach(CountedMessage* messages, unsigned int count, Move move) {
  for (unsigned int i = 0; i < count; ++i) {
    const ssize_t moved = move(&messages[i].header);
    if (moved == -1) return i == 0 ? -1 : static_cast<int>(i);
    messages[i].length = static_cast<unsigned int>(moved);
  }
  return static_cast<int>(count);
}

// statvfs(3) here counts blocks in 32 bits, which 16 TiB overflow; statfs(2)
// counts in 64.
FileSystemSpace SpaceOf(const struct statfs& about) {
  const std::uint64_t block = about.f_bsize;
  return {.total = about.f_blocks * block,
          .free = about.f_bfree * block,
          .available = about.f_bavail * block};
}

}  // namespace

int System::available_processors() {
  return static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN));
}

int System::membarrier_register() { return NotSupported(); }

int System::membarrier() { return NotSupported(); }

// F_SETNOSIGPIPE does for a pipe what SO_NOSIGPIPE does for a socket.
int System::pipe(int ends[2]) {
  if (::pipe(ends) == -1) return -1;
  if (Prepare(ends[0]) && Prepare(ends[1]) &&
      ::fcntl(ends[1], F_SETNOSIGPIPE, 1) != -1) {
    return 0;
  }
  GiveUp(ends[0]);
  return GiveUp(ends[1]);
}

ssize_t System::read_nowait(int /*fd*/, void* /*buffer*/,
                            std::size_t /*size*/) {
  return NotSupported();
}

ssize_t System::write_nowait(int /*fd*/, const void* /*buffer*/,
                             std::size_t /*size*/) {
  return NotSupported();
}

ssize_t System::pread_nowait(int /*fd*/, void* /*buffer*/, std::size_t /*size*/,
                             off_t /*offset*/) {
  return NotSupported();
}

ssize_t System::preadv_nowait(int /*fd*/, const iovec* /*parts*/, int /*count*/,
                              off_t /*offset*/) {
  return NotSupported();
}

// fsync(2) here only tells the device; F_FULLFSYNC makes it flush its cache. A
// file system that does not know it, such as a network one, gets the former.
int System::fsync(int fd) {
  const int synced = ::fcntl(fd, F_FULLFSYNC);
  if (synced != -1 || (errno != ENOTSUP && errno != EINVAL)) return synced;
  return ::fsync(fd);
}

// macOS has the call and no declaration of it, and no promise either.
int System::fdatasync(int fd) { return System::fsync(fd); }

// F_PREALLOCATE reserves beyond the end and leaves the size alone. ftruncate
// sets it, whatever it is by then: who looks again leaves least to chance.
int System::fallocate(int fd, off_t offset, off_t size) {
  struct stat about{};
  if (::fstat(fd, &about) == -1) return -1;
  const off_t missing = offset + size - about.st_size;
  if (missing <= 0) return 0;
  fstore_t room{.fst_flags = F_ALLOCATEALL,
                .fst_posmode = F_PEOFPOSMODE,
                .fst_offset = 0,
                .fst_length = missing,
                .fst_bytesalloc = 0};
  if (::fcntl(fd, F_PREALLOCATE, &room) == -1) return -1;
  if (::fstat(fd, &about) == -1) return -1;
  return about.st_size >= offset + size ? 0 : ::ftruncate(fd, offset + size);
}

int System::fadvise(int fd, off_t offset, off_t size, FileAdvice advice) {
  if (advice == FileAdvice::kRandom) return ::fcntl(fd, F_RDAHEAD, 0);
  if (advice == FileAdvice::kWillNeed) {
    radvisory part{.ra_offset = offset, .ra_count = static_cast<int>(size)};
    return ::fcntl(fd, F_RDADVISE, &part);
  }
  // There is no way to say that a part is not needed; that is only advice.
  return advice == FileAdvice::kDontNeed ? 0 : ::fcntl(fd, F_RDAHEAD, 1);
}

ssize_t System::copy_file_range(int /*from*/, off_t /*from_offset*/, int /*to*/,
                                off_t /*to_offset*/, std::size_t /*size*/) {
  return NotSupported();
}

int System::statvfs(const char* path, FileSystemSpace* out) {
  struct statfs about{};
  if (::statfs(path, &about) == -1) return -1;
  *out = SpaceOf(about);
  return 0;
}

int System::fstatvfs(int fd, FileSystemSpace* out) {
  struct statfs about{};
  if (::fstatfs(fd, &about) == -1) return -1;
  *out = SpaceOf(about);
  return 0;
}

int System::rename_noreplace(const char* from, const char* to) {
  return ::renamex_np(from, to, RENAME_EXCL);
}

int System::socket(int domain, int type, int protocol) {
  return PrepareSocket(::socket(domain, type, protocol));
}

int System::socketpair(int domain, int type, int protocol, int ends[2]) {
  if (::socketpair(domain, type, protocol, ends) == -1) return -1;
  if (PrepareSocket(ends[0]) == -1) return GiveUp(ends[1]);
  if (PrepareSocket(ends[1]) == -1) return GiveUp(ends[0]);
  return 0;
}

int System::accept(int fd, sockaddr* address, socklen_t* size) {
  return PrepareSocket(::accept(fd, address, size));
}

ssize_t System::send(int fd, const void* buffer, std::size_t size, int flags) {
  return ::send(fd, buffer, size, flags);
}

ssize_t System::recvmsg(int fd, msghdr* message, int flags) {
  const ssize_t size = ::recvmsg(fd, message, flags);
  if (size != -1) PrepareDescriptorsIn(*message);
  return size;
}

ssize_t System::sendmsg(int fd, const msghdr* message, int flags) {
  return ::sendmsg(fd, message, flags);
}

int System::recvmmsg(int fd, CountedMessage* messages, unsigned int count,
                     int flags) {
  return MoveEach(messages, count, [&](msghdr* message) {
    return ::recvmsg(fd, message, flags);
  });
}

int System::sendmmsg(int fd, CountedMessage* messages, unsigned int count,
                     int flags) {
  return MoveEach(messages, count, [&](const msghdr* message) {
    return ::sendmsg(fd, message, flags);
  });
}

// Here the call may have moved something and fail nevertheless, with EAGAIN or
// EINTR: what was moved counts.
ssize_t System::sendfile(int to, int from, off_t offset, std::size_t size) {
  off_t moved = static_cast<off_t>(size);
  const int answer = ::sendfile(from, to, offset, &moved, nullptr, 0);
  return answer == -1 && moved == 0 ? -1 : static_cast<ssize_t>(moved);
}

ssize_t System::splice(int /*from*/, int /*to*/, std::size_t /*size*/) {
  return NotSupported();
}

int System::peer_credentials(int fd, PeerCredentials* out) {
  PeerCredentials peer;
  if (::getpeereid(fd, &peer.user, &peer.group) == -1) return -1;
  socklen_t size = sizeof peer.process;
  if (::getsockopt(fd, SOL_LOCAL, LOCAL_PEERPID, &peer.process, &size) == -1) {
    peer.process = 0;
  }
  *out = peer;
  return 0;
}

int System::pidfd_open(pid_t /*process*/) { return NotSupported(); }

int System::inotify_init() { return NotSupported(); }

int System::inotify_add_watch(int /*fd*/, const char* /*path*/,
                              std::uint32_t /*mask*/) {
  return NotSupported();
}

int System::inotify_rm_watch(int /*fd*/, int /*watch*/) {
  return NotSupported();
}

}  // namespace weft::reactor
