// Poller on the BSDs and macOS: one kqueue.
//
//     kqueue --+-- (descriptor, EVFILT_READ)   EV_CLEAR, udata = the token
//              +-- (descriptor, EVFILT_WRITE)  EV_CLEAR, udata = the token
//              +-- ...
//              +-- (0,          EVFILT_USER)   EV_CLEAR: the doorbell of Wake
//              +-- (a signal,   EVFILT_SIGNAL) EV_CLEAR, udata = the token
//              +-- (a process,  EVFILT_PROC)   NOTE_EXIT, udata = the token
//
// Kernel lore
//   The two directions are two knotes, so one descriptor may have two events in
//   a batch, in any order. They are not merged: the caller ORs them anyway.
//   EV_EOF is a state, not an error: there may be data left to read, and no
//   more to come. EV_ERROR speaks of a change, never of a descriptor.
//   EV_ADD of what is there replaces its token in silence; so Add asks first.
//   EVFILT_USER without EV_CLEAR stays ready for ever, and Wait would spin.
//   close() drops a descriptor's knotes at once, duplicates or not.
//   struct kevent has other member types on every system: EV_SET fills it.
//   A process that has ended cannot be watched any more (ESRCH, though nobody
//   has waited for it yet); FreeBSD reports it at once. Reported, a knote of
//   NOTE_EXIT is gone.
//   macOS refuses waits of more than 100'000'000 seconds.
//
// On Linux the tests compile this very file against a <sys/event.h> of their
// own.
//
// SPDX-License-Identifier: MIT

#include <fcntl.h>
#include <signal.h>
#include <sys/event.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "absl/base/internal/raw_logging.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/os_error.h"
#include "weft/reactor/poller.h"
#include "weft/reactor/system.h"
#include "weft/reactor/wake_flag.h"

namespace weft::reactor {
namespace {

using KernelEvent = struct kevent;  // There is a function of that name, too.

// How many events one Wait takes from the kernel. The rest waits there.
constexpr std::size_t kBatch = 128;

constexpr std::uintptr_t kDoorbell =
    0;  // Its ident; EVFILT_USER is ours alone.

constexpr absl::Duration kLongestWait = absl::Seconds(100'000'000);

static_assert(sizeof(void*) == sizeof(Token), "udata must hold a token");

// How the read filter says that there is urgent data. macOS does so unasked,
// FreeBSD not at all; drop the test when it learns to.
#ifdef EV_OOBAND
constexpr unsigned kUrgent = EV_OOBAND;
#else
constexpr unsigned kUrgent = 0;
#endif

// udata is void* here and intptr_t on NetBSD, so this stays where EV_SET is.
void* UserData(Token token) {
  return reinterpret_cast<void*>(static_cast<std::uintptr_t>(token));
}

Token TokenOf(const KernelEvent& ready) {
  return Token{reinterpret_cast<std::uintptr_t>(ready.udata)};
}

Event Translate(const KernelEvent& ready) {
  const bool read_side = ready.filter == EVFILT_READ;
  const bool ended = (ready.flags & EV_EOF) != 0;
  // fflags hold the socket's error then. An error is for both directions, so
  // that whoever waits tries, and meets it. The end of the write side alone is
  // one too: nothing that waits can succeed any more.
  const bool broken = ended && (!read_side || ready.fflags != 0);
  return Event{
      .token = TokenOf(ready),
      .readable = read_side || broken,
      .writable = !read_side || broken,
      .hang_up = read_side && ended,
      .urgent = read_side && (ready.flags & kUrgent) != 0,
  };
}

// What a filter may answer to EV_ADD while the descriptor as a whole is fine:
// the other end of a pipe is gone already (EPIPE), or this end has no such
// direction (EINVAL). The other filter then carries the news.
bool IsOneSided(std::intptr_t error) {
  return error == EPIPE || error == EINVAL;
}

// EVFILT_SIGNAL looks on while a signal is raised and leaves it pending; the
// contract says that it is taken away. sigwait cannot block: the signal is
// pending, and no other thread takes it, since all block it. One raised between
// the report and here goes with it, before the caller has seen the event: it is
// one that was "raised since it was last reported".
// (macOS has macros for the sigset calls, hence no `::`.)
void TakePending(int signal) {
  sigset_t pending{};
  if (::sigpending(&pending) == -1 || sigismember(&pending, signal) != 1) {
    return;
  }
  sigset_t only{};
  sigemptyset(&only);
  sigaddset(&only, signal);
  int taken = 0;
  ::sigwait(&only, &taken);
}

// The time limit of a wait in the form kevent wants; nullptr is for ever.
const timespec* Limit(absl::Duration max_wait, timespec& storage) {
  if (max_wait == absl::InfiniteDuration()) return nullptr;
  const absl::Duration within =
      std::clamp(max_wait, absl::ZeroDuration(), kLongestWait);
  // Abseil counts quarters of a nanosecond: round them up, not off.
  storage = absl::ToTimespec(absl::Ceil(within, absl::Nanoseconds(1)));
  return &storage;
}

}  // namespace

struct Poller::Inside {
  explicit Inside(System& table) : system(table) {}

  // Submits the changes and puts the result of each into its `data`: EV_RECEIPT
  // makes the kernel answer every one, and return nothing else. An interrupted
  // call is made again: it has applied its changes, and these can be twice.
  int Submit(std::span<KernelEvent> changes) {
    return RetryInterrupted([&] {
      return system.event_queue_control([&] {
        const int count = static_cast<int>(changes.size());
        return ::kevent(queue.get(), changes.data(), count, changes.data(),
                        count, nullptr);
      });
    });
  }

  // One change, in the errno convention.
  int Change(std::uintptr_t ident, int filter, unsigned flags, Token token,
             unsigned notes = 0) {
    std::array<KernelEvent, 1> change;
    EV_SET(&change[0], ident, static_cast<std::int16_t>(filter),
           static_cast<std::uint16_t>(flags | EV_RECEIPT), notes, 0,
           UserData(token));
    if (Submit(change) == -1) return -1;
    if (change[0].data == 0) return 0;
    errno = static_cast<int>(change[0].data);
    return -1;
  }

  void Ring() noexcept;

  System& system;
  Fd queue;
  WakeFlag rung;
};

Poller::Poller(std::unique_ptr<Inside> inside) noexcept
    : inside_(std::move(inside)) {}
Poller::Poller(Poller&&) noexcept = default;
Poller::~Poller() = default;

absl::StatusOr<Poller> Poller::Create(System& system) {
  auto inside = std::make_unique<Inside>(system);
  const int queue = RetryInterrupted(
      [&] { return system.event_queue_control([] { return ::kqueue(); }); });
  inside->queue = Fd(queue, system);
  if (!inside->queue) return ErrnoToStatus(errno, "kqueue");
  // A forked child has no kqueue; one that was only executed would.
  if (::fcntl(inside->queue.get(), F_SETFD, FD_CLOEXEC) == -1) {
    return ErrnoToStatus(errno, "fcntl(kqueue, FD_CLOEXEC)");
  }
  if (inside->Change(kDoorbell, EVFILT_USER, EV_ADD | EV_CLEAR, Token{}) ==
      -1) {
    return ErrnoToStatus(errno, "kevent(ADD, EVFILT_USER)");
  }
  return Poller(std::move(inside));
}

absl::Status Poller::Add(int fd, Token token) {
  ABSL_RAW_CHECK(token < kFirstReservedToken,
                 "the highest 256 tokens are the poller's own: start "
                 "generations at 0 and retire a slot before they wrap");
  const auto ident = static_cast<std::uintptr_t>(fd);

  // kqueue takes files, and calls them ready always: not what epoll does.
  struct stat about{};
  if (inside_->system.fstat(fd, &about) == -1) {
    const int error = errno;
    return ErrnoToStatus(error, absl::StrCat("kevent(ADD, ", fd, ")"));
  }
  if (S_ISREG(about.st_mode) || S_ISDIR(about.st_mode)) {
    return absl::FailedPreconditionError(absl::StrCat(
        "kevent(ADD, ", fd, "): a regular file or directory cannot be polled"));
  }

  // To enable what is there and enabled changes nothing: a harmless question.
  if (inside_->Change(ident, EVFILT_READ, EV_ENABLE, token) == 0 ||
      inside_->Change(ident, EVFILT_WRITE, EV_ENABLE, token) == 0) {
    return absl::AlreadyExistsError(
        absl::StrCat("kevent(ADD, ", fd, "): registered already"));
  }

  std::array<KernelEvent, 2> changes;
  EV_SET(&changes[0], ident, EVFILT_READ, EV_ADD | EV_CLEAR | EV_RECEIPT, 0, 0,
         UserData(token));
  EV_SET(&changes[1], ident, EVFILT_WRITE, EV_ADD | EV_CLEAR | EV_RECEIPT, 0, 0,
         UserData(token));
  if (inside_->Submit(changes) == -1) {
    const int error = errno;
    return ErrnoToStatus(error, absl::StrCat("kevent(ADD, ", fd, ")"));
  }
  const std::intptr_t read_error = changes[0].data;
  const std::intptr_t write_error = changes[1].data;
  const bool reads = read_error == 0;
  const bool writes = write_error == 0;
  if ((reads && (writes || IsOneSided(write_error))) ||
      (writes && IsOneSided(read_error))) {
    return absl::OkStatus();
  }
  Remove(fd).IgnoreError();  // Half a registration is none.
  return ErrnoToStatus(static_cast<int>(reads ? write_error : read_error),
                       absl::StrCat("kevent(ADD, ", fd, ")"));
}

absl::Status Poller::Remove(int fd) {
  const auto ident = static_cast<std::uintptr_t>(fd);
  for (const int filter : {EVFILT_READ, EVFILT_WRITE}) {
    const int removed = inside_->Change(ident, filter, EV_DELETE, Token{});
    const int error = errno;
    // ENOENT: never added, or only the other direction. EBADF: closed.
    if (removed == -1 && error != ENOENT && error != EBADF) {
      return ErrnoToStatus(error, absl::StrCat("kevent(DELETE, ", fd, ")"));
    }
  }
  return absl::OkStatus();
}

absl::Status Poller::AddSignal(int signal, Token token) {
  if (signal <= 0 || signal >= NSIG) {
    return absl::InvalidArgumentError(
        absl::StrCat("AddSignal(", signal, "): there is no such signal"));
  }
  const auto ident = static_cast<std::uintptr_t>(signal);
  if (inside_->Change(ident, EVFILT_SIGNAL, EV_ENABLE, token) == 0) {
    return absl::AlreadyExistsError(
        absl::StrCat("AddSignal(", signal, "): watched already"));
  }
  if (inside_->Change(ident, EVFILT_SIGNAL, EV_ADD | EV_CLEAR, token) == -1) {
    const int error = errno;
    return ErrnoToStatus(error,
                         absl::StrCat("kevent(ADD, signal ", signal, ")"));
  }
  return absl::OkStatus();
}

absl::Status Poller::RemoveSignal(int signal) {
  const int removed = inside_->Change(static_cast<std::uintptr_t>(signal),
                                      EVFILT_SIGNAL, EV_DELETE, Token{});
  const int error = errno;
  if (removed == -1 && error != ENOENT && error != EINVAL) {
    return ErrnoToStatus(error,
                         absl::StrCat("kevent(DELETE, signal ", signal, ")"));
  }
  return absl::OkStatus();
}

absl::Status Poller::AddProcess(pid_t process, Token token) {
  const auto ident = static_cast<std::uintptr_t>(process);
  if (inside_->Change(ident, EVFILT_PROC, EV_ENABLE, token, NOTE_EXIT) == 0) {
    return absl::AlreadyExistsError(
        absl::StrCat("AddProcess(", process, "): watched already"));
  }
  if (inside_->Change(ident, EVFILT_PROC, EV_ADD | EV_ONESHOT, token,
                      NOTE_EXIT) == -1) {
    const int error = errno;
    return ErrnoToStatus(error,
                         absl::StrCat("kevent(ADD, process ", process, ")"));
  }
  return absl::OkStatus();
}

absl::Status Poller::RemoveProcess(pid_t process) {
  const int removed = inside_->Change(static_cast<std::uintptr_t>(process),
                                      EVFILT_PROC, EV_DELETE, Token{});
  const int error = errno;
  if (removed == -1 && error != ENOENT && error != ESRCH) {
    return ErrnoToStatus(error,
                         absl::StrCat("kevent(DELETE, process ", process, ")"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::span<const Event>> Poller::Wait(std::span<Event> buffer,
                                                    absl::Duration max_wait) {
  ABSL_RAW_CHECK(!buffer.empty(), "give Wait room for at least one event");
  std::array<KernelEvent, kBatch> storage;  // Filled by the kernel.
  const auto room = std::span(storage).first(std::min(buffer.size(), kBatch));
  timespec limit_storage{};
  const timespec* const limit = Limit(max_wait, limit_storage);

  const int count = inside_->system.event_queue_wait([&] {
    return ::kevent(inside_->queue.get(), nullptr, 0, room.data(),
                    static_cast<int>(room.size()), limit);
  });
  if (count == -1 && errno != EINTR) return ErrnoToStatus(errno, "kevent");

  std::size_t filled = 0;
  for (const KernelEvent& ready :
       room.first(static_cast<std::size_t>(std::max(count, 0)))) {
    switch (ready.filter) {
      case EVFILT_USER:
        // EV_CLEAR has silenced it with the delivery; lower after: wake_flag.h.
        inside_->rung.Lower();
        break;
      case EVFILT_SIGNAL:
        TakePending(static_cast<int>(ready.ident));
        buffer[filled++] = Event{.token = TokenOf(ready), .readable = true};
        break;
      case EVFILT_PROC:
        buffer[filled++] = Event{.token = TokenOf(ready), .readable = true};
        break;
      default:
        buffer[filled++] = Translate(ready);
    }
  }
  return std::span<const Event>(buffer.first(filled));
}

void Poller::Wake() noexcept {
  if (!inside_->rung.Raise()) inside_->Ring();
}

// The knote exists as long as the kqueue does, so what can fail here is want of
// memory, an injected fault, or a bug; a wake that is not delivered is a
// program that hangs, hence the patience, and then the end.
void Poller::Inside::Ring() noexcept {
  constexpr int kPatience = 1000;
  for (int i = 0; i < kPatience; ++i) {
    const int rung_now = RetryInterrupted([&] {
      return system.event_queue_control([&] {
        KernelEvent trigger;
        EV_SET(&trigger, kDoorbell, EVFILT_USER, 0, NOTE_TRIGGER, 0, nullptr);
        return ::kevent(queue.get(), &trigger, 1, nullptr, 0, nullptr);
      });
    });
    if (rung_now != -1) return;
  }
  ABSL_RAW_LOG(FATAL, "Poller::Wake: cannot trigger EVFILT_USER (errno %d)",
               errno);
}

}  // namespace weft::reactor
