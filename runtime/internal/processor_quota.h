// The share of the processors that Linux's control groups leave to this
// process.
//
// A group's cpu.max reads "max 100000" or "150000 100000": microseconds of
// processor time in each period. The limits of the groups around it count too,
// so the smallest on the way up is what holds. Control groups v2; under the
// older ones, and elsewhere, there is no limit to be seen.
//
// Source: cgroups(7); Linux, Documentation/admin-guide/cgroup-v2.rst.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_INTERNAL_PROCESSOR_QUOTA_H_
#define WEFT_RUNTIME_INTERNAL_PROCESSOR_QUOTA_H_

#include <optional>

#include "weft/reactor/system.h"

namespace weft::internal {

// In whole processors, rounded up; empty where there is no limit.
std::optional<int> ProcessorQuota(reactor::System& system);

}  // namespace weft::internal

#endif  // WEFT_RUNTIME_INTERNAL_PROCESSOR_QUOTA_H_
