// FileChanges over EVFILT_VNODE: a kqueue of its own, and a descriptor for each
// watch.
//
//     our kqueue --+-- (descriptor of a file, EVFILT_VNODE)  EV_CLEAR,
//                  +-- ...                                   udata = watch id
//                  +-- EVFILT_USER: rings for what is told and not in the queue
//
// Kernel lore
//   A kqueue is a descriptor that another kqueue can watch for reading: so the
//   poller wakes when one of our knotes has something.
//   EV_CLEAR makes fflags add up until they are read: several changes of a file
//   come as one event, and their order is lost.
//   An event has all notes of a call of which one was asked for, so mkdir is
//   NOTE_LINK of its directory, too.
//   NOTE_WRITE of a directory means that names in it changed.
//   NOTE_DELETE means that unlink was called: the file may have other names.
//   ftruncate is no NOTE_WRITE on macOS, but NOTE_ATTRIB.
//   O_EVTONLY opens without keeping a volume from being unmounted, and needs no
//   permission to read.
//   close() drops a descriptor's knotes at once, and what they had to tell.
//   struct kevent has other member types on every system: EV_SET fills it.
//
// On Linux the tests compile this very file against a <sys/event.h> of their
// own.
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

// What is told. The links of a directory are no names of its own.
std::uint32_t NotesOf(const FileInterest& interest,
                      bool is_directory) noexcept {
  std::uint32_t notes = NOTE_DELETE | NOTE_RENAME | NOTE_REVOKE;
  const bool writes = is_directory ? interest.names : interest.contents;
  if (writes) notes |= NOTE_WRITE | NOTE_EXTEND;
  if (interest.attributes) notes |= NOTE_ATTRIB;
  if (interest.attributes && !is_directory) notes |= NOTE_LINK;
  return notes;
}

// What the kernel is asked for: where writes are told, truncation is, too.
std::uint32_t NotesToSee(std::uint32_t notes) noexcept {
  return (notes & NOTE_WRITE) != 0 ? notes | NOTE_ATTRIB : notes;
}

// O_SYMLINK opens the link itself.
int FlagsOf(const FileInterest& interest) noexcept {
  return interest.follow_link ? O_EVTONLY : O_EVTONLY | O_SYMLINK;
}

// What happened to a watch, which may be several things; their order is lost.
void Append(std::uint32_t happened, int id, bool is_directory,
            std::deque<FileChange>& into) {
  const auto tell = [&](unsigned notes, FileChangeKind kind) {
    if ((happened & notes) == 0) return;
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

int Watch(System& system, int queue, int file, std::uint32_t notes, int id) {
  KernelEvent change;
  EV_SET(&change, static_cast<std::uintptr_t>(file), EVFILT_VNODE,
         EV_ADD | EV_CLEAR, NotesToSee(notes), 0,
         reinterpret_cast<void*>(static_cast<std::intptr_t>(id)));
  return Change(system, queue, change);
}

}  // namespace

struct FileChanges::Watches {
  struct Watched {
    Fd file;
    dev_t device;
    ino_t inode;
    bool is_directory;
    off_t size;          // When it was last looked at.
    std::uint32_t told;  // Of the notes those that are.
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

  // The id of the watch of `file`, which is taken, or of what is watched
  // already; -1 and errno where neither can be. Requires: mutex held.
  int Start(System& system, int queue, Fd& file, const FileInterest& interest);

  // Asks the kernel for all that it has to tell. Does not block. Under the
  // mutex, lest a watch end between its change and the look at its entry.
  // Requires: mutex held.
  absl::Status Collect(System& system, int queue);
  void Tell(System& system, const KernelEvent& event);
  static std::uint32_t LookAt(System& system, Watched& watch,
                              std::uint32_t notes);
  // Makes the queue readable: Collect has taken out of it what is in `told`.
  static absl::Status Ring(System& system, int queue);

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
    if (event.filter == EVFILT_VNODE) Tell(system, event);  // Not the bell.
  }
  return absl::OkStatus();
}

int FileChanges::Watches::Start(System& system, int queue, Fd& file,
                                const FileInterest& interest) {
  struct stat about{};
  if (system.fstat(file.get(), &about) == -1) return -1;
  const bool is_directory = S_ISDIR(about.st_mode);
  const std::uint32_t notes = NotesOf(interest, is_directory);
  auto* const known = Find(about);
  const int id = known != nullptr ? known->first : ++last_id;
  const int ident = known != nullptr ? known->second.file.get() : file.get();
  if (Watch(system, queue, ident, notes, id) == -1) return -1;
  if (known != nullptr) {
    known->second.told = notes;
    return id;
  }
  // What was removed before it was watched would never be told of.
  if (system.fstat(file.get(), &about) == -1) return -1;
  if (about.st_nlink == 0) {
    errno = ENOENT;
    return -1;
  }
  all.emplace(id, Watched{std::move(file), about.st_dev, about.st_ino,
                          is_directory, about.st_size, notes});
  return id;
}

void FileChanges::Watches::Tell(System& system, const KernelEvent& event) {
  const int id = static_cast<int>(reinterpret_cast<std::intptr_t>(event.udata));
  const auto found = all.find(id);
  if (found == all.end()) return;
  Watched& watch = found->second;
  std::uint32_t notes = event.fflags;
  if (!watch.is_directory) notes = LookAt(system, watch, notes);
  Append(notes & watch.told, id, watch.is_directory, told);
  if ((notes & (NOTE_DELETE | NOTE_REVOKE)) != 0) all.erase(found);
}

// What the notes of a file are to mean: whether it has a name left, and is of
// another size. Where that cannot be seen, they are as they are. The file is
// open, so no disk is asked.
std::uint32_t FileChanges::Watches::LookAt(System& system, Watched& watch,
                                           std::uint32_t notes) {
  struct stat about{};
  if (system.fstat(watch.file.get(), &about) == -1) return notes;
  if (std::exchange(watch.size, about.st_size) != about.st_size) {
    notes |= NOTE_WRITE;
  }
  if ((notes & NOTE_DELETE) == 0 || about.st_nlink == 0) return notes;
  return (notes & ~std::uint32_t{NOTE_DELETE}) | NOTE_LINK;
}

absl::Status FileChanges::Watches::Ring(System& system, int queue) {
  KernelEvent change;
  EV_SET(&change, 0, EVFILT_USER, 0, NOTE_TRIGGER, 0, nullptr);
  if (Change(system, queue, change) != -1) return absl::OkStatus();
  return ErrnoToStatus(errno, "kevent(TRIGGER, EVFILT_USER)");
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
  // The bell.
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

  const std::lock_guard<std::mutex> lock(watches_->mutex);
  // What has happened so far is told by the interest until now.
  absl::Status collected = watches_->Collect(system_, queue);
  if (collected.ok() && !watches_->told.empty()) {
    collected = Watches::Ring(system_, queue);
  }
  if (!collected.ok()) return collected;
  const int id = watches_->Start(system_, queue, file, interest);
  if (id == -1) return error_of(errno, "kevent");
  return WatchId{id};
}

absl::Status FileChanges::Remove(int queue, WatchId watch) {
  const int id = static_cast<int>(watch);
  const std::lock_guard<std::mutex> lock(watches_->mutex);
  if (!watches_->all.contains(id)) return NoWatch(watch);
  // Closing its descriptor ends the watch, and drops what it had to tell.
  absl::Status collected = watches_->Collect(system_, queue);
  if (collected.ok()) collected = Watches::Ring(system_, queue);
  if (!collected.ok()) return collected;
  // Unless it has just ended by itself.
  if (watches_->all.erase(id) > 0) {
    Append(NOTE_REVOKE, id, /*is_directory=*/false, watches_->told);
  }
  return absl::OkStatus();
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
