// The memory model: what an atomic word may still tell a thread that reads it.
//
//     a location   [ 7 | 3 | 9 | 4 ]      the last stores, oldest first
//                        ^       ^
//       floor of thread B|       | newest
//
// A load returns any store from the reader's floor to the newest. The floor is
// what coherence and happens-before leave: the newest store that anything which
// happens before the load has written or read. Clocks are vector clocks: one
// count a thread; what a thread does at its time t happens before whoever knows
// that thread's time t or more.
//
//   release / acquire  a store of release order carries the writer's clock; an
//                      acquiring load that reads it joins it
//   release sequence   a read-modify-write hands the clock it read on, whatever
//                      its own order
//   seq_cst            a load may not be older than what a seq_cst operation
//                      before it (in the order of execution) stored to the
//                      location or read from it
//   a barrier on all     no thread reads what is older than the newest store of
//   threads              its time, whatever the order of its load
//
// After Norris and Demsky, "CDSChecker", OOPSLA 2013, and Lamport's clocks.
// Where we say less than C++ does, so that behaviours are missed but none is
// invented:
//   1. The modification order of a location, and the single order of seq_cst
//      operations, are the order of execution. (So two stores to each of two
//      words never end up crossed.)
//   2. A load never reads a store that has not been executed yet: no
//      load-buffering, no values out of thin air. What relies on an order to
//      keep a later store out of an earlier load says so (CountAsRead).
//   3. Read-modify-writes, and swaps that fail, read the newest.
//   4. A location remembers kHistory stores; older ones are never read.
//   5. consume is acquire. There are no fences: the library has none.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_EXPLORE_MEMORY_MODEL_H_
#define WEFT_TESTS_EXPLORE_MEMORY_MODEL_H_

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>

namespace weft::explore {

inline constexpr int kMaxThreads = 4;

// What a thread knows: of each thread, up to what time.
class Clock {
 public:
  std::uint32_t operator[](int thread) const { return times_[thread]; }
  void Tick(int thread) { ++times_[thread]; }
  void Join(const Clock& other) {
    for (int i = 0; i < kMaxThreads; ++i) {
      times_[i] = std::max(times_[i], other.times_[i]);
    }
  }

 private:
  std::array<std::uint32_t, kMaxThreads> times_{};
};

inline bool Acquires(std::memory_order order) {
  return order != std::memory_order_relaxed &&
         order != std::memory_order_release;
}
inline bool Releases(std::memory_order order) {
  return order == std::memory_order_release ||
         order == std::memory_order_acq_rel ||
         order == std::memory_order_seq_cst;
}

// One atomic word during one execution.
class Location {
 public:
  // The value it had before any thread ran.
  void Reset(std::uint64_t value);

  // How many stores a thread that knows `clock` may read; one at least.
  int Readable(const Clock& clock, std::memory_order order) const;

  // Reads the `age`th newest.
  std::uint64_t Load(int reader, Clock& clock, std::memory_order order,
                     int age);
  void Store(int writer, Clock& clock, std::memory_order order,
             std::uint64_t value);
  // A read-modify-write: `value` comes directly after the newest.
  void Replace(int writer, Clock& clock, std::memory_order order,
               std::uint64_t value);

  std::uint64_t newest() const { return At(count_ - 1).value; }

  // From now on nobody reads a store older than the newest.
  void ForgetOlder() { floor_ = count_ - 1; }

  // From now on nobody overwrites who does not know what `reader` did at
  // `time`: see CountAsRead.
  void ProtectRead(int reader, std::uint32_t time) {
    protected_[reader] = std::max(protected_[reader], time);
  }
  bool MayOverwrite(const Clock& clock) const {
    for (int i = 0; i < kMaxThreads; ++i) {
      if (protected_[i] > clock[i]) return false;
    }
    return true;
  }

 private:
  static constexpr std::uint32_t kHistory = 8;

  struct Written {
    std::uint64_t value;
    Clock released;  // What an acquiring reader learns.
    // When each thread first wrote or read this store or a newer one; 0: never.
    std::array<std::uint32_t, kMaxThreads> seen;
  };

  Written& At(std::uint32_t index) { return history_[index % kHistory]; }
  const Written& At(std::uint32_t index) const {
    return history_[index % kHistory];
  }
  std::uint32_t oldest() const {
    return std::max(count_ > kHistory ? count_ - kHistory : 0, floor_);
  }
  Written& Append(int writer, Clock& clock, std::memory_order order,
                  std::uint64_t value);
  void See(int thread, const Clock& clock, std::uint32_t index);

  std::uint32_t count_ = 0;  // Stores so far.
  std::uint32_t floor_ = 0;  // No load may read an older store than this,
  // and no seq_cst load one that is older than this.
  std::uint32_t sequential_floor_ = 0;
  std::array<std::uint32_t, kMaxThreads> protected_{};
  std::array<Written, kHistory> history_;
};

}  // namespace weft::explore

#endif  // WEFT_TESTS_EXPLORE_MEMORY_MODEL_H_
