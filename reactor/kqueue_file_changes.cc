// FileChanges over EVFILT_VNODE: a kqueue of its own, and a descriptor for each
// watch. Compiled for macOS; nobody has run it there yet.
//
//     our kqueue --+-- (descriptor of a file, EVFILT_VNODE)  EV_CLEAR,
//                  +-- ...                                   udata = watch id
//
// Kernel lore
//   A kqueue is a descriptor that another kqueue can watch for reading: so the
//   poller wakes when one of our knotes has something.
//   EV_CLEAR makes fflags add up until they are read: several changes of a file
//   come as one event, and their order is lost.
//   NOTE_WRITE of a directory means that names in it changed.
//   O_EVTONLY opens without keeping a volume from being unmounted, and needs no
//   permission to read.
//   close() drops a descriptor's knotes at once, and what they had to tell.
//   struct kevent has other member types on every system: EV_SET fills it.
//
// SPDX-License-Identifier: MIT

#include <fcntl.h>
#include <sys/event.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <iterator>
#include <map>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "weft/reactor/file_changes.h"
#include "weft/reactor/os_error.h"

namespace weft::reactor {
namespace {

using KernelEvent = struct kevent;  // There is a function of that name, too.

std::uint32_t NotesOf(const FileInterest& interest,
                      bool is_directory) noexcept {
  std::uint32_t notes = NOTE_DELETE | NOTE_RENAME | NOTE_REVOKE;
  const bool writes = is_directory ? interest.names : interest.contents;
  if (writes) notes |= NOTE_WRITE | NOTE_EXTEND;
  if (interest.attributes) notes |= NOTE_ATTRIB | NOTE_LINK;
  return notes;
}

// O_SYMLINK opens the link itself.
int FlagsOf(const FileInterest& interest) noexcept {
  return interest.follow_link ? O_EVTONLY : O_EVTONLY | O_SYMLINK;
}

// What one event says, which may be several things; their order is lost.
void Append(const KernelEvent& event, int id, bool is_directory,
            std::deque<FileChange>& into) {
  const auto tell = [&](unsigned notes, FileChangeKind kind) {
    if ((event.fflags & notes) == 0) return;
    into.push_back({.watch = WatchId{id},
                    .kind = kind,
                    .name = {},
                    .is_directory = is_directory});
  };
  tell(NOTE_WRITE | NOTE_EXTEND,
       is_directory ? FileChangeKind::kEntries : FileChangeKind::kWritten);
  tell(NOTE_ATTRIB | NOTE_LINK, FileChangeKind::kAttributes);
  tell(NOTE_RENAME, FileChangeKind::kSelfMoved);
  tell(NOTE_DELETE, FileChangeKind::kSelfDeleted);
  tell(NOTE_DELETE | NOTE_REVOKE, FileChangeKind::kUnwatched);
}

absl::Status NoWatch(WatchId watch) {
  return absl::InvalidArgumentError(
      absl::StrCat("there is no watch ", static_cast<int>(watch)));
}

int Change(System& system, int queue, KernelEvent& change) {
  return RetryInterrupted([&] {
    return system.event_queue_control(
        [&] { return ::kevent(queue, &change, 1, nullptr, 0, nullptr); });
  });
}

}  // namespace

struct FileChanges::Watches {
  struct Watched {
    Fd file;
    dev_t device;
    ino_t inode;
    bool is_directory;
  };

  // Null where it is not watched. Requires: mutex held.
  std::pair<const int, Watched>* Find(const struct stat& about) {
    for (auto& watch : all) {
      if (watch.second.device == about.st_dev &&
          watch.second.inode == about.st_ino) {
        return &watch;
      }
    }
    return nullptr;
  }

  // Asks the kernel for all that it has to tell. Does not block. Under the
  // mutex, lest a watch end between its change and the look at its entry.
  // Requires: mutex held.
  absl::Status Collect(System& system, int queue);
  void Tell(const KernelEvent& event);

  std::mutex mutex;
  std::map<int, Watched> all;     // Guarded by mutex, as all below.
  std::deque<FileChange> told;    // By the kernel, and not read yet.
  std::vector<KernelEvent> room;  // For what the kernel tells.
  int last_id = 0;
};

absl::Status FileChanges::Watches::Collect(System& system, int queue) {
  room.resize(all.size() + 1);  // One event for each watch, and the bell.
  const timespec at_once{};
  const int count = RetryInterrupted([&] {
    return system.event_queue_wait([&] {
      return ::kevent(queue, nullptr, 0, room.data(),
                      static_cast<int>(room.size()), &at_once);
    });
  });
  if (count == -1) return ErrnoToStatus(errno, "kevent(EVFILT_VNODE)");
  for (const KernelEvent& event :
       std::span(room).first(static_cast<std::size_t>(count))) {
    if (event.filter == EVFILT_VNODE) Tell(event);  // Not the bell of Remove.
  }
  return absl::OkStatus();
}

void FileChanges::Watches::Tell(const KernelEvent& event) {
  const int id = static_cast<int>(reinterpret_cast<std::intptr_t>(event.udata));
  const auto watch = all.find(id);
  if (watch == all.end()) return;
  Append(event, id, watch->second.is_directory, told);
  if ((event.fflags & (NOTE_DELETE | NOTE_REVOKE)) != 0) all.erase(watch);
}

FileChanges::FileChanges(System& system)
    : system_(system), watches_(std::make_unique<Watches>()) {}
FileChanges::~FileChanges() = default;

absl::StatusOr<Fd> FileChanges::Open() {
  const int number = RetryInterrupted([this] {
    return system_.event_queue_control([] { return ::kqueue(); });
  });
  if (number == -1) return ErrnoToStatus(errno, "kqueue");
  Fd queue(number, system_);
  // A forked child has no kqueue; one that was only executed would.
  if (system_.fcntl(queue.get(), F_SETFD, FD_CLOEXEC) == -1) {
    return ErrnoToStatus(errno, "fcntl(kqueue, FD_CLOEXEC)");
  }
  // Rings when a watch has been removed: nothing happens to a file then.
  KernelEvent change;
  EV_SET(&change, 0, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, nullptr);
  if (Change(system_, queue.get(), change) == -1) {
    return ErrnoToStatus(errno, "kevent(ADD, EVFILT_USER)");
  }
  return queue;
}

absl::StatusOr<WatchId> FileChanges::Add(int queue, const std::string& path,
                                         const FileInterest& interest) {
  const auto error_of = [&path](int error, const char* call) {
    return ErrnoToStatus(error, absl::StrCat(call, "(\"", path, "\")"));
  };
  Fd file(RetryInterrupted(
              [&] { return system_.open(path.c_str(), FlagsOf(interest), 0); }),
          system_);
  if (!file) return error_of(errno, "open");
  struct stat about{};
  if (system_.fstat(file.get(), &about) == -1) return error_of(errno, "fstat");
  const bool is_directory = S_ISDIR(about.st_mode);

  const std::lock_guard<std::mutex> lock(watches_->mutex);
  auto* const known = watches_->Find(about);
  const int id = known != nullptr ? known->first : ++watches_->last_id;
  const int ident = known != nullptr ? known->second.file.get() : file.get();
  KernelEvent change;
  EV_SET(&change, static_cast<std::uintptr_t>(ident), EVFILT_VNODE,
         EV_ADD | EV_CLEAR, NotesOf(interest, is_directory), 0,
         reinterpret_cast<void*>(static_cast<std::intptr_t>(id)));
  if (Change(system_, queue, change) == -1) {
    return error_of(errno, "kevent(ADD, EVFILT_VNODE)");
  }
  if (known == nullptr) {
    watches_->all.emplace(id, Watches::Watched{std::move(file), about.st_dev,
                                               about.st_ino, is_directory});
  }
  return WatchId{id};
}

absl::Status FileChanges::Remove(int queue, WatchId watch) {
  const std::lock_guard<std::mutex> lock(watches_->mutex);
  if (!watches_->all.contains(static_cast<int>(watch))) return NoWatch(watch);
  // Closing its descriptor ends the watch, and drops what it had to tell.
  absl::Status collected = watches_->Collect(system_, queue);
  if (!collected.ok()) return collected;
  if (watches_->all.erase(static_cast<int>(watch)) > 0) {
    watches_->told.push_back(
        {.watch = watch, .kind = FileChangeKind::kUnwatched});
  }
  KernelEvent change;
  EV_SET(&change, 0, EVFILT_USER, 0, NOTE_TRIGGER, 0, nullptr);
  if (Change(system_, queue, change) != -1) return absl::OkStatus();
  return ErrnoToStatus(errno, "kevent(TRIGGER, EVFILT_USER)");
}

absl::Status FileChanges::Read(int queue, std::deque<FileChange>& into) {
  const std::lock_guard<std::mutex> lock(watches_->mutex);
  absl::Status collected = watches_->Collect(system_, queue);
  if (!collected.ok()) return collected;
  std::move(watches_->told.begin(), watches_->told.end(),
            std::back_inserter(into));
  watches_->told.clear();
  return absl::OkStatus();
}

}  // namespace weft::reactor
