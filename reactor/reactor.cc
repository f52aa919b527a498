// One turn around the kernel's queue; the header has the picture.
//
// SPDX-License-Identifier: MIT

#include "weft/reactor/reactor.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "absl/base/internal/raw_logging.h"
#include "weft/reactor/os_error.h"
#include "weft/reactor/signals.h"

namespace weft::reactor {
namespace {

// Tokens that name signals and processes: slots that no pool reaches, below the
// poller's own reserved ones. No system has process numbers of 30 bits.
constexpr std::uint64_t kSignalTokens = 0xFFFF'FFFF'FFFF'0000;
constexpr std::uint64_t kProcessTokens = 0xFFFF'FFFF'8000'0000;

constexpr Token SignalToken(int signal) noexcept {
  return Token{kSignalTokens + static_cast<std::uint64_t>(signal)};
}

constexpr Token ProcessToken(pid_t process) noexcept {
  return Token{kProcessTokens + static_cast<std::uint64_t>(process)};
}

Instant ReadClock(System& system) {
  timespec now;
  ABSL_RAW_CHECK(system.clock_gettime(CLOCK_MONOTONIC, &now) == 0,
                 "the system has no monotonic clock; weft cannot run on it");
  return Instant::FromNanoseconds(std::int64_t{now.tv_sec} * 1'000'000'000 +
                                  now.tv_nsec);
}

// So many can have been there when a turn began: one of each descriptor, two
// where its directions are told apart (kqueue). The kernel's queue is first in,
// first out, so who goes on until then has seen all of that; what is still
// there has come meanwhile, and may do so for ever: peers send while tasks are
// busy, and those want their turn. (Signals and processes are few, and of a
// round that is too short the rest comes with the next.)
std::size_t MostEvents(const SourcePool& sources) { return 2 * sources.live(); }

}  // namespace

absl::StatusOr<std::unique_ptr<Reactor>> Reactor::Create(System& system,
                                                         SourcePool& sources) {
  absl::StatusOr<Poller> poller = Poller::Create(system);
  if (!poller.ok()) return poller.status();
  std::unique_ptr<Reactor> reactor(
      new Reactor(system, sources.shared_from_this(), *std::move(poller)));
  sources.AttachReactor(*reactor);
  return reactor;
}

Reactor::Reactor(System& system, std::shared_ptr<SourcePool> sources,
                 Poller poller)
    : system_(system),
      sources_(std::move(sources)),
      poller_(std::move(poller)),
      timers_(ReadClock(system)) {}

Reactor::~Reactor() { sources_->DetachReactor(*this); }

Instant Reactor::Now() const { return ReadClock(system_); }

// --- A turn -----------------------------------------------------------------

absl::StatusOr<int> Reactor::Poll(absl::Duration max_wait) {
  std::array<Event, 128> buffer;  // What does not fit comes with the next turn.
  constexpr std::size_t kFull = 127;  // A wake takes a place, and is no event.
  absl::Duration patience = TimeToSleep(max_wait);
  int served = 0;
  std::size_t seen = 0;
  for (;;) {
    const absl::StatusOr<std::span<const Event>> events =
        poller_.Wait(buffer, patience);
    if (!events.ok()) {
      FireTimers();
      return events.status();
    }
    for (const Event& event : *events) served += Dispatch(event);
    seen += events->size();
    if (served > 0 || events->size() < kFull || seen >= MostEvents(*sources_)) {
      return served + FireTimers();
    }
    // All of that was for nobody; what is behind it need not be.
    patience = absl::ZeroDuration();
  }
}

int Reactor::FireTimers() { return timers_.empty() ? 0 : timers_.Fire(Now()); }

absl::Duration Reactor::TimeToSleep(absl::Duration max_wait) const {
  if (max_wait <= absl::ZeroDuration() || timers_.empty()) return max_wait;
  const Instant deadline = timers_.NextDeadline();
  if (deadline == Instant::InfiniteFuture()) return max_wait;
  return std::clamp(deadline - Now(), absl::ZeroDuration(), max_wait);
}

int Reactor::Dispatch(const Event& event) noexcept {
  const auto token = static_cast<std::uint64_t>(event.token);
  if (token < kProcessTokens) return sources_->Deliver(event);
  if (token < kSignalTokens) {
    return children_.OnEvent(static_cast<pid_t>(token - kProcessTokens));
  }
  return DispatchSignal(static_cast<int>(token - kSignalTokens));
}

// --- Signals ----------------------------------------------------------------

absl::Status Reactor::AddSignal(int signal, SignalListener& listener) {
  const std::lock_guard lock(signals_mutex_);
  const absl::Status status = poller_.AddSignal(signal, SignalToken(signal));
  if (status.ok()) signals_.push_back({signal, &listener, 0});
  return status;
}

void Reactor::RemoveSignal(int signal) noexcept {
  // Locked first, as in AddSignal: between the two steps the signal is free to
  // be watched anew, and the listener that we erase would be the new one.
  const std::lock_guard lock(signals_mutex_);
  // A failure leaves events that nobody listens to.
  poller_.RemoveSignal(signal).IgnoreError();
  std::erase_if(signals_, [signal](const WatchedSignal& watched) {
    return watched.signal == signal;
  });
}

// The lock is held during the call, so that RemoveSignal waits for it.
int Reactor::DispatchSignal(int signal) noexcept {
  const std::lock_guard lock(signals_mutex_);
  for (WatchedSignal& watched : signals_) {
    if (watched.signal != signal) continue;
    watched.listener->OnSignal(signal, ++watched.count);
    return 1;
  }
  // Its listener has gone between the poller's look and ours, and the system
  // has forgotten it: it waits again, or does what it does to the program.
  system_.kill(system_.getpid(), signal);
  return 0;
}

// --- Processes --------------------------------------------------------------

absl::Status Reactor::AddProcess(pid_t process) {
  return poller_.AddProcess(process, ProcessToken(process));
}

void Reactor::RemoveProcess(pid_t process) noexcept {
  // A failure leaves an event that nothing comes of.
  poller_.RemoveProcess(process).IgnoreError();
}

}  // namespace weft::reactor
