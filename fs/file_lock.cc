// Asking for a lock until it is free.
//
// SPDX-License-Identifier: MIT

#include "weft/fs/file_lock.h"

#include <sys/file.h>

#include <algorithm>
#include <cerrno>

#include "absl/time/time.h"
#include "weft/fs/path_error.h"
#include "weft/reactor/os_error.h"
#include "weft/reactor/system.h"
#include "weft/runtime/blocking_pool.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/sleep.h"

namespace weft::fs {
namespace {

using ::weft::reactor::RetryInterrupted;

constexpr absl::Duration kFirstPause = absl::Milliseconds(1);
constexpr absl::Duration kLongestPause = absl::Milliseconds(100);

// Never waits for another holder. Blocks where the file system does.
int Flock(const File& file, int operation) noexcept {
  return RetryInterrupted([&] {
    return file.system().flock(file.fd().get(), operation | LOCK_NB);
  });
}

// Whether it is ours now.
absl::StatusOr<bool> Ask(const File& file, LockKind kind) {
  const int operation = kind == LockKind::kShared ? LOCK_SH : LOCK_EX;
  if (Flock(file, operation) == 0) return true;
  const int error = errno;
  if (error == EWOULDBLOCK) return false;
  return PathError(error, "flock", file.path());
}

}  // namespace

FileLock::~FileLock() {
  // There is nobody to tell; and closing the file, and every duplicate of it,
  // gives the lock up, too.
  if (file_ != nullptr) Flock(*file_, LOCK_UN);
}

Task<absl::Status> FileLock::Release() {
  auto release = [this] {
    const File* const file = std::exchange(file_, nullptr);
    if (file == nullptr) return absl::OkStatus();
    return CheckCall(Flock(*file, LOCK_UN), "flock", file->path());
  };
  absl::Status released = co_await Blocking(release);
  // The pool has no thread for it, which must not keep others waiting.
  if (file_ != nullptr && !absl::IsCancelled(released)) released = release();
  co_return released;
}

Task<absl::StatusOr<FileLock>> TryLockFile(const File& file, LockKind kind) {
  auto ask = [&file, kind] { return Ask(file, kind); };
  const bool ours = co_await OrReturn(Blocking(ask));
  if (!ours) co_return FileLock();
  co_return FileLock(file);
}

Task<absl::StatusOr<FileLock>> LockFile(const File& file, LockKind kind) {
  for (absl::Duration pause = kFirstPause;;
       pause = std::min(2 * pause, kLongestPause)) {
    FileLock lock = co_await OrReturn(TryLockFile(file, kind));
    if (lock) co_return lock;
    co_await OrReturn(SleepFor(pause));
  }
}

}  // namespace weft::fs
