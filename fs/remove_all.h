// RemoveAll: a file, or a directory with all that is in it.
//
//     co_await OrReturn(RemoveAll("build"));
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_FS_REMOVE_ALL_H_
#define WEFT_FS_REMOVE_ALL_H_

#include <cstdint>
#include <string_view>

#include "absl/status/statusor.h"
#include "weft/runtime/task.h"

namespace weft::fs {

// Removes what is called `path`, and, of a directory, all that is below it;
// gives how many names are gone. 0 where there was nothing. Symbolic links are
// removed and never followed, whatever somebody does to the tree meanwhile
// (tree_remover.h). File systems that are mounted inside are emptied, too.
//
// Suspends: until it is gone, in trips to the pool of a few hundred names each.
// Cancel:   CANCELLED; some of it is gone. Call it again and it goes on.
// Errors:   the first one, and some of it is gone then; PERMISSION_DENIED;
//           INVALID_ARGUMENT for "/" and for what ends in "." or "..".
// Cost:     17 descriptors at most, whatever the depth.
Task<absl::StatusOr<std::uint64_t>> RemoveAll(std::string_view path);

}  // namespace weft::fs

#endif  // WEFT_FS_REMOVE_ALL_H_
