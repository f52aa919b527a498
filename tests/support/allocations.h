// Allocations: counts what a program allocates, and lets one fail.
//
// For test programs that link allocations.cc, which replaces the global
// operator new. The frames of coroutines are recycled (frame_pool.h): who wants
// to see each of them calls ForgetFreeFrames() first.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_SUPPORT_ALLOCATIONS_H_
#define WEFT_TESTS_SUPPORT_ALLOCATIONS_H_

namespace weft::tests {

// How many were made, by any thread, and how many of them are not freed yet.
long Allocations();
long LiveAllocations();
// What those that are not freed yet have asked for.
long LiveBytes();

// Whether every allocation changes errno, as it may.
void SetSpoilsErrno(bool spoils);

// Gives every free frame of this thread and of the depot, and every free buffer
// of this thread, back to the system.
void ForgetFreeFrames();

// The n-th allocation of this thread from here on throws std::bad_alloc, and so
// may all those behind it, for as long as this lives.
class FailingAllocation {
 public:
  enum class Behind { kSucceed, kFail };

  FailingAllocation(int n, Behind behind);
  FailingAllocation(const FailingAllocation&) = delete;
  FailingAllocation& operator=(const FailingAllocation&) = delete;
  ~FailingAllocation();

  // Whether there was an n-th.
  bool happened() const;
};

}  // namespace weft::tests

#endif  // WEFT_TESTS_SUPPORT_ALLOCATIONS_H_
