// System: every call this project makes into the operating system, as a table
// of virtual functions, so that a test can stand in for any of them.
//
//     Source, Poller, File, TcpStream ...
//                    |
//             System& system              <- the one seam
//                    |
//     +--------------+---------------+
//     the kernel     a fault at      a clock that a
//     (default)      the n-th call   simulator turns
//
// An indirect call costs a nanosecond and a system call a hundred, so the seam
// is there in release builds too: what is tested is what runs.
//
// Invariants
//   1. Functions carry the names of the calls and keep their convention: -1 and
//      errno (a null pointer and errno for opendir and readdir).
//   2. No descriptor leaves here that a child process would inherit, and no
//      socket or pipe that blocks.
//   3. send and sendmsg never raise SIGPIPE: a closed connection is EPIPE. On
//      Linux write and writev may, so sockets are written with send, and
//      threads that write to pipes have the signal blocked (signal_mask.h).
//   4. A call means the same on every system. Where one has no such call, the
//      function fails with ENOTSUP.
//
// To replace calls, derive and override. The default implementations are in
// posix_system.cc, and in linux_system.cc or darwin_system.cc.
//
// Rejected: a template parameter (it would reach every type of every layer),
// and interposing the C library at link time (one table a process, not one a
// reactor).
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_REACTOR_SYSTEM_H_
#define WEFT_REACTOR_SYSTEM_H_

#include <dirent.h>
#include <netdb.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

#include <cstddef>
#include <cstdint>

#include "absl/functional/function_ref.h"

namespace weft::reactor {

class Source;

// One of several messages that a call sends or receives: mmsghdr where there
// is such a thing.
struct CountedMessage {
  msghdr header{};
  unsigned int length = 0;  // Bytes sent or received; set by the call.
};

// Who is at the other end of a Unix socket.
struct PeerCredentials {
  uid_t user = 0;
  gid_t group = 0;
  pid_t process = 0;  // 0 where the system does not tell.
};

// What a program is going to do with a part of a file: posix_fadvise(2).
enum class FileAdvice {
  kNormal,
  kSequential,
  kRandom,
  kWillNeed,
  kDontNeed,
};

// How much room a file system has, in bytes.
struct FileSystemSpace {
  std::uint64_t total = 0;
  std::uint64_t free = 0;       // That nothing is in.
  std::uint64_t available = 0;  // Of that, what is not kept for root.
};

// Threads: any function from any thread; an override keeps that promise.
class System {
 public:
  // The operating system itself: one for the whole process, without state.
  static System& Kernel() noexcept;

  System() = default;
  System(const System&) = delete;
  System& operator=(const System&) = delete;
  virtual ~System() = default;

  // How many processors this process may run on: its affinity, not the machine.
  virtual int available_processors();

  // membarrier(2), of the expedited kind, for the threads of this process.
  // `membarrier` returns when each of them has passed a full memory barrier
  // since the call; it must be registered for first, once a process or more
  // often.
  virtual int membarrier_register();
  virtual int membarrier();

  // Clocks.
  virtual int clock_gettime(clockid_t clock, timespec* now);

  // Any descriptor. `close` always frees the number, whatever it returns: on
  // Linux it must not be called again after EINTR, so nobody does anywhere.
  virtual int close(int fd);
  virtual ssize_t read(int fd, void* buffer, std::size_t size);
  virtual ssize_t write(int fd, const void* buffer, std::size_t size);
  virtual ssize_t readv(int fd, const iovec* parts, int count);
  virtual ssize_t writev(int fd, const iovec* parts, int count);
  virtual int fstat(int fd, struct stat* out);
  virtual int pipe(int ends[2]);
  virtual int fcntl(int fd, int command, int argument);
  virtual int ioctl(int fd, unsigned long request, void* argument);

  // `read_nowait` and `write_nowait` do what read and write do of a descriptor
  // that does not block, on one that may: EAGAIN instead of waiting, ENOTSUP or
  // EOPNOTSUPP where the system cannot do that with this kind of file.
  virtual ssize_t read_nowait(int fd, void* buffer, std::size_t size);
  virtual ssize_t write_nowait(int fd, const void* buffer, std::size_t size);

  // Files. `open` waits for no other process: for the other end of a pipe, for
  // a line that is dialled, for who holds a lease. `pread_nowait` reads only
  // what the page cache holds: EAGAIN when the disk would have to be asked,
  // ENOTSUP or EOPNOTSUPP where the system or the file system cannot tell.
  // `fsync` returns when the device has it, not only the device's cache.
  virtual int open(const char* path, int flags, mode_t mode);
  virtual ssize_t pread(int fd, void* buffer, std::size_t size, off_t offset);
  virtual ssize_t pwrite(int fd, const void* buffer, std::size_t size,
                         off_t offset);
  virtual ssize_t pread_nowait(int fd, void* buffer, std::size_t size,
                               off_t offset);
  virtual ssize_t preadv(int fd, const iovec* parts, int count, off_t offset);
  virtual ssize_t preadv_nowait(int fd, const iovec* parts, int count,
                                off_t offset);
  virtual ssize_t pwritev(int fd, const iovec* parts, int count, off_t offset);
  virtual off_t lseek(int fd, off_t offset, int whence);
  virtual int fsync(int fd);
  virtual int fdatasync(int fd);
  virtual int ftruncate(int fd, off_t size);
  // Reserves room on the disk, and makes the file longer where that is beyond
  // its end.
  virtual int fallocate(int fd, off_t offset, off_t size);
  virtual int fadvise(int fd, off_t offset, off_t size, FileAdvice advice);
  virtual int flock(int fd, int operation);
  virtual ssize_t copy_file_range(int from, off_t from_offset, int to,
                                  off_t to_offset, std::size_t size);
  virtual int fchmod(int fd, mode_t mode);
  virtual int fchown(int fd, uid_t user, gid_t group);
  virtual int futimens(int fd, const timespec times[2]);
  virtual int fstatvfs(int fd, FileSystemSpace* out);

  // Names in the file system. `openat` is to openat(2) what `open` is to
  // open(2). `rename_noreplace` is rename(2) where nothing has the new name,
  // and EEXIST where something has; ENOTSUP or EINVAL where the file system
  // cannot do that in one step.
  virtual int stat(const char* path, struct stat* out);
  virtual int lstat(const char* path, struct stat* out);
  virtual int fstatat(int directory, const char* path, struct stat* out,
                      int flags);
  virtual int openat(int directory, const char* path, int flags, mode_t mode);
  virtual int unlinkat(int directory, const char* path, int flags);
  virtual int chmod(const char* path, mode_t mode);
  virtual int fchownat(int directory, const char* path, uid_t user, gid_t group,
                       int flags);
  virtual int utimensat(int directory, const char* path,
                        const timespec times[2], int flags);
  virtual int link(const char* from, const char* to);
  virtual int symlink(const char* target, const char* path);
  virtual ssize_t readlink(const char* path, char* target, std::size_t size);
  virtual char* realpath(const char* path, char* resolved);
  virtual char* mkdtemp(char* pattern);
  virtual int rename(const char* from, const char* to);
  virtual int rename_noreplace(const char* from, const char* to);
  virtual int unlink(const char* path);
  virtual int mkdir(const char* path, mode_t mode);
  virtual int rmdir(const char* path);
  virtual int statvfs(const char* path, FileSystemSpace* out);
  virtual DIR* opendir(const char* path);
  virtual DIR* fdopendir(int fd);
  virtual dirent* readdir(DIR* directory);
  virtual int closedir(DIR* directory);

  // Sockets. `send` and its likes add MSG_NOSIGNAL themselves where there is
  // such a flag. `sendmmsg` and `recvmmsg` move as many messages as they can
  // without waiting, and tell how many; an error is only told of the first.
  // `sendfile` and `splice` tell how many bytes they have moved; the former
  // reads at `offset`, the latter moves between a pipe and anything else.
  virtual int socket(int domain, int type, int protocol);
  virtual int socketpair(int domain, int type, int protocol, int ends[2]);
  virtual int bind(int fd, const sockaddr* address, socklen_t size);
  virtual int listen(int fd, int backlog);
  virtual int accept(int fd, sockaddr* address, socklen_t* size);
  virtual int connect(int fd, const sockaddr* address, socklen_t size);
  virtual int getsockopt(int fd, int level, int name, void* value,
                         socklen_t* size);
  virtual int setsockopt(int fd, int level, int name, const void* value,
                         socklen_t size);
  virtual int getsockname(int fd, sockaddr* address, socklen_t* size);
  virtual int getpeername(int fd, sockaddr* address, socklen_t* size);
  virtual int shutdown(int fd, int how);
  virtual ssize_t recv(int fd, void* buffer, std::size_t size, int flags);
  virtual ssize_t send(int fd, const void* buffer, std::size_t size, int flags);
  virtual ssize_t recvmsg(int fd, msghdr* message, int flags);
  virtual ssize_t sendmsg(int fd, const msghdr* message, int flags);
  virtual int recvmmsg(int fd, CountedMessage* messages, unsigned int count,
                       int flags);
  virtual int sendmmsg(int fd, CountedMessage* messages, unsigned int count,
                       int flags);
  virtual ssize_t sendfile(int to, int from, off_t offset, std::size_t size);
  virtual ssize_t splice(int from, int to, std::size_t size);
  virtual int peer_credentials(int fd, PeerCredentials* out);

  // Names of hosts and of interfaces. `getaddrinfo` waits for other machines;
  // it returns an EAI_ number, and EAI_SYSTEM means errno.
  virtual int getaddrinfo(const char* host, const char* service,
                          const addrinfo* hints, addrinfo** out);
  virtual void freeaddrinfo(addrinfo* list);
  virtual unsigned int if_nametoindex(const char* name);

  // Processes. `posix_spawnp` fails with -1 and errno, as the others do. A
  // descriptor from `pidfd_open` is readable when the process has ended.
  virtual int posix_spawnp(pid_t* process, const char* file,
                           const posix_spawn_file_actions_t* actions,
                           const posix_spawnattr_t* attributes,
                           char* const arguments[], char* const environment[]);
  virtual int pidfd_open(pid_t process);
  virtual pid_t waitpid(pid_t process, int* status, int options);
  virtual int kill(pid_t process, int signal);
  virtual pid_t getpid();

  // This process's environment, which the system itself does not know.
  virtual char* getenv(const char* name);
  virtual int unsetenv(const char* name);

  // Changes of files: inotify(7).
  virtual int inotify_init();
  virtual int inotify_add_watch(int fd, const char* path, std::uint32_t mask);
  virtual int inotify_rm_watch(int fd, int watch);

  // The event queue. epoll and kqueue share no type, so the two functions take
  // the call itself: `control` is handed everything that creates, changes or
  // rings the queue, `wait` the one call that sleeps in it. An override may
  // make the call, or fail in its place by setting errno and returning -1, or
  // both (an interrupted kevent has applied its changes).
  virtual int event_queue_control(absl::FunctionRef<int()> call);
  virtual int event_queue_wait(absl::FunctionRef<int()> call);

  // Asked once in the life of a descriptor, when it is first waited for. True:
  // the descriptor is of this System's own making, no event queue knows it, and
  // from now on until its `close` the System itself tells `source` what becomes
  // of it (Source::Deliver), beginning with what it is ready for now. The
  // kernel makes none: false, and the event queue is told of it.
  //
  // Rejected: to answer for the event queue in event_queue_control (it takes a
  // call it cannot look into), and numbers that the reactor knows to be made up
  // (the System that made them is the one to know).
  virtual bool watch(int fd, Source& source);
};

}  // namespace weft::reactor

#endif  // WEFT_REACTOR_SYSTEM_H_
