// TreeRemover: removes a name and all that is below it, and nothing else.
//
//     levels_   "tree"   -> open, being read
//                 "a"    -> open, being read
//                   "b"  -> open, being read      unlinkat(b, name)
//
// Somebody may meanwhile put a symbolic link where a directory was, to have us
// remove what that leads to. So a name is looked up once, in a directory that
// is open already, never through a path; O_NOFOLLOW refuses a link there.
//
// Invariants
//   1. Every directory on the way down was opened from the one above it, by
//      openat with O_NOFOLLOW, or is the one given.
//   2. The last kMostOpen levels are open. One further up has been closed, and
//      is opened again as the ".." of the one below it; if that is not the
//      directory it was (device and inode), somebody has moved the tree, and we
//      stop. So a tree may be of any depth and costs a few descriptors.
//   3. A directory that is read to its end and still not empty is read again
//      if something in it was removed: some file systems skip names when others
//      are removed while they are read.
//
// Rejected: recursion (the depth is the tree's, the stack is ours); paths from
// the root of the tree (a race for each part, and PATH_MAX).
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_FS_TREE_REMOVER_H_
#define WEFT_FS_TREE_REMOVER_H_

#include <dirent.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weft/reactor/system.h"

namespace weft::fs {

// Threads: one at a time. Its functions block.
class TreeRemover {
 public:
  TreeRemover(reactor::System& system, std::string_view path);
  TreeRemover(const TreeRemover&) = delete;
  TreeRemover& operator=(const TreeRemover&) = delete;
  ~TreeRemover();

  // Removes a few hundred names more. True when all are gone. What is gone
  // already, or goes meanwhile, is no error. After an error: no further.
  absl::StatusOr<bool> Step();

  // Names so far.
  std::uint64_t removed() const noexcept { return removed_; }

 private:
  // A directory on the way down.
  struct Level {
    std::string name;  // In the level above; of the first, its path.
    int fd = -1;
    DIR* directory = nullptr;  // Owns `fd`. Null while closed.
    dev_t device = 0;
    ino_t inode = 0;
    bool removed_any = false;  // Since it was last opened.
  };

  enum class Guess { kDirectory, kOther };

  absl::Status Begin();
  absl::Status Next();
  absl::Status Remove(int parent, const std::string& name, Guess guess);
  absl::Status Enter(int parent, const std::string& name, int not_unlinked);
  absl::Status Leave();
  absl::Status ReopenParent();
  absl::Status OpenLevel(Level& level, int from, const char* name);
  int Unlink(int parent, const std::string& name, int flags);
  void Close(Level& level) noexcept;
  absl::Status Error(int error, std::string_view call,
                     std::string_view name) const;

  static constexpr std::size_t kMostOpen = 16;
  static constexpr int kStep = 256;

  reactor::System& system_;
  const std::string path_;
  bool begun_ = false;
  std::vector<Level> levels_;
  std::uint64_t removed_ = 0;
};

}  // namespace weft::fs

#endif  // WEFT_FS_TREE_REMOVER_H_
