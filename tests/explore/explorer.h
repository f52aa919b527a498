// The explorer: runs a small concurrent program under every schedule there is.
//
//     struct TwoIncrements : Model {
//       int threads() const override { return 2; }
//       void Run(int thread) override { count.fetch_add(1); }
//       void Finally() override { Check(count.load() == 2, "both counted"); }
//       Atomic<int> count{0};
//     };
//     const Report report = Explore<TwoIncrements>({});
//
// Each logical thread is a fiber. Before every operation on an Atomic (the one
// of seam/) the explorer decides which thread goes on; at every load, which of
// the stores that memory_model.h leaves it reads. Decisions are numbers in a
// *trail*, the first alternative being the dull one: the same thread goes on,
// the newest value is read. Depth first, the last decision that has another
// alternative takes it, and the program runs again from its beginning.
//
// That is stateless model checking with a bound on preemptions, after Musuvathi
// and others, "Finding and Reproducing Heisenbugs in Concurrent Programs", OSDI
// 2008: nearly every known bug shows with two. A switch counts when the thread
// could have gone on. The values older than the newest that an execution reads
// are bounded likewise. Random executions, which know no bound, come after the
// complete search.
//
// Invariants
//   1. The program is a function of the trail: it reads no clock, no address
//      and no state of an earlier execution.
//   2. One fiber runs at a time, and a switch happens only where an operation
//      asks for one, or a thread waits, spins or ends. So what a model keeps
//      beside the atomics is free of data races in fact; whether it is on a
//      real machine, Plain (plain.h) finds out.
//   3. A thread that spins is not run again before another has changed
//      something. When nobody can run and somebody has not finished, a wake-up
//      was lost, and that is a failure.
//   4. An execution that failed is abandoned as it stands: its fibers start
//      anew, and what they owned leaks.
//
// Threads: one OS thread, as everything here is one state.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_EXPLORE_EXPLORER_H_
#define WEFT_TESTS_EXPLORE_EXPLORER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weft/tests/explore/memory_model.h"
#include "weft/tests/explore/site.h"

namespace weft::explore {

// A program to be explored. Made anew for each execution.
class Model {
 public:
  virtual ~Model() = default;
  // At most kMaxThreads.
  virtual int threads() const = 0;
  // What logical thread `thread` does.
  virtual void Run(int thread) = 0;
  // After all have ended. Nothing is explored here.
  virtual void Finally() {}
};

// A planted bug: one place gets by with less than it asks for.
struct Weakened {
  Site site;
  std::memory_order to;
};

struct Search {
  int preemptions = 2;           // Complete up to so many of them
  int stale_reads = 2;           // and so many loads of an older value.
  std::int64_t random = 20'000;  // Random executions afterwards.
  std::uint64_t seed = 1;
  int most_steps = 5000;    // More in one execution: it does not end.
  std::string replay = {};  // A report's trail: that execution, and no other.
  std::optional<Weakened> weakened = std::nullopt;
};

struct Report {
  std::int64_t complete = 0;  // Executions of the complete search,
  std::int64_t random = 0;    // and random ones.
  double seconds = 0;
  bool failed = false;
  std::string what;         // The first failure: what is wrong,
  std::string trace;        // how it came to that, a line an operation,
  std::string trail;        // and the trail, for WEFT_EXPLORE_TRAIL.
  std::vector<Site> sites;  // Every place met with an order above relaxed.
};

// The execution is a failure, unless `holds`. For models.
void Check(bool holds, std::string_view what);
[[noreturn]] void Fail(std::string_view what);

// The calling thread has loaded `value` from an atomic slot, has found by
// another operation since then that the slot was still its own, and uses the
// value. So whoever stores into the slot from now on must happen after that
// load; if not, C++ would let the load return the later store.
void CountAsRead(std::uint64_t value);
inline void CountAsRead(const void* value) {
  CountAsRead(reinterpret_cast<std::uint64_t>(value));
}

// Which logical thread runs; -1 outside of an execution.
int CurrentThread();
// A number that no other execution has.
std::uint32_t ExecutionNumber();

// membarrier(2): from now on every thread, the calling one too, reads nothing
// that is older than what each word holds. It orders no more than that.
void BarrierOnAllThreads();

// --- For the seam and what blocks -------------------------------------------

// What an Atomic holds. Outside of an execution, and before the first thread
// touches it, only the value counts.
struct Word {
  explicit constexpr Word(std::uint64_t initial) : value(initial) {}
  Word(const Word&) = delete;
  Word& operator=(const Word&) = delete;
  // From here on a thread that touches it uses memory that is gone.
  ~Word() { epoch = kGone; }

  static constexpr std::uint32_t kGone = 0xFFFF'FFFF;

  std::uint64_t value;      // The newest.
  std::uint32_t epoch = 0;  // The execution that `location` belongs to.
  std::uint32_t location = 0;
};

std::uint64_t Load(Word& word, std::memory_order order, const Where& where);
void Store(Word& word, std::uint64_t value, std::memory_order order,
           const Where& where);
// A read-modify-write: between the two nobody else runs.
std::uint64_t BeginUpdate(Word& word);
void EndUpdate(Word& word, std::uint64_t value, Operation operation,
               std::memory_order order, const Where& where);
// A swap that found something else.
void FailSwap(Word& word, std::memory_order order, const Where& where);

// What other threads have changed so far, as the calling thread counts.
std::uint64_t ChangesByOthers();
// Not run again before ChangesByOthers() is above `seen`, or at once when it
// has read an old value lately. Its next load reads the newest.
void SpinUntilChange(std::uint64_t seen);

// Another thread may run here.
void Point();
// Not run again before somebody calls Unblock for the same thing.
void Block(const void* thing, const char* why);
void Unblock(const void* thing);
// The calling thread's clock.
Clock& CurrentClock();
// A line of the trace, for what is no atomic.
void Note(const char* what, const void* thing);

// --- Running ----------------------------------------------------------------

struct ModelType {
  std::size_t size;
  Model* (*make)(void* place);
};

Report ExploreType(const ModelType& type, const Search& search);

// Stops at the first failure.
template <typename M>
Report Explore(const Search& search) {
  static_assert(alignof(M) <= 64);
  return ExploreType(
      {.size = sizeof(M),
       .make = [](void* place) -> Model* { return new (place) M; }},
      search);
}

// Calls `swap` with the leaving and the coming logical thread at each switch:
// for a thread-local that each must have of its own. -1 is the outside.
void OnSwitch(void (*swap)(int leaving, int coming));

}  // namespace weft::explore

#endif  // WEFT_TESTS_EXPLORE_EXPLORER_H_
