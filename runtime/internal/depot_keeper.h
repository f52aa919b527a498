// DepotKeeper: sees to it that the frame depot does not keep what nobody needs.
//
// Each watch has one. The depot is shared by all runtimes, so of several
// keepers one is on duty, and the others do nothing: two that judged in turn
// would call unneeded what nobody took between the looks of the one and the
// other.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_INTERNAL_DEPOT_KEEPER_H_
#define WEFT_RUNTIME_INTERNAL_DEPOT_KEEPER_H_

#include <chrono>

namespace weft::internal {

class DepotKeeper {
 public:
  DepotKeeper() = default;
  DepotKeeper(const DepotKeeper&) = delete;
  DepotKeeper& operator=(const DepotKeeper&) = delete;
  ~DepotKeeper() { Retire(); }

  // So much time has passed. Once a second it notes what is not needed, and
  // each time it frees a little of that.
  void Tick(std::chrono::milliseconds passed) noexcept;

  // Whether there may be something to free that nobody else will.
  bool is_needed() noexcept;

  // Goes off duty.
  void Retire() noexcept;

  // For the end of a runtime: frees all but the reserve, unless a keeper is on
  // duty and will.
  static void TrimUnlessKept() noexcept;

 private:
  bool TakeDuty() noexcept;

  std::chrono::milliseconds noted_for_{0};
  bool has_too_much_ = false;
};

}  // namespace weft::internal

#endif  // WEFT_RUNTIME_INTERNAL_DEPOT_KEEPER_H_
