// Selection: one wait for several things, of which exactly one takes effect.
//
//     Selection (the leaf) --> Arm  receive from a channel   in that WaitList
//                          `-> Arm  a lock                   in that WaitList
//                          `-> Arm  a timer                  in the wheel
//
// Every arm stands in the structure it waits in, and one word decides between
// them. A waker that comes upon an arm claims it there before it grants
// anything; who comes second finds the word taken, drops the arm, and serves
// the next in its queue. So an arm that loses never took, sent or acquired
// anything, and there is nothing to give back.
//
//     TryNow   each arm, from a random one on: the first that can, does
//     Park     each arm, under the lock of its structure: links it, unless it
//              can take effect now
//     Unpark   each arm, when it is decided
//
// Only one lock is held at a time. What if an arm can take effect at once while
// others are parked already, which somebody may claim any moment? The owner
// closes the word (kTrying) before it looks, and opens it again when there was
// nothing. A waker that comes in between cannot know, drops the arm all the
// same, and leaves a note (kMissed); the owner finds it as it opens the word,
// takes all arms out and begins anew. Two Selections that meet in one channel
// are the case where this is needed: neither may wait for the other.
//
// Rejected: the locks of all structures at once, in the order of their
// addresses, as Go does (64 arms hold 64 locks, timers and joins have none, and
// the case where something is ready pays for all of it); a spin while the owner
// looks (two Selections that look for each other would spin for ever).
//
// The word
//   kClaimed  decided: by a waker, by a canceller, or (kTrying) by the owner,
//             for the moment
//   kMissed   an arm was dropped while the owner was trying
//   kParked   the owner has suspended, and whoever owns the wake schedules
//   kWoken    what was claimed has been granted
//
// Invariants
//   1. From Begin to the end at most one Claim succeeds. Whoever made it, and
//      nobody else, says Woken, once; it may touch the arm until then.
//   2. kParked and kWoken are set once each, and whoever sets the second sees
//      to it that the owner goes on. So a wake that comes while the owner still
//      parks its other arms is not lost, and does not run the owner under its
//      own feet.
//   3. An arm is out of its structure, and nobody's callback is in it, when
//      Unpark returns.
//
// The lost-wake-up argument: each arm is tried under the lock under which it is
// linked (or published as its structure has it), so a waker came before, and is
// seen, or comes after, and finds the arm. Where it dropped the arm, the word
// was either decided, or kTrying, and then the owner looks again.
//
// After Reppy, "Concurrent ML", PLDI 1991, of which this is the choice without
// the combinators.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_SELECTION_H_
#define WEFT_RUNTIME_SELECTION_H_

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <utility>

#include "absl/status/statusor.h"
#include "weft/runtime/atomic.h"
#include "weft/runtime/continuation.h"
#include "weft/runtime/leaf.h"

namespace weft {

class Selection;

// One of the things that a Selection waits for, made by OnReceive, OnTimeout
// and the like. It is also the step that a wake of it runs.
//
// Threads: used by one Selection at a time; again and again in a loop.
class Arm : public Runnable {
 public:
  enum class Parking {
    kTaken,    // It has taken effect instead.
    kParked,   // It may be claimed from now on.
    kMissed,   // It is parked; another was dropped meanwhile: begin anew.
    kDecided,  // Another has been claimed: it is not parked.
  };

  // Of an arm that is switched off nothing happens. Before the co_await.
  void set_enabled(bool enabled) noexcept { enabled_ = enabled; }
  bool enabled() const noexcept { return enabled_; }
  // Chosen where no other arm can take effect at once.
  virtual bool is_default() const noexcept { return false; }

  // --- For the Selection, on the owner's thread ------------------------------

  // Takes effect without waiting, or does nothing and says false.
  virtual bool TryNow() noexcept = 0;
  // The same once more in one co_await, after an Unpark.
  virtual bool TryAgain() noexcept { return TryNow(); }
  virtual Parking Park() noexcept = 0;
  // Of each that is parked, but for the one that was claimed.
  virtual void Unpark() noexcept = 0;
  // It was granted, and its task will never run: what it got is free again.
  virtual void GiveBack() noexcept {}
  // It was chosen: hands the result to its handler.
  virtual void Deliver() = 0;

  // --- For whoever grants ----------------------------------------------------

  bool Claim() noexcept final;
  Continuation Run(internal::ThisThread& here) noexcept final;
  PromiseBase* awaiting_promise() const noexcept final { return nullptr; }

 protected:
  ~Arm() = default;
  Selection& selection() const noexcept { return *selection_; }

 private:
  friend class Selection;  // The two are one structure.

  // Written by the owner before it tries the arm; selection_ is read by
  // whoever finds it in its structure afterwards, the rest by the owner.
  Selection* selection_ = nullptr;
  std::uint32_t index_ = 0;
  bool enabled_ = true;
  bool parked_ = false;
};

class Selection : public Leaf {
 public:
  Selection(const Selection&) = delete;
  Selection& operator=(const Selection&) = delete;

  bool await_ready() noexcept;
  bool await_suspend(Continuation caller) noexcept;
  // The index of the arm that took effect, once its handler has run.
  absl::StatusOr<std::size_t> await_resume();

  void Cancel() noexcept final;
  WaitDescription Describe() const noexcept final { return {"select"}; }
  Continuation Run(internal::ThisThread& here) noexcept final;
  void Abandon() noexcept final;

  // --- For arms --------------------------------------------------------------

  // Before an arm takes effect while others may be parked. False: one of them
  // was claimed. True: nobody can claim until Reopen, unless it took effect.
  [[nodiscard]] bool BeginTrying() noexcept;
  // It did not, and is parked. False: an arm was dropped in between.
  [[nodiscard]] bool Reopen() noexcept;

  // Any thread that has found `arm` in its structure. True: it is the one that
  // takes effect; call Woken when it has.
  [[nodiscard]] bool ClaimFor(Arm& arm) noexcept;
  // From here on the arm and `*this` may be gone.
  void Woken() noexcept;

 protected:
  explicit Selection(std::span<Arm* const> arms) noexcept : arms_(arms) {}
  ~Selection() = default;

  // For the destructor of who holds the span: parked still, in the frame of a
  // runtime that has stopped.
  void LeaveIfParked() noexcept;

 private:
  static constexpr std::uint32_t kClaimed = 1;
  static constexpr std::uint32_t kTrying = 2;
  static constexpr std::uint32_t kMissed = 4;
  static constexpr std::uint32_t kParked = 8;
  static constexpr std::uint32_t kWoken = 16;

  enum class Step {
    kOver,
    kWait,  // Until somebody says Woken.
    kAnew,  // Nothing is parked.
  };

  // Calls `visit` for the arms, from `start_` on, until it says true.
  template <std::predicate<Arm&, std::size_t> Visit>
  bool AnyInTurn(Visit visit) noexcept;
  // True: over. False: nothing has happened, and nothing is parked.
  template <std::predicate<Arm&> Try>
  bool Choose(Try try_arm) noexcept;
  void BeginAnywhere() noexcept;
  bool ChooseNow() noexcept;
  // True: over. False: suspended; `*this` may be gone.
  bool ChooseOrWait() noexcept;
  Step ParkAll() noexcept;
  Step TakeBack(Step otherwise) noexcept;
  // True: over. False: suspended; `*this` may be gone.
  bool Suspend() noexcept;
  // True: nobody else has claimed an arm, or will.
  bool ClaimWord() noexcept;
  void UnparkAllBut(const Arm* claimed) noexcept;

  const std::span<Arm* const> arms_;
  // The owner's alone, as all but winner_ and word_.
  std::size_t start_ = 0;
  // Who takes effect; null for a cancellation. Written by whoever claims,
  // before Woken; read by the owner after it.
  Arm* winner_ = nullptr;
  Atomic<std::uint32_t> word_{0};
  bool any_parked_ = false;
  // The arm that tried came upon another of its own. Where it takes effect all
  // the same there was a queue between them, which others have filled or
  // emptied meanwhile; where not, they would wait for each other.
  bool has_met_itself_ = false;
  bool queue_first_ = false;
  bool nothing_enabled_ = false;
};

namespace internal {

// Hands `result` to a handler that wants it, or calls one that does not.
template <typename Handler, typename Result>
void HandTo(Handler& handler, Result&& result) {
  if constexpr (std::invocable<Handler&, Result>) {
    std::invoke(handler, std::forward<Result>(result));
  } else {
    std::invoke(handler);
  }
}

}  // namespace internal

// The handler of an arm of which only the index is wanted.
struct JustChosen {
  void operator()() const noexcept {}
};

// What can be told the result of an arm.
template <typename Handler, typename Result>
concept HandlerOf =
    std::invocable<Handler&, Result> || std::invocable<Handler&>;

}  // namespace weft

#endif  // WEFT_RUNTIME_SELECTION_H_
