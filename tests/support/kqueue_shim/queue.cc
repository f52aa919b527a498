// How a kqueue of the shim applies changes and collects events.
//
// SPDX-License-Identifier: MIT

#include "weft/tests/support/kqueue_shim/queue.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/event.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "weft/tests/support/kqueue_shim/close_hook.h"
#include "weft/tests/support/kqueue_shim/knote.h"
#include "weft/tests/support/kqueue_shim/probe.h"

namespace weft::kqueue_shim {
namespace {

int AddTo(int set, int fd, std::uint32_t events) {
  epoll_event change{};
  change.events = events;
  change.data.fd = fd;
  return ::epoll_ctl(set, EPOLL_CTL_ADD, fd, &change);
}

std::int64_t Now() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec;
}

// When a timeout that starts now is over; nothing for one that never is.
std::optional<std::int64_t> Deadline(const timespec* timeout) {
  constexpr std::int64_t kForEver = 1'000'000'000;  // Seconds.
  if (timeout == nullptr || timeout->tv_sec > kForEver) return {};
  return Now() + timeout->tv_sec * 1'000'000'000 + timeout->tv_nsec;
}

// Until `fd` has something, or the deadline. An errno, or 0.
int SleepOn(int fd, std::optional<std::int64_t> deadline) {
  pollfd entry{fd, POLLIN, 0};
  timespec left{};
  if (deadline) {
    const std::int64_t span = std::max<std::int64_t>(*deadline - Now(), 0);
    left = timespec{span / 1'000'000'000, span % 1'000'000'000};
  }
  const int result = ::ppoll(&entry, 1, deadline ? &left : nullptr, nullptr);
  return result == -1 ? errno : 0;
}

bool IsOpen(std::uintptr_t ident) {
  return ident <= INT_MAX && ::fcntl(static_cast<int>(ident), F_GETFD) != -1;
}

}  // namespace

Queue::Queue(Chance& chance)
    : chance_(chance),
      poll_set_(::epoll_create1(EPOLL_CLOEXEC)),
      read_edges_(::epoll_create1(EPOLL_CLOEXEC)),
      write_edges_(::epoll_create1(EPOLL_CLOEXEC)),
      bell_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  for (const int part : {read_edges_, write_edges_, bell_}) {
    if (AddTo(poll_set_, part, EPOLLIN) == -1 && poll_set_ != -1) {
      __real_close(poll_set_);
      poll_set_ = -1;
      errno = EMFILE;
    }
  }
}

Queue::~Queue() {
  for (const int part : {read_edges_, write_edges_, bell_}) {
    if (part != -1) __real_close(part);
  }
}

int Queue::Call(std::span<const KernelEvent> changes,
                std::span<KernelEvent> events, const timespec* timeout) {
  {
    std::lock_guard lock(mutex_);
    const int answers = ApplyAll(changes, events);
    if (!changes.empty() && (sleepers_ > 0 || HasTriggered())) RingBell();
    if (answers != 0 || events.empty()) return answers;
  }
  const Knobs knobs = chance_.knobs();
  if (chance_.OneIn(knobs.interrupted_one_in)) {
    errno = EINTR;
    return -1;
  }
  if (chance_.OneIn(knobs.out_of_memory_one_in)) {
    errno = ENOMEM;
    return -1;
  }
  if (knobs.largest_batch > 0) {
    events = events.first(
        std::min(events.size(), static_cast<std::size_t>(knobs.largest_batch)));
  }
  return CollectOrSleep(events, timeout);
}

// How many answers there are (errors, and receipts); -1 for an error without
// room for its answer. `answers` may be the very array of the changes.
int Queue::ApplyAll(std::span<const KernelEvent> changes,
                    std::span<KernelEvent> answers) {
  std::size_t answered = 0;
  for (const KernelEvent& original : changes) {
    KernelEvent change = original;
    const int error = Apply(change);
    if (error == 0 && (change.flags & EV_RECEIPT) == 0) continue;
    if (answered == answers.size()) {
      if (error == 0) continue;
      errno = error;
      return -1;
    }
    change.flags |= EV_ERROR;
    change.data = error;
    answers[answered++] = change;
  }
  return static_cast<int>(answered);
}

int Queue::Apply(const KernelEvent& change) {
  const KnoteKey key{change.filter, change.ident};
  const bool descriptor = key.filter == EVFILT_READ ||
                          key.filter == EVFILT_WRITE ||
                          key.filter == EVFILT_VNODE;
  if (descriptor && !IsOpen(key.ident)) return EBADF;
  const auto found = knotes_.find(key);
  if (found == knotes_.end()) {
    return (change.flags & EV_ADD) == 0 ? ENOENT : AddNew(key, change);
  }
  if ((change.flags & EV_DELETE) != 0) {
    Drop(key);
    return 0;
  }
  return ApplyTo(found->second, change);
}

int Queue::ApplyTo(Knote& knote, const KernelEvent& change) {
  if ((change.flags & EV_ADD) != 0) {
    const int old_source = knote.source();
    if (const int error = knote.Update(change); error != 0) return error;
    if (knote.source() != old_source) {
      AddTo(poll_set_, knote.source(), EPOLLIN);  // The old one is closed.
    }
  }
  if (change.filter == EVFILT_USER) knote.Trigger(change.fflags);
  if ((change.flags & EV_ENABLE) != 0) {
    knote.Enable(chance_.knobs().enable_tests_again);
  }
  if ((change.flags & EV_DISABLE) != 0) knote.Disable();
  return 0;
}

int Queue::AddNew(KnoteKey key, const KernelEvent& change) {
  Knote& knote = knotes_.try_emplace(key, key, change).first->second;
  int error = knote.Update(change);
  if (error == 0) error = Watch(key, knote);
  if (error != 0) {
    knotes_.erase(key);
    return error;
  }
  if (key.filter == EVFILT_USER && (change.fflags & NOTE_TRIGGER) != 0) {
    knote.Activate();
  }
  if ((change.flags & EV_DISABLE) != 0) knote.Disable();
  return 0;
}

int Queue::Watch(KnoteKey key, Knote& knote) {
  if (knote.source() != -1) {
    return AddTo(poll_set_, knote.source(), EPOLLIN) == -1 ? errno : 0;
  }
  if (!knote.WatchesDescriptor()) return 0;
  if (key.filter == EVFILT_WRITE && IsQueue(static_cast<int>(key.ident))) {
    return EINVAL;
  }
  const std::uint32_t edges = key.filter == EVFILT_READ
                                  ? EPOLLIN | EPOLLRDHUP | EPOLLPRI | EPOLLET
                                  : EPOLLOUT | EPOLLET;
  if (AddTo(EdgesOf(key.filter), static_cast<int>(key.ident), edges) == 0) {
    return 0;
  }
  if (errno != EPERM) return errno;
  knote.SetWatchesFile();  // Not for epoll, but kqueue takes it.
  return 0;
}

void Queue::Drop(KnoteKey key) {
  const auto found = knotes_.find(key);
  if (found == knotes_.end()) return;
  if (found->second.WatchesDescriptor()) {
    ::epoll_ctl(EdgesOf(key.filter), EPOLL_CTL_DEL, static_cast<int>(key.ident),
                nullptr);
  }
  knotes_.erase(found);
}

void Queue::DropDescriptor(int fd) {
  std::lock_guard lock(mutex_);
  Drop({EVFILT_READ, static_cast<std::uintptr_t>(fd)});
  Drop({EVFILT_WRITE, static_cast<std::uintptr_t>(fd)});
  Drop({EVFILT_VNODE, static_cast<std::uintptr_t>(fd)});
}

int Queue::CollectOrSleep(std::span<KernelEvent> events,
                          const timespec* timeout) {
  const std::optional<std::int64_t> deadline = Deadline(timeout);
  std::unique_lock lock(mutex_);
  int count = DeliverSpurious(events);
  for (;;) {
    Collect();
    count += Deliver(events.subspan(static_cast<std::size_t>(count)));
    if (count > 0 || (deadline && Now() >= *deadline)) return count;

    ++sleepers_;
    lock.unlock();
    const int error = SleepOn(poll_set_, deadline);
    lock.lock();
    --sleepers_;
    if (error != 0) {
      errno = error;
      return -1;
    }
  }
}

// Marks the knotes to which something has happened, and silences what told it.
void Queue::Collect() {
  std::uint64_t rings = 0;
  (void)!::read(bell_, &rings, sizeof rings);
  CollectEdges(read_edges_, EVFILT_READ);
  CollectEdges(write_edges_, EVFILT_WRITE);
  for (auto& [key, knote] : knotes_) knote.Collect();
}

void Queue::CollectEdges(int edges, std::int16_t filter) {
  std::array<epoll_event, 64> batch;
  int count = 0;
  do {
    count = ::epoll_wait(edges, batch.data(), batch.size(), 0);
    for (int i = 0; i < count; ++i) {
      const auto ident = static_cast<std::uintptr_t>(
          batch[static_cast<std::size_t>(i)].data.fd);
      const auto found = knotes_.find({filter, ident});
      if (found != knotes_.end()) found->second.Activate();
    }
  } while (count == static_cast<int>(batch.size()));
}

int Queue::Deliver(std::span<KernelEvent> events) {
  std::vector<KnoteKey> candidates;
  for (const auto& [key, knote] : knotes_) {
    if (knote.IsCandidate()) candidates.push_back(key);
  }
  std::ranges::shuffle(candidates, chance_.Fork());

  std::size_t delivered = 0;
  for (const KnoteKey key : candidates) {
    if (delivered == events.size()) {  // Somebody else may want the rest.
      RingBell();
      break;
    }
    Knote& knote = knotes_.at(key);
    const std::optional<KernelEvent> event = knote.Evaluate();
    if (!event) continue;
    events[delivered++] = *event;
    if (!knote.AfterDelivery()) Drop(key);
  }
  return static_cast<int>(delivered);
}

int Queue::DeliverSpurious(std::span<KernelEvent> events) {
  if (!chance_.OneIn(chance_.knobs().spurious_one_in)) return 0;
  std::vector<const Knote*> victims;
  for (const auto& [key, knote] : knotes_) {
    if (knote.WatchesDescriptor() && knote.IsEnabled()) {
      victims.push_back(&knote);
    }
  }
  if (victims.empty()) return 0;
  auto dice = chance_.Fork();
  events[0] = victims[dice() % victims.size()]->Spurious();
  return 1;
}

// Whether the change itself has made something to deliver: of a descriptor, an
// active knote only means that it must be looked at.
bool Queue::HasTriggered() const {
  return std::ranges::any_of(knotes_, [](const auto& each) {
    return each.second.IsCandidate() && !each.second.WatchesDescriptor();
  });
}

void Queue::RingBell() {
  const std::uint64_t once = 1;
  (void)!::write(bell_, &once, sizeof once);
}

}  // namespace weft::kqueue_shim
