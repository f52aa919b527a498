// AsyncFd: waits for a descriptor that somebody else talks through: a library's
// own socket, inotify, a terminal, a device.
//
//     auto fd = co_await OrReturn(AsyncFd::Borrow(PQsocket(connection)));
//     for (;;) {
//       ... call the library until it says that it would block ...
//       co_await OrReturn(fd.WaitReadable());
//     }
//
//     size_t n = co_await OrReturn(fd.TryIo(Direction::kRead, read_some));
//
// The kernel tells of a change once (reactor/source.h), so a wait is answered
// by a hint, and using it has one rule: *try until it would block, then wait*.
// Who stops earlier, with something left to read, waits for what has come
// already. TryIo keeps the rule by itself.
//
// A borrowed descriptor stays its owner's: it is never closed here, nor are its
// flags changed. What is watched is a duplicate of it. Rejected: to watch the
// number itself. Where the owner closes it first, as libraries do when they
// reconnect, the number may name another descriptor by the time that we take it
// off the kernel's queue; and kqueue knows one registration of a number, so two
// who borrow it would overwrite each other. The price is a number more, and
// that the file stays open until both are closed.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_ASYNC_FD_H_
#define WEFT_NET_ASYNC_FD_H_

#include <concepts>
#include <optional>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/source.h"
#include "weft/runtime/awaitable.h"
#include "weft/runtime/continuation.h"
#include "weft/runtime/ready_awaiter.h"

namespace weft::net {

using reactor::Direction;

// What TryIo calls with the descriptor: one system call on it, which gives a
// Status or a StatusOr, or nothing where it would block.
template <typename F>
concept IoFunction = requires(F& function, int fd) {
  { *function(fd) } -> StatusLike;
};

// Threads: one task waits in each direction at a time; they may be two. Close
//          may come from anywhere. Moving it is for when nobody uses it.
class AsyncFd {
 public:
  class ReadyWait;
  template <IoFunction F>
  class Attempt;

  // Takes the descriptor over, and closes it in the end. Its calls should not
  // block (O_NONBLOCK), or they hold up the worker. Requires: InsideRuntime().
  //
  // Owns:   `fd`, also when it fails.
  // Errors: FAILED_PRECONDITION for what cannot be waited for: regular files,
  //         which never block (fs/file.h), directories, some devices.
  static absl::StatusOr<AsyncFd> Adopt(reactor::Fd fd);

  // Watches a descriptor that stays its owner's. Requires: InsideRuntime().
  //
  // Borrows: `fd`, for this call only; see above.
  // Errors:  as Adopt, also where `fd` is none; RESOURCE_EXHAUSTED where no
  //          number is left for the duplicate.
  static absl::StatusOr<AsyncFd> Borrow(int fd);

  // A moved-from one can only be destroyed or assigned to. What is assigned to
  // is closed first.
  AsyncFd(AsyncFd&&) noexcept = default;
  AsyncFd& operator=(AsyncFd&&) noexcept = default;

  // Waits until a read may succeed where the last one would have blocked. A
  // hint, and the first is given at once: try, and wait again.
  //
  // Suspends: until the descriptor has become readable, or its other end is
  //           gone, since the last wait; for a turn when the task has completed
  //           many operations without waiting.
  // Cancel:   CANCELLED; the hint is kept for the next wait.
  // Borrows:  the AsyncFd.
  // Errors:   FAILED_PRECONDITION when it is closed on this side.
  // Cost:     no allocation.
  ReadyWait WaitReadable() noexcept;
  // The same for writes.
  //
  // Suspends: until the descriptor has become writable, or its other end is
  //           gone, since the last wait.
  // Cancel:   CANCELLED; the hint is kept for the next wait.
  ReadyWait WaitWritable() noexcept;

  // Calls function(fd) until it gives something, waiting for readiness in
  // between. It must not throw, and not block.
  //
  //     auto receive = [&](int fd) -> std::optional<absl::StatusOr<size_t>> {
  //       const ssize_t got = system.read(fd, data, size);
  //       if (got >= 0) return static_cast<size_t>(got);
  //       if (errno == EAGAIN) return std::nullopt;
  //       return reactor::ErrnoToStatus(errno, "read");
  //     };
  //     size_t n = co_await OrReturn(fd.TryIo(Direction::kRead, receive));
  //
  // Suspends: while `function` gives nothing.
  // Cancel:   CANCELLED; `function` has not given anything.
  // Borrows:  the AsyncFd, and what `function` refers to.
  // Errors:   those of `function`; FAILED_PRECONDITION when it is closed on
  //           this side.
  // Cost:     no allocation.
  template <IoFunction F>
  IoAwaiter<Attempt<F>> TryIo(Direction direction, F function) noexcept {
    return WhenReady(*source_, direction, FirstTry::kAtOnce,
                     Attempt<F>(*source_, std::move(function)));
  }

  // Ends the watch, and closes a descriptor that is owned. Whoever waits gets
  // FAILED_PRECONDITION. Idempotent.
  //
  // Threads: any, while the AsyncFd is neither moved nor destroyed.
  void Close() noexcept { source_->Close(); }

 private:
  explicit AsyncFd(reactor::SourceHandle source) noexcept
      : source_(std::move(source)) {}

  reactor::SourceHandle source_;
};

// Takes the readiness with it when it is over, which is just before the caller
// tries: an edge that comes later is for the next wait.
class [[nodiscard("co_await it")]] AsyncFd::ReadyWait {
 public:
  ReadyWait(reactor::Source& source, Direction direction) noexcept
      : source_(source),
        direction_(direction),
        wait_(WaitReady(source, direction)) {}

  bool await_ready() noexcept { return wait_.await_ready(); }
  bool await_suspend(Continuation caller) noexcept {
    return wait_.await_suspend(caller);  // From here on `*this` may be gone.
  }
  absl::Status await_resume() noexcept {
    absl::Status status = wait_.await_resume();
    if (status.ok()) source_.TakeReady(direction_);
    return status;
  }

 private:
  reactor::Source& source_;
  const Direction direction_;
  ReadyAwaiter wait_;
};

template <IoFunction F>
class AsyncFd::Attempt {
 public:
  Attempt(reactor::Source& source, F function) noexcept
      : source_(source), function_(std::move(function)) {}

  std::invoke_result_t<F&, int> operator()() { return function_(source_.fd()); }

 private:
  reactor::Source& source_;
  F function_;
};

inline AsyncFd::ReadyWait AsyncFd::WaitReadable() noexcept {
  return ReadyWait(*source_, Direction::kRead);
}

inline AsyncFd::ReadyWait AsyncFd::WaitWritable() noexcept {
  return ReadyWait(*source_, Direction::kWrite);
}

}  // namespace weft::net

#endif  // WEFT_NET_ASYNC_FD_H_
