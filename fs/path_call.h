// CallWithPath: one call into the system about a path, on the blocking pool,
// and its error in words.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_FS_PATH_CALL_H_
#define WEFT_FS_PATH_CALL_H_

#include <functional>
#include <string_view>

#include "absl/status/status.h"
#include "weft/reactor/system.h"
#include "weft/runtime/task.h"

namespace weft::fs {

// Makes `call`, which answers -1 and errno when it fails, and again as long as
// a signal interrupts it. `name` is what an error says failed.
//
// Suspends: until the call has returned.
// Cancel:   CANCELLED; it was not made.
// Borrows:  `name`, until the task has completed: a literal.
// Errors:   INVALID_ARGUMENT for a path with a zero byte in it.
Task<absl::Status> CallWithPath(
    std::string_view name, std::string_view path,
    std::function<int(reactor::System&, const char* path)> call);

// As CallWithPath, for a call that takes two paths: `from` and `to`.
//
// Suspends: until the call has returned.
// Cancel:   CANCELLED; it was not made.
// Borrows:  `name`, until the task has completed: a literal.
Task<absl::Status> CallWithPaths(std::string_view name, std::string_view from,
                                 std::string_view to,
                                 int (reactor::System::*call)(const char* from,
                                                              const char* to));

}  // namespace weft::fs

#endif  // WEFT_FS_PATH_CALL_H_
