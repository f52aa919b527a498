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

namespace weft::reactor {

struct Poller::Inside {
  explore::Bell bell;
  WakeFlag rung;
};

Poller::Poller(std::unique_ptr<Inside> inside) noexcept
    : inside_(std::move(inside)) {}
Poller::Poller(Poller&&) noexcept = default;
Poller::~Poller() = default;

absl::StatusOr<Poller> Poller::Create(System&) {
  return Poller(std::make_unique<Inside>());
}

absl::Status Poller::Add(int, Token) { return absl::OkStatus(); }
absl::Status Poller::Remove(int) { return absl::OkStatus(); }
absl::Status Poller::AddSignal(int, Token) { return absl::OkStatus(); }
absl::Status Poller::RemoveSignal(int) { return absl::OkStatus(); }

// A wait that is bounded looks and goes on: time stands still in a model.
absl::StatusOr<std::span<const Event>> Poller::Wait(std::span<Event> buffer,
                                                    absl::Duration max_wait) {
  if (max_wait == absl::InfiniteDuration()) inside_->bell.Wait();
  if (inside_->bell.rings()) {
    inside_->bell.Silence();
    inside_->rung.Lower();
  }
  return buffer.first(0);
}

void Poller::Wake() noexcept {
  if (!inside_->rung.Raise()) inside_->bell.Ring();
}

}  // namespace weft::reactor
