// What Linux and macOS do alike, as a System: nearly every function is the call
// of its name. Where they differ is linux_system.cc and darwin_system.cc, one
// of which is compiled beside this file.
//
// SPDX-License-Identifier: MIT

#include <dirent.h>
#include <fcntl.h>
#include <net/if.h>
#include <netdb.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
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

int System::fcntl(int fd, int command, int argument) {
  return ::fcntl(fd, command, argument);
}

int System::ioctl(int fd, unsigned long request, void* argument) {
  return ::ioctl(fd, request, argument);
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

ssize_t System::preadv(int fd, const iovec* parts, int count, off_t offset) {
  return ::preadv(fd, parts, count, offset);
}

ssize_t System::pwritev(int fd, const iovec* parts, int count, off_t offset) {
  return ::pwritev(fd, parts, count, offset);
}

off_t System::lseek(int fd, off_t offset, int whence) {
  return ::lseek(fd, offset, whence);
}

int System::ftruncate(int fd, off_t size) { return ::ftruncate(fd, size); }

int System::flock(int fd, int operation) { return ::flock(fd, operation); }

int System::fchmod(int fd, mode_t mode) { return ::fchmod(fd, mode); }

int System::fchown(int fd, uid_t user, gid_t group) {
  return ::fchown(fd, user, group);
}

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

int System::fchownat(int directory, const char* path, uid_t user, gid_t group,
                     int flags) {
  return ::fchownat(directory, path, user, group, flags);
}

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

int System::bind(int fd, const sockaddr* address, socklen_t size) {
  return ::bind(fd, address, size);
}

int System::listen(int fd, int backlog) { return ::listen(fd, backlog); }

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

int System::getaddrinfo(const char* host, const char* service,
                        const addrinfo* hints, addrinfo** out) {
  return ::getaddrinfo(host, service, hints, out);
}

void System::freeaddrinfo(addrinfo* list) { ::freeaddrinfo(list); }

unsigned int System::if_nametoindex(const char* name) {
  return ::if_nametoindex(name);
}

// The call answers with the error's number instead of noting it.
int System::posix_spawnp(pid_t* process, const char* file,
                         const posix_spawn_file_actions_t* actions,
                         const posix_spawnattr_t* attributes,
                         char* const arguments[], char* const environment[]) {
  const int error = ::posix_spawnp(process, file, actions, attributes,
                                   arguments, environment);
  if (error == 0) return 0;
  errno = error;
  return -1;
}

pid_t System::waitpid(pid_t process, int* status, int options) {
  return ::waitpid(process, status, options);
}

int System::kill(pid_t process, int signal) { return ::kill(process, signal); }

pid_t System::getpid() { return ::getpid(); }

char* System::getenv(const char* name) { return ::getenv(name); }

int System::unsetenv(const char* name) { return ::unsetenv(name); }

int System::event_queue_control(absl::FunctionRef<int()> call) {
  return call();
}

int System::event_queue_wait(absl::FunctionRef<int()> call) { return call(); }

bool System::watch(int, Source&) { return false; }

}  // namespace weft::reactor
