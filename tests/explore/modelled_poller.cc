// The Poller of the models: it has no descriptors, and sleeps on a Bell.
//
// Wake and Wait are those of the real ones, with the WakeFlag between them.
//
// SPDX-License-Identifier: MIT

#include <memory>
#include <span>
#include <utility>

#include "weft/reactor/poller.h"
#include "weft/reactor/wake_flag.h"
#include "weft/tests/explore/blocking.h"
#include "weft/tests/explore/plain.h"

namespace weft::reactor {

struct Poller::Inside {
  ~Inside() {
    Use();
    life.Set(0);
  }
  // Calls on the poller, and its end, come one after the other.
  void Use() {
    explore::Check(!std::exchange(in_use, true), "nobody is inside a call");
    used.Set(1);
    explore::Point();
    in_use = false;
  }

  explore::Bell bell;
  WakeFlag rung;
  explore::Plain<int> waits;  // One thread waits after the other.
  explore::Plain<int> used;   // By calls that change what it watches.
  bool in_use = false;
  explore::Plain<int> life;  // Read by each Wake, to the end.
};

Poller::Poller(std::unique_ptr<Inside> inside) noexcept
    : inside_(std::move(inside)) {}
Poller::Poller(Poller&&) noexcept = default;
Poller::~Poller() = default;

absl::StatusOr<Poller> Poller::Create(System&) {
  return Poller(std::make_unique<Inside>());
}

// Refuses the numbers from 2000 on.
absl::Status Poller::Add(int fd, Token) {
  constexpr int kFirstRefused = 2'000;
  inside_->Use();
  return fd < kFirstRefused ? absl::OkStatus()
                            : absl::ResourceExhaustedError("refused");
}
absl::Status Poller::Remove(int) {
  inside_->Use();
  return absl::OkStatus();
}
absl::Status Poller::AddSignal(int, Token) { return absl::OkStatus(); }
absl::Status Poller::RemoveSignal(int) { return absl::OkStatus(); }
absl::Status Poller::AddProcess(pid_t, Token) { return absl::OkStatus(); }
absl::Status Poller::RemoveProcess(pid_t) { return absl::OkStatus(); }

// A wait that is bounded looks and goes on: time stands still in a model.
absl::StatusOr<std::span<const Event>> Poller::Wait(std::span<Event> buffer,
                                                    absl::Duration max_wait) {
  inside_->waits.Set(1);
  if (max_wait == absl::InfiniteDuration()) inside_->bell.Wait();
  if (inside_->bell.rings()) {
    inside_->bell.Silence();
    inside_->rung.Lower();
  }
  return buffer.first(0);
}

void Poller::Wake() noexcept {
  static_cast<void>(inside_->life.Get());
  if (!inside_->rung.Raise()) inside_->bell.Ring();
}

}  // namespace weft::reactor
