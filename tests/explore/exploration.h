// Exploration: a search under way, in which one execution follows the other.
//
//     decisions_ ---> who goes on ---> a fiber runs the model up to its next
//        ^            what a load      operation, wait or end
//        |            returns              |
//        +---------------------------------+
//
// The one behind explorer.h, which says what it promises. Its fibers outlive an
// execution: each stands in its loop until the next one wants it.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_EXPLORE_EXPLORATION_H_
#define WEFT_TESTS_EXPLORE_EXPLORATION_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "weft/tests/explore/decisions.h"
#include "weft/tests/explore/explorer.h"
#include "weft/tests/explore/fiber.h"
#include "weft/tests/explore/memory_model.h"
#include "weft/tests/explore/met_sites.h"
#include "weft/tests/explore/site.h"
#include "weft/tests/explore/trace.h"

namespace weft::explore {

enum class Readiness { kReady, kSpinning, kBlocked, kEnded };

struct LogicalThread {
  Fiber fiber;
  bool started = false;  // The fiber stands in its loop, or in a model.
  int index = 0;
  Readiness readiness = Readiness::kEnded;
  Clock clock;
  const void* blocked_on = nullptr;
  const char* why;
  std::uint64_t own_changes = 0;
  std::uint64_t spins_until = 0;
  bool has_read_stale = false;  // Since it spun last.
  bool reads_newest = false;    // With its next load.

  struct PastLoad {
    std::uint64_t value;
    std::uint32_t location;
    std::uint32_t time;
  };
  static constexpr std::uint32_t kPastLoads = 16;
  std::array<PastLoad, kPastLoads> loads;  // The last ones, in a ring.
  std::uint32_t load_count = 0;
};

class Exploration {
 public:
  Report Run(const ModelType& type, const Search& search);

  int current() const { return current_; }
  // A thread runs, or what comes after them all.
  bool executing() const { return current_ >= 0 || finishing_; }
  std::uint32_t epoch() const { return epoch_; }
  LogicalThread& thread() { return threads_[current_]; }

  void Point();
  void SpinUntilChange(std::uint64_t seen);
  void Block(const void* thing, const char* why);
  void Unblock(const void* thing);
  std::uint64_t ChangesByOthers();
  [[noreturn]] void Fail(std::string_view what);

  std::uint64_t Load(Word& word, std::memory_order order, const Where& where);
  void Store(Word& word, std::uint64_t value, std::memory_order order,
             const Where& where);
  std::uint64_t BeginUpdate(Word& word);
  void EndUpdate(Word& word, std::uint64_t value, Operation operation,
                 std::memory_order order, const Where& where);
  void FailSwap(Word& word, std::memory_order order, const Where& where);
  void CountAsRead(std::uint64_t value);
  void BarrierOnAllThreads();
  void Note(const char* what, const void* thing) {
    if (trace_) trace_->Note(current_, what, thing);
  }

  void set_swap(void (*swap)(int, int)) { swap_ = swap; }

 private:
  // One execution after the other.
  void SearchCompletely(int preemptions);
  void SearchAtRandom();
  void Replay(const std::string& trail);
  bool Execute();  // False: failed.
  void ExplainFailure();

  void RunFiber(LogicalThread& thread);
  void GoOnWith(int thread);
  void SwitchAway();
  bool CanRun(const LogicalThread& thread) const;
  std::uint64_t OthersChanges(const LogicalThread& thread) const {
    return changes_ - thread.own_changes;
  }

  Location& LocationOf(Word& word);
  void Changed(Word& word, std::uint64_t value);
  std::memory_order OrderAt(Operation operation, std::memory_order order,
                            const Where& where);

  const ModelType* type_ = nullptr;
  Search search_;
  Report report_;

  std::unique_ptr<char[]> memory_;
  std::size_t memory_size_ = 0;
  Model* model_ = nullptr;
  std::array<LogicalThread, kMaxThreads> threads_;
  Place outside_;
  void (*swap_)(int, int) = nullptr;

  // One execution.
  int current_ = -1;
  bool finishing_ = false;
  bool failed_ = false;
  std::uint32_t epoch_ = 0;
  std::deque<Location> locations_;
  std::uint32_t locations_used_ = 0;
  int steps_ = 0;
  std::uint64_t changes_ = 0;

  // The search.
  Decisions decisions_;
  MetSites met_;

  std::optional<Trace> trace_;  // While a failure is explained.
};

// The process has one: see "Threads" of explorer.h.
Exploration& TheExploration();

}  // namespace weft::explore

#endif  // WEFT_TESTS_EXPLORE_EXPLORATION_H_
