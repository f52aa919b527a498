// Jobs that notice when two threads take one of them, or take it too early.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_EXPLORE_JOBS_H_
#define WEFT_TESTS_EXPLORE_JOBS_H_

#include <array>

#include "weft/runtime/internal/job.h"
#include "weft/tests/explore/explorer.h"
#include "weft/tests/explore/plain.h"

namespace weft::explore {

class CountedJob final : public weft::internal::Job {
 public:
  // By whoever queues it, first.
  void Prepare() {
    ++prepared_;
    content_.Set(prepared_);
  }
  // By whoever takes it out.
  void Take() {
    Check(content_.Get() == prepared_, "a job is taken before it was made");
    Check(++taken_ <= prepared_, "a job is taken twice");
  }
  bool queued() const { return taken_ < prepared_; }

  Continuation Run(weft::internal::ThisThread&) noexcept override {
    Take();
    return {};
  }
  PromiseBase* awaiting_promise() const noexcept override { return nullptr; }

 private:
  Plain<int> content_;
  int prepared_ = 0;
  int taken_ = 0;
};

// Null is no job.
inline void TakeIfAny(weft::internal::Job* job) {
  if (job == nullptr) return;
  CountAsRead(job);
  static_cast<CountedJob*>(job)->Take();
}

template <std::size_t kCount>
void CheckAllTaken(const std::array<CountedJob, kCount>& jobs) {
  for (const CountedJob& job : jobs) Check(!job.queued(), "a job is lost");
}

}  // namespace weft::explore

#endif  // WEFT_TESTS_EXPLORE_JOBS_H_
