// A file's descriptor: taken over, duplicated, or of a file without a name.
//
// SPDX-License-Identifier: MIT

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "weft/fs/file.h"
#include "weft/fs/new_file.h"
#include "weft/fs/opened_file.h"
#include "weft/fs/path_error.h"
#include "weft/fs/temporary_directory.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/os_error.h"
#include "weft/reactor/reactor.h"
#include "weft/reactor/system.h"
#include "weft/runtime/blocking_pool.h"
#include "weft/runtime/current.h"
#include "weft/runtime/or_return.h"

namespace weft::fs {
namespace {

using ::weft::reactor::Fd;
using ::weft::reactor::RetryInterrupted;
using ::weft::reactor::System;

// For open(2): a file without a name, which cannot get one either. Linux alone
// has it; the feature test goes when macOS has, too.
#ifdef O_TMPFILE
constexpr int kWithoutName = O_TMPFILE | O_EXCL;
#else
constexpr int kWithoutName = 0;
#endif

constexpr mode_t kOnlyForUs = 0600;

// A descriptor that came from elsewhere, and what was learned of it.
struct ForeignFile {
  Fd fd;
  bool append = false;
  off_t position = 0;
};

// Closes `fd` where it is refused. Blocks.
absl::StatusOr<ForeignFile> LookAt(System& system, Fd fd,
                                   const std::string& name) {
  struct stat about{};
  const int answer =
      RetryInterrupted([&] { return system.fstat(fd.get(), &about); });
  absl::Status usable = CheckCall(answer, "fstat", name);
  if (usable.ok()) usable = CheckIsFile(about.st_mode, "adopt", name);
  if (!usable.ok()) return usable;
  const int flags = system.fcntl(fd.get(), F_GETFL, 0);
  if (flags == -1 || system.fcntl(fd.get(), F_SETFD, FD_CLOEXEC) == -1) {
    return PathError(errno, "fcntl", name);
  }
  const off_t position = system.lseek(fd.get(), 0, SEEK_CUR);
  // A terminal has none, as its first read will say.
  if (position == -1 && errno != ESPIPE) {
    return PathError(errno, "lseek", name);
  }
  return ForeignFile{.fd = std::move(fd),
                     .append = (flags & O_APPEND) != 0,
                     .position = std::max<off_t>(position, 0)};
}

// Blocks.
absl::StatusOr<Fd> MakeAndRemoveName(System& system,
                                     const std::string& directory) {
  absl::StatusOr<NewFile> made =
      MakeNewFile(system, absl::StrCat(directory, "/"), kOnlyForUs, directory);
  if (!made.ok()) return made.status();
  const int answer =
      RetryInterrupted([&] { return system.unlink(made->path.c_str()); });
  // Gone is what it should be, whoever has removed it.
  if (answer == 0 || errno == ENOENT) return std::move(made->fd);
  return PathError(errno, "unlink", made->path);
}

// Blocks.
absl::StatusOr<Fd> MakeWithoutName(System& system,
                                   const std::string& directory) {
  if (kWithoutName == 0) return MakeAndRemoveName(system, directory);
  const int number = RetryInterrupted([&] {
    return system.open(directory.c_str(), O_RDWR | kWithoutName, kOnlyForUs);
  });
  if (number != -1) return Fd(number, system);
  // What a file system says that cannot: open(2).
  if (errno == EOPNOTSUPP) return MakeAndRemoveName(system, directory);
  return PathError(errno, "open", directory);
}

}  // namespace

// Not coroutines themselves: a name need not outlive the call.
Task<absl::StatusOr<File>> File::FromFd(Fd fd, std::string_view name) {
  return Adopt(std::move(fd), std::string(name));
}

Task<absl::StatusOr<File>> File::OpenUnnamed(std::string_view directory) {
  return OpenUnnamedIn(std::string(directory));
}

Task<absl::StatusOr<File>> File::Adopt(Fd fd, std::string name) {
  System& system = CurrentReactor().system();
  auto look = [&] { return LookAt(system, std::move(fd), name); };
  ForeignFile found = co_await OrReturn(Blocking(look));
  File file(std::move(found.fd), system, std::move(name), found.append);
  file.set_cursor(static_cast<std::uint64_t>(found.position));
  co_return file;
}

Task<absl::StatusOr<File>> File::OpenUnnamedIn(std::string directory) {
  if (directory.empty()) directory = TemporaryRoot();
  co_await OrReturn(CheckPath(directory));
  System& system = CurrentReactor().system();
  auto make = [&] { return MakeWithoutName(system, directory); };
  Fd fd = co_await OrReturn(Blocking(make));
  co_return File(std::move(fd), system, absl::StrCat(directory, "/(unnamed)"),
                 /*append=*/false);
}

absl::StatusOr<File> File::Duplicate() const {
  Fd copy(system_->fcntl(fd_.get(), F_DUPFD_CLOEXEC, 0), *system_);
  const int error = errno;
  if (!copy) return PathError(error, "fcntl", path_);
  File file(std::move(copy), *system_, path_, append_);
  file.set_cursor(cursor_);
  file.asks_cache_.store(asks_cache_.load(std::memory_order_relaxed),
                         std::memory_order_relaxed);
  return file;
}

}  // namespace weft::fs
