// From inotify's events to the notes of EVFILT_VNODE.
//
// Kernel lore (inotify(7))
//   What somebody has open is not deleted: IN_DELETE_SELF comes when the last
//   descriptor is closed, which is never while ours is watched. unlink shows as
//   IN_ATTRIB and a link less.
//   rmdir tells a directory that is open nothing at all, only its parent.
//   A watched directory tells of writes to what is in it; kqueue does not.
//
// SPDX-License-Identifier: MIT

#include "weft/tests/support/kqueue_shim/vnode_watch.h"

#include <limits.h>
#include <sys/event.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "weft/tests/support/kqueue_shim/close_hook.h"

namespace weft::kqueue_shim {
namespace {

constexpr std::uint32_t kNames =
    IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;
constexpr std::uint32_t kSelf = IN_MODIFY | IN_ATTRIB | IN_MOVE_SELF;

std::string PathOf(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

// Sockets and pipes are not in a file system.
bool HasVnode(const struct stat& about) {
  return (about.st_mode & S_IFMT) != 0 && !S_ISSOCK(about.st_mode) &&
         !S_ISFIFO(about.st_mode);
}

}  // namespace

int VnodeWatch::Start(int fd) {
  struct stat about{};
  if (::fstat(fd, &about) == -1) return -1;
  if (!HasVnode(about)) {
    errno = EINVAL;
    return -1;
  }
  const int inotify = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (inotify == -1) return -1;
  const int self =
      ::inotify_add_watch(inotify, PathOf(fd).c_str(), kNames | kSelf);
  if (self == -1) {
    const int error = errno;
    __real_close(inotify);
    errno = error;
    return -1;
  }
  fd_ = fd;
  inotify_ = inotify;
  self_ = self;
  size_ = about.st_size;
  links_ = about.st_nlink;
  if (S_ISDIR(about.st_mode)) WatchParent();
  return inotify;
}

// The root is its own parent, and has one watch for both.
void VnodeWatch::WatchParent() {
  if (parent_ != -1 && parent_ != self_) {
    ::inotify_rm_watch(inotify_, parent_);
  }
  const std::string parent = PathOf(fd_) + "/..";
  parent_ =
      ::inotify_add_watch(inotify_, parent.c_str(), IN_DELETE | IN_MASK_ADD);
}

std::vector<std::uint32_t> VnodeWatch::Take() {
  std::vector<std::uint32_t> all;
  if (inotify_ == -1) return all;
  alignas(inotify_event)
      std::array<char, 16 * (sizeof(inotify_event) + NAME_MAX + 1)>
          buffer;
  for (;;) {
    const ssize_t size = ::read(inotify_, buffer.data(), buffer.size());
    if (size <= 0) return all;
    for (std::size_t at = 0; at < static_cast<std::size_t>(size);) {
      inotify_event event;
      std::memcpy(&event, buffer.data() + at, sizeof event);
      at += sizeof event + event.len;
      const std::uint32_t notes = NotesOf(event);
      if (notes != 0) all.push_back(notes);
    }
  }
}

std::uint32_t VnodeWatch::NotesOf(const inotify_event& event) {
  struct stat about{};
  if (::fstat(fd_, &about) == -1) return 0;
  return S_ISDIR(about.st_mode) ? NotesOfDirectory(event, about)
                                : NotesOfFile(event, about);
}

// unlink posts NOTE_DELETE whether there are other names or not, and what makes
// a file shorter is not a write but a new attribute.
std::uint32_t VnodeWatch::NotesOfFile(const inotify_event& event,
                                      const struct stat& about) {
  if ((event.mask & IN_MOVE_SELF) != 0) return NOTE_RENAME;
  if ((event.mask & IN_MODIFY) != 0) {
    const off_t before = std::exchange(size_, about.st_size);
    if (about.st_size < before) return NOTE_ATTRIB;
    return about.st_size > before ? NOTE_WRITE | NOTE_EXTEND : NOTE_WRITE;
  }
  if ((event.mask & IN_ATTRIB) == 0) return 0;
  const nlink_t before = std::exchange(links_, about.st_nlink);
  if (about.st_nlink < before) return NOTE_DELETE | NOTE_LINK;
  return about.st_nlink > before ? NOTE_LINK : NOTE_ATTRIB;
}

std::uint32_t VnodeWatch::NotesOfDirectory(const inotify_event& event,
                                           const struct stat& about) {
  const nlink_t before = std::exchange(links_, about.st_nlink);
  const bool removed = before != 0 && about.st_nlink == 0;
  const std::uint32_t notes = removed ? NOTE_DELETE | NOTE_LINK : 0U;
  // That the queue is full is no watch's.
  const bool overflow = (event.mask & IN_Q_OVERFLOW) != 0;
  if (event.wd != self_ && !overflow) return notes;
  if ((event.mask & kNames) != 0 || overflow) {
    return notes | NOTE_WRITE | (about.st_nlink != before ? NOTE_LINK : 0U);
  }
  if (event.len > 0) return notes;  // Of something in it.
  if ((event.mask & IN_MOVE_SELF) != 0) {
    WatchParent();
    return notes | NOTE_RENAME;
  }
  if ((event.mask & IN_ATTRIB) == 0 || removed) return notes;
  return notes | NOTE_ATTRIB;
}

}  // namespace weft::kqueue_shim
