// From the numbers 0, 1 and 2 to streams.
//
// SPDX-License-Identifier: MIT

#include "weft/net/standard_streams.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "weft/reactor/os_error.h"
#include "weft/reactor/reactor.h"
#include "weft/reactor/system.h"
#include "weft/runtime/current.h"

namespace weft::net {
namespace {

using ::weft::reactor::Direction;
using ::weft::reactor::Fd;

// A number of our own for the same open file: closing it closes nobody else's.
template <typename Stream>
absl::StatusOr<Stream> Duplicated(int number, const char* name) {
  reactor::System& system = CurrentReactor().system();
  Fd own(system.fcntl(number, F_DUPFD_CLOEXEC, STDERR_FILENO + 1), system);
  if (own.empty()) {
    const int error = errno;
    return reactor::ErrnoToStatus(error, absl::StrCat("dup(", name, ")"));
  }
  return Stream::Adopt(std::move(own), std::string(name));
}

}  // namespace

absl::StatusOr<InputStream> InputStream::Adopt(Fd fd, std::string name) {
  absl::StatusOr<SharedDescriptor> shared =
      SharedDescriptor::Adopt(std::move(fd), std::move(name), Direction::kRead);
  if (!shared.ok()) return std::move(shared).status();
  return InputStream(*std::move(shared));
}

Task<absl::StatusOr<std::size_t>> InputStream::Read(std::span<std::byte> into) {
  return shared_.Read(into);
}

absl::StatusOr<OutputStream> OutputStream::Adopt(Fd fd, std::string name) {
  absl::StatusOr<SharedDescriptor> shared = SharedDescriptor::Adopt(
      std::move(fd), std::move(name), Direction::kWrite);
  if (!shared.ok()) return std::move(shared).status();
  return OutputStream(*std::move(shared));
}

Task<absl::StatusOr<std::size_t>> OutputStream::Write(
    std::span<const std::byte> from) {
  return shared_.Write(from);
}

Task<absl::StatusOr<std::size_t>> OutputStream::WriteVectored(ByteParts parts) {
  for (const std::span<const std::byte> part : parts) {
    if (!part.empty()) return shared_.Write(part);
  }
  return shared_.Write({});
}

absl::StatusOr<InputStream> StandardInput() {
  return Duplicated<InputStream>(STDIN_FILENO, "standard input");
}

absl::StatusOr<OutputStream> StandardOutput() {
  return Duplicated<OutputStream>(STDOUT_FILENO, "standard output");
}

absl::StatusOr<OutputStream> StandardError() {
  return Duplicated<OutputStream>(STDERR_FILENO, "standard error");
}

}  // namespace weft::net
