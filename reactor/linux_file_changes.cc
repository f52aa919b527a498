// FileChanges over inotify: the kernel has the watches and the queue.
//
// Kernel lore (inotify(7))
//   A change that equals the last one in the queue is dropped, name and all.
//   One read gives whole events, as many as fit; EINVAL where not one does.
//   IN_IGNORED is the last event of a watch. IN_UNMOUNT comes before it, and
//   says nothing more.
//   The name of an event is padded with zeros, `len` counts them.
//   A file that is removed while somebody has it open is IN_ATTRIB (one name
//   less), and IN_DELETE_SELF only when it is closed.
//
// SPDX-License-Identifier: MIT

#include <limits.h>
#include <sys/inotify.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "weft/reactor/file_changes.h"
#include "weft/reactor/os_error.h"

namespace weft::reactor {
namespace {

// Room for one event at least, whatever its name, and for some hundred short
// ones. On the stack of a worker.
constexpr std::size_t kBuffer = 8192;
static_assert(kBuffer >= sizeof(inotify_event) + NAME_MAX + 1);

struct Meaning {
  std::uint32_t bit;
  FileChangeKind kind;
};

// An event has one of these.
constexpr std::array<Meaning, 11> kMeanings = {{
    {IN_CREATE, FileChangeKind::kCreated},
    {IN_DELETE, FileChangeKind::kDeleted},
    {IN_MOVED_FROM, FileChangeKind::kMovedFrom},
    {IN_MOVED_TO, FileChangeKind::kMovedTo},
    {IN_MODIFY, FileChangeKind::kWritten},
    {IN_CLOSE_WRITE, FileChangeKind::kClosed},
    {IN_ATTRIB, FileChangeKind::kAttributes},
    {IN_MOVE_SELF, FileChangeKind::kSelfMoved},
    {IN_DELETE_SELF, FileChangeKind::kSelfDeleted},
    {IN_IGNORED, FileChangeKind::kUnwatched},
    {IN_Q_OVERFLOW, FileChangeKind::kOverflow},
}};

std::uint32_t MaskOf(const FileInterest& interest) noexcept {
  std::uint32_t mask = IN_MOVE_SELF | IN_DELETE_SELF;
  if (interest.contents) mask |= IN_MODIFY | IN_CLOSE_WRITE;
  if (interest.names) {
    mask |= IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;
  }
  if (interest.attributes) mask |= IN_ATTRIB;
  if (!interest.follow_link) mask |= IN_DONT_FOLLOW;
  return mask;
}

void Append(const inotify_event& event, const char* name,
            std::deque<FileChange>& into) {
  for (const Meaning& meaning : kMeanings) {
    if ((event.mask & meaning.bit) == 0) continue;
    into.push_back(
        {.watch = WatchId{event.wd},
         .kind = meaning.kind,
         .name = std::string(name, std::find(name, name + event.len, 0)),
         .is_directory = (event.mask & IN_ISDIR) != 0,
         .cookie = event.cookie});
    return;
  }
}

}  // namespace

struct FileChanges::Watches {};

FileChanges::FileChanges(System& system) : system_(system) {}
FileChanges::~FileChanges() = default;

absl::StatusOr<Fd> FileChanges::Open() {
  const int queue = RetryInterrupted([this] { return system_.inotify_init(); });
  if (queue == -1) return ErrnoToStatus(errno, "inotify_init");
  return Fd(queue, system_);
}

absl::StatusOr<WatchId> FileChanges::Add(int queue, const std::string& path,
                                         const FileInterest& interest) {
  const int watch = RetryInterrupted([&] {
    return system_.inotify_add_watch(queue, path.c_str(), MaskOf(interest));
  });
  const int error = errno;
  if (watch != -1) return WatchId{watch};
  return ErrnoToStatus(error,
                       absl::StrCat("inotify_add_watch(\"", path, "\")"));
}

absl::Status FileChanges::Remove(int queue, WatchId watch) {
  const int number = static_cast<int>(watch);
  const int answer =
      RetryInterrupted([&] { return system_.inotify_rm_watch(queue, number); });
  const int error = errno;
  if (answer != -1) return absl::OkStatus();
  return ErrnoToStatus(error, absl::StrCat("inotify_rm_watch(", number, ")"));
}

absl::Status FileChanges::Read(int queue, std::deque<FileChange>& into) {
  alignas(inotify_event) std::array<char, kBuffer> buffer;
  const ssize_t size = RetryInterrupted(
      [&] { return system_.read(queue, buffer.data(), buffer.size()); });
  if (size == -1) {
    const int error = errno;
    if (error == EAGAIN || error == EWOULDBLOCK) return absl::OkStatus();
    return ErrnoToStatus(error, "read(inotify)");
  }
  const char* next = buffer.data();
  const char* const end = next + size;
  while (next < end) {
    inotify_event event;  // Copied: what is in the buffer has no type yet.
    std::memcpy(&event, next, sizeof(event));
    next += sizeof(event);
    Append(event, next, into);
    next += event.len;
  }
  return absl::OkStatus();
}

}  // namespace weft::reactor
