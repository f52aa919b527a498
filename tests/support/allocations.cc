// The operator new that counts, spoils errno and fails.
//
// SPDX-License-Identifier: MIT

#include "weft/tests/support/allocations.h"

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <new>

#include "weft/runtime/internal/buffer_shelf.h"
#include "weft/runtime/internal/frame_depot.h"
#include "weft/runtime/internal/frame_pool.h"

namespace {

// relaxed throughout: numbers, read where nothing else runs.
std::atomic<long> allocations{0};
std::atomic<long> frees{0};
std::atomic<long> live_bytes{0};
std::atomic<bool> spoils_errno{false};
// How many allocations of this thread are left until one fails; none does at 0.
thread_local int until_failure = 0;
thread_local bool failed = false;  // One did.
// Whether those behind it fail as well.
thread_local bool fails_from_there_on = false;

// Whether this one fails. At its turn until_failure is 1, and stays so where
// all fail from there on.
bool Fails() {
  if (until_failure == 0) return false;
  if (until_failure > 1) {
    --until_failure;
    return false;
  }
  failed = true;
  if (!fails_from_there_on) until_failure = 0;
  return true;
}

void* Allocate(std::size_t size, std::size_t alignment) {
  if (Fails()) throw std::bad_alloc();
  allocations.fetch_add(1, std::memory_order_relaxed);
  live_bytes.fetch_add(static_cast<long>(size), std::memory_order_relaxed);
  // aligned_alloc wants whole multiples.
  const std::size_t whole = (size + alignment - 1) / alignment * alignment;
  void* const memory = std::aligned_alloc(alignment, alignment + whole);
  if (memory == nullptr) throw std::bad_alloc();
  if (spoils_errno.load(std::memory_order_relaxed)) errno = ENOTTY;
  ::new (memory) std::size_t(size);
  return static_cast<std::byte*>(memory) + alignment;
}

// Before what was handed out lies its size, in a piece as large as the
// alignment.
void Free(void* memory, std::size_t alignment) noexcept {
  if (memory == nullptr) return;
  void* const start = static_cast<std::byte*>(memory) - alignment;
  frees.fetch_add(1, std::memory_order_relaxed);
  live_bytes.fetch_sub(static_cast<long>(*static_cast<std::size_t*>(start)),
                       std::memory_order_relaxed);
  std::free(start);
}

}  // namespace

// Out of line, all of them: where g++ 12 sees one inlined and its partner not,
// it takes them for a mismatched pair, and warns.
[[gnu::noinline]] void* operator new(std::size_t size) {
  return Allocate(size, __STDCPP_DEFAULT_NEW_ALIGNMENT__);
}
[[gnu::noinline]] void* operator new(std::size_t size,
                                     std::align_val_t alignment) {
  return Allocate(size, static_cast<std::size_t>(alignment));
}
// The library's own would call the first one; an address sanitizer's would not.
[[gnu::noinline]] void* operator new(std::size_t size,
                                     const std::nothrow_t&) noexcept {
  try {
    return Allocate(size, __STDCPP_DEFAULT_NEW_ALIGNMENT__);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  Free(memory, __STDCPP_DEFAULT_NEW_ALIGNMENT__);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
  Free(memory, __STDCPP_DEFAULT_NEW_ALIGNMENT__);
}
[[gnu::noinline]] void operator delete(void* memory,
                                       std::align_val_t alignment) noexcept {
  Free(memory, static_cast<std::size_t>(alignment));
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t,
                                       std::align_val_t alignment) noexcept {
  Free(memory, static_cast<std::size_t>(alignment));
}

namespace weft::tests {

long Allocations() { return allocations.load(std::memory_order_relaxed); }

long LiveAllocations() {
  return Allocations() - frees.load(std::memory_order_relaxed);
}

long LiveBytes() { return live_bytes.load(std::memory_order_relaxed); }

void SetSpoilsErrno(bool spoils) {
  spoils_errno.store(spoils, std::memory_order_relaxed);
}

void ForgetFreeFrames() {
  internal::ReleaseBufferShelf();
  internal::ReleaseFrameCache();
  internal::TrimFrameDepot();
}

FailingAllocation::FailingAllocation(int n, Behind behind) {
  until_failure = n;
  failed = false;
  fails_from_there_on = behind == Behind::kFail;
}

FailingAllocation::~FailingAllocation() { until_failure = 0; }

bool FailingAllocation::happened() const { return failed; }

}  // namespace weft::tests
