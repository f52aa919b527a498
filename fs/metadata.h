// Metadata: what the file system knows about a name, besides the bytes in it.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_FS_METADATA_H_
#define WEFT_FS_METADATA_H_

#include <sys/stat.h>
#include <sys/types.h>

#include <cstdint>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "weft/runtime/task.h"

namespace weft::fs {

enum class FileKind {
  kFile,
  kDirectory,
  kSymbolicLink,
  kFifo,
  kSocket,
  kBlockDevice,
  kCharacterDevice,
  kUnknown,  // Something that has no name here.
};

// In lower case, as in "directory".
std::string_view ToString(FileKind kind) noexcept;

struct Metadata {
  FileKind kind = FileKind::kUnknown;
  std::uint64_t size = 0;  // In bytes; of a file that is one.
  absl::Time modified;     // When its bytes last changed.
  mode_t permissions = 0;  // The bits that chmod(1) sets: 07777 at most.
};

FileKind KindOf(mode_t mode) noexcept;
Metadata MetadataOf(const struct stat& about);

// What happens where the last name of a path is a symbolic link.
enum class Links {
  kFollow,    // What the link leads to is meant.
  kNoFollow,  // The link itself is.
};

// What is known about `path`.
//
// Suspends: until the file system has answered.
// Cancel:   CANCELLED; nothing was asked.
// Errors:   NOT_FOUND where there is no such name, PERMISSION_DENIED where a
//           directory on the way may not be searched.
Task<absl::StatusOr<Metadata>> GetMetadata(std::string_view path,
                                           Links links = Links::kFollow);

}  // namespace weft::fs

#endif  // WEFT_FS_METADATA_H_
