// SeededOrder: which ready job runs next, in a simulation with a seed.
//
// Every job that is ready is put here, and each turn draws one at random, so
// that a seed stands for one schedule and replays it. Without a seed the
// Simulator keeps the order of the real worker.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_INTERNAL_SEEDED_ORDER_H_
#define WEFT_RUNTIME_INTERNAL_SEEDED_ORDER_H_

#include <cstdint>
#include <random>
#include <utility>
#include <vector>

#include "weft/runtime/internal/job.h"

namespace weft::internal {

class SeededOrder {
 public:
  explicit SeededOrder(std::uint64_t seed) : random_(seed) {}

  void Add(Job& job) { ready_.push_back(&job); }

  Job* Next() noexcept {
    if (ready_.empty()) return nullptr;
    // Modulo, since std::uniform_int_distribution differs between libraries and
    // a seed must mean the same schedule everywhere.
    std::swap(ready_[random_() % ready_.size()], ready_.back());
    Job* const job = ready_.back();
    ready_.pop_back();
    return job;
  }

 private:
  std::mt19937_64 random_;
  std::vector<Job*> ready_;
};

}  // namespace weft::internal

#endif  // WEFT_RUNTIME_INTERNAL_SEEDED_ORDER_H_
