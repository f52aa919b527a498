// Stores, and who may still read them.
//
// SPDX-License-Identifier: MIT

#include "weft/tests/explore/memory_model.h"

namespace weft::explore {

void Location::Reset(std::uint64_t value) {
  count_ = 1;
  floor_ = 0;
  sequential_floor_ = 0;
  protected_ = {};
  history_[0] = {.value = value, .released = {}, .seen = {}};
}

int Location::Readable(const Clock& clock, std::memory_order order) const {
  const std::uint32_t floor = order == std::memory_order_seq_cst
                                  ? std::max(sequential_floor_, oldest())
                                  : oldest();
  std::uint32_t index = count_ - 1;
  for (; index > floor; --index) {
    const Written& written = At(index);
    bool known = false;
    for (int i = 0; i < kMaxThreads; ++i) {
      known |= written.seen[i] != 0 && written.seen[i] <= clock[i];
    }
    if (known) break;
  }
  return static_cast<int>(count_ - index);
}

std::uint64_t Location::Load(int reader, Clock& clock, std::memory_order order,
                             int age) {
  const std::uint32_t index = count_ - 1 - static_cast<std::uint32_t>(age);
  const Written& written = At(index);
  if (Acquires(order)) clock.Join(written.released);
  clock.Tick(reader);
  See(reader, clock, index);
  if (order == std::memory_order_seq_cst) {
    sequential_floor_ = std::max(sequential_floor_, index);
  }
  return written.value;
}

void Location::Store(int writer, Clock& clock, std::memory_order order,
                     std::uint64_t value) {
  clock.Tick(writer);
  Append(writer, clock, order, value);
}

void Location::Replace(int writer, Clock& clock, std::memory_order order,
                       std::uint64_t value) {
  const Clock before = At(count_ - 1).released;
  if (Acquires(order)) clock.Join(before);
  clock.Tick(writer);
  Append(writer, clock, order, value).released.Join(before);
}

Location::Written& Location::Append(int writer, Clock& clock,
                                    std::memory_order order,
                                    std::uint64_t value) {
  const std::uint32_t index = count_++;
  Written& written = At(index);
  written.value = value;
  written.released = Releases(order) ? clock : Clock();
  written.seen = {};
  See(writer, clock, index);
  if (order == std::memory_order_seq_cst) sequential_floor_ = index;
  return written;
}

void Location::See(int thread, const Clock& clock, std::uint32_t index) {
  for (;; --index) {
    std::uint32_t& seen = At(index).seen[thread];
    if (seen != 0) return;
    seen = clock[thread];
    if (index == oldest()) return;
  }
}

}  // namespace weft::explore
