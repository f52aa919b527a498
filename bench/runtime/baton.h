// Baton: the smallest wait that runtime/leaf.h allows, for questions about
// waking that should not include what a lock or a channel costs.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_BENCH_RUNTIME_BATON_H_
#define WEFT_BENCH_RUNTIME_BATON_H_

#include <atomic>
#include <cstdint>

#include "absl/base/internal/raw_logging.h"
#include "weft/runtime/leaf.h"

namespace weft::bench {

// Passed by anyone, taken by one task at a time. A wait for it cannot be
// cancelled: a benchmark ends by itself.
class Baton {
 public:
  class TakeAwaiter;

  // Any thread. Requires: it was taken since the last Pass.
  void Pass() noexcept;

  // Suspends: until it is passed.
  // Cancel:   not at all.
  TakeAwaiter Take() noexcept;

 private:
  static constexpr std::uintptr_t kEmpty = 0;
  static constexpr std::uintptr_t kPassed = 1;

  // kEmpty, kPassed, or the one TakeAwaiter that waits.
  std::atomic<std::uintptr_t> state_{kEmpty};
};

class [[nodiscard("co_await it")]] Baton::TakeAwaiter final : public Leaf {
 public:
  explicit TakeAwaiter(Baton& baton) noexcept : baton_(baton) {}

  bool await_ready() const noexcept { return false; }
  bool await_suspend(Continuation caller) noexcept {
    Prepare(caller);
    ABSL_RAW_CHECK(Publish(), "a benchmark was cancelled");
    std::uintptr_t expected = kEmpty;
    // release: pairs with the acquire in Pass, which schedules us. From here
    // on `*this` may be gone. acquire: pairs with the release in Pass.
    if (baton_.state_.compare_exchange_strong(
            expected, reinterpret_cast<std::uintptr_t>(this),
            std::memory_order_release, std::memory_order_acquire)) {
      return true;
    }
    // relaxed: whoever passes next knows from us that it was taken.
    baton_.state_.store(kEmpty, std::memory_order_relaxed);
    Retract();
    return false;
  }
  void await_resume() const noexcept {}

  void Cancel() noexcept override {}
  WaitDescription Describe() const noexcept override {
    return {.kind = "baton", .on = &baton_};
  }

 private:
  friend class Baton;

  Baton& baton_;
};

inline void Baton::Pass() noexcept {
  std::uintptr_t state = kEmpty;
  // release: what we did happens before what the taker does next.
  if (state_.compare_exchange_strong(state, kPassed, std::memory_order_release,
                                     std::memory_order_acquire)) {
    return;
  }
  // acquire, above: pairs with the release of the awaiter. relaxed: the queue
  // that runs the waiter orders it after us.
  state_.store(kEmpty, std::memory_order_relaxed);
  reinterpret_cast<TakeAwaiter*>(state)->Schedule();
}

inline Baton::TakeAwaiter Baton::Take() noexcept { return TakeAwaiter(*this); }

}  // namespace weft::bench

#endif  // WEFT_BENCH_RUNTIME_BATON_H_
