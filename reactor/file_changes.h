// FileChanges: what the system tells of changes to files and directories.
//
//     Add(path) --> the kernel --> a queue of changes --> Read
//                                        |
//                        its descriptor is readable meanwhile: a Source
//
// linux_file_changes.cc keeps the contract with inotify(7), and
// kqueue_file_changes.cc with EVFILT_VNODE, on a kqueue of its own, which is
// itself a descriptor that can be polled. meson.build compiles one of them.
//
// Invariants
//   1. A watch is of what has the name when Add looks, not of the name: after a
//      rename it goes on under the new name, and what gets the old name is not
//      watched.
//   2. Changes of one watch come in their order, as far as the system knows it.
//      Equal ones in a row may come as one.
//   3. Nothing is lost in silence: where the queue was full, kOverflow says so.
//   4. The last change of a watch is kUnwatched.
//
// What the systems tell differently
//                              inotify             EVFILT_VNODE
//   names in a directory       which, and how      kEntries: that some did
//   what happens to a file     with its name       not at all: watch the file
//     in a watched directory
//   kClosed                    yes                 no
//   kOverflow                  yes                 no: changes add up
//   the last name goes         kSelfDeleted when   kSelfDeleted at once
//                              nobody has it open
//   what has happened since    each, in order      each kind once, in the order
//     the last Read                                below; watches in any order
//   a file is truncated        kWritten            kAttributes as well
//   a watch takes              a little memory     a descriptor
//
// Rejected: what fanotify and FSEvents can do beyond that. The one wants
// privileges, the other a run loop and a thread.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_REACTOR_FILE_CHANGES_H_
#define WEFT_REACTOR_FILE_CHANGES_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/system.h"

namespace weft::reactor {

// Names a watch. Not used again while the queue lives, but after 2^31 of them.
enum class WatchId : int { kNone = -1 };

enum class FileChangeKind {
  // In a watched directory, of what `name` says:
  kCreated,
  kDeleted,
  kMovedFrom,  // It has another name now, here or elsewhere.
  kMovedTo,    // It had another name before, here or elsewhere.
  kEntries,    // Some names changed; the system does not say which.
  // Of what is watched, or, with a name, of what is in it:
  kWritten,     // Its bytes, or how many they are.
  kClosed,      // Whoever had it open to be written has closed it.
  kAttributes,  // Permissions, times, owners, or how many names it has.
  // Of what is watched:
  kSelfMoved,
  kSelfDeleted,
  kUnwatched,  // The watch has ended: removed, or the file is gone.
  // Of all watches: some changes were lost. Look at everything again.
  kOverflow,
};

struct FileChange {
  WatchId watch = WatchId::kNone;
  FileChangeKind kind = FileChangeKind::kOverflow;
  std::string name;  // In the watched directory; empty for what is watched.
  bool is_directory = false;  // What the change is of, where that is known.
  // The same in a kMovedFrom and a kMovedTo that are one rename; else 0. One of
  // the two is missing where the other directory is not watched.
  std::uint32_t cookie = 0;
};

// What a watch is asked to tell. How it ends is told in any case.
struct FileInterest {
  bool contents = true;  // kWritten, kClosed.
  bool names = true;     // kCreated, kDeleted, kMovedFrom, kMovedTo, kEntries.
  bool attributes = false;  // kAttributes.
  bool follow_link = true;  // Whether a symbolic link is what it leads to.
};

// Threads: any, for every function; Read one at a time.
class FileChanges {
 public:
  explicit FileChanges(System& system);
  FileChanges(const FileChanges&) = delete;
  FileChanges& operator=(const FileChanges&) = delete;
  ~FileChanges();

  // The queue, for the caller to own: readable while there are changes. It is
  // handed to the functions below, as long as it is open.
  //
  // Errors: RESOURCE_EXHAUSTED where the user has too many, or no descriptor is
  //         left.
  absl::StatusOr<Fd> Open();

  // Watches what is called `path`. Blocks for the file system. What is watched
  // already, by whatever name, keeps its watch and is told of `interest` from
  // now on.
  //
  // Errors: NOT_FOUND, PERMISSION_DENIED; RESOURCE_EXHAUSTED where the user has
  //         too many watches, or no descriptor is left.
  absl::StatusOr<WatchId> Add(int queue, const std::string& path,
                              const FileInterest& interest);

  // Ends a watch. What is in the queue comes all the same, and kUnwatched.
  //
  // Errors: INVALID_ARGUMENT where there is no such watch any more.
  absl::Status Remove(int queue, WatchId watch);

  // Takes what is in the queue, or some of it; nothing where it is empty. Does
  // not block.
  absl::Status Read(int queue, std::deque<FileChange>& into);

 private:
  struct Watches;

  System& system_;
  // What the kernel does not remember for us; empty on Linux.
  std::unique_ptr<Watches> watches_;
};

}  // namespace weft::reactor

#endif  // WEFT_REACTOR_FILE_CHANGES_H_
