// Watcher: waits for changes of files and directories.
//
//     Watcher watcher = co_await OrReturn(Watcher::Create());
//     WatchId config = co_await OrReturn(watcher.Add("/etc/app.conf"));
//     for (;;) {
//       FileChange change = co_await OrReturn(watcher.Next());
//       if (change.kind == FileChangeKind::kWritten) ...
//     }
//
// It is what has the name at the time that is watched, not the name. Programs
// that save by writing another file and renaming it put another one there:
// whoever cares for a name watches its directory, and looks again at kMovedTo
// and kCreated. The directory's watch tells of writes to what is in it, too,
// on Linux. On macOS it tells no names, only kEntries: look for yourself which
// there are; and to hear of writes, watch the file as well. What else differs
// is in reactor/file_changes.h.
//
// Changes say that something happened, not what the file holds by now, and
// equal ones in a row come as one. So: look at the file after Add, then each
// time a change has come.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_FS_WATCH_H_
#define WEFT_FS_WATCH_H_

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weft/fs/metadata.h"
#include "weft/reactor/file_changes.h"
#include "weft/reactor/source.h"
#include "weft/runtime/ready_awaiter.h"
#include "weft/runtime/task.h"

namespace weft::fs {

using ::weft::reactor::FileChange;
using ::weft::reactor::FileChangeKind;
using ::weft::reactor::WatchId;

// What a watch tells. How it ends is told in any case.
struct WatchOptions {
  bool contents = true;     // kWritten, kClosed.
  bool names = true;        // Of a directory, what comes and goes in it.
  bool attributes = false;  // kAttributes.
  Links links = Links::kFollow;
};

// Threads: one task waits for the next change at a time; Add, Remove and Close
//          from anywhere, also while it waits. Moving it is for when nobody
//          uses it.
// Owns:    the descriptor of the queue, and on macOS one for each watch, which
//          it keeps until it is destroyed, also when closed.
// Cost:    closing or destroying one that watches blocks the worker on Linux
//          for tens of milliseconds, in which the kernel frees the watches:
//          Release() first, where that matters.
class Watcher {
  struct Queue;

 public:
  // One try to take a change; for Next.
  class Attempt {
   public:
    Attempt(Queue& queue, reactor::Source& source) noexcept
        : queue_(queue), source_(source) {}
    std::optional<absl::StatusOr<FileChange>> operator()();

   private:
    Queue& queue_;
    reactor::Source& source_;
  };

  // Requires: InsideRuntime().
  // Errors:   RESOURCE_EXHAUSTED where this user has too many already.
  static absl::StatusOr<Watcher> Create();

  // A moved-from watcher can only be destroyed or assigned to.
  Watcher(Watcher&&) noexcept;
  Watcher& operator=(Watcher&&) noexcept;
  ~Watcher();

  // Watches what is called `path`: a directory for what is in it, but not for
  // what is in the directories in it. What is watched already, by whatever
  // name, keeps its id, and the options are the new ones.
  //
  // Suspends: until the file system has found it.
  // Cancel:   CANCELLED; nothing is watched that was not before.
  // Borrows:  the watcher.
  // Errors:   NOT_FOUND, PERMISSION_DENIED; RESOURCE_EXHAUSTED where this user
  //           has too many watches ("No space left on device", says Linux);
  //           FAILED_PRECONDITION when closed.
  Task<absl::StatusOr<WatchId>> Add(std::string_view path,
                                    WatchOptions options = {});

  // Ends a watch. What has happened before is still told, and then kUnwatched.
  //
  // Errors: INVALID_ARGUMENT where it has ended already; FAILED_PRECONDITION
  //         when closed.
  absl::Status Remove(WatchId watch);

  // The next change of any watch. kOverflow says that some were lost, because
  // nobody took them for long: look at everything again.
  //
  // Suspends: until there is one; for a turn when the task has completed many
  //           operations without waiting.
  // Cancel:   CANCELLED; the change is still there for the next Next().
  // Borrows:  the watcher.
  // Errors:   FAILED_PRECONDITION when closed.
  // Cost:     a system call for up to some hundred changes.
  IoAwaiter<Attempt> Next() noexcept {
    return WhenReady(*source_, reactor::Direction::kRead, FirstTry::kAtOnce,
                     Attempt(*queue_, *source_));
  }

  // Ends all watches, and wakes whoever waits: FAILED_PRECONDITION. Idempotent.
  //
  // Cost: that of closing, above.
  void Close() noexcept { source_->Close(); }

  // Close() on the pool, also for Using.
  //
  // Suspends: until it is closed.
  // Cancel:   CANCELLED; it is still open.
  // Borrows:  the watcher.
  Task<absl::Status> Release();

 private:
  Watcher(std::unique_ptr<Queue> queue, reactor::SourceHandle source) noexcept;

  Task<absl::StatusOr<WatchId>> AddPath(std::string path, WatchOptions options);

  std::unique_ptr<Queue> queue_;
  reactor::SourceHandle source_;  // Of the queue's descriptor.
};

}  // namespace weft::fs

#endif  // WEFT_FS_WATCH_H_
