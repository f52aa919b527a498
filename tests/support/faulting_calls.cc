// Every call of a FaultingSystem: made as asked, for less, or not at all.
//
// SPDX-License-Identifier: MIT

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <string_view>
#include <type_traits>
#include <vector>

#include "weft/tests/support/faulting_system.h"

namespace weft::tests {
namespace {

using ::weft::reactor::CountedMessage;
using Kernel = ::weft::testing::SimulatedSystem;

// How a call says that it has failed: -1, or a null pointer.
template <typename Answer>
Answer Failed(int error) {
  errno = error;
  if constexpr (std::is_pointer_v<Answer>) {
    return nullptr;
  } else {
    return static_cast<Answer>(-1);
  }
}

// The first `most` bytes of what `parts` name.
std::vector<iovec> FirstOf(const iovec* parts, std::size_t count,
                           std::size_t most) {
  std::vector<iovec> first;
  for (std::size_t i = 0; i < count && most > 0; ++i) {
    first.push_back({parts[i].iov_base, std::min(parts[i].iov_len, most)});
    most -= first.back().iov_len;
  }
  return first;
}

std::size_t SizeOf(const iovec* parts, std::size_t count) {
  std::size_t size = 0;
  for (std::size_t i = 0; i < count; ++i) size += parts[i].iov_len;
  return size;
}

// `message`, with room for `most` bytes. Borrows: `parts`, which it fills.
msghdr Cut(const msghdr& message, std::size_t most, std::vector<iovec>& parts) {
  msghdr cut = message;
  parts = FirstOf(message.msg_iov, message.msg_iovlen, most);
  cut.msg_iov = parts.data();
  cut.msg_iovlen = static_cast<decltype(cut.msg_iovlen)>(parts.size());
  return cut;
}

}  // namespace

template <typename Call>
auto FaultingSystem::Make(std::string_view name, Call call)
    -> decltype(call()) {
  const Fault* const fault = Count(name);
  return fault == nullptr ? call() : Failed<decltype(call())>(fault->error);
}

template <typename Call>
auto FaultingSystem::MakeWaiting(std::string_view name, int fd, Call call)
    -> decltype(call()) {
  const Fault* const fault = CountWaiting(name, fd);
  return fault == nullptr ? call() : Failed<decltype(call())>(fault->error);
}

template <typename Call>
auto FaultingSystem::Move(std::string_view name, int fd, std::size_t size,
                          Call call) -> decltype(call(size)) {
  const Fault* const fault = CountWaiting(name, fd);
  if (fault == nullptr) {
    const bool can_be_cut = counting_ && CanBeCut(fd);
    const auto moved = call(size);
    if (can_be_cut && moved > 0) {
      calls_.back().moved = static_cast<std::size_t>(moved);
      calls_.back().of_file = !calls_.back().may_block;
    }
    return moved;
  }
  if (fault->error != 0) return Failed<decltype(call(size))>(fault->error);
  if (fault->most == 0) return 0;
  TellLater(fd);
  return call(std::min(size, fault->most));
}

// --- Descriptors ------------------------------------------------------------

int FaultingSystem::close(int fd) {
  sources_.erase(fd);
  whole_.erase(fd);
  to_tell_.erase(fd);
  const Fault* const fault = Count("close");
  const int closed = Kernel::close(fd);
  return fault == nullptr ? closed : Failed<int>(fault->error);
}

ssize_t FaultingSystem::read(int fd, void* buffer, std::size_t size) {
  return Move("read", fd, size,
              [&](std::size_t most) { return Kernel::read(fd, buffer, most); });
}

ssize_t FaultingSystem::write(int fd, const void* buffer, std::size_t size) {
  return Move("write", fd, size, [&](std::size_t most) {
    return Kernel::write(fd, buffer, most);
  });
}

ssize_t FaultingSystem::readv(int fd, const iovec* parts, int count) {
  const auto all = static_cast<std::size_t>(count);
  return Move("readv", fd, SizeOf(parts, all), [&](std::size_t most) {
    const std::vector<iovec> some = FirstOf(parts, all, most);
    return Kernel::readv(fd, some.data(), static_cast<int>(some.size()));
  });
}

ssize_t FaultingSystem::writev(int fd, const iovec* parts, int count) {
  const auto all = static_cast<std::size_t>(count);
  return Move("writev", fd, SizeOf(parts, all), [&](std::size_t most) {
    const std::vector<iovec> some = FirstOf(parts, all, most);
    return Kernel::writev(fd, some.data(), static_cast<int>(some.size()));
  });
}

int FaultingSystem::fstat(int fd, struct stat* out) {
  return Make("fstat", [&] { return Kernel::fstat(fd, out); });
}

int FaultingSystem::pipe(int ends[2]) {
  return Make("pipe", [&] { return Kernel::pipe(ends); });
}

int FaultingSystem::fcntl(int fd, int command, int argument) {
  return Make("fcntl", [&] { return Kernel::fcntl(fd, command, argument); });
}

int FaultingSystem::ioctl(int fd, unsigned long request, void* argument) {
  return Make("ioctl", [&] { return Kernel::ioctl(fd, request, argument); });
}

ssize_t FaultingSystem::read_nowait(int fd, void* buffer, std::size_t size) {
  return Move("read_nowait", fd, size, [&](std::size_t most) {
    return Kernel::read_nowait(fd, buffer, most);
  });
}

ssize_t FaultingSystem::write_nowait(int fd, const void* buffer,
                                     std::size_t size) {
  return Move("write_nowait", fd, size, [&](std::size_t most) {
    return Kernel::write_nowait(fd, buffer, most);
  });
}

// --- Files ------------------------------------------------------------------

int FaultingSystem::open(const char* path, int flags, mode_t mode) {
  return Make("open", [&] { return Kernel::open(path, flags, mode); });
}

ssize_t FaultingSystem::pread(int fd, void* buffer, std::size_t size,
                              off_t offset) {
  return Move("pread", fd, size, [&](std::size_t most) {
    return Kernel::pread(fd, buffer, most, offset);
  });
}

ssize_t FaultingSystem::pwrite(int fd, const void* buffer, std::size_t size,
                               off_t offset) {
  return Move("pwrite", fd, size, [&](std::size_t most) {
    return Kernel::pwrite(fd, buffer, most, offset);
  });
}

ssize_t FaultingSystem::pread_nowait(int fd, void* buffer, std::size_t size,
                                     off_t offset) {
  return Move("pread_nowait", fd, size, [&](std::size_t most) {
    return Kernel::pread_nowait(fd, buffer, most, offset);
  });
}

ssize_t FaultingSystem::preadv(int fd, const iovec* parts, int count,
                               off_t offset) {
  const auto all = static_cast<std::size_t>(count);
  return Move("preadv", fd, SizeOf(parts, all), [&](std::size_t most) {
    const std::vector<iovec> some = FirstOf(parts, all, most);
    return Kernel::preadv(fd, some.data(), static_cast<int>(some.size()),
                          offset);
  });
}

ssize_t FaultingSystem::preadv_nowait(int fd, const iovec* parts, int count,
                                      off_t offset) {
  const auto all = static_cast<std::size_t>(count);
  return Move("preadv_nowait", fd, SizeOf(parts, all), [&](std::size_t most) {
    const std::vector<iovec> some = FirstOf(parts, all, most);
    return Kernel::preadv_nowait(fd, some.data(), static_cast<int>(some.size()),
                                 offset);
  });
}

ssize_t FaultingSystem::pwritev(int fd, const iovec* parts, int count,
                                off_t offset) {
  const auto all = static_cast<std::size_t>(count);
  return Move("pwritev", fd, SizeOf(parts, all), [&](std::size_t most) {
    const std::vector<iovec> some = FirstOf(parts, all, most);
    return Kernel::pwritev(fd, some.data(), static_cast<int>(some.size()),
                           offset);
  });
}

int FaultingSystem::fsync(int fd) {
  return Make("fsync", [&] { return Kernel::fsync(fd); });
}

int FaultingSystem::fdatasync(int fd) {
  return Make("fdatasync", [&] { return Kernel::fdatasync(fd); });
}

int FaultingSystem::ftruncate(int fd, off_t size) {
  return Make("ftruncate", [&] { return Kernel::ftruncate(fd, size); });
}

int FaultingSystem::fallocate(int fd, off_t offset, off_t size) {
  return Make("fallocate", [&] { return Kernel::fallocate(fd, offset, size); });
}

int FaultingSystem::fadvise(int fd, off_t offset, off_t size,
                            reactor::FileAdvice advice) {
  return Make("fadvise",
              [&] { return Kernel::fadvise(fd, offset, size, advice); });
}

int FaultingSystem::flock(int fd, int operation) {
  return Make("flock", [&] { return Kernel::flock(fd, operation); });
}

// -1 is what it answers where it fails, as the others do.
off_t FaultingSystem::lseek(int fd, off_t offset, int whence) {
  return Make("lseek", [&] { return Kernel::lseek(fd, offset, whence); });
}

ssize_t FaultingSystem::copy_file_range(int from, off_t from_offset, int to,
                                        off_t to_offset, std::size_t size) {
  return Move("copy_file_range", from, size, [&](std::size_t most) {
    return Kernel::copy_file_range(from, from_offset, to, to_offset, most);
  });
}

int FaultingSystem::fchmod(int fd, mode_t mode) {
  return Make("fchmod", [&] { return Kernel::fchmod(fd, mode); });
}

int FaultingSystem::fchown(int fd, uid_t user, gid_t group) {
  return Make("fchown", [&] { return Kernel::fchown(fd, user, group); });
}

int FaultingSystem::futimens(int fd, const timespec times[2]) {
  return Make("futimens", [&] { return Kernel::futimens(fd, times); });
}

int FaultingSystem::fstatvfs(int fd, reactor::FileSystemSpace* out) {
  return Make("fstatvfs", [&] { return Kernel::fstatvfs(fd, out); });
}

// --- Names ------------------------------------------------------------------

int FaultingSystem::stat(const char* path, struct stat* out) {
  return Make("stat", [&] { return Kernel::stat(path, out); });
}

int FaultingSystem::lstat(const char* path, struct stat* out) {
  return Make("lstat", [&] { return Kernel::lstat(path, out); });
}

int FaultingSystem::openat(int directory, const char* path, int flags,
                           mode_t mode) {
  return Make("openat",
              [&] { return Kernel::openat(directory, path, flags, mode); });
}

int FaultingSystem::unlinkat(int directory, const char* path, int flags) {
  return Make("unlinkat",
              [&] { return Kernel::unlinkat(directory, path, flags); });
}

int FaultingSystem::chmod(const char* path, mode_t mode) {
  return Make("chmod", [&] { return Kernel::chmod(path, mode); });
}

int FaultingSystem::fchownat(int directory, const char* path, uid_t user,
                             gid_t group, int flags) {
  return Make("fchownat", [&] {
    return Kernel::fchownat(directory, path, user, group, flags);
  });
}

int FaultingSystem::utimensat(int directory, const char* path,
                              const timespec times[2], int flags) {
  return Make("utimensat",
              [&] { return Kernel::utimensat(directory, path, times, flags); });
}

int FaultingSystem::link(const char* from, const char* to) {
  return Make("link", [&] { return Kernel::link(from, to); });
}

int FaultingSystem::symlink(const char* target, const char* path) {
  return Make("symlink", [&] { return Kernel::symlink(target, path); });
}

ssize_t FaultingSystem::readlink(const char* path, char* target,
                                 std::size_t size) {
  return Make("readlink", [&] { return Kernel::readlink(path, target, size); });
}

char* FaultingSystem::realpath(const char* path, char* resolved) {
  return Make("realpath", [&] { return Kernel::realpath(path, resolved); });
}

char* FaultingSystem::mkdtemp(char* pattern) {
  return Make("mkdtemp", [&] { return Kernel::mkdtemp(pattern); });
}

int FaultingSystem::rename(const char* from, const char* to) {
  return Make("rename", [&] { return Kernel::rename(from, to); });
}

int FaultingSystem::rename_noreplace(const char* from, const char* to) {
  return Make("rename_noreplace",
              [&] { return Kernel::rename_noreplace(from, to); });
}

int FaultingSystem::unlink(const char* path) {
  return Make("unlink", [&] { return Kernel::unlink(path); });
}

int FaultingSystem::mkdir(const char* path, mode_t mode) {
  return Make("mkdir", [&] { return Kernel::mkdir(path, mode); });
}

int FaultingSystem::rmdir(const char* path) {
  return Make("rmdir", [&] { return Kernel::rmdir(path); });
}

int FaultingSystem::statvfs(const char* path, reactor::FileSystemSpace* out) {
  return Make("statvfs", [&] { return Kernel::statvfs(path, out); });
}

DIR* FaultingSystem::opendir(const char* path) {
  return Make("opendir", [&] { return Kernel::opendir(path); });
}

DIR* FaultingSystem::fdopendir(int fd) {
  return Make("fdopendir", [&] { return Kernel::fdopendir(fd); });
}

dirent* FaultingSystem::readdir(DIR* directory) {
  return Make("readdir", [&] { return Kernel::readdir(directory); });
}

int FaultingSystem::closedir(DIR* directory) {
  const Fault* const fault = Count("closedir");
  const int closed = Kernel::closedir(directory);
  return fault == nullptr ? closed : Failed<int>(fault->error);
}

// --- Sockets ----------------------------------------------------------------

int FaultingSystem::socket(int domain, int type, int protocol) {
  return Make("socket", [&] { return Kernel::socket(domain, type, protocol); });
}

int FaultingSystem::socketpair(int domain, int type, int protocol,
                               int ends[2]) {
  return Make("socketpair",
              [&] { return Kernel::socketpair(domain, type, protocol, ends); });
}

int FaultingSystem::bind(int fd, const sockaddr* address, socklen_t size) {
  return Make("bind", [&] { return Kernel::bind(fd, address, size); });
}

int FaultingSystem::listen(int fd, int backlog) {
  return Make("listen", [&] { return Kernel::listen(fd, backlog); });
}

int FaultingSystem::accept(int fd, sockaddr* address, socklen_t* size) {
  return MakeWaiting("accept", fd,
                     [&] { return Kernel::accept(fd, address, size); });
}

// connect(2): interrupted, TCP's goes on by itself. A Unix socket's is
// interrupted while it waits for room in the queue, and has not begun.
int FaultingSystem::connect(int fd, const sockaddr* address, socklen_t size) {
  const Fault* const fault = Count("connect");
  if (fault == nullptr) return Kernel::connect(fd, address, size);
  if (fault->error == EINTR && address->sa_family != AF_UNIX) {
    Kernel::connect(fd, address, size);
  }
  return Failed<int>(fault->error);
}

int FaultingSystem::getsockopt(int fd, int level, int name, void* value,
                               socklen_t* size) {
  return Make("getsockopt",
              [&] { return Kernel::getsockopt(fd, level, name, value, size); });
}

int FaultingSystem::setsockopt(int fd, int level, int name, const void* value,
                               socklen_t size) {
  return Make("setsockopt",
              [&] { return Kernel::setsockopt(fd, level, name, value, size); });
}

int FaultingSystem::getsockname(int fd, sockaddr* address, socklen_t* size) {
  return Make("getsockname",
              [&] { return Kernel::getsockname(fd, address, size); });
}

int FaultingSystem::getpeername(int fd, sockaddr* address, socklen_t* size) {
  return Make("getpeername",
              [&] { return Kernel::getpeername(fd, address, size); });
}

int FaultingSystem::shutdown(int fd, int how) {
  return Make("shutdown", [&] { return Kernel::shutdown(fd, how); });
}

ssize_t FaultingSystem::recv(int fd, void* buffer, std::size_t size,
                             int flags) {
  return Move("recv", fd, size, [&](std::size_t most) {
    return Kernel::recv(fd, buffer, most, flags);
  });
}

ssize_t FaultingSystem::send(int fd, const void* buffer, std::size_t size,
                             int flags) {
  return Move("send", fd, size, [&](std::size_t most) {
    return Kernel::send(fd, buffer, most, flags);
  });
}

ssize_t FaultingSystem::recvmsg(int fd, msghdr* message, int flags) {
  const std::size_t size = SizeOf(message->msg_iov, message->msg_iovlen);
  return Move("recvmsg", fd, size, [&](std::size_t most) {
    std::vector<iovec> parts;
    msghdr cut = Cut(*message, most, parts);
    const ssize_t got = Kernel::recvmsg(fd, &cut, flags);
    message->msg_namelen = cut.msg_namelen;
    message->msg_controllen = cut.msg_controllen;
    message->msg_flags = cut.msg_flags;
    return got;
  });
}

ssize_t FaultingSystem::sendmsg(int fd, const msghdr* message, int flags) {
  const std::size_t size = SizeOf(message->msg_iov, message->msg_iovlen);
  return Move("sendmsg", fd, size, [&](std::size_t most) {
    std::vector<iovec> parts;
    const msghdr cut = Cut(*message, most, parts);
    return Kernel::sendmsg(fd, &cut, flags);
  });
}

// Of several datagrams each is whole, but there may be fewer of them.
int FaultingSystem::recvmmsg(int fd, CountedMessage* messages,
                             unsigned int count, int flags) {
  const Fault* const fault = CountWaiting("recvmmsg", fd);
  if (fault != nullptr && fault->error != 0) return Failed<int>(fault->error);
  if (fault != nullptr) count = static_cast<unsigned int>(fault->most);
  const int moved = Kernel::recvmmsg(fd, messages, count, flags);
  if (counting_ && moved > 0) {
    calls_.back().moved = static_cast<std::size_t>(moved);
  }
  return moved;
}

int FaultingSystem::sendmmsg(int fd, CountedMessage* messages,
                             unsigned int count, int flags) {
  const Fault* const fault = CountWaiting("sendmmsg", fd);
  if (fault != nullptr && fault->error != 0) return Failed<int>(fault->error);
  if (fault != nullptr) count = static_cast<unsigned int>(fault->most);
  const int moved = Kernel::sendmmsg(fd, messages, count, flags);
  if (counting_ && moved > 0) {
    calls_.back().moved = static_cast<std::size_t>(moved);
  }
  return moved;
}

ssize_t FaultingSystem::sendfile(int to, int from, off_t offset,
                                 std::size_t size) {
  return Move("sendfile", to, size, [&](std::size_t most) {
    return Kernel::sendfile(to, from, offset, most);
  });
}

// Whichever of the two it waits for.
ssize_t FaultingSystem::splice(int from, int to, std::size_t size) {
  const ssize_t moved = Move("splice", from, size, [&](std::size_t most) {
    return Kernel::splice(from, to, most);
  });
  const int error = errno;
  if (to_tell_.contains(from)) TellLater(to);
  errno = error;
  return moved;
}

int FaultingSystem::peer_credentials(int fd, reactor::PeerCredentials* out) {
  return Make("peer_credentials",
              [&] { return Kernel::peer_credentials(fd, out); });
}

// --- The rest ---------------------------------------------------------------

int FaultingSystem::getaddrinfo(const char* host, const char* service,
                                const addrinfo* hints, addrinfo** out) {
  const Fault* const fault = Count("getaddrinfo");
  if (fault == nullptr) return Kernel::getaddrinfo(host, service, hints, out);
  errno = EMFILE;  // What EAI_SYSTEM refers to.
  return fault->error;
}

// It says 0, which is the number of none.
unsigned int FaultingSystem::if_nametoindex(const char* name) {
  const Fault* const fault = Count("if_nametoindex");
  if (fault == nullptr) return Kernel::if_nametoindex(name);
  errno = fault->error;
  return 0;
}

int FaultingSystem::posix_spawnp(pid_t* process, const char* file,
                                 const posix_spawn_file_actions_t* actions,
                                 const posix_spawnattr_t* attributes,
                                 char* const arguments[],
                                 char* const environment[]) {
  return Make("posix_spawnp", [&] {
    return Kernel::posix_spawnp(process, file, actions, attributes, arguments,
                                environment);
  });
}

int FaultingSystem::pidfd_open(pid_t process) {
  return Make("pidfd_open", [&] { return Kernel::pidfd_open(process); });
}

pid_t FaultingSystem::waitpid(pid_t process, int* status, int options) {
  return Make("waitpid",
              [&] { return Kernel::waitpid(process, status, options); });
}

int FaultingSystem::kill(pid_t process, int signal) {
  return Make("kill", [&] { return Kernel::kill(process, signal); });
}

// inotify(7): a read gives whole changes.
int FaultingSystem::inotify_init() {
  const int queue =
      Make("inotify_init", [&] { return Kernel::inotify_init(); });
  if (queue != -1) whole_.insert(queue);
  return queue;
}

int FaultingSystem::inotify_add_watch(int fd, const char* path,
                                      std::uint32_t mask) {
  return Make("inotify_add_watch",
              [&] { return Kernel::inotify_add_watch(fd, path, mask); });
}

int FaultingSystem::inotify_rm_watch(int fd, int watch) {
  return Make("inotify_rm_watch",
              [&] { return Kernel::inotify_rm_watch(fd, watch); });
}

int FaultingSystem::event_queue_control(absl::FunctionRef<int()> call) {
  return Make("event_queue_control",
              [&] { return Kernel::event_queue_control(call); });
}

int FaultingSystem::event_queue_wait(absl::FunctionRef<int()> call) {
  return Make("event_queue_wait",
              [&] { return Kernel::event_queue_wait(call); });
}

}  // namespace weft::tests
