// TemporaryDirectory: a fresh directory that goes with all that is in it.
//
//     TemporaryDirectory scratch =
//         co_await OrReturn(TemporaryDirectory::Create());
//     co_await OrReturn(WriteFileAtomically(scratch / "input", text));
//     ...
//     co_await OrReturn(scratch.Remove());
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_FS_TEMPORARY_DIRECTORY_H_
#define WEFT_FS_TEMPORARY_DIRECTORY_H_

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weft/reactor/system.h"
#include "weft/runtime/task.h"

namespace weft::fs {

// Where the environment says that such things go: $TMPDIR, or else /tmp.
//
// Requires: InsideRuntime().
std::string TemporaryRoot();

// Owns: the directory, by its name. Destroying removes it on the spot, and
//       blocks the worker for that long; what goes wrong there is lost. It is
//       the last resort, for a task that was cancelled: call Remove().
class [[nodiscard("dropping it removes the directory")]] TemporaryDirectory {
 public:
  // Makes one that only this user may enter, in `parent`, or in TemporaryRoot()
  // where that is empty.
  //
  // Suspends: until it is there.
  // Cancel:   CANCELLED; nothing was made.
  // Errors:   NOT_FOUND, PERMISSION_DENIED, RESOURCE_EXHAUSTED.
  static Task<absl::StatusOr<TemporaryDirectory>> Create(
      std::string_view parent = {});

  TemporaryDirectory(TemporaryDirectory&& other) noexcept
      : system_(other.system_), path_(std::exchange(other.path_, {})) {}
  TemporaryDirectory& operator=(TemporaryDirectory&&) = delete;
  ~TemporaryDirectory();

  // Empty once it is removed, kept or moved from.
  const std::string& path() const noexcept { return path_; }
  // The path of `name` in it.
  std::string operator/(std::string_view name) const;

  // Removes it and all that is in it, as RemoveAll does. Idempotent.
  //
  // Suspends: until it is gone.
  // Cancel:   CANCELLED; some of it is gone, and it is still ours to remove.
  // Borrows:  the directory.
  // Errors:   as RemoveAll; it is still ours to remove.
  Task<absl::Status> Remove();

  // Remove(), for Using.
  //
  // Suspends: as Remove().
  // Cancel:   as Remove().
  // Borrows:  the directory.
  Task<absl::Status> Release() { return Remove(); }

  // Gives it to the caller, who may remove it or not.
  std::string Keep() && noexcept { return std::exchange(path_, {}); }

 private:
  TemporaryDirectory(reactor::System& system, std::string path) noexcept
      : system_(&system), path_(std::move(path)) {}
  static Task<absl::StatusOr<TemporaryDirectory>> CreateIn(std::string parent);

  reactor::System* system_;
  std::string path_;
};

}  // namespace weft::fs

#endif  // WEFT_FS_TEMPORARY_DIRECTORY_H_
