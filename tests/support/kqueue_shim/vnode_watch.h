// What inotify tells of an open file or directory, in EVFILT_VNODE's words.
//
//     inotify --+-- /proc/self/fd/N      what happens to it, or in it
//               +-- /proc/self/fd/N/..   of a directory: that it is removed
//
// The notes are those that macOS's kernel posts, one set for each call that
// changed something (bsd/vfs/kpi_vfs.c there). What inotify does not say shows
// in what fstat says since the last time.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_SUPPORT_KQUEUE_SHIM_VNODE_WATCH_H_
#define WEFT_TESTS_SUPPORT_KQUEUE_SHIM_VNODE_WATCH_H_

#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <cstdint>
#include <vector>

namespace weft::kqueue_shim {

// Threads: none of its own; the queue's lock guards it.
class VnodeWatch {
 public:
  // An inotify descriptor, for the caller to own, that is readable when
  // something may have happened to `fd`. -1 and errno where it cannot be.
  int Start(int fd);

  // The notes of each thing that has happened since the last call, in order;
  // none where it was not started.
  std::vector<std::uint32_t> Take();

 private:
  std::uint32_t NotesOf(const inotify_event& event);
  std::uint32_t NotesOfFile(const inotify_event& event,
                            const struct stat& about);
  std::uint32_t NotesOfDirectory(const inotify_event& event,
                                 const struct stat& about);
  void WatchParent();

  int fd_ = -1;
  int inotify_ = -1;  // The caller's.
  int self_ = -1;     // Watches of inotify's.
  int parent_ = -1;
  off_t size_ = 0;     // When it was last looked at.
  nlink_t links_ = 0;  // Likewise.
};

}  // namespace weft::kqueue_shim

#endif  // WEFT_TESTS_SUPPORT_KQUEUE_SHIM_VNODE_WATCH_H_
