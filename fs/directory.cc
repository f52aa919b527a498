// Reading directories in batches.
//
// SPDX-License-Identifier: MIT

#include "weft/fs/directory.h"

#include <dirent.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "weft/fs/path_error.h"
#include "weft/reactor/os_error.h"
#include "weft/reactor/reactor.h"
#include "weft/reactor/system.h"
#include "weft/runtime/blocking_pool.h"
#include "weft/runtime/current.h"
#include "weft/runtime/task.h"

namespace weft::fs {
namespace {

using ::weft::reactor::RetryInterrupted;
using ::weft::reactor::System;

// A directory that is being read. Its functions block, so they are called on
// the pool; only the destructor is not where a listing is given up early, and
// what it closes has nothing left to write.
class Listing {
 public:
  Listing(System& system, std::string path)
      : system_(system), path_(std::move(path)) {}
  Listing(const Listing&) = delete;
  Listing& operator=(const Listing&) = delete;
  ~Listing() { Close(); }

  // The next few entries, and with the last of them ended(). Opens the
  // directory first, and closes it at the end.
  std::vector<DirectoryEntry> NextBatch() {
    std::vector<DirectoryEntry> batch;
    absl::Status open = Open();
    if (!open.ok()) End(std::move(open));
    while (!ended_ && batch.size() < kBatch) {
      const dirent* const found = ReadOne();
      if (found == nullptr) {
        End(errno == 0 ? absl::OkStatus() : PathError(errno, "readdir", path_));
        break;
      }
      std::optional<DirectoryEntry> entry = Named(*found);
      if (entry.has_value()) batch.push_back(*std::move(entry));
    }
    return batch;
  }

  bool ended() const noexcept { return ended_; }
  // Why there are no more; OK when there were no more.
  const absl::Status& why() const noexcept { return why_; }

 private:
  // Enough for a trip to the pool to be a small part of the work, and few
  // enough for the first names not to wait for the last.
  static constexpr std::size_t kBatch = 256;

  absl::Status Open() {
    if (directory_ != nullptr) return absl::OkStatus();
    absl::Status path = CheckPath(path_);
    if (!path.ok()) return path;
    do {
      directory_ = system_.opendir(path_.c_str());
    } while (directory_ == nullptr && errno == EINTR);
    if (directory_ == nullptr) return PathError(errno, "opendir", path_);
    return absl::OkStatus();
  }

  void End(absl::Status why) {
    ended_ = true;
    why_ = std::move(why);
    Close();
  }

  void Close() noexcept {
    // Nothing was written, so nothing can have been lost.
    if (directory_ != nullptr) system_.closedir(directory_);
    directory_ = nullptr;
  }

  // Null and errno 0 at the end: the call itself leaves errno alone there.
  const dirent* ReadOne() {
    const dirent* found = nullptr;
    do {
      errno = 0;
      found = system_.readdir(directory_);
    } while (found == nullptr && errno == EINTR);
    return found;
  }

  // Nothing for a name that is none, or that has gone meanwhile.
  std::optional<DirectoryEntry> Named(const dirent& found) {
    const std::string_view name = found.d_name;
    if (name == "." || name == "..") return std::nullopt;
    DirectoryEntry entry{.name = std::string(name), .kind = KindOf(found)};
    // Some file systems do not say the kind with the name.
    if (found.d_type == DT_UNKNOWN && !AskForKind(entry)) return std::nullopt;
    return entry;
  }

  static FileKind KindOf(const dirent& found) noexcept {
    return fs::KindOf(static_cast<mode_t>(DTTOIF(found.d_type)));
  }

  bool AskForKind(DirectoryEntry& entry) {
    struct stat about{};
    const std::string path = absl::StrCat(path_, "/", entry.name);
    const int answer =
        RetryInterrupted([&] { return system_.lstat(path.c_str(), &about); });
    if (answer == 0) entry.kind = fs::KindOf(about.st_mode);
    return answer == 0 || errno != ENOENT;
  }

  System& system_;
  const std::string path_;
  DIR* directory_ = nullptr;
  bool ended_ = false;
  absl::Status why_;
};

using Batch = absl::StatusOr<std::vector<DirectoryEntry>>;

Task<Batch> NextBatch(Listing& listing) {
  auto next = [&listing] { return listing.NextBatch(); };
  co_return co_await Blocking(next);
}

AsyncGenerator<absl::StatusOr<DirectoryEntry>> List(std::string path) {
  Listing listing(CurrentReactor().system(), std::move(path));
  while (!listing.ended()) {
    Batch batch = co_await NextBatch(listing);
    if (!batch.ok()) {
      co_yield std::move(batch).status();
      co_return;
    }
    for (DirectoryEntry& entry : *batch) co_yield std::move(entry);
  }
  absl::Status why = listing.why();
  if (!why.ok()) co_yield std::move(why);
}

}  // namespace

// Not a coroutine itself: what it borrows need not outlive the call.
AsyncGenerator<absl::StatusOr<DirectoryEntry>> ListDirectory(
    std::string_view path) {
  return List(std::string(path));
}

}  // namespace weft::fs
