// ListDirectory: what names a directory holds.
//
//     AsyncGenerator<absl::StatusOr<DirectoryEntry>> entries =
//         ListDirectory("/etc");
//     while (std::optional<absl::StatusOr<DirectoryEntry>> entry =
//                co_await entries.Next()) {
//       const DirectoryEntry found = co_await OrReturn(*std::move(entry));
//       ...
//     }
//
// The calls for it have no form that does not block, so a listing goes to the
// blocking pool, once for a batch of names.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_FS_DIRECTORY_H_
#define WEFT_FS_DIRECTORY_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "weft/fs/metadata.h"
#include "weft/runtime/async_generator.h"

namespace weft::fs {

struct DirectoryEntry {
  std::string name;                    // Within the directory: no path.
  FileKind kind = FileKind::kUnknown;  // Links are not followed.
};

// What `path` holds, in no order, without "." and "..". Names that come or go
// while it is read may be among them or not; the others come once each. An
// error is the last item, behind the names that were read before it.
//
// Suspends: at the first item, and then once in a few hundred.
// Cancel:   CANCELLED is the last item.
// Errors:   NOT_FOUND, PERMISSION_DENIED; FAILED_PRECONDITION where it is not a
//           directory.
// Owns:     one descriptor from the first item on, until the last has been read
//           or the generator is dropped.
AsyncGenerator<absl::StatusOr<DirectoryEntry>> ListDirectory(
    std::string_view path);

}  // namespace weft::fs

#endif  // WEFT_FS_DIRECTORY_H_
