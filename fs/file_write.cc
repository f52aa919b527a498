// Writing to a file: always on the pool.
//
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "weft/fs/byte_parts.h"
#include "weft/fs/file.h"
#include "weft/fs/path_error.h"
#include "weft/reactor/os_error.h"
#include "weft/runtime/or_return.h"

namespace weft::fs {
namespace {

using ::weft::reactor::RetryInterrupted;

// What one call is asked to write. Linux writes no more than 2 GiB at once, and
// macOS refuses to be asked for it.
constexpr std::size_t kMost = std::size_t{1} << 30;

}  // namespace

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
    const std::size_t size = std::min(from.size(), kMost);
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

File::Written File::WritePartsOnce(ByteParts from, std::uint64_t offset) const {
  const IoVectors parts(from, kMost);
  // Of no parts at all some systems write nothing, others say EINVAL: POSIX,
  // writev.
  if (parts.count() == 0) return {};
  const ssize_t taken = RetryInterrupted([&] {
    return append_ ? system_->writev(fd_.get(), parts.data(), parts.count())
                   : system_->pwritev(fd_.get(), parts.data(), parts.count(),
                                      static_cast<off_t>(offset));
  });
  if (taken > 0) {
    return {static_cast<std::size_t>(taken), absl::OkStatus()};
  }
  return {0, PathError(taken == 0 ? 0 : errno, append_ ? "writev" : "pwritev",
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

Task<absl::StatusOr<std::size_t>> File::WriteVectoredAt(
    ByteParts from, std::uint64_t offset) const {
  auto write = [this, from, offset] { return WritePartsOnce(from, offset); };
  Written written = co_await OrReturn(Blocking(write));
  co_await OrReturn(std::move(written.status));
  co_return written.size;
}

Task<absl::StatusOr<std::size_t>> File::WriteVectored(ByteParts from) {
  const std::size_t written = co_await OrReturn(WriteVectoredAt(from, cursor_));
  Advance(written);
  co_return written;
}

Task<absl::Status> File::WriteAllAt(std::span<const std::byte> from,
                                    std::uint64_t offset) const {
  auto write = [this, from, offset] { return WriteToTheEnd(from, offset); };
  Written written = co_await OrReturn(Blocking(write));
  co_return std::move(written.status);
}

Task<absl::Status> File::WriteAllDurablyAt(std::span<const std::byte> from,
                                           std::uint64_t offset) const {
  auto write = [this, from, offset] {
    Written written = WriteToTheEnd(from, offset);
    return written.status.ok() ? SyncDataNow() : std::move(written.status);
  };
  co_return co_await Blocking(write);
}

Task<absl::Status> File::WriteAll(std::span<const std::byte> from) {
  auto write = [this, from] { return WriteToTheEnd(from, cursor_); };
  Written written = co_await OrReturn(Blocking(write));
  Advance(written.size);
  co_return std::move(written.status);
}

}  // namespace weft::fs
