// Metadata: what the file system knows about a name, besides the bytes in it.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_FS_METADATA_H_
#define WEFT_FS_METADATA_H_

#include <sys/stat.h>
#include <sys/types.h>

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "weft/fs/file_owner.h"
#include "weft/fs/file_times.h"
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
  std::uint64_t size = 0;       // In bytes; of a file that is one.
  std::uint64_t allocated = 0;  // Bytes of the disk: fewer in one with holes.
  absl::Time accessed;     // When it was last read, as far as that is noted.
  absl::Time modified;     // When its bytes last changed.
  absl::Time changed;      // When these or anything below last changed.
  mode_t permissions = 0;  // The bits that chmod(1) sets: 07777 at most.
  uid_t user = 0;          // Who owns it.
  gid_t group = 0;
  std::uint64_t links = 0;  // How many names it has.
  // Two names are of the same file when both of these are equal.
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
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

// Whether there is anything called `path`. It is a snapshot: who then makes or
// opens it must still expect the opposite. A symbolic link that leads nowhere
// does not exist, unless the link itself is meant.
//
// Suspends: until the file system has answered.
// Cancel:   CANCELLED; nothing was asked.
// Errors:   PERMISSION_DENIED where a directory on the way may not be searched:
//           then nobody knows.
Task<absl::StatusOr<bool>> Exists(std::string_view path,
                                  Links links = Links::kFollow);

// Gives what is called `path` exactly these permissions, 07777 at most: the
// process's umask takes nothing away. A symbolic link is followed.
//
// Suspends: until it is done.
// Cancel:   CANCELLED; they are as they were.
// Errors:   NOT_FOUND; PERMISSION_DENIED where it is somebody else's.
Task<absl::Status> SetPermissions(std::string_view path, mode_t permissions);

// Gives what is called `path` to this user and this group. The system takes
// those of its permissions that lend the old owner's rights: chown(2).
//
// Suspends: until it is done.
// Cancel:   CANCELLED; it is whose it was.
// Errors:   NOT_FOUND; PERMISSION_DENIED: only root gives things away, and
//           others only to a group that they are in.
Task<absl::Status> SetOwner(std::string_view path, FileOwner owner,
                            Links links = Links::kFollow);

// Sets when what is called `path` was last read and changed.
//
// Suspends: until it is done.
// Cancel:   CANCELLED; they are as they were.
// Errors:   NOT_FOUND; PERMISSION_DENIED where it is somebody else's.
Task<absl::Status> SetTimes(std::string_view path, FileTimes times,
                            Links links = Links::kFollow);

}  // namespace weft::fs

#endif  // WEFT_FS_METADATA_H_
