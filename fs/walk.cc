// One directory after another.
//
// SPDX-License-Identifier: MIT

#include "weft/fs/walk.h"

#include <cerrno>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "weft/fs/directory.h"
#include "weft/fs/path_error.h"
#include "weft/runtime/elements_of.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/task.h"

namespace weft::fs {
namespace {

// The directories from the top of the walk down to one, so that a circle of
// links is noticed. Shared by all that is below it. Only where links are
// followed: without links a tree has no circles.
struct Way {
  std::uint64_t device;
  std::uint64_t inode;
  std::shared_ptr<const Way> above;
};

struct ToBeRead {
  std::string path;
  int depth = 0;
  std::shared_ptr<const Way> way;  // To the directory around it.
};

bool LeadsThrough(const Way* way, const Metadata& about) {
  for (; way != nullptr; way = way->above.get()) {
    if (way->device == about.device && way->inode == about.inode) return true;
  }
  return false;
}

// A walk that is under way.
struct Walking {
  WalkOptions options;
  std::vector<ToBeRead> waiting;  // The last one is read next.
  bool cancelled = false;

  bool follows() const noexcept { return options.links == Links::kFollow; }
  bool GoesInto(const WalkEntry& entry) const {
    return entry.kind == FileKind::kDirectory &&
           entry.depth < options.max_depth &&
           (options.enter == nullptr || options.enter(entry));
  }
  // As an item. After a cancellation there is no other.
  absl::Status Told(absl::Status error) {
    cancelled = absl::IsCancelled(error);
    return error;
  }
};

// Adds `directory` to its own way, or tells why it is not read.
Task<absl::Status> GoTo(ToBeRead& directory) {
  Metadata about = co_await OrReturn(GetMetadata(directory.path));
  if (LeadsThrough(directory.way.get(), about)) {
    co_return PathError(ELOOP, "walk", directory.path);
  }
  directory.way = std::make_shared<const Way>(
      Way{about.device, about.inode, std::move(directory.way)});
  co_return absl::OkStatus();
}

// What a symbolic link counts as.
Task<absl::StatusOr<FileKind>> KindBehind(const std::string& link) {
  absl::StatusOr<Metadata> about = co_await GetMetadata(link);
  if (about.ok()) co_return about->kind;
  if (absl::IsCancelled(about.status())) co_return about.status();
  co_return FileKind::kSymbolicLink;
}

Task<absl::StatusOr<WalkEntry>> EntryOf(const Walking& walk,
                                        const ToBeRead& directory,
                                        absl::StatusOr<DirectoryEntry> found) {
  if (!found.ok()) co_return std::move(found).status();
  const std::string& path = directory.path;
  WalkEntry entry{
      .path = absl::StrCat(path, path.ends_with('/') ? "" : "/", found->name),
      .kind = found->kind,
      .depth = directory.depth + 1};
  if (walk.follows() && entry.kind == FileKind::kSymbolicLink) {
    entry.kind = co_await OrReturn(KindBehind(entry.path));
  }
  co_return entry;
}

AsyncGenerator<absl::StatusOr<WalkEntry>> ReadOne(Walking& walk,
                                                  ToBeRead directory) {
  if (walk.follows()) {
    absl::Status gone_to = co_await GoTo(directory);
    if (!gone_to.ok()) {
      co_yield walk.Told(std::move(gone_to));
      co_return;
    }
  }
  AsyncGenerator<absl::StatusOr<DirectoryEntry>> names =
      ListDirectory(directory.path);
  while (std::optional<absl::StatusOr<DirectoryEntry>> name =
             co_await names.Next()) {
    absl::StatusOr<WalkEntry> entry =
        co_await EntryOf(walk, directory, *std::move(name));
    if (!entry.ok()) {
      co_yield walk.Told(std::move(entry).status());
      co_return;
    }
    if (walk.GoesInto(*entry)) {
      walk.waiting.push_back({entry->path, entry->depth, directory.way});
    }
    co_yield std::move(entry);
  }
}

AsyncGenerator<absl::StatusOr<WalkEntry>> Walk(std::string path,
                                               WalkOptions options) {
  Walking walk;
  walk.options = std::move(options);
  if (walk.options.max_depth > 0) {
    walk.waiting.push_back({std::move(path), 0, nullptr});
  }
  while (!walk.waiting.empty() && !walk.cancelled) {
    ToBeRead next = std::move(walk.waiting.back());
    walk.waiting.pop_back();
    co_yield ElementsOf(ReadOne(walk, std::move(next)));
  }
}

}  // namespace

// Not a coroutine itself: a path need not outlive the call.
AsyncGenerator<absl::StatusOr<WalkEntry>> WalkDirectory(std::string_view path,
                                                        WalkOptions options) {
  return Walk(std::string(path), std::move(options));
}

}  // namespace weft::fs
