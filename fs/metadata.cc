// From stat(2) to words.
//
// SPDX-License-Identifier: MIT

#include "weft/fs/metadata.h"

#include <fcntl.h>
#include <time.h>

#include <cerrno>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
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

struct Times {
  timespec accessed;
  timespec modified;
  timespec changed;
};

// POSIX calls them st_mtim and so on; macOS had its own names earlier.
template <typename Stat>
Times TimesOf(const Stat& about) noexcept {
  if constexpr (requires { about.st_mtimespec; }) {
    return {about.st_atimespec, about.st_mtimespec, about.st_ctimespec};
  } else {
    return {about.st_atim, about.st_mtim, about.st_ctim};
  }
}

// For the calls whose names end in "at".
int FlagsAt(Links links) noexcept {
  return links == Links::kFollow ? 0 : AT_SYMLINK_NOFOLLOW;
}

absl::StatusOr<Metadata> Ask(System& system, const std::string& path,
                             Links links) {
  struct stat about{};
  const bool follow = links == Links::kFollow;
  const int answer = RetryInterrupted([&] {
    return follow ? system.stat(path.c_str(), &about)
                  : system.lstat(path.c_str(), &about);
  });
  absl::Status status = CheckCall(answer, follow ? "stat" : "lstat", path);
  if (!status.ok()) return status;
  return MetadataOf(about);
}

Task<absl::StatusOr<Metadata>> GetMetadataOf(std::string path, Links links) {
  co_await OrReturn(CheckPath(path));
  System& system = CurrentReactor().system();
  auto ask = [&system, &path, links] { return Ask(system, path, links); };
  co_return co_await Blocking(ask);
}

Task<absl::StatusOr<bool>> AskWhether(std::string path, Links links) {
  absl::StatusOr<Metadata> about = co_await GetMetadataOf(path, links);
  if (about.ok()) co_return true;
  // A directory on the way that is none: ENOTDIR. There is nothing behind it.
  const std::optional<int> error = reactor::ErrnoOf(about.status());
  if (error == ENOENT || error == ENOTDIR) co_return false;
  co_return std::move(about).status();
}

}  // namespace

std::string_view ToString(FileKind kind) noexcept {
  switch (kind) {
    case FileKind::kFile:
      return "file";
    case FileKind::kDirectory:
      return "directory";
    case FileKind::kSymbolicLink:
      return "symbolic link";
    case FileKind::kFifo:
      return "fifo";
    case FileKind::kSocket:
      return "socket";
    case FileKind::kBlockDevice:
      return "block device";
    case FileKind::kCharacterDevice:
      return "character device";
    case FileKind::kUnknown:
      return "unknown";
  }
  return "unknown";
}

FileKind KindOf(mode_t mode) noexcept {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return FileKind::kFile;
    case S_IFDIR:
      return FileKind::kDirectory;
    case S_IFLNK:
      return FileKind::kSymbolicLink;
    case S_IFIFO:
      return FileKind::kFifo;
    case S_IFSOCK:
      return FileKind::kSocket;
    case S_IFBLK:
      return FileKind::kBlockDevice;
    case S_IFCHR:
      return FileKind::kCharacterDevice;
    default:
      return FileKind::kUnknown;
  }
}

Metadata MetadataOf(const struct stat& about) {
  const Times times = TimesOf(about);
  return {.kind = KindOf(about.st_mode),
          .size = static_cast<std::uint64_t>(about.st_size),
          // In units of 512 bytes, whatever st_blksize says: stat(2).
          .allocated = static_cast<std::uint64_t>(about.st_blocks) * 512,
          .accessed = absl::TimeFromTimespec(times.accessed),
          .modified = absl::TimeFromTimespec(times.modified),
          .changed = absl::TimeFromTimespec(times.changed),
          .permissions = static_cast<mode_t>(about.st_mode & 07777),
          .user = about.st_uid,
          .group = about.st_gid,
          .links = static_cast<std::uint64_t>(about.st_nlink),
          .device = static_cast<std::uint64_t>(about.st_dev),
          .inode = static_cast<std::uint64_t>(about.st_ino)};
}

// None of these is a coroutine itself: what they borrow need not outlive the
// call.
Task<absl::StatusOr<Metadata>> GetMetadata(std::string_view path, Links links) {
  return GetMetadataOf(std::string(path), links);
}

Task<absl::StatusOr<bool>> Exists(std::string_view path, Links links) {
  return AskWhether(std::string(path), links);
}

Task<absl::Status> SetPermissions(std::string_view path, mode_t permissions) {
  return CallWithPath("chmod", path,
                      [permissions](System& system, const char* name) {
                        return system.chmod(name, permissions);
                      });
}

Task<absl::Status> SetOwner(std::string_view path, FileOwner owner,
                            Links links) {
  const int flags = FlagsAt(links);
  return CallWithPath(
      "fchownat", path, [owner, flags](System& system, const char* name) {
        return system.fchownat(AT_FDCWD, name, owner.user_or_none(),
                               owner.group_or_none(), flags);
      });
}

Task<absl::Status> SetTimes(std::string_view path, FileTimes times,
                            Links links) {
  const int flags = FlagsAt(links);
  return CallWithPath(
      "utimensat", path,
      [pair = ToTimespecs(times), flags](System& system, const char* name) {
        return system.utimensat(AT_FDCWD, name, pair.data(), flags);
      });
}

}  // namespace weft::fs
