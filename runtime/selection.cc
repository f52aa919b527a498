// Choosing, parking and being chosen; selection.h has the invariants.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/selection.h"

#include "absl/base/internal/raw_logging.h"
#include "absl/status/status.h"
#include "weft/reactor/spin_wait.h"
#include "weft/runtime/cancellation.h"
#include "weft/runtime/current.h"

namespace weft {
namespace {

constexpr char kArmIsUsedTwice[] =
    "an arm stands in one Select at a time, and in that once: make another";

}  // namespace

bool Arm::Claim() noexcept { return selection_->ClaimFor(*this); }

Continuation Arm::Run(internal::ThisThread&) noexcept {
  selection_->Woken();  // From here on `*this` may be gone.
  return {};
}

// --- The owner --------------------------------------------------------------

bool Selection::await_ready() noexcept {
  winner_ = nullptr;
  nothing_enabled_ = false;
  const Entry entry = EnterOperation();
  if (entry == Entry::kCancelled) return true;
  queue_first_ = entry == Entry::kQueueFirst;
  return !queue_first_ && ChooseNow();
}

bool Selection::await_suspend(Continuation caller) noexcept {
  Prepare(caller);
  if (queue_first_) {
    ScheduleFairly();  // From here on `*this` may be gone.
    return true;
  }
  return !ChooseOrWait();  // Not over: `*this` may be gone.
}

Continuation Selection::Run(internal::ThisThread& here) noexcept {
  const Continuation caller = GoOn(here);
  if (!queue_first_) {
    UnparkAllBut(winner_);
    return caller;
  }
  queue_first_ = false;
  if (context().cancelled() || ChooseNow() || ChooseOrWait()) return caller;
  return {};  // Parked: `*this` may be gone.
}

absl::StatusOr<std::size_t> Selection::await_resume() {
  if (winner_ == nullptr) {
    if (!nothing_enabled_) return CancelledError();
    return absl::FailedPreconditionError(
        "a Select of arms that are all switched off would wait for ever");
  }
  winner_->Deliver();
  return winner_->index_;
}

template <std::predicate<Arm&, std::size_t> Visit>
bool Selection::AnyInTurn(Visit visit) noexcept {
  std::size_t index = start_;
  for (std::size_t left = arms_.size(); left > 0; --left) {
    if (visit(*arms_[index], index)) return true;
    if (++index == arms_.size()) index = 0;
  }
  return false;
}

template <std::predicate<Arm&> Try>
bool Selection::Choose(Try try_arm) noexcept {
  Arm* otherwise = nullptr;
  nothing_enabled_ = true;
  AnyInTurn([&](Arm& arm, std::size_t index) {
    if (!arm.enabled()) return false;
    nothing_enabled_ = false;
    ABSL_RAW_CHECK(!arm.parked_, kArmIsUsedTwice);
    arm.selection_ = this;
    arm.index_ = static_cast<std::uint32_t>(index);
    if (arm.is_default()) {
      otherwise = &arm;
      return false;
    }
    if (try_arm(arm)) winner_ = &arm;
    return winner_ != nullptr;
  });
  if (winner_ == nullptr) winner_ = otherwise;
  return winner_ != nullptr || nothing_enabled_;
}

// Not always the first: a busy channel would starve those behind it.
void Selection::BeginAnywhere() noexcept {
  if (arms_.empty()) return;
  start_ = RandomBelow(static_cast<std::uint32_t>(arms_.size()));
}

bool Selection::ChooseNow() noexcept {
  BeginAnywhere();
  return Choose([](Arm& arm) { return arm.TryNow(); });
}

bool Selection::ChooseOrWait() noexcept {
  reactor::SpinWait spin;
  for (;;) {
    const Step step = ParkAll();
    if (step == Step::kOver) return true;
    if (step == Step::kWait) return Suspend();
    // From elsewhere: two that have dropped each other's arms differ then.
    BeginAnywhere();
    spin.Once();
    if (Choose([](Arm& arm) { return arm.TryAgain(); })) return true;
  }
}

Selection::Step Selection::ParkAll() noexcept {
  // relaxed: no arm is where anybody could find it; the locks of their
  // structures, or the release that publishes them there, hand it on.
  word_.store(0, std::memory_order_relaxed);
  has_met_itself_ = false;
  Arm::Parking parking = Arm::Parking::kParked;
  AnyInTurn([&](Arm& arm, std::size_t) {
    if (!arm.enabled()) return false;
    ABSL_RAW_CHECK(!arm.parked_, kArmIsUsedTwice);
    parking = arm.Park();
    if (parking == Arm::Parking::kTaken) winner_ = &arm;
    arm.parked_ =
        parking == Arm::Parking::kParked || parking == Arm::Parking::kMissed;
    any_parked_ |= arm.parked_;
    return parking != Arm::Parking::kParked;
  });
  switch (parking) {
    case Arm::Parking::kTaken:
      internal::this_thread.trying = nullptr;
      UnparkAllBut(winner_);
      return Step::kOver;
    case Arm::Parking::kMissed:
      return TakeBack(Step::kAnew);
    case Arm::Parking::kDecided:
      return Step::kWait;
    case Arm::Parking::kParked:
      return Publish() ? Step::kWait : TakeBack(Step::kOver);
  }
  return Step::kOver;
}

Selection::Step Selection::TakeBack(Step otherwise) noexcept {
  if (!ClaimWord()) return Step::kWait;
  UnparkAllBut(nullptr);
  return otherwise;
}

bool Selection::Suspend() noexcept {
  // acq_rel: release, so that whoever says Woken may run us on another thread;
  // acquire, to see who was claimed. Partner: Woken.
  const std::uint32_t before =
      word_.fetch_or(kParked, std::memory_order_acq_rel);
  if ((before & kWoken) == 0) return false;  // `*this` may be gone.
  Retract();
  UnparkAllBut(winner_);
  return true;
}

void Selection::UnparkAllBut(const Arm* claimed) noexcept {
  if (!any_parked_) return;
  any_parked_ = false;
  for (Arm* const arm : arms_) {
    if (!arm->parked_) continue;
    arm->parked_ = false;
    if (arm != claimed) arm->Unpark();
  }
}

bool Selection::BeginTrying() noexcept {
  if (!any_parked_) return true;  // Nobody can find us.
  std::uint32_t open = 0;
  // relaxed: it hands nothing over. Who was claimed, if it fails, we learn with
  // kWoken.
  if (!word_.compare_exchange_strong(open, kClaimed | kTrying,
                                     std::memory_order_relaxed,
                                     std::memory_order_relaxed)) {
    return false;
  }
  internal::this_thread.trying = this;
  return true;
}

bool Selection::Reopen() noexcept {
  if (!any_parked_) return true;
  internal::this_thread.trying = nullptr;
  ABSL_RAW_CHECK(
      !has_met_itself_,
      "a Select cannot send to and receive from one channel of capacity 0: it "
      "would be its own partner");
  // relaxed: a claim hands nothing over but by kWoken; and what kMissed tells
  // of, we look for under the lock of its structure.
  return (word_.exchange(0, std::memory_order_relaxed) & kMissed) == 0;
}

void Selection::LeaveIfParked() noexcept {
  if (!any_parked_) return;
  static_cast<void>(ClaimWord());
  UnparkAllBut(winner_);
}

void Selection::Abandon() noexcept {
  Leaf::Abandon();
  if (queue_first_ || winner_ == nullptr) return;
  winner_->parked_ = false;
  winner_->GiveBack();
  winner_ = nullptr;
}

// --- Whoever comes for us ---------------------------------------------------

bool Selection::ClaimWord() noexcept {
  std::uint32_t word = word_.load(std::memory_order_relaxed);
  for (;;) {
    const bool trying = (word & kTrying) != 0;
    if ((word & kClaimed) != 0 && !trying) return false;
    // On the thread that tries it is its own arm.
    if (trying && internal::this_thread.trying == this) has_met_itself_ = true;
    // relaxed: the lock of the arm's structure, or what else led us to it, has
    // ordered us behind the owner; Woken hands on what we do.
    if (word_.compare_exchange_weak(word, word | (trying ? kMissed : kClaimed),
                                    std::memory_order_relaxed,
                                    std::memory_order_relaxed)) {
      return !trying;
    }
  }
}

bool Selection::ClaimFor(Arm& arm) noexcept {
  if (!ClaimWord()) return false;
  winner_ = &arm;
  return true;
}

void Selection::Cancel() noexcept {
  // winner_ stays null.
  if (ClaimWord()) Woken();
}

void Selection::Woken() noexcept {
  // acq_rel: release, so that the owner sees who was claimed and what that arm
  // got; acquire, so that we may schedule an owner that has parked. Partner:
  // Suspend.
  const std::uint32_t before =
      word_.fetch_or(kWoken, std::memory_order_acq_rel);
  if ((before & kParked) != 0) Schedule();
}

}  // namespace weft
