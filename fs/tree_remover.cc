// Down, name by name, and up again.
//
// SPDX-License-Identifier: MIT

#include "weft/fs/tree_remover.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <new>
#include <utility>

#include "absl/strings/str_cat.h"
#include "weft/fs/path_error.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/os_error.h"
#include "weft/reactor/string_view.h"

namespace weft::fs {
namespace {

using ::weft::reactor::Fd;
using ::weft::reactor::RetryInterrupted;
using ::weft::reactor::System;

// Of a link with a slash behind it the system takes what it leads to.
std::string WithoutSlashes(std::string_view path) {
  const std::size_t last = path.find_last_not_of('/');
  if (last == std::string_view::npos) return std::string(path.substr(0, 1));
  return std::string(path.substr(0, last + 1));
}

// What rmdir would refuse when all that is below it were gone.
bool CannotBeRemoved(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  return name.empty() || name == "." || name == "..";
}

bool NotEmpty(int error) noexcept {
  return error == ENOTEMPTY || error == EEXIST;
}

}  // namespace

TreeRemover::TreeRemover(System& system, std::string_view path)
    : system_(system), path_(WithoutSlashes(path)) {}

TreeRemover::~TreeRemover() {
  for (Level& level : levels_) Close(level);
}

absl::StatusOr<bool> TreeRemover::Step() {
  absl::Status status;
  if (!std::exchange(begun_, true)) status = Begin();
  for (int i = 0; i < kStep && status.ok() && !levels_.empty(); ++i) {
    status = Next();
  }
  if (!status.ok()) return status;
  return levels_.empty();
}

absl::Status TreeRemover::Begin() {
  absl::Status path = CheckPath(path_);
  if (!path.ok()) return path;
  if (CannotBeRemoved(path_)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "remove(\"", path_, "\"): give the directory by its name"));
  }
  return Remove(AT_FDCWD, path_, Guess::kOther);
}

// One name of the directory that is being read, or the end of it.
absl::Status TreeRemover::Next() {
  Level& level = levels_.back();
  const dirent* found = nullptr;
  do {
    errno = 0;
    found = system_.readdir(level.directory);
  } while (found == nullptr && errno == EINTR);
  if (found == nullptr) {
    return errno == 0 ? Leave() : Error(errno, "readdir", "");
  }
  const std::string name = found->d_name;
  if (name == "." || name == "..") return absl::OkStatus();
  return Remove(level.fd, name,
                found->d_type == DT_DIR ? Guess::kDirectory : Guess::kOther);
}

// Removes it, or goes down into it. The guess may be wrong by now.
absl::Status TreeRemover::Remove(int parent, const std::string& name,
                                 Guess guess) {
  if (guess == Guess::kDirectory) return Enter(parent, name, 0);
  const int error = Unlink(parent, name, 0);
  // What Linux and what POSIX says of a directory.
  if (error == EISDIR || error == EPERM) return Enter(parent, name, error);
  return error == 0 ? absl::OkStatus() : Error(error, "unlink", name);
}

// `not_unlinked` is why it could not be unlinked, if that was tried.
absl::Status TreeRemover::Enter(int parent, const std::string& name,
                                int not_unlinked) {
  Level level;
  level.name = name;
  absl::Status opened = OpenLevel(level, parent, name.c_str());
  if (opened.ok()) {
    try {
      levels_.push_back(std::move(level));
    } catch (const std::bad_alloc&) {
      Close(level);
      throw;
    }
    if (levels_.size() > kMostOpen) {
      Close(levels_[levels_.size() - kMostOpen - 1]);
    }
    return opened;
  }
  const int error = reactor::ErrnoOf(opened).value_or(0);
  if (error == ENOENT) return absl::OkStatus();
  // With O_NOFOLLOW a link is either of these.
  if (error != ENOTDIR && error != ELOOP) return opened;
  if (not_unlinked != 0) return Error(not_unlinked, "unlink", name);
  const int now = Unlink(parent, name, 0);
  return now == 0 ? absl::OkStatus() : Error(now, "unlink", name);
}

// Up, and removes the directory that has been read to its end.
absl::Status TreeRemover::Leave() {
  absl::Status parent = ReopenParent();
  if (!parent.ok()) return parent;
  Level level = std::move(levels_.back());
  levels_.pop_back();
  Close(level);
  const int above = levels_.empty() ? AT_FDCWD : levels_.back().fd;
  const int error = Unlink(above, level.name, AT_REMOVEDIR);
  if (error == 0) return absl::OkStatus();
  if (NotEmpty(error) && level.removed_any) return Enter(above, level.name, 0);
  return Error(error, "rmdir", level.name);
}

absl::Status TreeRemover::ReopenParent() {
  if (levels_.size() < 2) return absl::OkStatus();
  Level& parent = levels_[levels_.size() - 2];
  if (parent.directory != nullptr) return absl::OkStatus();
  Level again;
  absl::Status opened = OpenLevel(again, levels_.back().fd, "..");
  if (!opened.ok()) return opened;
  if (again.device != parent.device || again.inode != parent.inode) {
    Close(again);
    return absl::FailedPreconditionError(
        absl::StrCat("remove(\"", path_,
                     "\"): a directory in it was moved elsewhere meanwhile"));
  }
  again.name = std::move(parent.name);
  parent = std::move(again);
  return absl::OkStatus();
}

absl::Status TreeRemover::OpenLevel(Level& level, int from, const char* name) {
  const int number = RetryInterrupted([&] {
    return system_.openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
  });
  if (number == -1) return Error(errno, "open", name);
  Fd fd(number, system_);
  struct stat about{};
  if (RetryInterrupted([&] { return system_.fstat(fd.get(), &about); }) == -1) {
    return Error(errno, "fstat", name);
  }
  do {
    level.directory = system_.fdopendir(fd.get());
  } while (level.directory == nullptr && errno == EINTR);
  if (level.directory == nullptr) return Error(errno, "fdopendir", name);
  level.fd = fd.release();
  level.device = about.st_dev;
  level.inode = about.st_ino;
  return absl::OkStatus();
}

// An errno, or 0; also where somebody else was first.
int TreeRemover::Unlink(int parent, const std::string& name, int flags) {
  const int answer = RetryInterrupted(
      [&] { return system_.unlinkat(parent, name.c_str(), flags); });
  if (answer == -1) return errno == ENOENT ? 0 : errno;
  ++removed_;
  if (!levels_.empty()) levels_.back().removed_any = true;
  return 0;
}

void TreeRemover::Close(Level& level) noexcept {
  if (level.directory == nullptr) return;
  // Nothing was written, so nothing can have been lost.
  system_.closedir(level.directory);
  level.directory = nullptr;
  level.fd = -1;
}

absl::Status TreeRemover::Error(int error, std::string_view call,
                                std::string_view name) const {
  std::string path;
  for (const Level& level : levels_) absl::StrAppend(&path, level.name, "/");
  absl::StrAppend(&path, reactor::ToAbseil(name));
  return PathError(error, call, path);
}

}  // namespace weft::fs
