// The Linux kernel as a System.
//
// SPDX-License-Identifier: MIT

#include <dirent.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <net/if.h>
#include <netdb.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "absl/functional/function_ref.h"
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

// For calls that answer with an error's number instead of noting it.
int NoteError(int error) {
  if (error == 0) return 0;
  errno = error;
  return -1;
}

}  // namespace

// Never destroyed: a thread that outlives main may still close a descriptor.
System& System::Kernel() noexcept {
  static System& kernel = *new System();
  return kernel;
}

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

int System::clock_gettime(clockid_t clock, timespec* now) {
  return ::clock_gettime(clock, now);
}

int System::close(int fd) { return ::close(fd); }

ssize_t System::read(int fd, void* buffer, std::size_t size) {
  return ::read(fd, buffer, size);
}

ssize_t System::write(int fd, const void* buffer, std::size_t size) {
  return ::write(fd, buffer, size);
}

ssize_t System::readv(int fd, const iovec* parts, int count) {
  return ::readv(fd, parts, count);
}

ssize_t System::writev(int fd, const iovec* parts, int count) {
  return ::writev(fd, parts, count);
}

int System::fstat(int fd, struct stat* out) { return ::fstat(fd, out); }

int System::pipe(int ends[2]) { return ::pipe2(ends, O_NONBLOCK | O_CLOEXEC); }

int System::fcntl(int fd, int command, int argument) {
  return ::fcntl(fd, command, argument);
}

int System::ioctl(int fd, unsigned long request, void* argument) {
  return ::ioctl(fd, request, argument);
}

// At the position -1, which is the descriptor's own: preadv2(2).
ssize_t System::read_nowait(int fd, void* buffer, std::size_t size) {
  const iovec part{buffer, size};
  return ::preadv2(fd, &part, 1, -1, RWF_NOWAIT);
}

ssize_t System::write_nowait(int fd, const void* buffer, std::size_t size) {
  const iovec part{const_cast<void*>(buffer), size};
  return ::pwritev2(fd, &part, 1, -1, RWF_NOWAIT);
}

int System::open(const char* path, int flags, mode_t mode) {
  return ::open(path, flags | O_CLOEXEC | O_NONBLOCK, mode);
}

ssize_t System::pread(int fd, void* buffer, std::size_t size, off_t offset) {
  return ::pread(fd, buffer, size, offset);
}

ssize_t System::pwrite(int fd, const void* buffer, std::size_t size,
                       off_t offset) {
  return ::pwrite(fd, buffer, size, offset);
}

// RWF_NOWAIT: see preadv2(2). File systems that cannot tell, such as FUSE or
// an old overlay, answer EOPNOTSUPP.
ssize_t System::pread_nowait(int fd, void* buffer, std::size_t size,
                             off_t offset) {
  const iovec part{buffer, size};
  return ::preadv2(fd, &part, 1, offset, RWF_NOWAIT);
}

ssize_t System::preadv(int fd, const iovec* parts, int count, off_t offset) {
  return ::preadv(fd, parts, count, offset);
}

ssize_t System::preadv_nowait(int fd, const iovec* parts, int count,
                              off_t offset) {
  return ::preadv2(fd, parts, count, offset, RWF_NOWAIT);
}

ssize_t System::pwritev(int fd, const iovec* parts, int count, off_t offset) {
  return ::pwritev(fd, parts, count, offset);
}

off_t System::lseek(int fd, off_t offset, int whence) {
  return ::lseek(fd, offset, whence);
}

int System::fsync(int fd) { return ::fsync(fd); }

int System::fdatasync(int fd) { return ::fdatasync(fd); }

int System::ftruncate(int fd, off_t size) { return ::ftruncate(fd, size); }

int System::fallocate(int fd, off_t offset, off_t size) {
  return ::fallocate(fd, 0, offset, size);
}

int System::fadvise(int fd, off_t offset, off_t size, FileAdvice advice) {
  return NoteError(
      ::posix_fadvise(fd, offset, size, AdviceOfTheKernel(advice)));
}

int System::flock(int fd, int operation) { return ::flock(fd, operation); }

ssize_t System::copy_file_range(int from, off_t from_offset, int to,
                                off_t to_offset, std::size_t size) {
  return ::copy_file_range(from, &from_offset, to, &to_offset, size, 0);
}

int System::fchmod(int fd, mode_t mode) { return ::fchmod(fd, mode); }

int System::futimens(int fd, const timespec times[2]) {
  return ::futimens(fd, times);
}

int System::stat(const char* path, struct stat* out) {
  return ::stat(path, out);
}

int System::lstat(const char* path, struct stat* out) {
  return ::lstat(path, out);
}

int System::fstatat(int directory, const char* path, struct stat* out,
                    int flags) {
  return ::fstatat(directory, path, out, flags);
}

int System::openat(int directory, const char* path, int flags, mode_t mode) {
  return ::openat(directory, path, flags | O_CLOEXEC | O_NONBLOCK, mode);
}

int System::unlinkat(int directory, const char* path, int flags) {
  return ::unlinkat(directory, path, flags);
}

int System::chmod(const char* path, mode_t mode) { return ::chmod(path, mode); }

int System::utimensat(int directory, const char* path, const timespec times[2],
                      int flags) {
  return ::utimensat(directory, path, times, flags);
}

int System::link(const char* from, const char* to) { return ::link(from, to); }

int System::symlink(const char* target, const char* path) {
  return ::symlink(target, path);
}

ssize_t System::readlink(const char* path, char* target, std::size_t size) {
  return ::readlink(path, target, size);
}

char* System::realpath(const char* path, char* resolved) {
  return ::realpath(path, resolved);
}

char* System::mkdtemp(char* pattern) { return ::mkdtemp(pattern); }

int System::rename(const char* from, const char* to) {
  return ::rename(from, to);
}

int System::unlink(const char* path) { return ::unlink(path); }

int System::mkdir(const char* path, mode_t mode) { return ::mkdir(path, mode); }

int System::rmdir(const char* path) { return ::rmdir(path); }

DIR* System::opendir(const char* path) { return ::opendir(path); }

DIR* System::fdopendir(int fd) { return ::fdopendir(fd); }

// Safe from several threads as long as each has its own DIR: readdir(3).
dirent* System::readdir(DIR* directory) { return ::readdir(directory); }

int System::closedir(DIR* directory) { return ::closedir(directory); }

int System::socket(int domain, int type, int protocol) {
  return ::socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
}

int System::socketpair(int domain, int type, int protocol, int ends[2]) {
  return ::socketpair(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol,
                      ends);
}

int System::bind(int fd, const sockaddr* address, socklen_t size) {
  return ::bind(fd, address, size);
}

int System::listen(int fd, int backlog) { return ::listen(fd, backlog); }

int System::accept(int fd, sockaddr* address, socklen_t* size) {
  return ::accept4(fd, address, size, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

int System::connect(int fd, const sockaddr* address, socklen_t size) {
  return ::connect(fd, address, size);
}

int System::getsockopt(int fd, int level, int name, void* value,
                       socklen_t* size) {
  return ::getsockopt(fd, level, name, value, size);
}

int System::setsockopt(int fd, int level, int name, const void* value,
                       socklen_t size) {
  return ::setsockopt(fd, level, name, value, size);
}

int System::getsockname(int fd, sockaddr* address, socklen_t* size) {
  return ::getsockname(fd, address, size);
}

int System::getpeername(int fd, sockaddr* address, socklen_t* size) {
  return ::getpeername(fd, address, size);
}

int System::shutdown(int fd, int how) { return ::shutdown(fd, how); }

ssize_t System::recv(int fd, void* buffer, std::size_t size, int flags) {
  return ::recv(fd, buffer, size, flags);
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

int System::getaddrinfo(const char* host, const char* service,
                        const addrinfo* hints, addrinfo** out) {
  return ::getaddrinfo(host, service, hints, out);
}

void System::freeaddrinfo(addrinfo* list) { ::freeaddrinfo(list); }

unsigned int System::if_nametoindex(const char* name) {
  return ::if_nametoindex(name);
}

int System::posix_spawnp(pid_t* process, const char* file,
                         const posix_spawn_file_actions_t* actions,
                         const posix_spawnattr_t* attributes,
                         char* const arguments[], char* const environment[]) {
  return NoteError(::posix_spawnp(process, file, actions, attributes, arguments,
                                  environment));
}

// The C library has no wrapper for it.
int System::pidfd_open(pid_t process) {
  return static_cast<int>(::syscall(SYS_pidfd_open, process, 0));
}

pid_t System::waitpid(pid_t process, int* status, int options) {
  return ::waitpid(process, status, options);
}

int System::kill(pid_t process, int signal) { return ::kill(process, signal); }

pid_t System::getpid() { return ::getpid(); }

char* System::getenv(const char* name) { return ::getenv(name); }

int System::unsetenv(const char* name) { return ::unsetenv(name); }

int System::inotify_init() { return ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC); }

int System::inotify_add_watch(int fd, const char* path, std::uint32_t mask) {
  return ::inotify_add_watch(fd, path, mask);
}

int System::inotify_rm_watch(int fd, int watch) {
  return ::inotify_rm_watch(fd, watch);
}

int System::event_queue_control(absl::FunctionRef<int()> call) {
  return call();
}

int System::event_queue_wait(absl::FunctionRef<int()> call) { return call(); }

bool System::watch(int, Source&) { return false; }

}  // namespace weft::reactor
