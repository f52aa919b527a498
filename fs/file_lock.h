// FileLock: keeps other programs, and other openings of the file, out.
//
//     File file = co_await OrReturn(File::Open("data", kAppend));
//     FileLock lock = co_await OrReturn(LockFile(file, LockKind::kExclusive));
//     ...
//     co_await OrReturn(lock.Release());
//
// The lock is flock(2)'s: it belongs to the opening of the file and not to the
// process, so two Files of one program exclude each other as those of two
// programs do. It is advisory: who does not ask for it is not kept out.
//
// There is no way to take back a flock that waits, and a thread that sits in
// one for ever would be lost to the pool. So a LockFile asks whether the lock
// is free, and again after a while: first after kFirstPause, then after twice
// as long, and so on up to kLongestPause. That is what a waiter may come too
// late by, and those who wait are not served in turn.
//
// Rejected: fcntl's F_SETLK (closing any other descriptor of the file gives the
// process's lock up); a thread for each waiter.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_FS_FILE_LOCK_H_
#define WEFT_FS_FILE_LOCK_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weft/fs/file.h"
#include "weft/runtime/task.h"

namespace weft::fs {

enum class LockKind {
  kShared,     // Any number of these at a time,
  kExclusive,  // or one of these.
};

// Holds the lock of a File, or nothing. Its destructor gives it up on the spot,
// which for a file on this machine is one short call.
//
// Borrows: the file, which must not be moved or closed before.
class [[nodiscard("dropping it unlocks at once")]] FileLock {
 public:
  FileLock() = default;
  // For LockFile: `file` is locked.
  explicit FileLock(const File& file) noexcept : file_(&file) {}
  FileLock(FileLock&& other) noexcept
      : file_(std::exchange(other.file_, nullptr)) {}
  FileLock& operator=(FileLock&&) = delete;  // Would have to unlock first.
  ~FileLock();

  // Whether it holds a lock.
  explicit operator bool() const noexcept { return file_ != nullptr; }

  // Gives the lock up. Idempotent.
  //
  // Suspends: until it is free.
  // Cancel:   CANCELLED; it is still held.
  // Borrows:  the lock.
  // Errors:   those of flock(2); it is gone all the same.
  Task<absl::Status> Release();

 private:
  const File* file_ = nullptr;
};

// Waits until the lock of `file` is free and takes it. One File has one lock:
// asking again while it is held changes its kind, and not in one step: the one
// that is held is given up first. Where the other is then refused or the wait
// for it cancelled, none is held (flock(2)), though the first FileLock says so;
// and where it is not, two FileLocks hold the same one. Give up the first
// before you ask for another.
//
// Suspends: until it is ours: by pauses, see above.
// Cancel:   CANCELLED; it is not held.
// Borrows:  the file, until the lock is gone.
// Errors:   FAILED_PRECONDITION where the file is closed; those of flock(2),
//           such as UNIMPLEMENTED where the file system has no locks.
Task<absl::StatusOr<FileLock>> LockFile(const File& file, LockKind kind);

// As LockFile, but an empty lock where it would have to wait for another
// holder.
//
// Suspends: until the file system has answered; on one in a network that is
//           another machine.
// Cancel:   CANCELLED; it is not held.
// Borrows:  the file, until the lock is gone.
Task<absl::StatusOr<FileLock>> TryLockFile(const File& file, LockKind kind);

}  // namespace weft::fs

#endif  // WEFT_FS_FILE_LOCK_H_
