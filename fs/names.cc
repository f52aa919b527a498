// The calls of names.h, each on the pool and with its error in words.
//
// SPDX-License-Identifier: MIT

#include "weft/fs/names.h"

#include <limits.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <utility>
#include <vector>

#include "weft/fs/path_call.h"
#include "weft/fs/path_error.h"
#include "weft/reactor/os_error.h"
#include "weft/reactor/reactor.h"
#include "weft/reactor/system.h"
#include "weft/runtime/blocking_pool.h"
#include "weft/runtime/current.h"
#include "weft/runtime/or_return.h"

namespace weft::fs {
namespace {

using ::weft::reactor::RetryInterrupted;
using ::weft::reactor::System;

// --- Directories that are missing. All of it blocks. ---

// Answers an errno, or 0.
int MakeOne(System& system, const std::string& path, mode_t permissions) {
  const int answer =
      RetryInterrupted([&] { return system.mkdir(path.c_str(), permissions); });
  const int error = answer == 0 ? 0 : errno;
  // ENOENT says that something on the way is missing, and is what we go by.
  if (error == 0 || error == ENOENT) return error;
  // It may be there, whatever mkdir says of it: of "/" it may be EISDIR, and of
  // a directory on a disk that cannot be written EROFS.
  struct stat about{};
  const int found =
      RetryInterrupted([&] { return system.stat(path.c_str(), &about); });
  return found == 0 && S_ISDIR(about.st_mode) ? 0 : error;
}

// Where the directory around what ends at `end` ends; 0 where it has none.
std::size_t EndOfParent(const std::string& path, std::size_t end) {
  while (end > 0 && path[end - 1] == '/') --end;
  while (end > 0 && path[end - 1] != '/') --end;
  while (end > 1 && path[end - 1] == '/') --end;
  return end;
}

// Up to the first that is there or can be made, and down again.
absl::Status MakeAll(System& system, const std::string& path,
                     mode_t permissions) {
  std::vector<std::size_t> missing;
  std::size_t end = path.size();
  int error = MakeOne(system, path, permissions);
  while (error == ENOENT && EndOfParent(path, end) > 0) {
    missing.push_back(end);
    end = EndOfParent(path, end);
    error = MakeOne(system, path.substr(0, end), permissions);
  }
  while (error == 0 && !missing.empty()) {
    end = missing.back();
    missing.pop_back();
    error = MakeOne(system, path.substr(0, end), permissions);
  }
  if (error == 0) return absl::OkStatus();
  return PathError(error, "mkdir", path.substr(0, end));
}

Task<absl::Status> MakeMissing(std::string path, mode_t permissions) {
  co_await OrReturn(CheckPath(path));
  System& system = CurrentReactor().system();
  auto make = [&] { return MakeAll(system, path, permissions); };
  co_return co_await Blocking(make);
}

// --- Where names lead. The first two block. ---

absl::StatusOr<std::string> TargetOf(System& system, const std::string& path) {
  // The system cuts off what does not fit, and does not say so.
  for (std::size_t room = 256;; room *= 2) {
    std::string target(room, '\0');
    const ssize_t size = RetryInterrupted([&] {
      return system.readlink(path.c_str(), target.data(), target.size());
    });
    if (size == -1) return PathError(errno, "readlink", path);
    if (static_cast<std::size_t>(size) == room) continue;
    target.resize(static_cast<std::size_t>(size));
    return target;
  }
}

absl::StatusOr<std::string> Resolve(System& system, const std::string& path) {
  std::array<char, PATH_MAX> resolved;
  const char* found = nullptr;
  do {
    found = system.realpath(path.c_str(), resolved.data());
  } while (found == nullptr && errno == EINTR);
  if (found == nullptr) return PathError(errno, "realpath", path);
  return std::string(found);
}

using Question = absl::StatusOr<std::string> (*)(System&, const std::string&);

Task<absl::StatusOr<std::string>> Ask(Question question, std::string path) {
  co_await OrReturn(CheckPath(path));
  System& system = CurrentReactor().system();
  auto ask = [&] { return question(system, path); };
  co_return co_await Blocking(ask);
}

}  // namespace

// None of these is a coroutine itself: what they borrow need not outlive the
// call.
Task<absl::Status> CreateDirectory(std::string_view path, mode_t permissions) {
  return CallWithPath("mkdir", path,
                      [permissions](System& system, const char* name) {
                        return system.mkdir(name, permissions);
                      });
}

Task<absl::Status> CreateDirectories(std::string_view path,
                                     mode_t permissions) {
  return MakeMissing(std::string(path), permissions);
}

Task<absl::Status> RemoveDirectory(std::string_view path) {
  return CallWithPath("rmdir", path, &System::rmdir);
}

Task<absl::Status> RemoveFile(std::string_view path) {
  return CallWithPath("unlink", path, &System::unlink);
}

// Rejected, for where no name may be taken: link and unlink (no directory has
// two names), and to look first (somebody takes the name in between).
Task<absl::Status> Rename(std::string_view from, std::string_view to,
                          Overwrite overwrite) {
  return CallWithPaths("rename", from, to,
                       overwrite == Overwrite::kYes
                           ? &System::rename
                           : &System::rename_noreplace);
}

Task<absl::Status> CreateLink(std::string_view from, std::string_view to) {
  return CallWithPaths("link", from, to, &System::link);
}

Task<absl::Status> CreateSymbolicLink(std::string_view target,
                                      std::string_view path) {
  return CallWithPaths("symlink", target, path, &System::symlink);
}

Task<absl::StatusOr<std::string>> ReadLink(std::string_view path) {
  return Ask(&TargetOf, std::string(path));
}

Task<absl::StatusOr<std::string>> Canonical(std::string_view path) {
  return Ask(&Resolve, std::string(path));
}

}  // namespace weft::fs
