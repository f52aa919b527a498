// What is remembered about one descriptor: is it ready, who waits for it, and
// who is inside a system call on it.
//
// The kernel tells of a change once (its queue is edge-triggered), and rarely
// at the moment somebody asks. So each direction has one word that remembers:
//
//                 an event, a nudge
//          +------------------------------+
//          |                              v
//        idle  <---- TakeReady ------  ready      <- a fresh Source
//          |                              ^
//         Arm                             | an event, a nudge: and OnReady
//          v                              |
//        the Waiter ----------------------+
//
//        any of them ---- Close ----> closed      (an armed one: and OnReady)
//
// An operation does, again and again until its call gets somewhere:
//
//     if (!source.Pin()) fail: closed by its owner
//     source.TakeReady(direction)
//     the system call                          anything but EAGAIN: done
//     source.Unpin()
//     source.Register(reactor of this worker)  first time only
//     source.Arm(direction, waiter)            kWaiting: suspend until OnReady
//
// Why no edge is lost: readiness is taken back *before* the call. What changes
// after the call looked makes an event, the event leaves `ready`, and Arm
// finds it. Taken back after the call, an edge in between would be wiped out.
// Readiness is therefore a hint, and may be one too many: every user loops.
//
// One 64-bit word guards the slot's life (source_pool.h has the other half):
//
//     generation : 32 | operations : 15 | closed : 1 | holds : 16
//
// Invariants
//   1. An event leaves `ready` in its direction, also when it wakes a waiter.
//      A hang-up leaves both ready. It and urgent data are remembered until
//      the end: after them, a read that could wait without trying tries.
//   2. `closed` is final: nothing replaces it in a word or in the state.
//   3. A Waiter is in at most one word, and only whoever takes it out of there
//      calls OnReady, after the word has changed.
//   4. The number goes back to the system once, when the Source is closed and
//      no operation is between Pin and Unpin: whoever sees both be true first,
//      Close or the last Unpin, retires the descriptor.
//   5. The slot goes to the next descriptor only when nobody holds it. Holds
//      are: the handle, the open descriptor, a Close and each event while they
//      are under way. The last Release bumps the generation.
//   6. An event names its generation, and takes its hold in the same atomic
//      step that compares it. So whatever it writes lands in the life that it
//      was meant for: no hang-up and no wake of an earlier descriptor is ever
//      seen by a later one.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_REACTOR_SOURCE_H_
#define WEFT_REACTOR_SOURCE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "weft/reactor/atomic.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/poller.h"
#include "weft/reactor/waiter.h"

namespace weft::reactor {

class Reactor;
class SourcePool;
class System;

enum class Direction : std::uint8_t { kRead, kWrite };

// What Arm found.
enum class ArmResult {
  kWaiting,  // The waiter is published; it may run, and be gone, by now.
  kReady,    // Ready meanwhile: do not suspend, try again.
  kClosed,   // Closed by its owner: do not suspend.
};

// FAILED_PRECONDITION: what every operation says of what its owner has closed,
// a Source or anything else, before it or under it.
absl::Status ClosedByOwnerError();

// Made by SourcePool::Adopt, owned through a SourceHandle. One cache line.
//
// Threads: any, for every function, while the handle is alive: an operation
//          borrows the handle from its first look to its last, so Close() may
//          come at any time under it, but the handle must outlive it. At most
//          one operation waits in each direction.
class alignas(64) Source {
 public:
  // For SourcePool, which makes the slots.
  Source(SourcePool& pool, std::uint32_t slot) noexcept
      : pool_(pool), slot_(slot) {}
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  // --- Readiness ------------------------------------------------------------

  bool IsReady(Direction direction) const noexcept {
    // acquire: pairs with the release in MakeReady; a hang-up that came with
    // the readiness is visible.
    return word(direction).load(std::memory_order_acquire) == kReady;
  }

  // Turns `ready` into `idle`; call it immediately before the system call.
  void TakeReady(Direction direction) noexcept {
    std::uintptr_t expected = kReady;
    // acq_rel. The acquire half pairs with the release in MakeReady, as in
    // IsReady. The release half orders nothing of ours: the next event reads
    // this `idle` from the word itself, and it comes through the kernel, after
    // the call that follows. Failure: idle or closed, either is left alone.
    word(direction).compare_exchange_strong(
        expected, kIdle, std::memory_order_acq_rel, std::memory_order_acquire);
  }

  // Publishes `waiter` for one OnReady, unless there is something to see first.
  // After kWaiting the waiter may have run already: it is the last thing an
  // await_suspend touches.
  //
  // Borrows: `waiter`, until OnReady or a Disarm that returned true.
  // Errors:  a second waiter in a direction is a contract failure.
  ArmResult Arm(Direction direction, Waiter& waiter) noexcept;

  // Takes a waiter back that will not be woken any more (its task is being torn
  // down). False: it was not armed, and OnReady is running or has run.
  bool Disarm(Direction direction, Waiter& waiter) noexcept;

  // An event: leaves `ready`, then wakes. Returns how many waiters it woke.
  // Pollers come through SourcePool::Deliver, and so DeliverIfCurrent; a
  // simulation that owns both ends calls this one.
  int Deliver(bool readable, bool writable, bool hang_up,
              bool urgent = false) noexcept;

  // A spurious readiness. Cancels a wait: whether it comes before or after the
  // waiter is armed, the operation looks again and finds itself cancelled.
  void Nudge(Direction direction) noexcept { MakeReady(direction); }

  // The peer will send no more, or is gone altogether.
  bool hang_up() const noexcept { return (announced() & kHangUp) != 0; }

  // The system says once that a connection is lost, to whoever asks first. An
  // operation that is told notes it here, for the one of the other direction.
  void NoteLost() noexcept {
    // relaxed: it speaks for itself, and comes with no other data.
    announced_.fetch_or(kLost, std::memory_order_relaxed);
  }
  bool lost() const noexcept { return (announced() & kLost) != 0; }

  // Whether an operation other than the caller's, which has pinned, is inside a
  // call at this moment: it may be told that the connection is lost, and has
  // not noted it yet. If the system has told it before the caller, its Pin is
  // seen here: the socket's own lock in the kernel is between the two.
  bool others_inside() const noexcept {
    // acquire: pairs with the release in Unpin; what they noted is visible.
    return (state_.load(std::memory_order_acquire) & kOperations) >
           kOneOperation;
  }

  // Something was announced once that a read may find at any time from then on:
  // the end of the stream, that it is lost, or what is behind urgent data, at
  // which a read stops short.
  bool reads_try_first() const noexcept { return announced() != 0; }

  // --- The descriptor -------------------------------------------------------

  // Pin, then use fd() in a system call, then Unpin: in between the number
  // cannot be given back, and so cannot name somebody else's file. False when
  // closed.
  //
  // Cost: one compare-and-swap, and one subtraction for Unpin.
  [[nodiscard]] bool Pin() noexcept;
  void Unpin() noexcept;

  // The number. Only between Pin and Unpin, or before anybody could close.
  int fd() const noexcept { return fd_; }
  System& system() const noexcept { return *system_; }

  // Makes events come. Once in the life of a descriptor, before the first wait:
  // it then belongs to `preferred`, or to the first reactor of its own pool if
  // `preferred` has another. Free when that has happened.
  //
  // If the poller refuses, a concurrent waiter of the other direction, who saw
  // a registration under way, is nudged: he tries again and meets the error.
  //
  // Errors: those of Poller::Add; FAILED_PRECONDITION when closed, or when the
  //         pool has no reactor any more because its runtime has stopped.
  absl::Status Register(Reactor& preferred) {
    return is_registered() ? absl::OkStatus() : RegisterFirst(preferred);
  }
  // Or is about to be.
  bool is_registered() const noexcept {
    // acquire: pairs with the release in RegisterFirst, for tidiness; nothing
    // of the reactor's is used here.
    return home_.load(std::memory_order_acquire) != kNowhere;
  }

  // Wakes both waiters, who find closed(), and gives the number back as soon
  // as no operation is inside a system call on it. Once is enough.
  void Close() noexcept;
  bool closed() const noexcept {
    // acquire: pairs with the release in Close; the closer's reasons, whatever
    // it wrote before, are visible.
    return (state_.load(std::memory_order_acquire) & kClosed) != 0;
  }

  // --- The slot: for SourcePool, SourceHandle and SourcePool::Deliver -------

  // Names this life of the slot.
  Token token() const noexcept;
  // Begins a life. The caller owns the slot alone; two holds come with it, the
  // handle's and the open descriptor's.
  void Open(Fd fd, System& system) noexcept;
  // As Deliver, if this is still the life that the event's token names.
  int DeliverIfCurrent(const Event& event) noexcept;
  // One hold more, if this is still the life that `token` names and it is not
  // closed.
  [[nodiscard]] bool Hold(Token token) noexcept;
  // One hold less; the last one ends the life and gives the slot back.
  void Release() noexcept;
  // The reactor is going away.
  void ForgetHome(const Reactor& reactor) noexcept;
  // The free list's link, for the pool, under its lock.
  std::uint32_t next_free() const noexcept { return next_free_; }
  void set_next_free(std::uint32_t slot) noexcept { next_free_ = slot; }

 private:
  // What a direction's word holds when it is no Waiter's address.
  enum : std::uintptr_t { kIdle = 0, kReady = 1, kClosedWord = 2 };
  // What home_ holds when it is no Reactor's address. `kMoving` locks it: the
  // thread that put it there is inside a call on the reactor, and DetachReactor
  // waits for it, so that the reactor cannot go away under the call.
  enum : std::uintptr_t { kNowhere = 0, kMoving = 1 };

  // The bits of announced_.
  static constexpr std::uint8_t kHangUp = 1;
  static constexpr std::uint8_t kUrgent = 2;
  static constexpr std::uint8_t kLost = 4;

  static constexpr std::uint64_t kOneHold = 1;
  static constexpr std::uint64_t kHolds = 0xFFFF;
  static constexpr std::uint64_t kClosed = 1 << 16;
  static constexpr std::uint64_t kOneOperation = 1 << 17;
  static constexpr std::uint64_t kOperations = 0x7FFFull << 17;
  static constexpr int kGenerationShift = 32;

  Atomic<std::uintptr_t>& word(Direction direction) noexcept {
    return words_[static_cast<std::size_t>(direction)];
  }
  const Atomic<std::uintptr_t>& word(Direction direction) const noexcept {
    return words_[static_cast<std::size_t>(direction)];
  }

  std::uint8_t announced() const noexcept {
    // acquire: pairs with the release in Deliver; no more than a hint without.
    return announced_.load(std::memory_order_acquire);
  }
  int MakeReady(Direction direction) noexcept;
  void CloseWord(Direction direction) noexcept;
  absl::Status RegisterFirst(Reactor& preferred);
  absl::Status AddTo(Reactor* home);
  void Retire() noexcept;

  // Operations and events meet here; see the picture above.
  Atomic<std::uint64_t> state_{kClosed};
  std::array<Atomic<std::uintptr_t>, 2> words_{};
  // kNowhere, kMoving or the Reactor that watches the descriptor.
  Atomic<std::uintptr_t> home_{kNowhere};
  SourcePool& pool_;
  // Written by Open, read by whoever pins or holds: state_ orders the two.
  System* system_ = nullptr;
  int fd_ = -1;
  const std::uint32_t slot_;
  std::uint32_t next_free_ = 0;
  Atomic<std::uint8_t> announced_{0};
};

// The owner of a Source: destroying it closes the descriptor.
class [[nodiscard("dropping the handle closes the descriptor")]] SourceHandle {
 public:
  SourceHandle() = default;
  // Takes over the handle's hold; for SourcePool.
  explicit SourceHandle(Source& source) noexcept : source_(&source) {}
  SourceHandle(SourceHandle&& other) noexcept
      : source_(std::exchange(other.source_, nullptr)) {}
  SourceHandle& operator=(SourceHandle&& other) noexcept {
    SourceHandle(std::move(other)).swap(*this);
    return *this;
  }
  ~SourceHandle() { reset(); }

  // Closes, as the destructor does, and is empty afterwards. To close under
  // operations that still borrow the handle, call Close() on the Source.
  void reset() noexcept {
    Source* const source = std::exchange(source_, nullptr);
    if (source == nullptr) return;
    source->Close();
    source->Release();
  }
  void swap(SourceHandle& other) noexcept { std::swap(source_, other.source_); }

  Source* get() const noexcept { return source_; }
  Source& operator*() const noexcept { return *source_; }
  Source* operator->() const noexcept { return source_; }
  explicit operator bool() const noexcept { return source_ != nullptr; }

 private:
  Source* source_ = nullptr;
};

// A Pin that ends by itself, whatever is thrown meanwhile:
//
//     const SourcePin pin(source);
//     if (!pin) fail: closed by its owner
class SourcePin {
 public:
  explicit SourcePin(Source& source) noexcept
      : source_(source), pinned_(source.Pin()) {}
  SourcePin(const SourcePin&) = delete;
  SourcePin& operator=(const SourcePin&) = delete;
  ~SourcePin() {
    if (pinned_) [[likely]]
      source_.Unpin();
  }

  explicit operator bool() const noexcept { return pinned_; }

 private:
  Source& source_;
  const bool pinned_;
};

}  // namespace weft::reactor

#endif  // WEFT_REACTOR_SOURCE_H_
