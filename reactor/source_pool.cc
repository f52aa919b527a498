// Chunks and the free list; the header has the picture and the invariants.
//
// SPDX-License-Identifier: MIT

#include "weft/reactor/source_pool.h"

#include <algorithm>
#include <bit>
#include <new>
#include <utility>

#include "absl/base/internal/raw_logging.h"

namespace weft::reactor {

SourcePool::~SourcePool() {
  for (int chunk = 0; chunk < chunk_count_; ++chunk) {
    // relaxed: the last owner destroys; nobody else is left.
    Source* const slots = chunks_[chunk].load(std::memory_order_relaxed);
    std::destroy_n(slots, kFirstChunk << chunk);
    ::operator delete(slots, std::align_val_t{alignof(Source)});
  }
}

SourceHandle SourcePool::Adopt(Fd fd, System& system) {
  ABSL_RAW_CHECK(!fd.empty(),
                 "an empty Fd was handed to SourcePool::Adopt: look at the "
                 "error of the call that made it first");
  Source* source;
  {
    const std::lock_guard lock(mutex_);
    if (first_free_ == kNoSlot) Grow();
    if (live_++ == 0) self_ = shared_from_this();
    source = At(first_free_);
    first_free_ = source->next_free();
  }
  source->Open(std::move(fd), system);
  return SourceHandle(*source);
}

void SourcePool::GiveBack(Source& source, std::uint32_t slot) noexcept {
  std::shared_ptr<SourcePool> last;  // Dropped after the lock is.
  const std::lock_guard lock(mutex_);
  source.set_next_free(std::exchange(first_free_, slot));
  if (--live_ == 0) last = std::move(self_);
}

// Counted from kFirstChunk instead of 0, slot numbers have one more binary
// digit with each chunk, and the digits below the first are the place in it.
inline Source* SourcePool::At(std::uint32_t slot) const noexcept {
  const std::uint64_t number = std::uint64_t{slot} + kFirstChunk;
  const int chunk = std::bit_width(number) - std::bit_width(kFirstChunk);
  if (chunk >= kMaxChunks) return nullptr;
  // acquire: pairs with the release in Grow.
  Source* const slots = chunks_[chunk].load(std::memory_order_acquire);
  if (slots == nullptr) return nullptr;
  return slots + (number - (std::uint64_t{kFirstChunk} << chunk));
}

int SourcePool::Deliver(const Event& event) noexcept {
  Source* const source =
      At(static_cast<std::uint32_t>(static_cast<std::uint64_t>(event.token)));
  return source == nullptr ? 0 : source->DeliverIfCurrent(event);
}

Source* SourcePool::Find(Token token) const noexcept {
  Source* const source =
      At(static_cast<std::uint32_t>(static_cast<std::uint64_t>(token)));
  return source != nullptr && source->token() == token ? source : nullptr;
}

std::size_t SourcePool::live() const {
  const std::lock_guard lock(mutex_);
  return live_;
}

// --- Reactors ---------------------------------------------------------------

void SourcePool::AttachReactor(Reactor& reactor) {
  const std::lock_guard lock(mutex_);
  reactors_.push_back(&reactor);
}

// A registration that has locked its Source's home picks a reactor under
// mutex_. If it did so before we took the reactor off the list, its lock is
// visible to the walk below, which waits for it; if after, it picked another.
// The walk is outside the mutex because that registration needs it.
void SourcePool::DetachReactor(Reactor& reactor) noexcept {
  int chunks;
  {
    const std::lock_guard lock(mutex_);
    std::erase(reactors_, &reactor);
    chunks = chunk_count_;
  }
  for (int chunk = 0; chunk < chunks; ++chunk) {
    // relaxed: the mutex has ordered us after the chunks we counted.
    Source* const slots = chunks_[chunk].load(std::memory_order_relaxed);
    const std::uint32_t size = kFirstChunk << chunk;
    for (std::uint32_t i = 0; i < size; ++i) slots[i].ForgetHome(reactor);
  }
}

Reactor* SourcePool::FirstReactor() const noexcept {
  const std::lock_guard lock(mutex_);
  return reactors_.empty() ? nullptr : reactors_.front();
}

// --- Slots ------------------------------------------------------------------

void SourcePool::Grow() {
  ABSL_RAW_CHECK(chunk_count_ < kMaxChunks,
                 "a billion descriptors are open at the same time");
  const int chunk = chunk_count_;
  const std::uint32_t size = kFirstChunk << chunk;
  const std::uint32_t first = size - kFirstChunk;
  auto* const slots = static_cast<Source*>(
      ::operator new(sizeof(Source) * size, std::align_val_t{alignof(Source)}));
  for (std::uint32_t i = 0; i < size; ++i) {
    new (slots + i) Source(*this, first + i);
    slots[i].set_next_free(i + 1 < size ? first + i + 1 : kNoSlot);
  }
  first_free_ = first;
  // release: pairs with the acquire in At.
  chunks_[chunk].store(slots, std::memory_order_release);
  ++chunk_count_;
}

}  // namespace weft::reactor
