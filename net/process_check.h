// What can be said against ProcessOptions before anything is opened.
//
// What the system would answer is left to it; here is what it would take for
// something else, or tell without a hint of which option is meant.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_PROCESS_CHECK_H_
#define WEFT_NET_PROCESS_CHECK_H_

#include <string>

#include "absl/status/status.h"
#include "weft/net/process_options.h"

namespace weft::net {

// All numbers that this program's descriptors can be given just now are lower:
// RLIMIT_NOFILE, which posix_spawn looks at, too.
int LimitOfDescriptors();

// Errors: INVALID_ARGUMENT, those of Process::Spawn.
absl::Status CheckOptions(const ProcessOptions& options);

// The operation and its operand, for messages: start("sort" in "/tmp").
std::string NameOfStart(const ProcessOptions& options);

}  // namespace weft::net

#endif  // WEFT_NET_PROCESS_CHECK_H_
