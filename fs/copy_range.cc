// The kernel's copy, and ours where it has none.
//
// SPDX-License-Identifier: MIT

#include "weft/fs/copy_range.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <algorithm>
#include <cerrno>

#include "absl/strings/str_cat.h"
#include "weft/fs/path_error.h"
#include "weft/reactor/os_error.h"
#include "weft/runtime/blocking_pool.h"
#include "weft/runtime/or_return.h"

namespace weft::fs {
namespace {

using ::weft::reactor::RetryInterrupted;
using ::weft::reactor::System;

// What one trip to the pool may copy. The kernel's copy may be of a few
// references only, or of every byte.
constexpr std::uint64_t kKernelStep = std::uint64_t{8} << 20;
constexpr std::uint64_t kBufferStep = std::uint64_t{1} << 20;
constexpr std::size_t kBuffer = std::size_t{128} << 10;

// What says that copy_file_range(2) is not for these two files, and not that
// copying fails: other file systems, other kinds of files, a kernel without it.
// EPERM is what some sandboxes answer to a call they do not know.
bool CannotHere(int error) noexcept {
  return error == ENOSYS || error == ENOTSUP || error == EOPNOTSUPP ||
         error == EXDEV || error == EINVAL || error == EPERM;
}

// copy_file_range(2) refuses such a file, but pwrite(2) takes it and writes to
// its end, on Linux; both would be wrong.
absl::Status CheckNotAppending(const File& to) {
  const int flags = to.system().fcntl(to.fd().get(), F_GETFL, 0);
  if (flags == -1) return PathError(errno, "fcntl", to.path());
  if ((flags & O_APPEND) == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("copy(\"", to.path(),
                   "\"): it was opened to append, and so has no positions"));
}

absl::Status CheckOverlap(const File& from, std::uint64_t from_offset,
                          const File& to, std::uint64_t to_offset,
                          std::uint64_t size) {
  const std::uint64_t distance = from_offset < to_offset
                                     ? to_offset - from_offset
                                     : from_offset - to_offset;
  if (distance >= size) return absl::OkStatus();
  struct stat one{};
  struct stat other{};
  int answer = RetryInterrupted(
      [&] { return from.system().fstat(from.fd().get(), &one); });
  absl::Status asked = CheckCall(answer, "fstat", from.path());
  if (!asked.ok()) return asked;
  answer = RetryInterrupted(
      [&] { return to.system().fstat(to.fd().get(), &other); });
  asked = CheckCall(answer, "fstat", to.path());
  if (!asked.ok()) return asked;
  if (one.st_dev != other.st_dev || one.st_ino != other.st_ino) return asked;
  return absl::InvalidArgumentError(
      absl::StrCat("copy(\"", from.path(), "\"): the ", size, " bytes from ",
                   from_offset, " and from ", to_offset,
                   " on overlap: copy the parts one after the other"));
}

}  // namespace

absl::StatusOr<bool> RangeCopy::Step() {
  const std::uint64_t stop =
      copied_ + std::min(rest_, in_kernel_ ? kKernelStep : kBufferStep);
  while (copied_ < stop) {
    absl::StatusOr<std::size_t> got =
        in_kernel_ ? CopyInKernel() : CopyThroughBuffer();
    if (!got.ok()) return std::move(got).status();
    if (*got > 0) {
      Advance(*got);
    } else if (!in_kernel_) {
      return true;
    } else {
      // What a file under /proc answers, which has no size, or what an end is:
      // a read tells.
      in_kernel_ = false;
    }
  }
  return rest_ == 0;
}

absl::StatusOr<std::size_t> RangeCopy::CopyInKernel() {
  const ssize_t moved = RetryInterrupted([this] {
    return system_.copy_file_range(
        from_.fd, static_cast<off_t>(from_.offset), to_.fd,
        static_cast<off_t>(to_.offset),
        static_cast<std::size_t>(std::min(rest_, kKernelStep)));
  });
  if (moved >= 0) return static_cast<std::size_t>(moved);
  const int error = errno;
  if (CannotHere(error)) return 0;
  return PathError(error, "copy_file_range",
                   absl::StrCat(from_.path, "\" to \"", to_.path));
}

absl::StatusOr<std::size_t> RangeCopy::CopyThroughBuffer() {
  buffer_.resize(kBuffer);
  absl::StatusOr<std::size_t> got =
      Read(static_cast<std::size_t>(std::min<std::uint64_t>(rest_, kBuffer)));
  if (!got.ok()) return got;
  absl::Status written = Write(*got);
  if (!written.ok()) return written;
  return got;
}

absl::StatusOr<std::size_t> RangeCopy::Read(std::size_t size) {
  const ssize_t got = RetryInterrupted([&] {
    return system_.pread(from_.fd, buffer_.data(), size,
                         static_cast<off_t>(from_.offset));
  });
  if (got == -1) return PathError(errno, "pread", from_.path);
  return static_cast<std::size_t>(got);
}

absl::Status RangeCopy::Write(std::size_t size) {
  for (std::size_t done = 0; done < size;) {
    const ssize_t taken = RetryInterrupted([&] {
      return system_.pwrite(to_.fd, buffer_.data() + done, size - done,
                            static_cast<off_t>(to_.offset + done));
    });
    // Nothing at all is no answer that a file gives.
    if (taken <= 0)
      return PathError(taken == 0 ? 0 : errno, "pwrite", to_.path);
    done += static_cast<std::size_t>(taken);
  }
  return absl::OkStatus();
}

void RangeCopy::Advance(std::size_t size) noexcept {
  from_.offset += size;
  to_.offset += size;
  rest_ -= size;
  copied_ += size;
}

Task<absl::StatusOr<std::uint64_t>> CopyRange(const File& from,
                                              std::uint64_t from_offset,
                                              const File& to,
                                              std::uint64_t to_offset,
                                              std::uint64_t size) {
  auto check = [&] {
    absl::Status positioned = CheckNotAppending(to);
    if (!positioned.ok()) return positioned;
    return CheckOverlap(from, from_offset, to, to_offset, size);
  };
  co_await OrReturn(Blocking(check));
  RangeCopy copy(from.system(),
                 RangeCopy::End{from.fd().get(), from_offset, from.path()},
                 RangeCopy::End{to.fd().get(), to_offset, to.path()}, size);
  auto step = [&copy] { return copy.Step(); };
  bool done = false;
  while (!done) done = co_await OrReturn(Blocking(step));
  co_return copy.copied();
}

}  // namespace weft::fs
