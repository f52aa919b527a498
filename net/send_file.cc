// The loop of SendFileTo, and its way round where there is no such call.
//
// SPDX-License-Identifier: MIT

#include "weft/net/send_file.h"

#include <sys/types.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "weft/net/socket_attempts.h"
#include "weft/reactor/os_error.h"
#include "weft/reactor/system.h"
#include "weft/runtime/blocking_pool.h"
#include "weft/runtime/or_return.h"

namespace weft::net {
namespace {

using ::weft::reactor::ErrnoToStatus;
using ::weft::reactor::Fd;
using ::weft::reactor::RetryInterrupted;
using ::weft::reactor::Source;
using ::weft::reactor::System;

// What Linux reads ahead at once.
constexpr std::size_t kStride = std::size_t{128} * 1024;

struct FilePart {
  System& system;
  const Fd& file;
  std::uint64_t offset;
  std::size_t size;

  off_t At(std::size_t position) const {
    return static_cast<off_t>(offset + position);
  }
};

// False only where the page cache says so: what cannot tell is tried.
bool IsCached(const FilePart& part) {
  for (std::size_t at = 0; at < part.size; at += kStride) {
    std::byte one;
    const ssize_t got = RetryInterrupted([&] {
      return part.system.pread_nowait(part.file.get(), &one, 1, part.At(at));
    });
    if (got == -1 && (errno == EAGAIN || errno == EWOULDBLOCK)) return false;
    if (got <= 0) return true;
  }
  return true;
}

// Blocks.
absl::StatusOr<std::size_t> ReadPart(const FilePart& part,
                                     std::span<std::byte> into) {
  const ssize_t got = RetryInterrupted([&] {
    return part.system.pread(part.file.get(), into.data(), into.size(),
                             part.At(0));
  });
  if (got >= 0) return static_cast<std::size_t>(got);
  return ErrnoToStatus(errno, "pread");
}

// Blocks. An error is sendfile's to find again.
void BringIn(FilePart part) {
  std::vector<std::byte> scratch(std::min(part.size, kStride));
  while (part.size > 0) {
    const absl::StatusOr<std::size_t> got = ReadPart(
        part, std::span(scratch).first(std::min(part.size, scratch.size())));
    if (!got.ok() || *got == 0) return;
    part.offset += *got;
    part.size -= *got;
  }
}

// Whether a call says that it is not for this kind of file.
bool IsNotForIt(const absl::Status& status) {
  const std::optional<int> error = reactor::ErrnoOf(status);
  return error == EINVAL || error == ENOSYS || error == ENOTSUP ||
         error == EOPNOTSUPP || error == ENOTSOCK;
}

// Through a buffer. Gives how many bytes, less than asked for at the end.
Task<absl::StatusOr<std::size_t>> SendCopied(Source& to, const WriteEnd& end,
                                             FilePart part) {
  std::vector<std::byte> buffer(std::min(part.size, kStride));
  auto read = [&] { return ReadPart(part, buffer); };
  const std::size_t got = co_await OrReturn(Blocking(read));
  const std::span<const std::byte> piece = std::span(buffer).first(got);
  co_await OrReturn(end.WriteAll(to, piece));
  co_return got;
}

}  // namespace

Task<absl::StatusOr<std::uint64_t>> SendFileTo(Source& to, const WriteEnd& end,
                                               const Fd& file,
                                               std::uint64_t offset,
                                               std::uint64_t size) {
  std::uint64_t sent = 0;
  std::uint64_t cached = 0;  // Up to here it has been looked at.
  bool copies = false;
  while (sent < size) {
    // No further than has been looked at.
    const std::uint64_t most = cached > sent ? cached - sent : kLongestCall;
    const FilePart part = {to.system(), file, offset + sent,
                           std::min(size - sent, most)};
    if (!copies && sent >= cached) {
      auto bring_in = [&part] { BringIn(part); };
      if (!IsCached(part)) co_await OrReturn(Blocking(bring_in));
      cached = sent + part.size;
    }
    absl::StatusOr<std::size_t> moved = std::size_t{0};
    if (!copies)
      moved = co_await end.WriteWith<SendFileAttempt>(to, file, part.offset,
                                                      part.size);
    copies = copies || IsNotForIt(moved.status());
    if (copies) moved = co_await SendCopied(to, end, part);
    if (!moved.ok()) co_return std::move(moved).status();
    if (*moved == 0) break;  // The file ends here.
    sent += *moved;
  }
  co_return sent;
}

}  // namespace weft::net
