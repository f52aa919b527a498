// The cores of the caller's runtime.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/each_core.h"

#include "weft/runtime/current.h"
#include "weft/runtime/internal/cores.h"
#include "weft/runtime/internal/scheduler.h"

namespace weft {
namespace {

// Null in a simulation, which has one.
internal::Cores* CoresOfCaller() noexcept {
  return internal::Here().worker->scheduler().cores();
}

}  // namespace

std::size_t CoreCount() noexcept {
  const internal::Cores* const cores = CoresOfCaller();
  return cores == nullptr ? 1 : cores->size();
}

namespace internal {

bool IsOwnCore(std::size_t index) noexcept {
  Cores* const cores = CoresOfCaller();
  return cores == nullptr || &cores->core(index) == &Here().worker->scheduler();
}

TaskList& HomeOnCore(std::size_t index) noexcept {
  return CoresOfCaller()->core(index).RegistryForCaller();
}

}  // namespace internal
}  // namespace weft
