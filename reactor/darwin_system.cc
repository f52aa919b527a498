// The macOS kernel as a System.
//
// What it lacks, and what stands in: accept4, pipe2 and SOCK_NONBLOCK (fcntl
// after the call, so that a fork on another thread in between inherits the
// descriptor; there is no cure), MSG_NOSIGNAL (SO_NOSIGPIPE on every socket),
// RWF_NOWAIT (nothing: reads go where blocking is allowed).
//
// SPDX-License-Identifier: MIT

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

#include "absl/functional/function_ref.h"
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

}  // namespace

// Never destroyed: a thread that outlives main may still close a descriptor.
System& System::Kernel() noexcept {
  static System& kernel = *new System();
  return kernel;
}

int System::available_processors() {
  return static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN));
}

int System::membarrier_register() {
  errno = ENOTSUP;
  return -1;
}

int System::membarrier() {
  errno = ENOTSUP;
  return -1;
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

ssize_t System::pread_nowait(int /*fd*/, void* /*buffer*/, std::size_t /*size*/,
                             off_t /*offset*/) {
  errno = ENOTSUP;
  return -1;
}

off_t System::lseek(int fd, off_t offset, int whence) {
  return ::lseek(fd, offset, whence);
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
  return PrepareSocket(::socket(domain, type, protocol));
}

int System::bind(int fd, const sockaddr* address, socklen_t size) {
  return ::bind(fd, address, size);
}

int System::listen(int fd, int backlog) { return ::listen(fd, backlog); }

int System::accept(int fd, sockaddr* address, socklen_t* size) {
  return PrepareSocket(::accept(fd, address, size));
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
  return ::send(fd, buffer, size, flags);
}

// A descriptor that arrives in a message is inherited until its receiver says
// FD_CLOEXEC: there is no MSG_CMSG_CLOEXEC.
ssize_t System::recvmsg(int fd, msghdr* message, int flags) {
  return ::recvmsg(fd, message, flags);
}

ssize_t System::sendmsg(int fd, const msghdr* message, int flags) {
  return ::sendmsg(fd, message, flags);
}

int System::event_queue_control(absl::FunctionRef<int()> call) {
  return call();
}

int System::event_queue_wait(absl::FunctionRef<int()> call) { return call(); }

}  // namespace weft::reactor
