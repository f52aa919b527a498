// TemporaryFile: a fresh file that goes unless it is given a name.
//
//     TemporaryFile draft = co_await OrReturn(TemporaryFile::Create("out"));
//     co_await OrReturn(draft.file().WriteAll(bytes));
//     co_await OrReturn(draft.Keep("out/report"));
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_FS_TEMPORARY_FILE_H_
#define WEFT_FS_TEMPORARY_FILE_H_

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weft/fs/file.h"
#include "weft/runtime/task.h"

namespace weft::fs {

// Owns: the file and its name. Destroying removes the name on the spot, which
//       on a disk of this machine is a short call; what goes wrong there is
//       lost.
class [[nodiscard("dropping it removes the file")]] TemporaryFile {
 public:
  // Makes one that only this user may open, in `directory`, or in
  // TemporaryRoot() where that is empty. It is open for reading and writing. To
  // be kept it must be on the file system where it is to be.
  //
  // Suspends: until it is open.
  // Cancel:   CANCELLED; nothing was made.
  // Errors:   as File::Open.
  static Task<absl::StatusOr<TemporaryFile>> Create(
      std::string_view directory = {});

  TemporaryFile(TemporaryFile&& other) noexcept
      : file_(std::move(other.file_)), path_(std::exchange(other.path_, {})) {}
  TemporaryFile& operator=(TemporaryFile&&) = delete;
  ~TemporaryFile();

  File& file() noexcept { return file_; }
  // Empty once it is removed, kept or moved from.
  const std::string& path() const noexcept { return path_; }

  // Gives it the name `path`; what was called so is replaced, in one step. It
  // stays open.
  //
  // Suspends: until it is done.
  // Cancel:   CANCELLED; it is still temporary.
  // Borrows:  the temporary file.
  // Errors:   FAILED_PRECONDITION on another file system, and where it has been
  //           kept or removed before; it is still temporary.
  Task<absl::Status> Keep(std::string_view path);

  // Removes its name. Idempotent. What is in it lives on as long as it is open.
  //
  // Suspends: until it is gone.
  // Cancel:   CANCELLED; it is still there.
  // Borrows:  the temporary file.
  Task<absl::Status> Remove();

  // Remove(), for Using.
  //
  // Suspends: as Remove().
  // Cancel:   as Remove().
  // Borrows:  the temporary file.
  Task<absl::Status> Release() { return Remove(); }

 private:
  TemporaryFile(File file, std::string path) noexcept
      : file_(std::move(file)), path_(std::move(path)) {}
  static Task<absl::StatusOr<TemporaryFile>> CreateIn(std::string directory);
  Task<absl::Status> KeepAs(std::string path);

  File file_;
  std::string path_;
};

}  // namespace weft::fs

#endif  // WEFT_FS_TEMPORARY_FILE_H_
