// Making and removing one.
//
// SPDX-License-Identifier: MIT

#include "weft/fs/temporary_directory.h"

#include <cerrno>
#include <cstdint>
#include <new>

#include "absl/strings/str_cat.h"
#include "weft/fs/path_error.h"
#include "weft/fs/remove_all.h"
#include "weft/fs/tree_remover.h"
#include "weft/reactor/reactor.h"
#include "weft/reactor/string_view.h"
#include "weft/runtime/blocking_pool.h"
#include "weft/runtime/current.h"
#include "weft/runtime/or_return.h"

namespace weft::fs {
namespace {

using ::weft::reactor::System;

absl::StatusOr<std::string> Make(System& system, const std::string& parent) {
  std::string path = absl::StrCat(parent, "/weft-XXXXXX");
  // Changes the pattern also where it fails, so each try has its own.
  do {
    path.replace(path.size() - 6, 6, "XXXXXX");
    if (system.mkdtemp(path.data()) != nullptr) return path;
  } while (errno == EINTR);
  const int error = errno;
  return PathError(error, "mkdtemp", absl::StrCat(parent, "/weft-XXXXXX"));
}

}  // namespace

std::string TemporaryRoot() {
  const char* const root = CurrentReactor().system().getenv("TMPDIR");
  return root == nullptr || *root == '\0' ? "/tmp" : root;
}

// Not a coroutine itself: a path need not outlive the call.
Task<absl::StatusOr<TemporaryDirectory>> TemporaryDirectory::Create(
    std::string_view parent) {
  return CreateIn(std::string(parent));
}

Task<absl::StatusOr<TemporaryDirectory>> TemporaryDirectory::CreateIn(
    std::string parent) {
  if (parent.empty()) parent = TemporaryRoot();
  co_await OrReturn(CheckPath(parent));
  System& system = CurrentReactor().system();
  auto make = [&] { return Make(system, parent); };
  std::string path = co_await OrReturn(Blocking(make));
  co_return TemporaryDirectory(system, std::move(path));
}

TemporaryDirectory::~TemporaryDirectory() {
  if (path_.empty()) return;
  // There is nobody to tell that it cannot be removed.
  try {
    TreeRemover remover(*system_, path_);
    for (;;) {
      const absl::StatusOr<bool> done = remover.Step();
      if (!done.ok() || *done) return;
    }
  } catch (const std::bad_alloc&) {
  }
}

std::string TemporaryDirectory::operator/(std::string_view name) const {
  return absl::StrCat(path_, "/", reactor::ToAbseil(name));
}

Task<absl::Status> TemporaryDirectory::Remove() {
  if (path_.empty()) co_return absl::OkStatus();
  const std::uint64_t removed = co_await OrReturn(RemoveAll(path_));
  static_cast<void>(removed);
  path_.clear();
  co_return absl::OkStatus();
}

}  // namespace weft::fs
