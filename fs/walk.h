// WalkDirectory: everything below a directory.
//
//     AsyncGenerator<absl::StatusOr<WalkEntry>> walk = WalkDirectory("src");
//     while (std::optional<absl::StatusOr<WalkEntry>> entry =
//                co_await walk.Next()) {
//       if (!entry->ok()) continue;   // One directory that cannot be read.
//       ...
//     }
//
// A directory comes before what is in it. It is read when it is its turn, and
// closed before the next one is opened: a walk of any depth has one open.
//
// It goes by paths: where somebody puts a link in the place of a directory
// meanwhile it may be led elsewhere, which for a look does no harm. Whoever
// removes what he finds should not walk: see RemoveAll.
//
// Rejected: a stack of open listings (a descriptor for each level, and the
// order in which names come is the file system's whim anyway).
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_FS_WALK_H_
#define WEFT_FS_WALK_H_

#include <functional>
#include <limits>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "weft/fs/metadata.h"
#include "weft/runtime/async_generator.h"

namespace weft::fs {

struct WalkEntry {
  std::string path;  // That of the walk, and the names on the way.
  FileKind kind = FileKind::kUnknown;
  int depth = 0;  // 1 in the directory itself, 2 in those in it, and so on.
};

struct WalkOptions {
  // kFollow: a symbolic link counts as what it leads to, and one that leads to
  // a directory is gone into. One that leads nowhere is a link all the same.
  Links links = Links::kNoFollow;
  // No entry has a greater depth.
  int max_depth = std::numeric_limits<int>::max();
  // Whether to go into this directory; into all where there is no such
  // function.
  std::function<bool(const WalkEntry& directory)> enter = {};
};

// What is below `path`, in no order but that a directory comes before what is
// in it. A directory that cannot be read is an error among the items, which
// names it, and the walk goes on behind it. With links followed, a directory
// that is already on the way down to itself is one, too, FAILED_PRECONDITION;
// one that is reached in two ways otherwise is walked twice.
//
// Suspends: once for each directory, and as ListDirectory does; with links
//           followed for each link and directory.
// Cancel:   CANCELLED is the last item.
// Errors:   as ListDirectory, for each directory.
// Owns:     one descriptor at a time; what it remembers are the directories
//           that are still to be read.
AsyncGenerator<absl::StatusOr<WalkEntry>> WalkDirectory(
    std::string_view path, WalkOptions options = {});

}  // namespace weft::fs

#endif  // WEFT_FS_WALK_H_
