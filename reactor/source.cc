// The life of a Source; the header has the picture and the invariants.
//
// SPDX-License-Identifier: MIT

#include "weft/reactor/source.h"

#include <limits>
#include <thread>

#include "absl/base/internal/raw_logging.h"
#include "weft/reactor/reactor.h"
#include "weft/reactor/source_pool.h"

namespace weft::reactor {
namespace {

Waiter* AsWaiter(std::uintptr_t word) noexcept {
  return reinterpret_cast<Waiter*>(word);
}

std::uintptr_t AsWord(Waiter& waiter) noexcept {
  return reinterpret_cast<std::uintptr_t>(&waiter);
}

}  // namespace

static_assert(sizeof(Source) == 64, "one cache line, and no more");

// Made once and copied, which takes no memory: destructors meet it.
absl::Status ClosedByOwnerError() {
  static const absl::Status& closed =
      *new absl::Status(absl::FailedPreconditionError("closed by its owner"));
  return closed;
}

// --- Readiness --------------------------------------------------------------

ArmResult Source::Arm(Direction direction, Waiter& waiter) noexcept {
  std::uintptr_t found = kIdle;
  // release: publishes the waiter to the acquire of whoever takes it out, in
  // MakeReady or CloseWord. acquire on failure: pairs with the release there,
  // so that what came with the readiness is visible.
  if (word(direction).compare_exchange_strong(found, AsWord(waiter),
                                              std::memory_order_release,
                                              std::memory_order_acquire)) {
    return ArmResult::kWaiting;  // From here on the waiter may be gone.
  }
  ABSL_RAW_CHECK(found == kReady || found == kClosedWord,
                 "two tasks wait for one descriptor in the same direction: "
                 "let one of them do the reading (or writing) for both");
  return found == kReady ? ArmResult::kReady : ArmResult::kClosed;
}

bool Source::Disarm(Direction direction, Waiter& waiter) noexcept {
  std::uintptr_t expected = AsWord(waiter);
  // acquire: where it fails, it pairs with the release in MakeReady, as in Arm.
  // Success needs no order, but g++ 12 warns of one that is weaker.
  return word(direction).compare_exchange_strong(expected, kIdle,
                                                 std::memory_order_acquire);
}

int Source::Deliver(bool readable, bool writable, bool hang_up,
                    bool urgent) noexcept {
  const int news = (hang_up ? kHangUp : 0) | (urgent ? kUrgent : 0);
  // release: pairs with the acquire in announced(). It stands before the words
  // change, so whoever sees this event's readiness sees the hang-up too.
  if (news != 0) {
    announced_.fetch_or(static_cast<std::uint8_t>(news),
                        std::memory_order_release);
  }
  int woken = 0;
  if (readable || hang_up) woken += MakeReady(Direction::kRead);
  if (writable || hang_up) woken += MakeReady(Direction::kWrite);
  return woken;
}

// Returns how many waiters it woke.
int Source::MakeReady(Direction direction) noexcept {
  // relaxed: the exchange below decides, and orders.
  std::uintptr_t found = word(direction).load(std::memory_order_relaxed);
  do {
    if (found == kClosedWord) return 0;
    // Also when it is ready already: the exchange is what orders this event
    // before the next TakeReady.
    //
    // acq_rel: the acquire half pairs with the release in Arm, the release half
    // with the acquire in IsReady, TakeReady and Arm.
  } while (!word(direction).compare_exchange_weak(
      found, kReady, std::memory_order_acq_rel, std::memory_order_relaxed));
  if (found == kIdle || found == kReady) return 0;
  AsWaiter(found)->OnReady();
  return 1;
}

void Source::CloseWord(Direction direction) noexcept {
  // acq_rel: as in MakeReady.
  const std::uintptr_t found =
      word(direction).exchange(kClosedWord, std::memory_order_acq_rel);
  if (found > kClosedWord) AsWaiter(found)->OnReady();
}

// --- The descriptor ---------------------------------------------------------

bool Source::Pin() noexcept {
  // relaxed: the exchange below orders; a stale value only makes it fail.
  std::uint64_t state = state_.load(std::memory_order_relaxed);
  do {
    if ((state & kClosed) != 0) return false;
    // acquire: pairs with the release in Open, whose descriptor we use now, and
    // keeps the system call behind it. relaxed on failure: we look again.
  } while (!state_.compare_exchange_weak(state, state + kOneOperation,
                                         std::memory_order_acquire,
                                         std::memory_order_relaxed));
  return true;
}

void Source::Unpin() noexcept {
  // acq_rel. The release half pairs with the acquire of whoever retires the
  // descriptor, so that the number is given back after our call. The acquire
  // half pairs with the other operations' releases, if it is us.
  const std::uint64_t before =
      state_.fetch_sub(kOneOperation, std::memory_order_acq_rel);
  const bool last = (before & kOperations) == kOneOperation;
  if (last && (before & kClosed) != 0) Retire();
}

void Source::Close() noexcept {
  // relaxed: the exchange below orders.
  std::uint64_t state = state_.load(std::memory_order_relaxed);
  do {
    if ((state & kClosed) != 0) return;
    // One step sets `closed` and takes a hold: a waiter that we wake below may
    // drop the handle before we have woken the other.
    //
    // acq_rel: the release half pairs with the acquire in closed(), the acquire
    // half with the release in Unpin, should we be the one to retire.
  } while (!state_.compare_exchange_weak(state, (state | kClosed) + kOneHold,
                                         std::memory_order_acq_rel,
                                         std::memory_order_relaxed));
  CloseWord(Direction::kRead);
  CloseWord(Direction::kWrite);
  if ((state & kOperations) == 0) Retire();
  Release();
}

// Gives the number back. Runs once in a life: invariant 4.
void Source::Retire() noexcept {
  // relaxed: the exchange below orders.
  std::uintptr_t home = home_.load(std::memory_order_relaxed);
  // Nobody else has locked the word: a registration is an operation, and there
  // is none left. ForgetHome may still turn it to nowhere under our eyes.
  //
  // acquire: pairs with the release in RegisterFirst.
  while (home != kNowhere &&
         !home_.compare_exchange_weak(home, kMoving, std::memory_order_acquire,
                                      std::memory_order_relaxed)) {
  }
  if (home != kNowhere) {
    // A duplicate of the descriptor would keep epoll reporting it for ever, so
    // it does not suffice to close. Nothing can be done about a failure, and an
    // event too many is dropped by its generation.
    reinterpret_cast<Reactor*>(home)->poller().Remove(fd_).IgnoreError();
    // release: pairs with the acquire in ForgetHome, after which the reactor is
    // destroyed.
    home_.store(kNowhere, std::memory_order_release);
  }
  // What a close reports is for files, which are never polled.
  Fd(std::exchange(fd_, -1), *system_).Close().IgnoreError();
  Release();
}

// --- Registration -----------------------------------------------------------

absl::Status Source::RegisterFirst(Reactor& preferred) {
  // Pinned: a closer waits with the number until it is registered or refused.
  if (!Pin()) return ClosedByOwnerError();
  std::uintptr_t expected = kNowhere;
  absl::Status status;
  // acquire: pairs with the release below of a registration that failed. On
  // failure somebody else is at it or has done it; if he is refused, he nudges.
  if (home_.compare_exchange_strong(expected, kMoving,
                                    std::memory_order_acquire)) {
    const bool ours = &preferred.sources() == &pool_;
    Reactor* const home = ours ? &preferred : pool_.FirstReactor();
    status = AddTo(home);
    // release: pairs with the acquire in ForgetHome (the reactor may go now)
    // and in Retire.
    home_.store(status.ok() ? reinterpret_cast<std::uintptr_t>(home) : kNowhere,
                std::memory_order_release);
    if (!status.ok()) {
      Nudge(Direction::kRead);
      Nudge(Direction::kWrite);
    }
  }
  Unpin();
  return status;
}

absl::Status Source::AddTo(Reactor* home) {
  if (home == nullptr) {
    return absl::FailedPreconditionError(
        "the runtime that the descriptor belongs to has stopped");
  }
  if (system_->watch(fd_, *this)) return absl::OkStatus();
  return home->poller().Add(fd_, token());
}

void Source::ForgetHome(const Reactor& reactor) noexcept {
  const auto going = reinterpret_cast<std::uintptr_t>(&reactor);
  for (;;) {
    // acquire: pairs with the releases in RegisterFirst and Retire: their call
    // on the reactor is over before it is destroyed.
    std::uintptr_t home = home_.load(std::memory_order_acquire);
    if (home == kMoving) {
      std::this_thread::yield();  // He is inside one system call.
      continue;
    }
    if (home != going) return;
    // relaxed: nothing was written that anybody reads after this.
    if (home_.compare_exchange_strong(home, kNowhere,
                                      std::memory_order_relaxed)) {
      return;
    }
  }
}

// --- The slot ---------------------------------------------------------------

namespace {

constexpr std::uint64_t GenerationOf(Token token) noexcept {
  return static_cast<std::uint64_t>(token) >> 32;
}

}  // namespace

Token Source::token() const noexcept {
  // relaxed: whoever asks keeps the generation from changing.
  const std::uint64_t state = state_.load(std::memory_order_relaxed);
  return Token{(state >> kGenerationShift << 32) | slot_};
}

void Source::Open(Fd fd, System& system) noexcept {
  system_ = &system;
  fd_ = fd.release();
  // relaxed, all of them: the release below publishes them.
  announced_.store(0, std::memory_order_relaxed);
  for (auto& word : words_) word.store(kReady, std::memory_order_relaxed);
  const std::uint64_t generation = state_.load(std::memory_order_relaxed) >>
                                   kGenerationShift << kGenerationShift;
  // release: pairs with the acquire in Pin and Hold.
  state_.store(generation | 2 * kOneHold, std::memory_order_release);
}

bool Source::Hold(Token token) noexcept {
  // relaxed: the exchange below orders what is taken. What is refused may not
  // be stale: an event of this life, seen as of the one before, would be lost.
  // It never is, since a poller reports a descriptor after it was registered,
  // and what was done before that is seen by whoever has its report.
  std::uint64_t state = state_.load(std::memory_order_relaxed);
  do {
    if (state >> kGenerationShift != GenerationOf(token)) return false;
    if ((state & kClosed) != 0) return false;
    // acquire: pairs with the release in Open.
  } while (!state_.compare_exchange_weak(state, state + kOneHold,
                                         std::memory_order_acquire,
                                         std::memory_order_relaxed));
  return true;
}

void Source::Release() noexcept {
  const std::uint32_t slot = slot_;
  SourcePool& pool = pool_;
  // acq_rel: all that was done in this life, under whatever hold, comes before
  // the slot is used again.
  const std::uint64_t before =
      state_.fetch_sub(kOneHold, std::memory_order_acq_rel);
  if ((before & kHolds) != kOneHold) return;
  // The last: closed, no operation, no hold, so the word is ours alone. It
  // stays closed until Open, with a generation that no token has yet.
  constexpr std::uint64_t kNextGeneration = 1ull << kGenerationShift;
  // release: nobody needs it for the data (the pool's lock orders the next
  // Open); a late Hold that reads the old value fails by it, too.
  state_.store((before - kOneHold) + kNextGeneration,
               std::memory_order_release);
  pool.GiveBack(*this, slot);
}

// Beside the two, which are inlined here: each event comes this way.
int Source::DeliverIfCurrent(const Event& event) noexcept {
  if (!Hold(event.token)) return 0;
  const int woken =
      Deliver(event.readable, event.writable, event.hang_up, event.urgent);
  Release();
  return woken;
}

}  // namespace weft::reactor
