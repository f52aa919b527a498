// Taking changes out of the system's queue, and giving them one at a time.
//
// SPDX-License-Identifier: MIT

#include "weft/fs/watch.h"

#include <utility>

#include "weft/fs/path_error.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/reactor.h"
#include "weft/reactor/source_pool.h"
#include "weft/runtime/blocking_pool.h"
#include "weft/runtime/current.h"
#include "weft/runtime/or_return.h"

namespace weft::fs {

using ::weft::reactor::Fd;
using ::weft::reactor::FileChanges;
using ::weft::reactor::FileInterest;
using ::weft::reactor::Source;
using ::weft::reactor::SourceHandle;
using ::weft::reactor::System;

struct Watcher::Queue {
  explicit Queue(System& system) : changes(system) {}

  FileChanges changes;
  // Taken out of the system's queue and not given yet; for Next alone. What a
  // cancelled Next does not give stays here, or there.
  std::deque<FileChange> taken;
};

Watcher::Watcher(std::unique_ptr<Queue> queue, SourceHandle source) noexcept
    : queue_(std::move(queue)), source_(std::move(source)) {}
Watcher::Watcher(Watcher&&) noexcept = default;
Watcher& Watcher::operator=(Watcher&&) noexcept = default;
Watcher::~Watcher() = default;

absl::StatusOr<Watcher> Watcher::Create() {
  reactor::Reactor& reactor = CurrentReactor();
  auto queue = std::make_unique<Queue>(reactor.system());
  absl::StatusOr<Fd> descriptor = queue->changes.Open();
  if (!descriptor.ok()) return std::move(descriptor).status();
  return Watcher(
      std::move(queue),
      reactor.sources().Adopt(*std::move(descriptor), reactor.system()));
}

// Not a coroutine itself: a path need not outlive the call.
Task<absl::StatusOr<WatchId>> Watcher::Add(std::string_view path,
                                           WatchOptions options) {
  return AddPath(std::string(path), options);
}

Task<absl::StatusOr<WatchId>> Watcher::AddPath(std::string path,
                                               WatchOptions options) {
  co_await OrReturn(CheckPath(path));
  const FileInterest interest = {
      .contents = options.contents,
      .names = options.names,
      .attributes = options.attributes,
      .follow_link = options.links == Links::kFollow};
  auto add = [&]() -> absl::StatusOr<WatchId> {
    const reactor::SourcePin pin(*source_);
    if (!pin) return reactor::ClosedByOwnerError();
    return queue_->changes.Add(source_->fd(), path, interest);
  };
  co_return co_await Blocking(add);
}

absl::Status Watcher::Remove(WatchId watch) {
  const reactor::SourcePin pin(*source_);
  if (!pin) return reactor::ClosedByOwnerError();
  return queue_->changes.Remove(source_->fd(), watch);
}

// Linux closes an inotify queue only when the thread that frees marks has freed
// its own, after a grace period of SRCU (fs/notify/mark.c).
Task<absl::Status> Watcher::Release() {
  auto close = [this] {
    Close();
    return absl::OkStatus();
  };
  co_return co_await Blocking(close);
}

std::optional<absl::StatusOr<FileChange>> Watcher::Attempt::operator()() {
  if (queue_.taken.empty()) {
    absl::Status read = queue_.changes.Read(source_.fd(), queue_.taken);
    if (!read.ok()) return read;
    if (queue_.taken.empty()) return std::nullopt;
  }
  FileChange next = std::move(queue_.taken.front());
  queue_.taken.pop_front();
  return next;
}

}  // namespace weft::fs
