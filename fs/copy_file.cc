// Copying beside what is to be replaced, step by step on the pool.
//
// SPDX-License-Identifier: MIT

#include "weft/fs/copy_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include <array>
#include <cerrno>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "weft/fs/copy_range.h"
#include "weft/fs/file_times.h"
#include "weft/fs/metadata.h"
#include "weft/fs/new_file.h"
#include "weft/fs/opened_file.h"
#include "weft/fs/path_error.h"
#include "weft/reactor/os_error.h"
#include "weft/reactor/reactor.h"
#include "weft/reactor/system.h"
#include "weft/runtime/blocking_pool.h"
#include "weft/runtime/current.h"
#include "weft/runtime/or_return.h"

namespace weft::fs {
namespace {

using ::weft::reactor::RetryInterrupted;
using ::weft::reactor::System;

// Only for us until it is complete.
constexpr mode_t kWhileCopying = 0600;

// A file on its way to be a copy. Its functions block. Until it is one, its
// destructor removes what was made: on the worker, but only where a task was
// cancelled, and then nobody is told of a name that stays.
class Copy {
 public:
  Copy(System& system, std::string from, std::string to, CopyOptions options)
      : system_(system),
        from_(std::move(from)),
        to_(std::move(to)),
        options_(options) {}
  Copy(const Copy&) = delete;
  Copy& operator=(const Copy&) = delete;
  ~Copy() { Discard(absl::OkStatus()).IgnoreError(); }

  // The next of: opening both and copying some; the rest. True at the end.
  absl::StatusOr<bool> Step() {
    absl::StatusOr<bool> ended = Next();
    if (!ended.ok()) return Discard(std::move(ended).status());
    return ended;
  }

  std::uint64_t copied() const noexcept { return range_->copied(); }

 private:
  absl::StatusOr<bool> Next() {
    if (!range_.has_value()) {
      absl::Status opened = Open();
      if (!opened.ok()) return opened;
    }
    absl::StatusOr<bool> copied = range_->Step();
    if (!copied.ok() || !*copied) return copied;
    absl::Status finished = Finish();
    if (!finished.ok()) return finished;
    return true;
  }

  absl::Status Open() {
    for (const std::string& path : {std::cref(from_), std::cref(to_)}) {
      absl::Status checked = CheckPath(path);
      if (!checked.ok()) return checked;
    }
    absl::StatusOr<OpenedFile> source =
        OpenAsFile(system_, from_, O_RDONLY, /*permissions=*/0);
    if (!source.ok()) return std::move(source).status();
    // Now, and not by a read of it once there is a temporary file.
    if (S_ISDIR(source->about.st_mode)) return PathError(EISDIR, "read", from_);
    source_ = *std::move(source);
    absl::StatusOr<NewFile> made =
        MakeNewFile(system_, DirectoryOf(to_), kWhileCopying, to_);
    if (!made.ok()) return std::move(made).status();
    copy_ = *std::move(made);
    range_.emplace(system_, RangeCopy::End{source_.fd.get(), 0, from_},
                   RangeCopy::End{copy_.fd.get(), 0, to_},
                   std::numeric_limits<off_t>::max());
    return absl::OkStatus();
  }

  // The close comes before the name: some file systems store only then.
  absl::Status Finish() {
    absl::Status status = TakeOverAttributes();
    if (!status.ok()) return status;
    status = copy_.fd.Close();
    if (!status.ok()) {
      return PathError(reactor::ErrnoOf(status).value_or(0), "close", to_);
    }
    return options_.overwrite == Overwrite::kYes ? Replace() : TakeFreeName();
  }

  absl::Status TakeOverAttributes() {
    const mode_t mode = source_.about.st_mode & 0777;
    int answer =
        RetryInterrupted([&] { return system_.fchmod(copy_.fd.get(), mode); });
    absl::Status set = CheckCall(answer, "fchmod", to_);
    if (!set.ok() || !options_.keep_times) return set;
    const Metadata about = MetadataOf(source_.about);
    const std::array<timespec, 2> times =
        ToTimespecs({.accessed = about.accessed, .modified = about.modified});
    answer = RetryInterrupted(
        [&] { return system_.futimens(copy_.fd.get(), times.data()); });
    return CheckCall(answer, "futimens", to_);
  }

  absl::Status Replace() {
    const int answer = RetryInterrupted(
        [this] { return system_.rename(copy_.path.c_str(), to_.c_str()); });
    absl::Status renamed = CheckCall(answer, "rename", to_);
    if (renamed.ok()) copy_.path.clear();
    return renamed;
  }

  // A second name, which unlike a rename fails where it is taken; the first one
  // goes then. One that stays is told of, although the copy is there: whoever
  // changes the copy in place would change what is behind the other name.
  absl::Status TakeFreeName() {
    const int answer = RetryInterrupted(
        [this] { return system_.link(copy_.path.c_str(), to_.c_str()); });
    return Discard(CheckCall(answer, "link", to_));
  }

  absl::Status Discard(absl::Status why) {
    if (copy_.path.empty()) return why;
    return RemoveNewFile(system_, copy_, std::move(why));
  }

  System& system_;
  const std::string from_;
  const std::string to_;
  const CopyOptions options_;
  OpenedFile source_;
  NewFile copy_;  // Its path is empty when there is nothing to be removed.
  std::optional<RangeCopy> range_;  // Of the two above, once they are open.
};

Task<absl::StatusOr<std::uint64_t>> Run(std::string from, std::string to,
                                        CopyOptions options) {
  Copy copy(CurrentReactor().system(), std::move(from), std::move(to), options);
  auto step = [&copy] { return copy.Step(); };
  bool done = false;
  while (!done) done = co_await OrReturn(Blocking(step));
  co_return copy.copied();
}

}  // namespace

// Not a coroutine itself: a path need not outlive the call.
Task<absl::StatusOr<std::uint64_t>> CopyFile(std::string_view from,
                                             std::string_view to,
                                             CopyOptions options) {
  return Run(std::string(from), std::string(to), options);
}

}  // namespace weft::fs
