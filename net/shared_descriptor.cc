// Finding the way, and going it.
//
// SPDX-License-Identifier: MIT

#include "weft/net/shared_descriptor.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "weft/net/socket_attempts.h"
#include "weft/reactor/os_error.h"
#include "weft/reactor/reactor.h"
#include "weft/reactor/source_pool.h"
#include "weft/reactor/system.h"
#include "weft/runtime/blocking_pool.h"
#include "weft/runtime/current.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/ready_awaiter.h"

namespace weft::net {
namespace {

using ::weft::reactor::Direction;
using ::weft::reactor::ErrnoToStatus;
using ::weft::reactor::Fd;
using ::weft::reactor::RetryInterrupted;
using ::weft::reactor::Source;
using ::weft::reactor::System;
using Count = absl::StatusOr<std::size_t>;

bool IsTerminal(System& system, int fd) {
  winsize size{};
  return system.ioctl(fd, TIOCGWINSZ, &size) == 0;
}

#ifdef TIOCGPTN  // Linux; drop when others have /proc/self/fd, too.
// The program's side of a pair, pty(7), as what runs in a terminal window has
// it; where opening it again would make a new pair.
bool IsMaster(System& system, int fd) {
  unsigned number = 0;
  return system.ioctl(fd, TIOCGPTN, &number) == 0;
}
// Of a pipe that keeps writes apart: pipe(7).
constexpr int kInPackets = O_DIRECT;
#else
bool IsMaster(System& /*system*/, int /*fd*/) { return false; }
constexpr int kInPackets = 0;
#endif

// The terminal or pipe that `fd` is, as an open file of our own; empty where we
// may not. Linux has a name for whatever a descriptor leads to (proc(5)); where
// there is none the descriptor is used as it is. (O_NOCTTY: a program without a
// terminal does not get this one by it. System::open adds O_NONBLOCK.)
//
// Rejected: /dev/tty for macOS. Its kqueue refuses that name with EINVAL, and
// it is the terminal of the session, not the one that `fd` leads to.
Fd OpenAgain(System& system, int fd, int access) {
  const std::string path = absl::StrCat("/proc/self/fd/", fd);
  return Fd(RetryInterrupted([&] {
              return system.open(path.c_str(), access | O_NOCTTY, 0);
            }),
            system);
}

int AccessFor(Direction direction) {
  return direction == Direction::kRead ? O_RDONLY : O_WRONLY;
}

// How to open this pipe again, so that it does what this descriptor does: one
// for both directions holds the other end open, too. Nothing where another open
// file would not.
std::optional<int> AccessOfPipe(System& system, int fd, Direction direction) {
  const int flags = system.fcntl(fd, F_GETFL, 0);
  if (flags == -1 || (flags & kInPackets) != 0) return std::nullopt;
  const int access = flags & O_ACCMODE;
  if (access != O_RDWR && access != AccessFor(direction)) return std::nullopt;
  return access;
}

// What a call that counts bytes answered; nothing where it would block.
std::optional<Count> Answer(ssize_t result, int error, const char* call,
                            const std::string& name) {
  if (result >= 0) return static_cast<std::size_t>(result);
  if (error == EAGAIN || error == EWOULDBLOCK) return std::nullopt;
  return ErrnoToStatus(error, absl::StrCat(call, "(", name, ")"));
}

bool IsNotSupported(ssize_t result, int error) {
  return result == -1 && (error == ENOTSUP || error == EOPNOTSUPP);
}

// On a thread of the pool. The number stays ours as long as the call lasts.
// Nothing where it would block, which it can only say where somebody else has
// made the open file non-blocking; readiness is taken back for the wait then.
template <typename Call>
std::optional<Count> CallPinned(Source& source, Direction direction,
                                const std::string& name, Call call) {
  const reactor::SourcePin pin(source);
  if (!pin) return reactor::ClosedByOwnerError();
  source.TakeReady(direction);
  const ssize_t result = RetryInterrupted(call);
  const int error = errno;
  const char* const what = direction == Direction::kRead ? "read" : "write";
  return Answer(result, error, what, name);
}

}  // namespace

// One try. Where the system cannot try without waiting, it says so in `way` and
// gives nothing that counts.
class SharedDescriptor::Attempt {
 protected:
  explicit Attempt(SharedDescriptor& of) noexcept : of_(of) {}

  // Makes the call that is right for this descriptor: of a socket, of a file
  // that is ours alone, or of one that may block.
  template <typename OfSocket, typename OfOwn, typename OfShared>
  std::optional<Count> Try(const char* name, OfSocket of_socket, OfOwn of_own,
                           OfShared of_shared) const {
    System& system = of_.source_->system();
    const int fd = of_.source_->fd();
    const ssize_t result = RetryInterrupted([&] {
      if (of_.is_socket_) return of_socket(system, fd);
      if (of_.way_ == Way::kOwn) return of_own(system, fd);
      return of_shared(system, fd);
    });
    const int error = errno;
    if (of_.way_ == Way::kNoWait && IsNotSupported(result, error)) {
      of_.way_ = Way::kPatient;
      return std::size_t{0};
    }
    return Answer(result, error, name, of_.name_);
  }

 private:
  SharedDescriptor& of_;
};

class SharedDescriptor::ReadAttempt : public Attempt {
 public:
  ReadAttempt(SharedDescriptor& of, std::span<std::byte> into) noexcept
      : Attempt(of), into_(into) {}

  std::optional<Count> operator()() {
    std::byte* const to = into_.data();
    const std::size_t size = into_.size();
    return Try(
        "read",
        [=](System& system, int fd) {
          return system.recv(fd, to, size, MSG_DONTWAIT);
        },
        [=](System& system, int fd) { return system.read(fd, to, size); },
        [=](System& system, int fd) {
          return system.read_nowait(fd, to, size);
        });
  }

 private:
  std::span<std::byte> into_;
};

class SharedDescriptor::WriteAttempt : public Attempt {
 public:
  WriteAttempt(SharedDescriptor& of, std::span<const std::byte> from) noexcept
      : Attempt(of), from_(from.first(std::min(from.size(), kLongestCall))) {}

  std::optional<Count> operator()() {
    const std::byte* const from = from_.data();
    const std::size_t size = from_.size();
    return Try(
        "write",
        [=](System& system, int fd) {
          return system.send(fd, from, size, MSG_DONTWAIT);
        },
        [=](System& system, int fd) { return system.write(fd, from, size); },
        [=](System& system, int fd) {
          return system.write_nowait(fd, from, size);
        });
  }

 private:
  std::span<const std::byte> from_;
};

absl::StatusOr<SharedDescriptor> SharedDescriptor::Adopt(Fd fd,
                                                         std::string name,
                                                         Direction direction) {
  reactor::Reactor& reactor = CurrentReactor();
  System& system = reactor.system();
  struct stat about{};
  if (system.fstat(fd.get(), &about) == -1) {
    const int error = errno;
    return ErrnoToStatus(error, absl::StrCat("fstat(", name, ")"));
  }
  const bool is_socket = S_ISSOCK(about.st_mode);
  const bool is_pipe = S_ISFIFO(about.st_mode);
  const bool is_terminal =
      S_ISCHR(about.st_mode) && IsTerminal(system, fd.get());
  Way way = is_socket || is_pipe ? Way::kNoWait : Way::kPool;
  if (is_terminal) way = Way::kPatient;
  std::optional<int> access;
  if (is_pipe) access = AccessOfPipe(system, fd.get(), direction);
  if (is_terminal && !IsMaster(system, fd.get())) access = AccessFor(direction);
  if (access.has_value()) {
    if (Fd own = OpenAgain(system, fd.get(), *access)) {
      fd = std::move(own);
      way = Way::kOwn;
    }
  }
  return SharedDescriptor(reactor.sources().Adopt(std::move(fd), system),
                          std::move(name), way, is_socket);
}

Task<Count> SharedDescriptor::Read(std::span<std::byte> into) {
  if (into.empty()) co_return std::size_t{0};
  if (way_ == Way::kOwn || way_ == Way::kNoWait) {
    const ReadAttempt attempt(*this, into);
    Count got = co_await WhenReady(*source_, Direction::kRead,
                                   FirstTry::kAtOnce, attempt);
    if (way_ != Way::kPatient) co_return got;
  }
  if (way_ == Way::kPatient) co_await OrReturn(UntilReadable());
  co_return co_await ReadOnPool(into);
}

Task<Count> SharedDescriptor::Write(std::span<const std::byte> from) {
  if (from.empty()) co_return std::size_t{0};
  if (way_ == Way::kOwn || way_ == Way::kNoWait) {
    const WriteAttempt attempt(*this, from);
    Count written = co_await WhenReady(*source_, Direction::kWrite,
                                       FirstTry::kAtOnce, attempt);
    if (way_ != Way::kPatient) co_return written;
  }
  co_return co_await WriteOnPool(from);
}

// FIONREAD counts what is there; that nothing more will come is announced. The
// readiness is taken back before the count, so that what comes after it is an
// edge that ends the wait.
Task<absl::Status> SharedDescriptor::UntilReadable() {
  for (;;) {
    if (!source_->Pin()) co_return reactor::ClosedByOwnerError();
    source_->TakeReady(Direction::kRead);
    int waiting = 0;
    const int asked =
        source_->system().ioctl(source_->fd(), FIONREAD, &waiting);
    source_->Unpin();
    // A device that cannot count is read.
    if (asked == -1 || waiting > 0 || source_->hang_up()) {
      co_return absl::OkStatus();
    }
    co_await OrReturn(WaitReady(*source_, Direction::kRead));
  }
}

Task<Count> SharedDescriptor::ReadOnPool(std::span<std::byte> into) {
  auto read = [this, into] {
    return CallPinned(*source_, Direction::kRead, name_, [this, into] {
      return source_->system().read(source_->fd(), into.data(), into.size());
    });
  };
  for (;;) {
    std::optional<Count> got = co_await OrReturn(Blocking(read));
    if (got.has_value()) co_return *std::move(got);
    co_await OrReturn(WaitReady(*source_, Direction::kRead));
  }
}

Task<Count> SharedDescriptor::WriteOnPool(std::span<const std::byte> from) {
  const auto some = from.first(std::min(from.size(), kLongestCall));
  auto write = [this, some] {
    return CallPinned(*source_, Direction::kWrite, name_, [this, some] {
      return source_->system().write(source_->fd(), some.data(), some.size());
    });
  };
  for (;;) {
    std::optional<Count> written = co_await OrReturn(Blocking(write));
    if (written.has_value()) co_return *std::move(written);
    co_await OrReturn(WaitReady(*source_, Direction::kWrite));
  }
}

}  // namespace weft::net
