// Poller on Linux: one epoll instance, an eventfd for Wake, a signalfd for each
// signal and a pidfd for each process that is watched.
//
//     epoll --+-- descriptor, edge-triggered, data = the caller's token
//             +-- ...
//             +-- eventfd,    level-triggered, data = kDoorbell
//             +-- signalfd,   level-triggered, data = kDoorbell + its number
//             +-- pidfd,      edge-triggered,  data = the caller's token
//
// The eventfd and the signalfds are level-triggered: reading them is what makes
// them silent, so a read that went wrong is simply reported again. A pidfd
// cannot be read; it stays readable once the process has ended.
//
// Kernel lore
//   EPOLLERR and EPOLLHUP are always reported, asked for or not. Under EPOLLET
//   that is one event and not a busy loop, also for a connection that was reset
//   while nobody waits on it.
//   A registration belongs to the open file, not to the number: after close()
//   it lives on while a duplicate does, and then cannot even be removed any
//   more. Hence Remove comes before close, and tokens carry a generation.
//
// SPDX-License-Identifier: MIT

#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
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

// How many events one Wait takes from the kernel. The rest waits there.
constexpr std::size_t kBatch = 128;

// Signals are 1 to 64 on every Linux but MIPS, where they are 1 to 127: all fit
// between two reserved tokens.
constexpr int kSignalEnd = 128;

constexpr std::uint64_t kDoorbell =
    static_cast<std::uint64_t>(kFirstReservedToken);
static_assert(kDoorbell + kSignalEnd > kDoorbell, "reserved tokens wrapped");

std::uint64_t DataOf(Token token) { return static_cast<std::uint64_t>(token); }

Event Translate(const epoll_event& ready) {
  const std::uint32_t bits = ready.events;
  // An error is for both directions: whoever waits tries, and meets it.
  const bool broken = (bits & (EPOLLERR | EPOLLHUP)) != 0;
  return Event{
      .token = Token{ready.data.u64},
      .readable = broken || (bits & (EPOLLIN | EPOLLRDHUP)) != 0,
      .writable = broken || (bits & EPOLLOUT) != 0,
      // Not EPOLLERR: an error of a datagram socket passes, a hang-up does not.
      .hang_up = (bits & (EPOLLRDHUP | EPOLLHUP)) != 0,
      .urgent = (bits & EPOLLPRI) != 0,
  };
}

int WholeMilliseconds(absl::Duration wait) {
  const absl::Duration rounded = absl::Ceil(wait, absl::Milliseconds(1));
  return static_cast<int>(std::min<std::int64_t>(
      absl::ToInt64Milliseconds(rounded), std::numeric_limits<int>::max()));
}

}  // namespace

struct Poller::Inside {
  struct WatchedSignal {
    Fd source;  // A signalfd; empty when the signal is not watched.
    Token token{};
  };

  explicit Inside(System& table) : system(table) {}

  // Every call below, through the seam. Interrupted ones are made again.
  int Control(absl::FunctionRef<int()> call) {
    return RetryInterrupted([&] { return system.event_queue_control(call); });
  }
  int Register(int fd, std::uint32_t events, std::uint64_t data) {
    epoll_event change{};
    change.events = events;
    change.data.u64 = data;
    return Control(
        [&] { return ::epoll_ctl(queue.get(), EPOLL_CTL_ADD, fd, &change); });
  }

  int Sleep(std::span<epoll_event> ready, absl::Duration max_wait);
  int SleepWholeMilliseconds(std::span<epoll_event> ready, int milliseconds);
  void Ring() noexcept;
  void AnswerDoorbell();
  bool TakeSignal(int signal, Event& event);

  System& system;
  Fd queue;
  Fd doorbell;
  WakeFlag rung;

  // epoll_pwait2 (Linux 5.11) counts nanoseconds, epoll_wait milliseconds.
  // Written and read by the thread in Wait only.
  bool counts_nanoseconds = true;

  // Guards `signals`: AddSignal and RemoveSignal on any thread, Wait on its own
  // and only when a signal is among the events.
  std::mutex signals_mutex;
  std::array<WatchedSignal, kSignalEnd> signals;

  std::mutex processes_mutex;
  std::map<pid_t, Fd> processes;  // Pidfds. Guarded by processes_mutex.
};

Poller::Poller(std::unique_ptr<Inside> inside) noexcept
    : inside_(std::move(inside)) {}
Poller::Poller(Poller&&) noexcept = default;
Poller::~Poller() = default;

absl::StatusOr<Poller> Poller::Create(System& system) {
  auto inside = std::make_unique<Inside>(system);
  inside->queue = Fd(
      inside->Control([] { return ::epoll_create1(EPOLL_CLOEXEC); }), system);
  if (!inside->queue) return ErrnoToStatus(errno, "epoll_create1");
  inside->doorbell = Fd(
      inside->Control([] { return ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }),
      system);
  if (!inside->doorbell) return ErrnoToStatus(errno, "eventfd");
  if (inside->Register(inside->doorbell.get(), EPOLLIN, kDoorbell) == -1) {
    return ErrnoToStatus(errno, "epoll_ctl(ADD, eventfd)");
  }
  return Poller(std::move(inside));
}

absl::Status Poller::Add(int fd, Token token) {
  ABSL_RAW_CHECK(token < kFirstReservedToken,
                 "the highest 256 tokens are the poller's own: start "
                 "generations at 0 and retire a slot before they wrap");
  constexpr std::uint32_t kBothDirections =
      EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET;
  if (inside_->Register(fd, kBothDirections, DataOf(token)) == 0) {
    return absl::OkStatus();
  }
  const int error = errno;
  if (error == EPERM) {  // epoll_ctl(2): the file does not support epoll.
    return absl::FailedPreconditionError(
        absl::StrCat("epoll_ctl(ADD, ", fd,
                     "): a regular file or directory cannot be polled"));
  }
  return ErrnoToStatus(error, absl::StrCat("epoll_ctl(ADD, ", fd, ")"));
}

absl::Status Poller::Remove(int fd) {
  // Linux before 2.6.9 wanted an event here; nullptr is right ever since.
  const int removed = inside_->Control([&] {
    return ::epoll_ctl(inside_->queue.get(), EPOLL_CTL_DEL, fd, nullptr);
  });
  const int error = errno;
  // ENOENT: never added. EBADF: closed. EPERM: a file that Add refused.
  if (removed == 0 || error == ENOENT || error == EBADF || error == EPERM) {
    return absl::OkStatus();
  }
  return ErrnoToStatus(error, absl::StrCat("epoll_ctl(DEL, ", fd, ")"));
}

absl::Status Poller::AddSignal(int signal, Token token) {
  sigset_t only{};
  if (::sigemptyset(&only) == -1 || ::sigaddset(&only, signal) == -1 ||
      signal >= kSignalEnd) {
    return absl::InvalidArgumentError(
        absl::StrCat("AddSignal(", signal, "): there is no such signal"));
  }
  std::lock_guard lock(inside_->signals_mutex);
  Inside::WatchedSignal& watched =
      inside_->signals[static_cast<std::size_t>(signal)];
  if (watched.source) {
    return absl::AlreadyExistsError(
        absl::StrCat("AddSignal(", signal, "): watched already"));
  }
  Fd source(inside_->Control([&] {
    return ::signalfd(-1, &only, SFD_NONBLOCK | SFD_CLOEXEC);
  }),
            inside_->system);
  const int error = errno;
  if (!source) {
    return ErrnoToStatus(error, absl::StrCat("signalfd(", signal, ")"));
  }
  const std::uint64_t data = kDoorbell + static_cast<std::uint64_t>(signal);
  if (inside_->Register(source.get(), EPOLLIN, data) == -1) {
    return ErrnoToStatus(errno, "epoll_ctl(ADD, signalfd)");
  }
  watched.source = std::move(source);
  watched.token = token;
  return absl::OkStatus();
}

absl::Status Poller::RemoveSignal(int signal) {
  if (signal < 0 || signal >= kSignalEnd) return absl::OkStatus();
  std::lock_guard lock(inside_->signals_mutex);
  // Nobody else has this descriptor, so closing it ends the registration.
  return inside_->signals[static_cast<std::size_t>(signal)].source.Close();
}

absl::Status Poller::AddProcess(pid_t process, Token token) {
  const std::lock_guard lock(inside_->processes_mutex);
  if (inside_->processes.contains(process)) {
    return absl::AlreadyExistsError(
        absl::StrCat("AddProcess(", process, "): watched already"));
  }
  Fd source(
      RetryInterrupted([&] { return inside_->system.pidfd_open(process); }),
      inside_->system);
  if (!source) {
    const int error = errno;
    return ErrnoToStatus(error, absl::StrCat("pidfd_open(", process, ")"));
  }
  if (inside_->Register(source.get(), EPOLLIN | EPOLLET, DataOf(token)) == -1) {
    return ErrnoToStatus(errno, "epoll_ctl(ADD, pidfd)");
  }
  inside_->processes.emplace(process, std::move(source));
  return absl::OkStatus();
}

absl::Status Poller::RemoveProcess(pid_t process) {
  const std::lock_guard lock(inside_->processes_mutex);
  const auto found = inside_->processes.find(process);
  if (found == inside_->processes.end()) return absl::OkStatus();
  // Nobody else has this descriptor, so closing it ends the registration.
  absl::Status closed = found->second.Close();
  inside_->processes.erase(found);
  return closed;
}

absl::StatusOr<std::span<const Event>> Poller::Wait(std::span<Event> buffer,
                                                    absl::Duration max_wait) {
  ABSL_RAW_CHECK(!buffer.empty(), "give Wait room for at least one event");
  std::array<epoll_event, kBatch> storage;  // Filled by the kernel.
  const auto room = std::span(storage).first(std::min(buffer.size(), kBatch));

  const int count = inside_->Sleep(room, max_wait);
  if (count == -1 && errno != EINTR) return ErrnoToStatus(errno, "epoll_wait");

  std::size_t filled = 0;
  for (const epoll_event& ready :
       room.first(static_cast<std::size_t>(std::max(count, 0)))) {
    if (ready.data.u64 < kDoorbell) {
      buffer[filled++] = Translate(ready);
    } else if (ready.data.u64 == kDoorbell) {
      inside_->AnswerDoorbell();
    } else if (inside_->TakeSignal(static_cast<int>(ready.data.u64 - kDoorbell),
                                   buffer[filled])) {
      ++filled;
    }
  }
  return std::span<const Event>(buffer.first(filled));
}

void Poller::Wake() noexcept {
  if (!inside_->rung.Raise()) inside_->Ring();
}

int Poller::Inside::Sleep(std::span<epoll_event> ready,
                          absl::Duration max_wait) {
  if (max_wait <= absl::ZeroDuration()) return SleepWholeMilliseconds(ready, 0);
  if (max_wait == absl::InfiniteDuration()) {
    return SleepWholeMilliseconds(ready, -1);
  }
  if (counts_nanoseconds) {
    // Abseil counts quarters of a nanosecond: round them up, not off.
    const timespec limit =
        absl::ToTimespec(absl::Ceil(max_wait, absl::Nanoseconds(1)));
    const int count = system.event_queue_wait([&] {
      return ::epoll_pwait2(queue.get(), ready.data(),
                            static_cast<int>(ready.size()), &limit, nullptr);
    });
    // EPERM is what some sandboxes say to a call they have not heard of.
    if (count != -1 || (errno != ENOSYS && errno != EPERM)) return count;
    counts_nanoseconds = false;
  }
  return SleepWholeMilliseconds(ready, WholeMilliseconds(max_wait));
}

int Poller::Inside::SleepWholeMilliseconds(std::span<epoll_event> ready,
                                           int milliseconds) {
  return system.event_queue_wait([&] {
    return ::epoll_wait(queue.get(), ready.data(),
                        static_cast<int>(ready.size()), milliseconds);
  });
}

// An eventfd is never too full to take a ring before it is read again: the flag
// lets one through. So what can fail here is an injected fault, or a bug; a
// wake that is not delivered is a program that hangs, hence the end.
void Poller::Inside::Ring() noexcept {
  constexpr int kPatience = 1000;
  const std::uint64_t once = 1;
  for (int i = 0; i < kPatience; ++i) {
    const int written = Control([&] {
      return static_cast<int>(::write(doorbell.get(), &once, sizeof once));
    });
    if (written != -1 || errno == EAGAIN) return;
  }
  ABSL_RAW_LOG(FATAL, "Poller::Wake: cannot write to its eventfd (errno %d)",
               errno);
}

// Silence first, lower after: wake_flag.h. The read is also what tells the
// thread sanitizer that Wake came before.
void Poller::Inside::AnswerDoorbell() {
  std::uint64_t rings = 0;
  const int got = Control([&] {
    return static_cast<int>(::read(doorbell.get(), &rings, sizeof rings));
  });
  if (got == sizeof rings) rung.Lower();
}

// Takes the signal out of the process's pending set. False when there was none:
// removed meanwhile, or taken by another reader.
bool Poller::Inside::TakeSignal(int signal, Event& event) {
  std::lock_guard lock(signals_mutex);
  const WatchedSignal& watched = signals[static_cast<std::size_t>(signal)];
  bool taken = false;
  signalfd_siginfo raised;
  while (watched.source && Control([&] {
                             return static_cast<int>(::read(
                                 watched.source.get(), &raised, sizeof raised));
                           }) == sizeof raised) {
    taken = true;
  }
  event = Event{.token = watched.token, .readable = true};
  return taken;
}

}  // namespace weft::reactor
