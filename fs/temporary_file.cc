// Making, keeping and removing one.
//
// SPDX-License-Identifier: MIT

#include "weft/fs/temporary_file.h"

#include "absl/strings/str_cat.h"
#include "weft/fs/names.h"
#include "weft/fs/new_file.h"
#include "weft/fs/open_options.h"
#include "weft/fs/temporary_directory.h"
#include "weft/reactor/os_error.h"
#include "weft/reactor/reactor.h"
#include "weft/runtime/current.h"
#include "weft/runtime/or_return.h"

namespace weft::fs {
namespace {

constexpr OpenOptions kOnlyForUs = {.access = Access::kReadWrite,
                                    .create = Create::kExclusive,
                                    .permissions = 0600};

}  // namespace

// Not coroutines themselves: a path need not outlive the call.
Task<absl::StatusOr<TemporaryFile>> TemporaryFile::Create(
    std::string_view directory) {
  return CreateIn(std::string(directory));
}

Task<absl::Status> TemporaryFile::Keep(std::string_view path) {
  return KeepAs(std::string(path));
}

Task<absl::StatusOr<TemporaryFile>> TemporaryFile::CreateIn(
    std::string directory) {
  if (directory.empty()) directory = TemporaryRoot();
  NewNames names(CurrentReactor().system(), absl::StrCat(directory, "/"));
  absl::Status taken;
  while (names.any_left()) {
    std::string path = names.Next();  // Before there is a file to lose.
    absl::StatusOr<File> file = co_await File::Open(path, kOnlyForUs);
    if (file.ok()) co_return TemporaryFile(*std::move(file), std::move(path));
    taken = std::move(file).status();
    if (!absl::IsAlreadyExists(taken)) break;
  }
  co_return taken;
}

TemporaryFile::~TemporaryFile() {
  if (path_.empty()) return;
  reactor::RetryInterrupted(
      [this] { return file_.system().unlink(path_.c_str()); });
}

Task<absl::Status> TemporaryFile::KeepAs(std::string path) {
  if (path_.empty()) {
    co_return absl::FailedPreconditionError(absl::StrCat(
        "keep(\"", path, "\"): the file has been kept or removed before"));
  }
  co_await OrReturn(Rename(path_, path));
  path_.clear();
  co_return absl::OkStatus();
}

Task<absl::Status> TemporaryFile::Remove() {
  if (path_.empty()) co_return absl::OkStatus();
  co_await OrReturn(RemoveFile(path_));
  path_.clear();
  co_return absl::OkStatus();
}

}  // namespace weft::fs
