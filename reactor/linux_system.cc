// The Linux kernel as a System.
//
// SPDX-License-Identifier: MIT

#include <dirent.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

#include "absl/functional/function_ref.h"
#include "weft/reactor/system.h"

namespace weft::reactor {

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

off_t System::lseek(int fd, off_t offset, int whence) {
  return ::lseek(fd, offset, whence);
}

int System::fsync(int fd) { return ::fsync(fd); }

int System::fdatasync(int fd) { return ::fdatasync(fd); }

int System::ftruncate(int fd, off_t size) { return ::ftruncate(fd, size); }

int System::stat(const char* path, struct stat* out) {
  return ::stat(path, out);
}

int System::lstat(const char* path, struct stat* out) {
  return ::lstat(path, out);
}

int System::rename(const char* from, const char* to) {
  return ::rename(from, to);
}

int System::unlink(const char* path) { return ::unlink(path); }

int System::mkdir(const char* path, mode_t mode) { return ::mkdir(path, mode); }

int System::rmdir(const char* path) { return ::rmdir(path); }

DIR* System::opendir(const char* path) { return ::opendir(path); }

// Safe from several threads as long as each has its own DIR: readdir(3).
dirent* System::readdir(DIR* directory) { return ::readdir(directory); }

int System::closedir(DIR* directory) { return ::closedir(directory); }

int System::socket(int domain, int type, int protocol) {
  return ::socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
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

int System::event_queue_control(absl::FunctionRef<int()> call) {
  return call();
}

int System::event_queue_wait(absl::FunctionRef<int()> call) { return call(); }

}  // namespace weft::reactor
