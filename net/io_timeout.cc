// When the timer of an IoTimeout is armed, fires and is given up.
//
// SPDX-License-Identifier: MIT

#include "weft/net/io_timeout.h"

#include <thread>
#include <utility>

#include "weft/reactor/reactor.h"
#include "weft/runtime/current.h"

namespace weft::net {

void IoTimeout::Start() noexcept {
  wheel_ = &CurrentReactor().timers();
  wheel_->Arm(*this, Now() + limit_);
}

void IoTimeout::Restart() noexcept {
  if (wheel_ == nullptr) return;
  Stop();
  // relaxed: the timer is off, so nobody else writes or reads it.
  stage_.store(kRunning, std::memory_order_relaxed);
  Start();
}

void IoTimeout::Disarm() noexcept {
  if (std::exchange(wheel_, nullptr)->Cancel(*this)) return;
  // It has fired, or another thread is in OnTimer or just before it.
  //
  // acquire: pairs with the release of kOver; what it did is done.
  while (stage_.load(std::memory_order_acquire) != kOver) {
    std::this_thread::yield();
  }
}

void IoTimeout::OnTimer() noexcept {
  // release: pairs with the acquire in passed().
  stage_.store(kPassed, std::memory_order_release);
  source_.Nudge(direction_);
  // release: pairs with the acquire in Disarm. From here on `*this` may be
  // gone.
  stage_.store(kOver, std::memory_order_release);
}

}  // namespace weft::net
