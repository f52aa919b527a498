// File: an open file, read and written at positions or one piece after another.
//
//     File file = co_await OrReturn(File::Open("data.bin"));
//     size_t n = co_await OrReturn(file.ReadAt(buffer, offset));  // 0: the end
//
//     File log = co_await OrReturn(File::Open("log", fs::kAppend));
//     co_await OrReturn(log.WriteAll(line));
//     co_await OrReturn(log.Sync());
//     co_await OrReturn(log.Close());
//
// No kernel reports a file "not ready": a read that must ask the disk blocks
// its thread. So a read asks for what the page cache holds first, and for that
// does not leave the worker; only what would block goes to the blocking pool,
// as everything else does:
//
//     Read --> pread_nowait --> got some, or the end: on the spot
//                          `--> would block: pread, on the pool
//
// Where the system or the file system cannot tell (macOS, FUSE, /proc), that is
// remembered, and reads go to the pool at once.
//
// Rejected: io_uring, which gains nothing for what is cached, and which many
// sandboxes forbid (docs/decisions/0017).
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_FS_FILE_H_
#define WEFT_FS_FILE_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weft/fs/byte_parts.h"
#include "weft/fs/file_owner.h"
#include "weft/fs/file_times.h"
#include "weft/fs/metadata.h"
#include "weft/fs/open_options.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/system.h"
#include "weft/runtime/atomic.h"
#include "weft/runtime/blocking_pool.h"
#include "weft/runtime/task.h"

namespace weft::fs {

// The *cursor* is where Read and Write go on: at the beginning at first, and
// moved by what they read and wrote. It is this object's own; the descriptor's
// is not used, so ReadAt and WriteAt move neither. In a file opened to append,
// every write goes to the end and leaves the cursor to the reads.
//
// A File is for what has positions: files, block devices, /dev/null. A pipe or
// a socket is not opened at all; what else has none (a terminal) answers with
// the system's error for that.
//
// Threads: ReadAt, WriteAt and what is const from any tasks at a time; what
//          uses the cursor from one. Moving, closing and destroying it are for
//          when no operation is in progress.
// Owns:    the descriptor. Destroying closes it, and what that would have
//          reported is lost: a file that was written should be closed.
// Errors:  of every operation: FAILED_PRECONDITION where the file is closed,
//          or was opened for something else; DATA_LOSS where the device fails.
class File {
 public:
  class ReadAwaiter;

  // Opens `path`. A directory can be opened to be read, and then not be read.
  // No other process is waited for: not for the other end of a pipe, nor for
  // whoever holds a lease on the file.
  //
  // Suspends: until it is open.
  // Cancel:   CANCELLED; nothing was opened or made.
  // Errors:   NOT_FOUND, ALREADY_EXISTS, PERMISSION_DENIED; INVALID_ARGUMENT
  //           where the options contradict themselves; RESOURCE_EXHAUSTED where
  //           no descriptor is left; FAILED_PRECONDITION for a pipe or a
  //           socket; UNAVAILABLE while another program holds a lease.
  static Task<absl::StatusOr<File>> Open(std::string_view path,
                                         OpenOptions options = {});

  // Takes over a descriptor that came from elsewhere: from the process that
  // started this one, in a message, out of a library. It is looked at, and from
  // now on not inherited by a child process; all else is left as it is, for it
  // belongs to everybody who has the file open. What Open opens is accepted,
  // and a file without a name (memfd_create(2)), too. The cursor begins where
  // the descriptor stands. `name` is for path() and for messages: how the user
  // knows it.
  //
  // Suspends: until the file system has answered. (Of a device that waits, such
  //           as a terminal, and may do so, each read later holds a thread of
  //           the pool until there is something, cancelled or not. Open asks
  //           for one that does not wait.)
  // Cancel:   CANCELLED; the descriptor is closed, as it is by every error.
  // Owns:     `fd`, also when it fails.
  // Errors:   FAILED_PRECONDITION for no descriptor, and for one of a pipe, of
  //           a socket, or of what no file system knows (an event queue).
  static Task<absl::StatusOr<File>> FromFd(reactor::Fd fd,
                                           std::string_view name);

  // Opens a file without a name in `directory`, or in TemporaryRoot() where
  // that is empty, to be read and written. Nobody else finds it, and it is gone
  // when it is closed, however the program ends. Where the file system makes
  // none without a name (macOS, a network), it has one for a moment, which only
  // this user may open; a program that is killed then leaves it there.
  // TemporaryFile is for what may have to be kept.
  //
  // Suspends: until it is open.
  // Cancel:   CANCELLED; nothing was made.
  // Errors:   as Open. Where the name of that moment cannot be removed, the
  //           error tells it.
  static Task<absl::StatusOr<File>> OpenUnnamed(
      std::string_view directory = {});

  // A moved-from file is closed. What is assigned to is closed first, as by
  // its destructor.
  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;

  // Reads what is at `offset`: some bytes, not always as many as fit, and out
  // of the page cache a megabyte at most; 0 at the end of the file. (0 also for
  // an empty `into`.)
  //
  // Suspends: while the disk is asked; for a turn when the task has completed
  //           many operations without waiting.
  // Cancel:   CANCELLED; nothing was read.
  // Borrows:  the file and `into`.
  // Cost:     from the page cache one system call, and another at the end; no
  //           allocation.
  ReadAwaiter ReadAt(std::span<std::byte> into, std::uint64_t offset) const;

  // As ReadAt, at the cursor, which goes on by what was read.
  //
  // Suspends: as ReadAt.
  // Cancel:   CANCELLED; nothing was read, and the cursor has not moved.
  // Borrows:  the file and `into`.
  ReadAwaiter Read(std::span<std::byte> into);

  // As ReadAt, into the first of `into`, then the second, and so on; sixteen
  // of them at most.
  //
  // Suspends: as ReadAt.
  // Cancel:   CANCELLED; nothing was read.
  // Borrows:  the file, `into` and what it refers to.
  ReadAwaiter ReadVectoredAt(MutableByteParts into, std::uint64_t offset) const;

  // As ReadVectoredAt, at the cursor, which goes on by what was read.
  //
  // Suspends: as ReadAt.
  // Cancel:   CANCELLED; nothing was read, and the cursor has not moved.
  // Borrows:  the file, `into` and what it refers to.
  ReadAwaiter ReadVectored(MutableByteParts into);

  // Fills all of `into` with what is at `offset`.
  //
  // Suspends: as ReadAt, each time.
  // Cancel:   CANCELLED; an unknown part of `into` has been filled.
  // Borrows:  the file and `into`.
  // Errors:   OUT_OF_RANGE where the file has ended before the first byte,
  //           DATA_LOSS where it ends after some.
  Task<absl::Status> ReadExactlyAt(std::span<std::byte> into,
                                   std::uint64_t offset) const;

  // As ReadExactlyAt, at the cursor, which goes on by what was read.
  //
  // Suspends: as ReadAt, each time.
  // Cancel:   CANCELLED; an unknown part of `into` has been filled, and the
  //           cursor stands behind it.
  // Borrows:  the file and `into`.
  Task<absl::Status> ReadExactly(std::span<std::byte> into);

  // Writes some of `from` at `offset`, at least one byte of one that has any;
  // gives how many. A gap before `offset` is filled with zeros.
  //
  // Suspends: until the system has taken them.
  // Cancel:   CANCELLED; nothing was written.
  // Borrows:  the file and `from`.
  // Errors:   RESOURCE_EXHAUSTED where the disk is full.
  Task<absl::StatusOr<std::size_t>> WriteAt(std::span<const std::byte> from,
                                            std::uint64_t offset) const;

  // As WriteAt, at the cursor, which goes on by what was written.
  //
  // Suspends: until the system has taken them.
  // Cancel:   CANCELLED; nothing was written, and the cursor has not moved.
  // Borrows:  the file and `from`.
  Task<absl::StatusOr<std::size_t>> Write(std::span<const std::byte> from);

  // As WriteAt, of the first of `from`, then the second, and so on; of sixteen
  // of them at most.
  //
  // Suspends: until the system has taken them.
  // Cancel:   CANCELLED; nothing was written.
  // Borrows:  the file, `from` and what it refers to.
  Task<absl::StatusOr<std::size_t>> WriteVectoredAt(ByteParts from,
                                                    std::uint64_t offset) const;

  // As WriteVectoredAt, at the cursor, which goes on by what was written.
  //
  // Suspends: until the system has taken them.
  // Cancel:   CANCELLED; nothing was written, and the cursor has not moved.
  // Borrows:  the file, `from` and what it refers to.
  Task<absl::StatusOr<std::size_t>> WriteVectored(ByteParts from);

  // Writes all of `from` at `offset`, in one trip to the pool.
  //
  // Suspends: until the system has taken them.
  // Cancel:   CANCELLED; nothing was written.
  // Borrows:  the file and `from`.
  // Errors:   as WriteAt; an unknown part has been written then.
  Task<absl::Status> WriteAllAt(std::span<const std::byte> from,
                                std::uint64_t offset) const;

  // As WriteAllAt, at the cursor, which goes on by what was written, also where
  // that was not all.
  //
  // Suspends: until the system has taken them.
  // Cancel:   CANCELLED; nothing was written, and the cursor has not moved.
  // Borrows:  the file and `from`.
  Task<absl::Status> WriteAll(std::span<const std::byte> from);

  // Sees to it that what was written, and all that is known about the file,
  // survives a crash of the system. That the *name* of a new file survives,
  // too, is up to its directory: see WriteFileAtomically.
  //
  // Suspends: until the device says so.
  // Cancel:   CANCELLED; nothing was asked of the device.
  // Borrows:  the file.
  // Errors:   DATA_LOSS, RESOURCE_EXHAUSTED: some of what was written is lost.
  //           A second call may well say OK; it is lost all the same.
  Task<absl::Status> Sync() const;

  // As Sync, but for what is not needed to read the bytes again, such as the
  // time of the change.
  //
  // Suspends: until the device says so.
  // Cancel:   CANCELLED; nothing was asked of the device.
  // Borrows:  the file.
  Task<absl::Status> SyncData() const;

  // As WriteAllAt, and then SyncData, in one trip to the pool instead of two.
  // For many small records at a time (fs/write_sync_4k of the benchmarks).
  //
  // Suspends: until the device says that it has them.
  // Cancel:   CANCELLED; nothing was written.
  // Borrows:  the file and `from`.
  // Errors:   those of both; OK alone says that all of it is safe.
  Task<absl::Status> WriteAllDurablyAt(std::span<const std::byte> from,
                                       std::uint64_t offset) const;

  // Makes the file `size` bytes long: cuts it off, or adds zeros. Does not move
  // the cursor.
  //
  // Suspends: until it is done.
  // Cancel:   CANCELLED; the file is as it was.
  // Borrows:  the file.
  Task<absl::Status> Truncate(std::uint64_t size) const;

  // Reserves room on the disk for `size` bytes from `offset` on, so that no
  // write of them finds the disk full; the file becomes longer where that is
  // beyond its end, by zeros. Does not move the cursor.
  //
  // macOS reserves beyond the end only, so a hole inside the file stays one;
  // and what somebody else adds to the file in the same instant may be cut off.
  //
  // Suspends: until it is done.
  // Cancel:   CANCELLED; the file is as it was.
  // Borrows:  the file.
  // Errors:   RESOURCE_EXHAUSTED where there is no such room, UNIMPLEMENTED
  //           where the file system cannot reserve any: nothing is written in
  //           its place.
  Task<absl::Status> Allocate(std::uint64_t offset, std::uint64_t size) const;

  // Says what the program is going to do with `size` bytes from `offset` on; 0
  // is all of them up to the end. It changes how fast, never what.
  //
  // Suspends: until the system has taken the advice.
  // Cancel:   CANCELLED; nothing was said.
  // Borrows:  the file.
  Task<absl::Status> Advise(std::uint64_t offset, std::uint64_t size,
                            reactor::FileAdvice advice) const;

  // Gives the file exactly these permissions, 07777 at most: the process's
  // umask takes nothing away.
  //
  // Suspends: until it is done.
  // Cancel:   CANCELLED; they are as they were.
  // Borrows:  the file.
  // Errors:   PERMISSION_DENIED where the file is somebody else's.
  Task<absl::Status> SetPermissions(mode_t permissions) const;

  // Gives the file to this user and this group. The system takes those of its
  // permissions that lend the old owner's rights: chown(2).
  //
  // Suspends: until it is done.
  // Cancel:   CANCELLED; it is whose it was.
  // Borrows:  the file.
  // Errors:   PERMISSION_DENIED: only root gives files away, and others only to
  //           a group that they are in.
  Task<absl::Status> SetOwner(FileOwner owner) const;

  // Sets when the file was last read and changed.
  //
  // Suspends: until it is done.
  // Cancel:   CANCELLED; they are as they were.
  // Borrows:  the file.
  // Errors:   PERMISSION_DENIED where the file is somebody else's.
  Task<absl::Status> SetTimes(FileTimes times) const;

  // What is known about the file, by whatever name it goes now.
  //
  // Suspends: until the file system has answered.
  // Cancel:   CANCELLED; nothing was asked.
  // Borrows:  the file.
  Task<absl::StatusOr<Metadata>> GetMetadata() const;

  // Closes the file. Idempotent. It is closed, whatever the result is, unless
  // that is CANCELLED.
  //
  // Suspends: until it is closed; some file systems store only now.
  // Cancel:   CANCELLED; it is still open.
  // Borrows:  the file.
  // Errors:   DATA_LOSS, RESOURCE_EXHAUSTED: what was written before could not
  //           be stored.
  Task<absl::Status> Close();

  // Another File of what this one has open. Both see the same bytes and
  // the same size at all times, and share what belongs to the opening: how it
  // was opened, and a FileLock, which either of them gives up for both. Each
  // has a cursor of its own, and the new one begins where this one is. It stays
  // open until both are closed.
  //
  // Threads: as what uses the cursor.
  // Errors:  FAILED_PRECONDITION where this one is closed; RESOURCE_EXHAUSTED
  //          where no descriptor is left.
  absl::StatusOr<File> Duplicate() const;

  // Gives the descriptor away, open as it is; this File is closed by that. Its
  // own position says nothing of where this one was: cursor() still does, and
  // who goes on by the other sets it to that. A FileLock goes with the
  // descriptor, out of reach of its Release. Empty where the file was closed.
  //
  // Threads: as moving: when no operation is in progress.
  [[nodiscard]] reactor::Fd TakeFd() noexcept { return std::move(fd_); }

  std::uint64_t cursor() const noexcept { return cursor_; }
  // Where the next Read or Write is to go on; may be beyond the end.
  void set_cursor(std::uint64_t offset) noexcept { cursor_ = offset; }

  // As it was given to Open, or to FromFd as a name. OpenUnnamed makes one up,
  // for messages.
  const std::string& path() const noexcept { return path_; }

  // Lends the descriptor, to those that copy from file to socket, and tells
  // whose calls take it.
  const reactor::Fd& fd() const noexcept { return fd_; }
  reactor::System& system() const noexcept { return *system_; }

 private:
  struct Written;

  File(reactor::Fd fd, reactor::System& system, std::string path,
       bool append) noexcept;
  static Task<absl::StatusOr<File>> OpenFile(std::string path,
                                             OpenOptions options);
  static Task<absl::StatusOr<File>> Adopt(reactor::Fd fd, std::string name);
  static Task<absl::StatusOr<File>> OpenUnnamedIn(std::string directory);

  // These block.
  Written WriteOnce(std::span<const std::byte> from,
                    std::uint64_t offset) const;
  Written WriteToTheEnd(std::span<const std::byte> from,
                        std::uint64_t offset) const;
  Written WritePartsOnce(ByteParts from, std::uint64_t offset) const;
  absl::Status SyncDataNow() const;
  absl::Status Call(std::string_view name,
                    absl::FunctionRef<int(int)> call) const;
  // They have written so much at the cursor.
  void Advance(std::size_t written) noexcept;

  reactor::Fd fd_;
  reactor::System* system_;
  std::string path_;
  std::uint64_t cursor_ = 0;
  bool append_;
  // Cleared by the first read that learns that the file system cannot tell.
  // relaxed throughout: a hint, which carries no data.
  mutable Atomic<bool> asks_cache_{true};
};

class [[nodiscard("co_await it")]] File::ReadAwaiter final
    : public internal::BlockingLeaf {
 public:
  // With a cursor: moves it by what was read.
  ReadAwaiter(const File& file, std::span<std::byte> into, std::uint64_t offset,
              std::uint64_t* cursor) noexcept
      : file_(file), into_(into), offset_(offset), cursor_(cursor) {}
  ReadAwaiter(const File& file, MutableByteParts parts, std::uint64_t offset,
              std::uint64_t* cursor) noexcept
      : file_(file),
        parts_(parts),
        offset_(offset),
        cursor_(cursor),
        vectored_(true) {}

  bool await_ready();
  bool await_suspend(Continuation caller);
  absl::StatusOr<std::size_t> await_resume();

  // Runnable: read, or our turn again.
  Continuation Run(internal::ThisThread& here) noexcept override;

 private:
  // On the pool.
  void Call() noexcept override;

  // True when there is a result.
  bool Begin();
  bool TryCache() noexcept;
  ssize_t AskCache() noexcept;
  ssize_t AskDisk() noexcept;
  bool WantsNothing() const noexcept;
  bool IsTheEnd() noexcept;

  const File& file_;
  const std::span<std::byte> into_;  // Or else:
  const MutableByteParts parts_;
  const std::uint64_t offset_;
  std::uint64_t* const cursor_;
  const bool vectored_ = false;
  bool queue_first_ = false;
  ssize_t got_ = 0;
  int error_ = 0;
};

inline File::ReadAwaiter File::ReadAt(std::span<std::byte> into,
                                      std::uint64_t offset) const {
  return ReadAwaiter(*this, into, offset, nullptr);
}

inline File::ReadAwaiter File::Read(std::span<std::byte> into) {
  return ReadAwaiter(*this, into, cursor_, &cursor_);
}

inline File::ReadAwaiter File::ReadVectoredAt(MutableByteParts into,
                                              std::uint64_t offset) const {
  return ReadAwaiter(*this, into, offset, nullptr);
}

inline File::ReadAwaiter File::ReadVectored(MutableByteParts into) {
  return ReadAwaiter(*this, into, cursor_, &cursor_);
}

}  // namespace weft::fs

#endif  // WEFT_FS_FILE_H_
