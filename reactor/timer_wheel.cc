// The mechanics of the wheel; the header has the picture and the invariants.
//
// SPDX-License-Identifier: MIT

#include "weft/reactor/timer_wheel.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <mutex>

#include "absl/base/internal/raw_logging.h"

namespace weft::reactor {

// --- Lists ------------------------------------------------------------------

void TimerWheel::Link::Append(Link& link) noexcept {
  link.next = this;
  link.previous = previous;
  previous->next = &link;
  previous = &link;
}

void TimerWheel::Link::Unlink() noexcept {
  next->previous = previous;
  previous->next = next;
  next = previous = nullptr;
}

void TimerWheel::Link::TakeAll(Link& from) noexcept {
  if (from.IsEmptyHead()) return;
  next = from.next;
  previous = from.previous;
  next->previous = previous->next = this;
  from.MakeHead();
}

// --- Arm and cancel ---------------------------------------------------------

void TimerWheel::Timer::EndArmed() noexcept {
  ABSL_RAW_LOG(FATAL,
               "a timer was destroyed while it was armed: Cancel it first");
  std::abort();
}

TimerWheel::TimerWheel(Instant now) noexcept : origin_(now) {
  due_.MakeHead();
  never_.MakeHead();
  for (auto& level : slots_) {
    for (Link& head : level) head.MakeHead();
  }
}

void TimerWheel::Arm(Timer& timer, Instant deadline) noexcept {
  ArmIf(timer, deadline, [] { return true; });
}

bool TimerWheel::ArmIf(Timer& timer, Instant deadline,
                       absl::FunctionRef<bool()> permit) noexcept {
  const Tick tick = DeadlineTick(deadline);
  const std::lock_guard lock(lock_);
  ABSL_RAW_CHECK(timer.next == nullptr,
                 "a timer was armed twice: Cancel it before arming it again");
  if (!permit()) return false;
  timer.tick_ = tick;
  Insert(timer);
  // relaxed, both: written under the lock only; see Fire and size.
  if (tick < earliest_.load(std::memory_order_relaxed)) {
    earliest_.store(tick, std::memory_order_relaxed);
  }
  size_.store(size() + 1, std::memory_order_relaxed);
  return true;
}

bool TimerWheel::Cancel(Timer& timer) noexcept {
  const std::lock_guard lock(lock_);
  if (timer.next == nullptr) return false;
  Remove(timer);
  return true;
}

// --- Fire -------------------------------------------------------------------

int TimerWheel::Fire(Instant now) noexcept {
  const Tick reached = ReachedTick(now);
  // relaxed: a hint. The owner armed the timers and so reads its own writes or
  // newer ones; a sibling that reads an old value comes again.
  if (reached < earliest_.load(std::memory_order_relaxed)) return 0;

  // What is due now goes into a list of our own, so that a callback that arms
  // an overdue timer does not keep us here for ever. It is still armed: a
  // canceller unlinks it from there as from anywhere (invariant 4).
  Link batch;
  batch.MakeHead();
  {
    const std::lock_guard lock(lock_);
    AdvanceTo(reached);
    batch.TakeAll(due_);
    earliest_.store(EarliestTick(), std::memory_order_relaxed);  // See ArmIf.
  }
  int fired = 0;
  while (Timer* const timer = ClaimFirst(batch)) {
    timer->OnTimer();  // From here on the timer may be gone.
    ++fired;
  }
  return fired;
}

TimerWheel::Timer* TimerWheel::ClaimFirst(Link& batch) noexcept {
  const std::lock_guard lock(lock_);
  if (batch.IsEmptyHead()) return nullptr;
  Timer* const timer = static_cast<Timer*>(batch.next);
  Remove(*timer);
  return timer;
}

Instant TimerWheel::NextDeadline() const noexcept {
  const std::lock_guard lock(lock_);
  return Moment(due_.IsEmptyHead() ? EarliestTick() : current_);
}

// --- Under the lock ---------------------------------------------------------

void TimerWheel::Insert(Timer& timer) noexcept {
  if (timer.tick_ == kNever) {
    never_.Append(timer);
  } else if (timer.tick_ <= current_) {
    due_.Append(timer);
  } else {
    const Place place = PlaceOf(timer.tick_);
    Head(place).Append(timer);
    MarkUsed(place);
  }
}

void TimerWheel::Remove(Timer& timer) noexcept {
  timer.Unlink();
  size_.store(size() - 1, std::memory_order_relaxed);  // See ArmIf.
  if (timer.tick_ == kNever || timer.tick_ <= current_) return;
  const Place place = PlaceOf(timer.tick_);
  if (Head(place).IsEmptyHead()) MarkEmpty(place);
}

// Enters one slot in use after the other, earliest first, up to `target`. Slots
// later than that stay right where they are: their digit at their level is
// above target's, and the digits higher up agree with it as they did before.
void TimerWheel::AdvanceTo(Tick target) noexcept {
  while (levels_ != 0) {
    const Place place = EarliestPlace();
    const Tick start = SlotStart(place);
    if (start > target) break;
    current_ = start;
    Empty(place);
  }
  current_ = std::max(current_, target);
}

// Time has entered the slot: each timer in it is due now, or moves down to the
// level of the next digit in which it differs. Order is kept.
void TimerWheel::Empty(Place place) noexcept {
  Link moving;
  moving.MakeHead();
  moving.TakeAll(Head(place));
  MarkEmpty(place);
  while (!moving.IsEmptyHead()) {
    Timer* const timer = static_cast<Timer*>(moving.next);
    timer->Unlink();
    Insert(*timer);
  }
}

TimerWheel::Place TimerWheel::PlaceOf(Tick tick) const noexcept {
  const int level = (std::bit_width(tick ^ current_) - 1) / kDigitBits;
  const int slot =
      static_cast<int>(tick >> (level * kDigitBits)) & (kSlots - 1);
  return {level, slot};
}

TimerWheel::Place TimerWheel::EarliestPlace() const noexcept {
  const int level = std::countr_zero(levels_);
  return {level, std::countr_zero(occupied_[level])};
}

TimerWheel::Tick TimerWheel::SlotStart(Place place) const noexcept {
  const int shift = place.level * kDigitBits;
  const Tick above = current_ >> (shift + kDigitBits) << (shift + kDigitBits);
  return above | static_cast<Tick>(place.slot) << shift;
}

// The start of the slot would do. But a slot of a high level is long, and to
// wake at its start only to move one timer down is a wake for nothing; so look
// at the timers themselves as long as they are few, and use the bound that the
// arming left. It must never be below earliest_: Fire does nothing before that,
// and a worker that sleeps until then would spin.
TimerWheel::Tick TimerWheel::EarliestTick() const noexcept {
  constexpr int kFew = 12;
  if (levels_ == 0) return kNever;
  const Place place = EarliestPlace();
  const Link& head = Head(place);
  Tick earliest = kNever;
  int seen = 0;
  for (const Link* link = head.next; link != &head; link = link->next) {
    if (++seen > kFew) {
      // relaxed: under the lock, where it is written.
      return std::max(SlotStart(place),
                      earliest_.load(std::memory_order_relaxed));
    }
    earliest = std::min(earliest, static_cast<const Timer*>(link)->tick_);
  }
  return earliest;
}

void TimerWheel::MarkUsed(Place place) noexcept {
  occupied_[place.level] |= std::uint64_t{1} << place.slot;
  levels_ |= 1u << place.level;
}

void TimerWheel::MarkEmpty(Place place) noexcept {
  occupied_[place.level] &= ~(std::uint64_t{1} << place.slot);
  if (occupied_[place.level] == 0) levels_ &= ~(1u << place.level);
}

TimerWheel::Link& TimerWheel::Head(Place place) noexcept {
  return slots_[place.level][place.slot];
}

const TimerWheel::Link& TimerWheel::Head(Place place) const noexcept {
  return slots_[place.level][place.slot];
}

// --- Ticks ------------------------------------------------------------------

namespace {

// Unsigned, since the distance from a negative origin may not fit a signed
// one; cut to the 63 bits that the levels reach.
std::uint64_t NanosecondsSince(Instant origin, Instant later) noexcept {
  if (later <= origin) return 0;
  const std::uint64_t distance =
      static_cast<std::uint64_t>(later.nanoseconds()) -
      static_cast<std::uint64_t>(origin.nanoseconds());
  return std::min(distance, std::uint64_t{1} << 63);
}

}  // namespace

// Rounded up: the first tick whose moment is not before the deadline.
TimerWheel::Tick TimerWheel::DeadlineTick(Instant deadline) const noexcept {
  if (deadline == Instant::InfiniteFuture()) return kNever;
  constexpr Tick kRoundUp = (Tick{1} << kTickBits) - 1;
  return (NanosecondsSince(origin_, deadline) + kRoundUp) >> kTickBits;
}

// Rounded down: the last tick whose moment has come.
TimerWheel::Tick TimerWheel::ReachedTick(Instant now) const noexcept {
  return std::min(NanosecondsSince(origin_, now) >> kTickBits, kNever - 1);
}

Instant TimerWheel::Moment(Tick tick) const noexcept {
  if (tick == kNever) return Instant::InfiniteFuture();
  return origin_ +
         absl::Nanoseconds(static_cast<std::int64_t>(tick << kTickBits));
}

}  // namespace weft::reactor
