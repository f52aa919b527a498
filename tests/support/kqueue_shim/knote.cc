// What a knote of the shim asks of its descriptor, timer, signal, process or
// file.
//
// SPDX-License-Identifier: MIT

#include "weft/tests/support/kqueue_shim/knote.h"

#include <poll.h>
#include <signal.h>
#include <sys/event.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <limits>
#include <optional>

#include "weft/tests/support/kqueue_shim/close_hook.h"
#include "weft/tests/support/kqueue_shim/probe.h"

namespace weft::kqueue_shim {
namespace {

constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;

std::int64_t UnitOf(std::uint32_t fflags) {
  if ((fflags & NOTE_SECONDS) != 0) return kNanosecondsPerSecond;
  if ((fflags & NOTE_USECONDS) != 0) return 1'000;
  if ((fflags & NOTE_NSECONDS) != 0) return 1;
  return 1'000'000;
}

// Never zero, which timerfd takes for "off": a timer of nothing fires at once.
timespec Span(std::int64_t count, std::int64_t unit) {
  const std::int64_t limit = std::numeric_limits<std::int64_t>::max() / unit;
  const std::int64_t total =
      std::max<std::int64_t>(std::min(count, limit) * unit, 1);
  return timespec{total / kNanosecondsPerSecond, total % kNanosecondsPerSecond};
}

bool IsReadable(int fd) {
  pollfd entry{fd, POLLIN, 0};
  return ::poll(&entry, 1, 0) == 1;
}

}  // namespace

Knote::Knote(KnoteKey key, const KernelEvent& change)
    : key_(key), fflags_(change.fflags & NOTE_FFLAGSMASK) {}

Knote::~Knote() { ReplaceSource(-1); }

bool Knote::WatchesDescriptor() const {
  return key_.filter == EVFILT_READ || key_.filter == EVFILT_WRITE;
}

int Knote::Update(const KernelEvent& change) {
  constexpr std::uint16_t kDelivery = EV_ONESHOT | EV_CLEAR | EV_DISPATCH;
  flags_ = change.flags & kDelivery;
  udata_ = change.udata;
  data_ = change.data;
  enabled_ = true;
  switch (key_.filter) {
    case EVFILT_READ:
    case EVFILT_WRITE:
      fflags_ = change.fflags;
      was_unconnected_ = IsUnconnected(static_cast<int>(key_.ident));
      active_ = true;  // Tests whether it is ready now.
      return 0;
    case EVFILT_TIMER:
      flags_ |= EV_CLEAR;  // Implied.
      fflags_ = change.fflags;
      return ArmTimer(change);
    case EVFILT_SIGNAL:
      flags_ |= EV_CLEAR;  // Implied.
      return source_ == -1 ? WatchSignal() : 0;
    case EVFILT_PROC:
      flags_ |= EV_ONESHOT;  // Implied.
      if (change.fflags != NOTE_EXIT) return EINVAL;
      fflags_ = change.fflags;
      return source_ == -1 ? WatchProcess() : 0;
    case EVFILT_VNODE:
      CollectNotes();  // What has happened so far counts as asked for then.
      fflags_ = change.fflags;
      return source_ == -1 ? WatchVnode() : 0;
    case EVFILT_USER:
      return 0;
    default:
      return EINVAL;
  }
}

int Knote::ArmTimer(const KernelEvent& change) {
  if (change.data < 0) return EINVAL;
  const bool absolute = (change.fflags & NOTE_ABSOLUTE) != 0;
  const int timer = ::timerfd_create(
      absolute ? CLOCK_REALTIME : CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  if (timer == -1) return errno;
  ReplaceSource(timer);
  count_ = 0;
  active_ = false;

  itimerspec when{};
  when.it_value = Span(change.data, UnitOf(change.fflags));
  if (!absolute && (flags_ & EV_ONESHOT) == 0) when.it_interval = when.it_value;
  const int armed = ::timerfd_settime(timer, absolute ? TFD_TIMER_ABSTIME : 0,
                                      &when, nullptr);
  return armed == -1 ? errno : 0;
}

int Knote::WatchSignal() {
  sigset_t only{};
  ::sigemptyset(&only);
  if (::sigaddset(&only, static_cast<int>(key_.ident)) == -1) return EINVAL;
  const int source = ::signalfd(-1, &only, SFD_NONBLOCK | SFD_CLOEXEC);
  if (source == -1) return errno;
  ReplaceSource(source);
  return 0;
}

// The C library of the oldest system that we support has no wrapper for it.
int Knote::WatchProcess() {
  const auto process = static_cast<pid_t>(key_.ident);
  const int source = static_cast<int>(::syscall(SYS_pidfd_open, process, 0));
  if (source == -1) return errno;
  ReplaceSource(source);
  return IsReadable(source) ? ESRCH : 0;  // A zombie.
}

int Knote::WatchVnode() {
  const int source = vnode_.Start(static_cast<int>(key_.ident));
  if (source == -1) return errno;
  ReplaceSource(source);
  return 0;
}

// One note that was asked for brings those along that come with it.
void Knote::CollectNotes() {
  for (const std::uint32_t notes : vnode_.Take()) {
    if ((notes & fflags_) != 0) notes_ |= notes;
  }
  if (notes_ != 0) active_ = true;
}

void Knote::ReplaceSource(int source) {
  if (source_ != -1) __real_close(source_);
  source_ = source;
}

void Knote::Trigger(std::uint32_t fflags) {
  const std::uint32_t operand = fflags & NOTE_FFLAGSMASK;
  switch (fflags & NOTE_FFCTRLMASK) {
    case NOTE_FFAND:
      fflags_ &= operand;
      break;
    case NOTE_FFOR:
      fflags_ |= operand;
      break;
    case NOTE_FFCOPY:
      fflags_ = operand;
      break;
    default:  // NOTE_FFNOP
      break;
  }
  if ((fflags & NOTE_TRIGGER) != 0) active_ = true;
}

void Knote::Collect() {
  if (key_.filter == EVFILT_TIMER) {
    std::uint64_t expirations = 0;
    if (::read(source_, &expirations, sizeof expirations) ==
        sizeof expirations) {
      count_ += static_cast<std::intptr_t>(expirations);
    }
  } else if (key_.filter == EVFILT_SIGNAL) {
    signalfd_siginfo raised;
    while (::read(source_, &raised, sizeof raised) == sizeof raised) ++count_;
  } else if (key_.filter == EVFILT_PROC) {
    active_ = IsReadable(source_);
    return;
  } else if (key_.filter == EVFILT_VNODE) {
    return CollectNotes();
  } else {
    if (is_file_ && (flags_ & EV_CLEAR) == 0) active_ = true;
    return;
  }
  if (count_ > 0) active_ = true;
}

void Knote::Enable(bool tests_again) {
  enabled_ = true;
  if (tests_again && WatchesDescriptor()) active_ = true;
}

std::optional<KernelEvent> Knote::Evaluate() {
  if (WatchesDescriptor()) return EvaluateDescriptor();
  KernelEvent event = Describe();
  if (key_.filter == EVFILT_USER) {
    event.fflags = fflags_;
    event.data = data_;
  } else if (key_.filter == EVFILT_PROC) {
    event.flags |= EV_EOF;
    event.fflags = NOTE_EXIT;
  } else if (key_.filter == EVFILT_VNODE) {
    event.fflags = notes_;
  } else {
    event.data = count_;
  }
  return event;
}

std::optional<KernelEvent> Knote::EvaluateDescriptor() {
  const int fd = static_cast<int>(key_.ident);
  const Readiness found =
      key_.filter == EVFILT_READ ? ProbeRead(fd) : ProbeWrite(fd);
  const bool too_little = (fflags_ & NOTE_LOWAT) != 0 && found.amount < data_;
  if (!found.ready || (too_little && !found.ended)) {
    active_ = false;  // The next activity sets it again.
    return std::nullopt;
  }
  if (!found.ended) was_unconnected_ = false;
  KernelEvent event = Describe();
  event.data = found.amount;
  if (found.ended) event.flags |= EV_EOF;
  if (found.urgent) event.flags |= EV_OOBAND;
  if (found.broken) event.fflags = was_unconnected_ ? ECONNREFUSED : ECONNRESET;
  return event;
}

KernelEvent Knote::Describe() const {
  KernelEvent event{};
  event.ident = key_.ident;
  event.filter = key_.filter;
  event.flags = flags_;
  event.udata = udata_;
  return event;
}

KernelEvent Knote::Spurious() const { return Describe(); }

bool Knote::AfterDelivery() {
  if ((flags_ & EV_ONESHOT) != 0) return false;
  if ((flags_ & EV_CLEAR) != 0) {
    active_ = false;
    count_ = 0;
    notes_ = 0;
    if (key_.filter == EVFILT_USER) fflags_ = 0;
  }
  if ((flags_ & EV_DISPATCH) != 0) {
    enabled_ = false;
    if (WatchesDescriptor()) active_ = false;  // Enabling looks again.
  }
  return true;
}

}  // namespace weft::kqueue_shim
