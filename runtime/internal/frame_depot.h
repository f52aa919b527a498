// The frame depot: free coroutine frames on their way between threads.
//
//     a class:   [batch] -> [batch] -> [batch]      a batch: linked frames, 33
//                                                   from a full shelf
//
// Frames that are made on one thread and freed on another flow back through it,
// a batch at a time, by two stores under a lock.
// (Magazines and depot: Bonwick and Adams, "Magazines and Vmem", USENIX 2001.)
//
// Invariants
//   1. A batch is linked through its frames; its first frame also holds the
//      link to the next batch, and how many frames there are.
//   2. The depot keeps a reserve of each class. As many batches beyond it as
//      nobody has taken for an interval are not needed: so many go back to the
//      system, a little at a time, while a runtime runs (depot_keeper.h), and
//      all of them when none does any more. (A bound on what is kept would do
//      worse at either end: a program that lets a million tasks go, and makes
//      them anew, would wait for malloc a million times, and one that never
//      does would keep them.)
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_INTERNAL_FRAME_DEPOT_H_
#define WEFT_RUNTIME_INTERNAL_FRAME_DEPOT_H_

#include <cstddef>
#include <cstdint>

namespace weft::internal {

// A free frame; the link lies in the frame itself.
struct FreeFrameLink {
  FreeFrameLink* next;
};

// Some of them, linked.
struct FrameBatch {
  FreeFrameLink* first = nullptr;
  std::uint32_t count = 0;
};

// --- Any thread -------------------------------------------------------------

void GiveToDepot(FrameBatch batch, std::size_t frame_class) noexcept;
// The batch that was given last; an empty one when there is none.
FrameBatch TakeFromDepot(std::size_t frame_class) noexcept;

// --- For a keeper -----------------------------------------------------------

// Of each class, in batches.
inline constexpr std::uint32_t kDepotReserve = 256;

// Once an interval. What nobody took since the last call is not needed, but for
// a small reserve. False: nothing is, of any class.
bool NoteWhatIsNotNeeded() noexcept;
// Frees a little of that. False: nothing is left.
bool FreeWhatIsNotNeeded() noexcept;
// Whether the depot holds more than the reserve.
bool DepotIsLarge() noexcept;

// Frees all but so many batches of each class; all of them for measurements and
// leak checks.
void TrimFrameDepot(std::uint32_t keep = 0) noexcept;

}  // namespace weft::internal

#endif  // WEFT_RUNTIME_INTERNAL_FRAME_DEPOT_H_
