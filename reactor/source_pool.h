// Where Sources live: slots that are used again and never unmapped.
//
// The kernel's queue is told a number and not a pointer, for it may report a
// descriptor that is closed by the time somebody reads the report:
//
//     Token    generation : 32 | slot : 32
//                   |               |
//                   |               v
//                   |    chunks_  [ 64 ][ 128 ][ 256 ] ...   Sources, in chunks
//                   |                  |                     that stay where
//                   +--- the same? ----+                     they are
//
// A slot that is given back bumps its generation, so an old token finds
// nobody. The look and the delivery must be one step, though: between them the
// slot could change hands, and a hang-up (which is remembered) would end a
// connection that has just begun. `Source::Hold` compares the generation and
// takes a hold in one compare-and-swap, and a held slot is not given back.
// That a slot's memory is always a Source is what makes the look itself legal.
//
// Rejected: the Source's address as token (a report read late would write into
// freed memory); epochs or hazard pointers (machinery for what a counter in a
// word that is touched anyway does); a lock around delivery and close (every
// event would pay for the rare close).
//
// Invariants
//   1. chunks_[i] goes from null to a chunk once, under `mutex_`.
//   2. A slot is free (in the list, held by nobody, closed) or alive.
//   3. While any slot is alive the pool keeps itself alive: a stream may
//      outlive its runtime and be closed safely.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_REACTOR_SOURCE_POOL_H_
#define WEFT_REACTOR_SOURCE_POOL_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "weft/reactor/atomic.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/poller.h"
#include "weft/reactor/source.h"
#include "weft/reactor/system.h"

namespace weft::reactor {

class Reactor;

// One for each runtime, shared by its reactors. Make it with std::make_shared:
// reactors and live Sources share its ownership.
//
// Threads: any.
class SourcePool : public std::enable_shared_from_this<SourcePool> {
 public:
  SourcePool() = default;
  SourcePool(const SourcePool&) = delete;
  SourcePool& operator=(const SourcePool&) = delete;
  ~SourcePool();

  // Takes the descriptor over. It is not registered anywhere yet, and ready in
  // both directions: the first operation tries first.
  //
  // Owns:   `fd`, until the handle is gone; `system` is the one that made it,
  //         and closes it.
  // Errors: std::bad_alloc when memory runs out; `fd` is closed then. An empty
  //         `fd` is a contract failure.
  // Cost:   no allocation, but for a larger chunk each time the number of
  //         descriptors doubles.
  SourceHandle Adopt(Fd fd, System& system);

  // Brings an event to the Source it names, or drops it if that one is closed.
  // Returns how many waiters it woke.
  int Deliver(const Event& event) noexcept;

  // The Source that the token names now; null for an old generation. Only a
  // look: nothing keeps it from being closed and used again at once.
  Source* Find(Token token) const noexcept;

  // Descriptors that are open or still held.
  std::size_t live() const;

  // --- For Reactor and Source -----------------------------------------------

  void AttachReactor(Reactor& reactor);
  // Afterwards no Source knows the reactor and nobody is inside a call on it.
  // Waits for those who are.
  //
  // Requires: no thread passes the reactor to Register from now on.
  void DetachReactor(Reactor& reactor) noexcept;
  // Null when the runtime has stopped. The caller has locked a Source's home,
  // which is what keeps the answer alive (see Source::RegisterFirst).
  Reactor* FirstReactor() const noexcept;
  // From Source::Release. The pool may be gone afterwards.
  void GiveBack(Source& source, std::uint32_t slot) noexcept;

 private:
  // Chunk i holds kFirstChunk << i slots, so a few dozen reach every slot that
  // a token can name, and finding one is a count of leading zeros.
  static constexpr std::uint32_t kFirstChunk = 64;
  static constexpr int kMaxChunks = 24;
  static constexpr std::uint32_t kNoSlot = 0xFFFF'FFFF;

  Source* At(std::uint32_t slot) const noexcept;
  void Grow();  // Requires: mutex_ held.

  // Written under mutex_, read without it.
  std::array<Atomic<Source*>, kMaxChunks> chunks_{};

  mutable std::mutex mutex_;  // Guards all below.
  int chunk_count_ = 0;
  std::uint32_t first_free_ = kNoSlot;  // Last in, first out: still in cache.
  std::size_t live_ = 0;
  std::shared_ptr<SourcePool> self_;  // Not null while live_ > 0.
  std::vector<Reactor*> reactors_;
};

}  // namespace weft::reactor

#endif  // WEFT_REACTOR_SOURCE_POOL_H_
