// The one door to the kernel's event queue: epoll on Linux, kqueue on the BSDs
// and macOS. This header is the contract; epoll_poller.cc and kqueue_poller.cc
// keep it, and meson.build compiles exactly one of them. There is no #ifdef,
// no virtual call and no template between the caller and the event queue.
//
// The contract both must keep
//   Edge-triggered.  An event says "this changed"; the Source remembers it.
//   Both directions. Add() registers reading and writing once, for the life of
//                    the descriptor: once a connection, not once a wait.
//   Tokens.          The kernel may report a descriptor we have just removed,
//                    so events carry the caller's token and never a pointer.
//   Hints.           An event too many is allowed, an event too few is not. One
//                    descriptor may have two events in a batch.
//   Errors.          A broken descriptor is both readable and writable, so that
//                    whatever waits on it tries, and meets its error itself.
//   Urgent data.     A read stops in front of TCP's urgent data, and no event
//                    tells of what is behind it; so that there is any is told.
//                    FreeBSD's kqueue cannot.
//   Interrupts.      EINTR is not an error: Wait() returns an empty span.
//   Rounding.        A wait is rounded up to the kernel's tick. A timer that
//                    fires early would spin; a late one is only late.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_REACTOR_POLLER_H_
#define WEFT_REACTOR_POLLER_H_

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <span>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/system.h"

namespace weft::reactor {

// Names one registration. Generation in the high half, slot in the low half:
// the poller looks into neither and hands it back as it was.
enum class Token : std::uint64_t {};

// The tokens from here on are the poller's own; handing one in is a bug.
inline constexpr Token kFirstReservedToken{0xFFFF'FFFF'FFFF'FF00};

struct Event {
  Token token{};
  // Data, a connection to accept, end of stream, or an error.
  bool readable = false;
  // Buffer space, a finished connect, or an error.
  bool writable = false;
  // The peer will send no more. Sticky: it is announced once.
  bool hang_up = false;
  // Urgent data came, at which a read stops. Sticky: it may be announced once.
  bool urgent = false;
};

// Threads: Wait from one thread at a time, all others from any thread. Not
//          while it is moved or destroyed.
class Poller {
 public:
  // Borrows: `system`, for the life of the poller.
  // Errors:  RESOURCE_EXHAUSTED when there are no descriptors left.
  static absl::StatusOr<Poller> Create(System& system = System::Kernel());

  Poller(Poller&&) noexcept;
  Poller& operator=(Poller&&) = delete;
  ~Poller();

  // From now on every change of `fd` is an event with `token`, and what it is
  // ready for now is the first one. A socket is added once it is connecting,
  // connected, bound or listening; before that, epoll calls it hung up.
  //
  // Borrows: `fd`, which must stay open until Remove.
  // Errors:  ALREADY_EXISTS if it is registered, RESOURCE_EXHAUSTED at the
  //          system's limit, FAILED_PRECONDITION for a descriptor that cannot
  //          be polled (a regular file), or that is not open.
  absl::Status Add(int fd, Token token);

  // No event naming the token is *produced* after this returns; one produced
  // before may still be in a span that Wait handed out. OK when it was not
  // registered, or is closed already.
  absl::Status Remove(int fd);

  // An event with `readable` set and `token` in it when the signal has been
  // raised since it was last reported; several raised at once may be one
  // event. The pending signal is taken away with it. The caller has blocked the
  // signal in every thread and watches it with one poller of the process.
  //
  // Errors: ALREADY_EXISTS, INVALID_ARGUMENT for what is no signal,
  //         RESOURCE_EXHAUSTED.
  absl::Status AddSignal(int signal, Token token);

  // OK when it was not registered. A signal that is pending stays so.
  absl::Status RemoveSignal(int signal);

  // An event with `readable` set and `token` in it when the process has ended,
  // or is about to: waitpid(2) decides. It comes once. The caller has not
  // waited for the process yet, so that its number is nobody else's.
  //
  // Errors: NOT_FOUND where it has ended and the system tells no more of it (on
  //         Linux there is an event then), ALREADY_EXISTS, RESOURCE_EXHAUSTED,
  //         UNIMPLEMENTED by Linux before 5.3.
  absl::Status AddProcess(pid_t process, Token token);

  // OK when it was not registered, or its event has come.
  absl::Status RemoveProcess(pid_t process);

  // Blocks until something is ready, Wake is called or `max_wait` passes.
  // absl::InfiniteDuration() waits for ever; zero and less do not wait. Returns
  // the filled front of `buffer`, which must not be empty. What does not fit
  // comes with the next call. An empty span proves nothing about the time:
  // look at the clock.
  //
  // Errors: RESOURCE_EXHAUSTED when the kernel is out of memory; nothing that
  //         was ready is lost by it.
  absl::StatusOr<std::span<const Event>> Wait(std::span<Event> buffer,
                                              absl::Duration max_wait);

  // Makes the current or the next Wait return soon, and orders what was written
  // before Wake before what is read after that Wait. Coalesces; never blocks;
  // is never an event.
  //
  // Cost: one atomic exchange, and a system call unless a Wake that no Wait has
  //       answered yet has made it.
  void Wake() noexcept;

 private:
  struct Inside;  // Its address stays when the poller moves.

  explicit Poller(std::unique_ptr<Inside> inside) noexcept;

  std::unique_ptr<Inside> inside_;
};

}  // namespace weft::reactor

#endif  // WEFT_REACTOR_POLLER_H_
