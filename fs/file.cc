// Reads that try the page cache first, and everything else on the pool.
//
// SPDX-License-Identifier: MIT

#include "weft/fs/file.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "weft/fs/opened_file.h"
#include "weft/fs/path_error.h"
#include "weft/reactor/os_error.h"
#include "weft/reactor/reactor.h"
#include "weft/runtime/cancellation.h"
#include "weft/runtime/current.h"
#include "weft/runtime/or_return.h"

namespace weft::fs {
namespace {

using ::weft::reactor::Fd;
using ::weft::reactor::RetryInterrupted;
using ::weft::reactor::System;

// What one call is asked to move. Linux moves no more than 2 GiB at a time, and
// macOS refuses to be asked for it.
std::size_t AtMost(std::size_t size) noexcept {
  return std::min(size, std::size_t{1} << 30);
}

// What a read copies out of the page cache, which is done on the worker: a
// tenth of a millisecond's worth. The caller of a read loops anyway.
std::size_t AtMostCached(std::size_t size) noexcept {
  return std::min(size, std::size_t{1} << 20);
}

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

// --- Opening and closing ----------------------------------------------------

File::File(Fd fd, System& system, std::string path, bool append) noexcept
    : fd_(std::move(fd)),
      system_(&system),
      path_(std::move(path)),
      append_(append) {}

File::File(File&& other) noexcept
    : fd_(std::move(other.fd_)),
      system_(other.system_),
      path_(std::move(other.path_)),
      cursor_(other.cursor_),
      append_(other.append_),
      asks_cache_(other.asks_cache_.load(std::memory_order_relaxed)) {}

File& File::operator=(File&& other) noexcept {
  if (this == &other) return *this;
  fd_ = std::move(other.fd_);
  system_ = other.system_;
  path_ = std::move(other.path_);
  cursor_ = other.cursor_;
  append_ = other.append_;
  asks_cache_.store(other.asks_cache_.load(std::memory_order_relaxed),
                    std::memory_order_relaxed);
  return *this;
}

// Not a coroutine itself: a path need not outlive the call.
Task<absl::StatusOr<File>> File::Open(std::string_view path,
                                      OpenOptions options) {
  return OpenFile(std::string(path), options);
}

Task<absl::StatusOr<File>> File::OpenFile(std::string path,
                                          OpenOptions options) {
  co_await OrReturn(CheckPath(path));
  const int flags = co_await OrReturn(OpenFlags(options));
  System& system = CurrentReactor().system();
  auto open = [&] {
    return OpenAsFile(system, path, flags, options.permissions);
  };
  OpenedFile file = co_await OrReturn(Blocking(open));
  co_return File(std::move(file.fd), system, std::move(path), options.append);
}

Task<absl::Status> File::Close() {
  auto close = [this] {
    const absl::Status closed = fd_.Close();
    if (closed.ok()) return closed;
    return PathError(reactor::ErrnoOf(closed).value_or(0), "close", path_);
  };
  co_return co_await Blocking(close);
}

// --- Reading ----------------------------------------------------------------

bool File::ReadAwaiter::await_ready() {
  queue_first_ = EnterOperation() == Entry::kQueueFirst;
  return !queue_first_ && Begin();
}

bool File::ReadAwaiter::await_suspend(Continuation caller) {
  if (!queue_first_) return Submit(caller);
  Prepare(caller);
  ScheduleFairly();  // From here on `*this` may be gone.
  return true;
}

Continuation File::ReadAwaiter::Run(internal::ThisThread& here) noexcept {
  const Continuation caller = GoOn(here);
  if (!std::exchange(queue_first_, false)) return caller;  // Read by the pool.
  if (Begin() || !Submit(caller)) return caller;
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
  got_ = RetryInterrupted([this] {
    return file_.system_->pread_nowait(file_.fd_.get(), into_.data(),
                                       AtMostCached(into_.size()),
                                       static_cast<off_t>(offset_));
  });
  if (got_ > 0) return true;
  if (got_ == 0) return into_.empty() || IsTheEnd();
  if (errno == ENOTSUP || errno == EOPNOTSUPP) {
    file_.asks_cache_.store(false, std::memory_order_relaxed);
  }
  return false;
}

// Linux 5.9 and 5.10 may answer 0 also where there is more: preadv2(2), BUGS.
// So it is checked against the size, which the same file systems know at once.
bool File::ReadAwaiter::IsTheEnd() noexcept {
  struct stat about{};
  return file_.system_->fstat(file_.fd_.get(), &about) == 0 &&
         S_ISREG(about.st_mode) &&
         offset_ >= static_cast<std::uint64_t>(about.st_size);
}

bool File::ReadAwaiter::Submit(Continuation caller) noexcept {
  try {
    // From here on `*this` may be gone.
    return BlockingLeaf::await_suspend(caller);
  } catch (const std::system_error& no_thread) {
    // Nothing has been published: the pool starts a thread first.
    error_ = no_thread.code().value();
  } catch (const std::bad_alloc&) {
    error_ = ENOMEM;
  }
  got_ = -1;
  return false;
}

void File::ReadAwaiter::Call() noexcept {
  got_ = RetryInterrupted([this] {
    return file_.system_->pread(file_.fd_.get(), into_.data(),
                                AtMost(into_.size()),
                                static_cast<off_t>(offset_));
  });
  error_ = got_ == -1 ? errno : 0;
}

absl::StatusOr<std::size_t> File::ReadAwaiter::await_resume() {
  absl::Status status = EndWait();
  if (!status.ok()) return status;
  if (got_ == -1) return PathError(error_, "pread", file_.path_);
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

// --- Writing ----------------------------------------------------------------

// How far it came, and why not further.
struct File::Written {
  std::size_t size = 0;
  absl::Status status;
};

// POSIX lets pwrite write where it is told also in a file opened to append, and
// macOS does; write goes to the end everywhere.
File::Written File::WriteOnce(std::span<const std::byte> from,
                              std::uint64_t offset) const {
  const ssize_t taken = RetryInterrupted([&] {
    const std::size_t size = AtMost(from.size());
    return append_ ? system_->write(fd_.get(), from.data(), size)
                   : system_->pwrite(fd_.get(), from.data(), size,
                                     static_cast<off_t>(offset));
  });
  if (taken > 0 || (taken == 0 && from.empty())) {
    return {static_cast<std::size_t>(taken), absl::OkStatus()};
  }
  // Nothing at all is no answer that a file gives: whoever writes all of
  // something must not ask on and on.
  return {0, PathError(taken == 0 ? 0 : errno, append_ ? "write" : "pwrite",
                       path_)};
}

File::Written File::WriteToTheEnd(std::span<const std::byte> from,
                                  std::uint64_t offset) const {
  Written total;
  while (total.status.ok() && total.size < from.size()) {
    Written step = WriteOnce(from.subspan(total.size), offset + total.size);
    total.size += step.size;
    total.status = std::move(step.status);
  }
  return total;
}

void File::Advance(std::size_t written) noexcept {
  if (!append_) cursor_ += written;
}

Task<absl::StatusOr<std::size_t>> File::WriteAt(std::span<const std::byte> from,
                                                std::uint64_t offset) const {
  auto write = [this, from, offset] { return WriteOnce(from, offset); };
  Written written = co_await OrReturn(Blocking(write));
  co_await OrReturn(std::move(written.status));
  co_return written.size;
}

Task<absl::StatusOr<std::size_t>> File::Write(std::span<const std::byte> from) {
  const std::size_t written = co_await OrReturn(WriteAt(from, cursor_));
  Advance(written);
  co_return written;
}

Task<absl::Status> File::WriteAllAt(std::span<const std::byte> from,
                                    std::uint64_t offset) const {
  auto write = [this, from, offset] { return WriteToTheEnd(from, offset); };
  Written written = co_await OrReturn(Blocking(write));
  co_return std::move(written.status);
}

Task<absl::Status> File::WriteAll(std::span<const std::byte> from) {
  auto write = [this, from] { return WriteToTheEnd(from, cursor_); };
  Written written = co_await OrReturn(Blocking(write));
  Advance(written.size);
  co_return std::move(written.status);
}

// --- The rest ---------------------------------------------------------------

absl::Status File::CallSync(int (System::*call)(int),
                            std::string_view name) const {
  const int answer =
      RetryInterrupted([&] { return (system_->*call)(fd_.get()); });
  return CheckCall(answer, name, path_);
}

Task<absl::Status> File::Sync() const {
  auto sync = [this] { return CallSync(&System::fsync, "fsync"); };
  co_return co_await Blocking(sync);
}

Task<absl::Status> File::SyncData() const {
  auto sync = [this] { return CallSync(&System::fdatasync, "fdatasync"); };
  co_return co_await Blocking(sync);
}

Task<absl::Status> File::Truncate(std::uint64_t size) const {
  auto truncate = [this, size] {
    const int answer = RetryInterrupted([&] {
      return system_->ftruncate(fd_.get(), static_cast<off_t>(size));
    });
    return CheckCall(answer, "ftruncate", path_);
  };
  co_return co_await Blocking(truncate);
}

Task<absl::StatusOr<Metadata>> File::GetMetadata() const {
  auto ask = [this]() -> absl::StatusOr<Metadata> {
    struct stat about{};
    const int answer =
        RetryInterrupted([&] { return system_->fstat(fd_.get(), &about); });
    absl::Status asked = CheckCall(answer, "fstat", path_);
    if (!asked.ok()) return asked;
    return MetadataOf(about);
  };
  co_return co_await Blocking(ask);
}

}  // namespace weft::fs
