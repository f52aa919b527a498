// Reading from a file: the page cache is asked first, and the disk on the pool.
//
// SPDX-License-Identifier: MIT

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "weft/fs/byte_parts.h"
#include "weft/fs/file.h"
#include "weft/fs/path_error.h"
#include "weft/reactor/os_error.h"
#include "weft/runtime/cancellation.h"
#include "weft/runtime/or_return.h"

namespace weft::fs {
namespace {

using ::weft::reactor::RetryInterrupted;

// What the disk is asked for at a time. Linux reads no more than 2 GiB at once,
// and macOS refuses to be asked for it.
constexpr std::size_t kMost = std::size_t{1} << 30;

// What a read copies out of the page cache, which is done on the worker: a
// tenth of a millisecond's worth. The caller of a read loops anyway.
constexpr std::size_t kMostCached = std::size_t{1} << 20;

// Why there are no more bytes where `wanted` were to be, of which `filled`
// came.
absl::Status TooShort(const std::string& path, std::size_t filled,
                      std::size_t wanted) {
  if (filled == 0) {
    return absl::OutOfRangeError(absl::StrCat("read(\"", path,
                                              "\"): the file has ended where ",
                                              wanted, " bytes were to begin"));
  }
  return absl::DataLossError(absl::StrCat("read(\"", path,
                                          "\"): the file ended after ", filled,
                                          " of ", wanted, " bytes"));
}

}  // namespace

bool File::ReadAwaiter::await_ready() {
  queue_first_ = EnterOperation() == Entry::kQueueFirst;
  return !queue_first_ && Begin();
}

bool File::ReadAwaiter::await_suspend(Continuation caller) {
  if (!queue_first_) return BlockingLeaf::await_suspend(caller);
  Prepare(caller);
  ScheduleFairly();  // From here on `*this` may be gone.
  return true;
}

Continuation File::ReadAwaiter::Run(internal::ThisThread& here) noexcept {
  const Continuation caller = GoOn(here);
  if (!std::exchange(queue_first_, false)) return caller;  // Read by the pool.
  if (Begin() || !BlockingLeaf::await_suspend(caller)) return caller;
  return {};  // On its way to the pool: `*this` may be gone.
}

bool File::ReadAwaiter::Begin() {
  if (!IsCancelled() && TryCache()) return true;
  return BlockingLeaf::await_ready();
}

// An error other than "would block" is the pool's to find, and to report.
bool File::ReadAwaiter::TryCache() noexcept {
  if (!file_.asks_cache_.load(std::memory_order_relaxed)) return false;
  // To preadv2(2), and to it alone, -1 is the descriptor's own position.
  if (static_cast<off_t>(offset_) < 0) return false;
  got_ = RetryInterrupted([this] { return AskCache(); });
  if (got_ > 0) return true;
  if (got_ == 0) return WantsNothing() || IsTheEnd();
  if (errno == ENOTSUP || errno == EOPNOTSUPP) {
    file_.asks_cache_.store(false, std::memory_order_relaxed);
  }
  return false;
}

ssize_t File::ReadAwaiter::AskCache() noexcept {
  const int fd = file_.fd_.get();
  const off_t offset = static_cast<off_t>(offset_);
  if (!vectored_) {
    return file_.system_->pread_nowait(
        fd, into_.data(), std::min(into_.size(), kMostCached), offset);
  }
  const IoVectors parts(parts_, kMostCached);
  if (parts.count() == 0) return 0;
  return file_.system_->preadv_nowait(fd, parts.data(), parts.count(), offset);
}

ssize_t File::ReadAwaiter::AskDisk() noexcept {
  const int fd = file_.fd_.get();
  const off_t offset = static_cast<off_t>(offset_);
  if (!vectored_) {
    return file_.system_->pread(fd, into_.data(), std::min(into_.size(), kMost),
                                offset);
  }
  const IoVectors parts(parts_, kMost);
  if (parts.count() == 0) return 0;  // Or EINVAL: POSIX leaves it open.
  return file_.system_->preadv(fd, parts.data(), parts.count(), offset);
}

bool File::ReadAwaiter::WantsNothing() const noexcept {
  if (!vectored_) return into_.empty();
  return std::all_of(parts_.begin(), parts_.end(),
                     [](std::span<std::byte> part) { return part.empty(); });
}

// Linux 5.9 and 5.10 may answer 0 also where there is more: preadv2(2), BUGS.
// So it is checked against the size, which the same file systems know at once.
bool File::ReadAwaiter::IsTheEnd() noexcept {
  struct stat about{};
  return file_.system_->fstat(file_.fd_.get(), &about) == 0 &&
         S_ISREG(about.st_mode) &&
         offset_ >= static_cast<std::uint64_t>(about.st_size);
}

void File::ReadAwaiter::Call() noexcept {
  got_ = RetryInterrupted([this] { return AskDisk(); });
  error_ = got_ == -1 ? errno : 0;
}

absl::StatusOr<std::size_t> File::ReadAwaiter::await_resume() {
  absl::Status status = EndWait();
  if (!status.ok()) return status;
  if (got_ == -1) {
    return PathError(error_, vectored_ ? "preadv" : "pread", file_.path_);
  }
  if (cursor_ != nullptr) *cursor_ += static_cast<std::uint64_t>(got_);
  return static_cast<std::size_t>(got_);
}

Task<absl::Status> File::ReadExactlyAt(std::span<std::byte> into,
                                       std::uint64_t offset) const {
  std::size_t filled = 0;
  while (filled < into.size()) {
    const std::size_t got =
        co_await OrReturn(ReadAt(into.subspan(filled), offset + filled));
    if (got == 0) co_return TooShort(path_, filled, into.size());
    filled += got;
  }
  co_return absl::OkStatus();
}

Task<absl::Status> File::ReadExactly(std::span<std::byte> into) {
  std::size_t filled = 0;
  while (filled < into.size()) {
    const std::size_t got = co_await OrReturn(Read(into.subspan(filled)));
    if (got == 0) co_return TooShort(path_, filled, into.size());
    filled += got;
  }
  co_return absl::OkStatus();
}

}  // namespace weft::fs
