// From stat(2) to words.
//
// SPDX-License-Identifier: MIT

#include "weft/fs/metadata.h"

#include <string>
#include <utility>

#include "absl/status/status.h"
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

// POSIX calls it st_mtim; macOS had its own name for it earlier.
template <typename Stat>
timespec ModifiedAt(const Stat& about) noexcept {
  if constexpr (requires { about.st_mtimespec; }) {
    return about.st_mtimespec;
  } else {
    return about.st_mtim;
  }
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
  return {.kind = KindOf(about.st_mode),
          .size = static_cast<std::uint64_t>(about.st_size),
          .modified = absl::TimeFromTimespec(ModifiedAt(about)),
          .permissions = static_cast<mode_t>(about.st_mode & 07777)};
}

// Not a coroutine itself: what it borrows need not outlive the call.
Task<absl::StatusOr<Metadata>> GetMetadata(std::string_view path, Links links) {
  return GetMetadataOf(std::string(path), links);
}

}  // namespace weft::fs
