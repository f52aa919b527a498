// Reaping, on the two kinds of news: an event, and a second look.
//
// SPDX-License-Identifier: MIT

#include "weft/reactor/child_exits.h"

#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "weft/reactor/os_error.h"
#include "weft/reactor/reactor.h"

namespace weft::reactor {
namespace {

// A second, for one that has been killed to end. Not for ever: the kernel may
// not let it go, and of a group another may have got the signal.
constexpr int kLastLooks = 1000;
constexpr std::chrono::milliseconds kBetweenLooks{1};

}  // namespace

// --- One child --------------------------------------------------------------

absl::Status Child::Signal(int signal) {
  const std::lock_guard lock(mutex_);
  // What the system would say, if the number were no one's. So also of a group
  // whose leader has been reaped: its number may be another's by then, and who
  // is left in it is out of reach.
  int error = ESRCH;
  if (!reaped_) {
    const pid_t whom = reach_ == Reach::kGroup ? -process_ : process_;
    if (system_.kill(whom, signal) == 0) {
      // kill(2): a group was signalled where one of it was. That need not be
      // the one who leads it, which may be another user's by now.
      const bool heard = reach_ == Reach::kProcess ||
                         system_.kill(process_, 0) == 0 || errno != EPERM;
      if (heard && signal == SIGKILL) killed_ = true;
      if (heard) return absl::OkStatus();
    }
    error = errno;
    // kill(2): macOS says EPERM of a group in which only zombies are left, but
    // lets a zombie itself be signalled; of another user's it says EPERM, too.
    if (error == EPERM && reach_ == Reach::kGroup &&
        system_.kill(process_, 0) == 0) {
      error = ESRCH;
    }
  }
  return ErrnoToStatus(error,
                       absl::StrCat("kill(", process_, ", ", signal, ")"));
}

bool Child::Ask(bool last_chance) noexcept {
  {
    const std::lock_guard lock(mutex_);
    if (reaped_) return true;
    int looks = last_chance && killed_ ? kLastLooks : 1;
    pid_t ended = 0;
    for (;;) {
      ended = RetryInterrupted(
          [&] { return system_.waitpid(process_, &status_, WNOHANG); });
      if (ended != 0 || --looks == 0) break;
      std::this_thread::sleep_for(kBetweenLooks);
    }
    if (ended == 0) return false;
    // ECHILD: it is nobody's any more, and its number may be somebody's.
    if (ended == -1) error_ = errno;
    reaped_ = true;
  }
  OnEnded();
  return true;
}

std::optional<absl::StatusOr<int>> Child::wait_status() const {
  const std::lock_guard lock(mutex_);
  if (!reaped_) return std::nullopt;
  if (error_ == 0) return status_;
  return ErrnoToStatus(error_, absl::StrCat("waitpid(", process_, ")"));
}

// --- All of them ------------------------------------------------------------

// The last chance of those that have ended and were not reported yet.
ChildExits::~ChildExits() {
  reactor_.timers().Cancel(*this);
  for (const Watched& watched : watched_) watched.child->ReapAtTheEnd();
}

void ChildExits::Watch(std::shared_ptr<Child> child) {
  const pid_t process = child->process();
  {
    const std::lock_guard lock(mutex_);
    watched_.push_back({std::move(child), kFirstPause});
  }
  if (reactor_.AddProcess(process).ok()) return;
  // It has ended, or the system will not tell: then it is asked.
  Report(process);
  ReapReported();
  reactor_.Wake();  // Which may sleep past the timer that this has armed.
}

int ChildExits::OnEvent(pid_t process) noexcept {
  reactor_.RemoveProcess(process);
  Report(process);
  return ReapReported();
}

void ChildExits::OnTimer() noexcept {
  {
    const std::lock_guard lock(mutex_);
    timer_armed_ = false;
  }
  ReapReported();
}

void ChildExits::Report(pid_t process) noexcept {
  const std::lock_guard lock(mutex_);
  for (Watched& watched : watched_) {
    if (watched.child->process() == process) watched.reported = true;
  }
}

// Those that are asked are nobody else's meanwhile, and no lock is held: what
// OnEnded wakes may start a child and come back to Watch.
int ChildExits::ReapReported() noexcept {
  std::list<Watched> asked;
  {
    const std::lock_guard lock(mutex_);
    for (auto next = watched_.begin(); next != watched_.end();) {
      const auto watched = next++;
      if (watched->reported) asked.splice(asked.end(), watched_, watched);
    }
  }
  const auto reaped = std::erase_if(
      asked, [](const Watched& watched) { return watched.child->Reap(); });
  if (!asked.empty()) PutBack(std::move(asked));
  return static_cast<int>(reaped);
}

void ChildExits::PutBack(std::list<Watched> alive) noexcept {
  absl::Duration pause = kLongestPause;
  for (Watched& watched : alive) {
    pause = std::min(pause, watched.pause);
    watched.pause = std::min(2 * watched.pause, kLongestPause);
  }
  const std::lock_guard lock(mutex_);
  // Those that another thread has put back meanwhile.
  for (const Watched& watched : watched_) {
    if (watched.reported) pause = std::min(pause, watched.pause);
  }
  watched_.splice(watched_.end(), alive);
  // Anew, for the first look at one that has just come. One that fires by now
  // will ask them all.
  if (timer_armed_ && !reactor_.timers().Cancel(*this)) return;
  timer_armed_ = true;
  reactor_.timers().Arm(*this, reactor_.Now() + pause);
}

}  // namespace weft::reactor
