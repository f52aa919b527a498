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
//      Linux write and writev may, so sockets are written with send, and a
//      program that writes to pipes ignores the signal.
//   4. A call means the same on every system. Where one has no such call, the
//      function fails with ENOTSUP.
//
// To replace calls, derive and override. The default implementations are in
// linux_system.cc and darwin_system.cc, one of which is compiled.
//
// Rejected: a template parameter (it would reach every type of every layer),
// and interposing the C library at link time (one table a process, not one a
// reactor).
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_REACTOR_SYSTEM_H_
#define WEFT_REACTOR_SYSTEM_H_

#include <dirent.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

#include <cstddef>

#include "absl/functional/function_ref.h"

namespace weft::reactor {

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
  virtual off_t lseek(int fd, off_t offset, int whence);
  virtual int fsync(int fd);
  virtual int fdatasync(int fd);
  virtual int ftruncate(int fd, off_t size);

  // Names in the file system.
  virtual int stat(const char* path, struct stat* out);
  virtual int lstat(const char* path, struct stat* out);
  virtual int rename(const char* from, const char* to);
  virtual int unlink(const char* path);
  virtual int mkdir(const char* path, mode_t mode);
  virtual int rmdir(const char* path);
  virtual DIR* opendir(const char* path);
  virtual dirent* readdir(DIR* directory);
  virtual int closedir(DIR* directory);

  // Sockets. `send` and `sendmsg` add MSG_NOSIGNAL themselves where there is
  // such a flag.
  virtual int socket(int domain, int type, int protocol);
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

  // The event queue. epoll and kqueue share no type, so the two functions take
  // the call itself: `control` is handed everything that creates, changes or
  // rings the queue, `wait` the one call that sleeps in it. An override may
  // make the call, or fail in its place by setting errno and returning -1, or
  // both (an interrupted kevent has applied its changes).
  virtual int event_queue_control(absl::FunctionRef<int()> call);
  virtual int event_queue_wait(absl::FunctionRef<int()> call);
};

}  // namespace weft::reactor

#endif  // WEFT_REACTOR_SYSTEM_H_
