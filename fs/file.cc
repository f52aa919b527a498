// Opening and closing a file, and what is done with it as a whole.
//
// SPDX-License-Identifier: MIT

#include "weft/fs/file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <utility>

#include "absl/functional/function_ref.h"
#include "weft/fs/opened_file.h"
#include "weft/fs/path_error.h"
#include "weft/reactor/os_error.h"
#include "weft/reactor/reactor.h"
#include "weft/runtime/current.h"
#include "weft/runtime/or_return.h"

namespace weft::fs {

using ::weft::reactor::Fd;
using ::weft::reactor::RetryInterrupted;
using ::weft::reactor::System;

// --- Opening and closing ----------------------------------------------------

File::File(Fd fd, System& system, std::string path, bool append) noexcept
    : fd_(std::move(fd)),
      system_(&system),
      path_(std::move(path)),
      append_(append) {}

File::File(File&& other) noexcept
    : fd_(std::move(other.fd_)),
      system_(other.system_),
      path_(std::move(other.path_)),
      cursor_(other.cursor_),
      append_(other.append_),
      asks_cache_(other.asks_cache_.load(std::memory_order_relaxed)) {}

File& File::operator=(File&& other) noexcept {
  if (this == &other) return *this;
  fd_ = std::move(other.fd_);
  system_ = other.system_;
  path_ = std::move(other.path_);
  cursor_ = other.cursor_;
  append_ = other.append_;
  asks_cache_.store(other.asks_cache_.load(std::memory_order_relaxed),
                    std::memory_order_relaxed);
  return *this;
}

// Not a coroutine itself: a path need not outlive the call.
Task<absl::StatusOr<File>> File::Open(std::string_view path,
                                      OpenOptions options) {
  return OpenFile(std::string(path), options);
}

Task<absl::StatusOr<File>> File::OpenFile(std::string path,
                                          OpenOptions options) {
  co_await OrReturn(CheckPath(path));
  const int flags = co_await OrReturn(OpenFlags(options));
  System& system = CurrentReactor().system();
  auto open = [&] {
    return OpenAsFile(system, path, flags, options.permissions);
  };
  OpenedFile file = co_await OrReturn(Blocking(open));
  co_return File(std::move(file.fd), system, std::move(path), options.append);
}

Task<absl::Status> File::Close() {
  auto close_it = [this] {
    const absl::Status closed = fd_.Close();
    if (closed.ok()) return closed;
    return PathError(reactor::ErrnoOf(closed).value_or(0), "close", path_);
  };
  absl::Status closed = co_await Blocking(close_it);
  // The pool has no thread for it, which must not keep it open.
  if (!fd_.empty() && !absl::IsCancelled(closed)) closed = close_it();
  co_return closed;
}

// --- The rest ---------------------------------------------------------------

absl::Status File::Call(std::string_view name,
                        absl::FunctionRef<int(int)> call) const {
  const int answer = RetryInterrupted([&] { return call(fd_.get()); });
  return CheckCall(answer, name, path_);
}

Task<absl::Status> File::Sync() const {
  auto sync = [this] {
    return Call("fsync", [this](int fd) { return system_->fsync(fd); });
  };
  co_return co_await Blocking(sync);
}

absl::Status File::SyncDataNow() const {
  return Call("fdatasync", [this](int fd) { return system_->fdatasync(fd); });
}

Task<absl::Status> File::SyncData() const {
  auto sync = [this] { return SyncDataNow(); };
  co_return co_await Blocking(sync);
}

Task<absl::Status> File::Truncate(std::uint64_t size) const {
  auto truncate = [this, size] {
    absl::Status done = Call("ftruncate", [&](int fd) {
      return system_->ftruncate(fd, static_cast<off_t>(size));
    });
    // Alone of all that change a file, it says so of one that is open to be
    // read.
    if (reactor::ErrnoOf(done) != EINVAL) return done;
    const int flags = system_->fcntl(fd_.get(), F_GETFL, 0);
    if (flags == -1 || (flags & O_ACCMODE) != O_RDONLY) return done;
    return PathError(EBADF, "ftruncate", path_);
  };
  co_return co_await Blocking(truncate);
}

Task<absl::Status> File::Allocate(std::uint64_t offset,
                                  std::uint64_t size) const {
  auto allocate = [this, offset, size] {
    // Some kernels take no room at all for a mistake, and some do not.
    if (size == 0) return absl::OkStatus();
    return Call("fallocate", [&](int fd) {
      return system_->fallocate(fd, static_cast<off_t>(offset),
                                static_cast<off_t>(size));
    });
  };
  co_return co_await Blocking(allocate);
}

Task<absl::Status> File::Advise(std::uint64_t offset, std::uint64_t size,
                                reactor::FileAdvice advice) const {
  auto advise = [this, offset, size, advice] {
    return Call("fadvise", [&](int fd) {
      return system_->fadvise(fd, static_cast<off_t>(offset),
                              static_cast<off_t>(size), advice);
    });
  };
  co_return co_await Blocking(advise);
}

Task<absl::Status> File::SetPermissions(mode_t permissions) const {
  auto set = [this, permissions] {
    return Call("fchmod",
                [&](int fd) { return system_->fchmod(fd, permissions); });
  };
  co_return co_await Blocking(set);
}

Task<absl::Status> File::SetOwner(FileOwner owner) const {
  auto set = [this, owner] {
    return Call("fchown", [&](int fd) {
      return system_->fchown(fd, owner.user_or_none(), owner.group_or_none());
    });
  };
  co_return co_await Blocking(set);
}

Task<absl::Status> File::SetTimes(FileTimes times) const {
  const std::array<timespec, 2> pair = ToTimespecs(times);
  auto set = [this, &pair] {
    return Call("futimens",
                [&](int fd) { return system_->futimens(fd, pair.data()); });
  };
  co_return co_await Blocking(set);
}

Task<absl::StatusOr<Metadata>> File::GetMetadata() const {
  auto ask = [this]() -> absl::StatusOr<Metadata> {
    struct stat about{};
    absl::Status asked =
        Call("fstat", [&](int fd) { return system_->fstat(fd, &about); });
    if (!asked.ok()) return asked;
    return MetadataOf(about);
  };
  co_return co_await Blocking(ask);
}

}  // namespace weft::fs
