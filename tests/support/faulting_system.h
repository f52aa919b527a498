// FaultingSystem: the kernel, but for the calls that a test wants to go wrong.
//
//     FaultingSystem system;
//     Simulator sim({.system = &system});
//     system.Begin();                    // Clean: to see what calls there are.
//     ...
//     system.End();
//     for (const MadeCall& made : system.calls()) ...
//
//     system.Begin({{.call = "send", .index = 2, .error = ENOBUFS}});
//
// A call that is given up is not made, with two exceptions that its man page
// wants: a close, also of a directory, has given the number back, and a TCP
// connect that was interrupted goes on.
//
// A kernel that says "try again", or moves less than it could, tells when there
// is more. So does this one, a microsecond of the virtual clock later:
//
//     recv -> EAGAIN      +1 us: an event, for whoever waits for that socket
//
// It knows whom to tell from System::watch, which is asked before a descriptor
// is first waited for. Before that nobody needs to be told: an event queue
// reports what is ready when it is added.
//
// Threads: one. It counts in the order of the calls, and a simulation makes
//          them in the same order every time, but for what other processes do.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_SUPPORT_FAULTING_SYSTEM_H_
#define WEFT_TESTS_SUPPORT_FAULTING_SYSTEM_H_

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "weft/reactor/instant.h"
#include "weft/runtime/testing/simulated_system.h"

namespace weft::tests {

// What goes wrong with one call.
struct Fault {
  std::string_view call;  // Its name in reactor::System, a literal,
  int index = 0;          // and which one of that name it is, from 0.
  int error = 0;          // An errno (of getaddrinfo, an EAI_ number); or 0:
  std::size_t most = 0;   // it moves no more bytes, or messages, than this.
};

// As in `send #2: No buffer space available`.
std::string ToString(const Fault& fault);

// A call as it went.
struct MadeCall {
  std::string_view name;
  // What it moved, where it could have moved less: not of a datagram.
  std::size_t moved = 0;
  // It writes to a file, which by POSIX may move nothing at all.
  bool of_file = false;
  // Of something that can be waited for.
  bool may_block = false;
};

class FaultingSystem : public weft::testing::SimulatedSystem {
 public:
  // From here on calls are counted from 0, and these go wrong.
  void Begin(std::vector<Fault> faults = {});
  // No more from here on.
  void End();
  // Those between the last Begin and its End.
  const std::vector<MadeCall>& calls() const { return calls_; }
  // How many of the faults took place.
  int happened() const { return happened_; }

  weft::reactor::Instant NextEvent() const override;
  bool RunEvents() override;
  bool watch(int fd, weft::reactor::Source& source) override;

  int close(int fd) override;
  ssize_t read(int fd, void* buffer, std::size_t size) override;
  ssize_t write(int fd, const void* buffer, std::size_t size) override;
  ssize_t readv(int fd, const iovec* parts, int count) override;
  ssize_t writev(int fd, const iovec* parts, int count) override;
  int fstat(int fd, struct stat* out) override;
  int pipe(int ends[2]) override;
  int fcntl(int fd, int command, int argument) override;
  int ioctl(int fd, unsigned long request, void* argument) override;
  ssize_t read_nowait(int fd, void* buffer, std::size_t size) override;
  ssize_t write_nowait(int fd, const void* buffer, std::size_t size) override;

  int open(const char* path, int flags, mode_t mode) override;
  ssize_t pread(int fd, void* buffer, std::size_t size, off_t offset) override;
  ssize_t pwrite(int fd, const void* buffer, std::size_t size,
                 off_t offset) override;
  ssize_t pread_nowait(int fd, void* buffer, std::size_t size,
                       off_t offset) override;
  ssize_t preadv(int fd, const iovec* parts, int count, off_t offset) override;
  ssize_t preadv_nowait(int fd, const iovec* parts, int count,
                        off_t offset) override;
  ssize_t pwritev(int fd, const iovec* parts, int count, off_t offset) override;
  int fsync(int fd) override;
  int fdatasync(int fd) override;
  int ftruncate(int fd, off_t size) override;
  int fallocate(int fd, off_t offset, off_t size) override;
  int fadvise(int fd, off_t offset, off_t size,
              weft::reactor::FileAdvice advice) override;
  int flock(int fd, int operation) override;
  off_t lseek(int fd, off_t offset, int whence) override;
  ssize_t copy_file_range(int from, off_t from_offset, int to, off_t to_offset,
                          std::size_t size) override;
  int fchmod(int fd, mode_t mode) override;
  int fchown(int fd, uid_t user, gid_t group) override;
  int futimens(int fd, const timespec times[2]) override;
  int fstatvfs(int fd, weft::reactor::FileSystemSpace* out) override;

  int stat(const char* path, struct stat* out) override;
  int lstat(const char* path, struct stat* out) override;
  int openat(int directory, const char* path, int flags, mode_t mode) override;
  int unlinkat(int directory, const char* path, int flags) override;
  int chmod(const char* path, mode_t mode) override;
  int fchownat(int directory, const char* path, uid_t user, gid_t group,
               int flags) override;
  int utimensat(int directory, const char* path, const timespec times[2],
                int flags) override;
  int link(const char* from, const char* to) override;
  int symlink(const char* target, const char* path) override;
  ssize_t readlink(const char* path, char* target, std::size_t size) override;
  char* realpath(const char* path, char* resolved) override;
  char* mkdtemp(char* pattern) override;
  int rename(const char* from, const char* to) override;
  int rename_noreplace(const char* from, const char* to) override;
  int unlink(const char* path) override;
  int mkdir(const char* path, mode_t mode) override;
  int rmdir(const char* path) override;
  int statvfs(const char* path, weft::reactor::FileSystemSpace* out) override;
  DIR* opendir(const char* path) override;
  DIR* fdopendir(int fd) override;
  dirent* readdir(DIR* directory) override;
  int closedir(DIR* directory) override;

  int socket(int domain, int type, int protocol) override;
  int socketpair(int domain, int type, int protocol, int ends[2]) override;
  int bind(int fd, const sockaddr* address, socklen_t size) override;
  int listen(int fd, int backlog) override;
  int accept(int fd, sockaddr* address, socklen_t* size) override;
  int connect(int fd, const sockaddr* address, socklen_t size) override;
  int getsockopt(int fd, int level, int name, void* value,
                 socklen_t* size) override;
  int setsockopt(int fd, int level, int name, const void* value,
                 socklen_t size) override;
  int getsockname(int fd, sockaddr* address, socklen_t* size) override;
  int getpeername(int fd, sockaddr* address, socklen_t* size) override;
  int shutdown(int fd, int how) override;
  ssize_t recv(int fd, void* buffer, std::size_t size, int flags) override;
  ssize_t send(int fd, const void* buffer, std::size_t size,
               int flags) override;
  ssize_t recvmsg(int fd, msghdr* message, int flags) override;
  ssize_t sendmsg(int fd, const msghdr* message, int flags) override;
  int recvmmsg(int fd, weft::reactor::CountedMessage* messages,
               unsigned int count, int flags) override;
  int sendmmsg(int fd, weft::reactor::CountedMessage* messages,
               unsigned int count, int flags) override;
  ssize_t sendfile(int to, int from, off_t offset, std::size_t size) override;
  ssize_t splice(int from, int to, std::size_t size) override;
  int peer_credentials(int fd, weft::reactor::PeerCredentials* out) override;

  int getaddrinfo(const char* host, const char* service, const addrinfo* hints,
                  addrinfo** out) override;
  unsigned int if_nametoindex(const char* name) override;
  int posix_spawnp(pid_t* process, const char* file,
                   const posix_spawn_file_actions_t* actions,
                   const posix_spawnattr_t* attributes, char* const arguments[],
                   char* const environment[]) override;
  int pidfd_open(pid_t process) override;
  pid_t waitpid(pid_t process, int* status, int options) override;
  int kill(pid_t process, int signal) override;
  int inotify_init() override;
  int inotify_add_watch(int fd, const char* path, std::uint32_t mask) override;
  int inotify_rm_watch(int fd, int watch) override;
  int event_queue_control(absl::FunctionRef<int()> call) override;
  int event_queue_wait(absl::FunctionRef<int()> call) override;

 private:
  // Notes the call down. Null, or what is to go wrong with it.
  const Fault* Count(std::string_view name);
  // As Count, of a call on `fd` that may have to wait.
  const Fault* CountWaiting(std::string_view name, int fd);
  // A call that succeeds or does not: `call()` makes it.
  template <typename Call>
  auto Make(std::string_view name, Call call) -> decltype(call());
  // One that may have to wait for `fd`.
  template <typename Call>
  auto MakeWaiting(std::string_view name, int fd, Call call)
      -> decltype(call());
  // One that moves bytes, or messages: `call(size)` makes it for so many.
  template <typename Call>
  auto Move(std::string_view name, int fd, std::size_t size, Call call)
      -> decltype(call(size));
  // Whether what is moved may be cut short: not a datagram, nor a change.
  bool CanBeCut(int fd);
  // Has an event come for `fd` after what it was told.
  void TellLater(int fd);

  bool counting_ = false;
  std::vector<Fault> faults_;
  int happened_ = 0;
  std::vector<MadeCall> calls_;
  std::map<std::string_view, int> counts_;

  std::map<int, weft::reactor::Source*> sources_;  // By their descriptor.
  std::set<int> whole_;  // Descriptors that give what they have in one piece.
  std::set<int> to_tell_;
  weft::reactor::Instant tell_at_ = weft::reactor::Instant::InfiniteFuture();
};

}  // namespace weft::tests

#endif  // WEFT_TESTS_SUPPORT_FAULTING_SYSTEM_H_
