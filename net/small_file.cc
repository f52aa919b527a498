// Opening, and reading to the end.
//
// SPDX-License-Identifier: MIT

#include "weft/net/small_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <array>
#include <cerrno>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/os_error.h"
#include "weft/reactor/reactor.h"
#include "weft/reactor/system.h"
#include "weft/runtime/current.h"

namespace weft::net {
namespace {

using ::weft::reactor::ErrnoToStatus;
using ::weft::reactor::Fd;
using ::weft::reactor::RetryInterrupted;
using ::weft::reactor::System;

// System::open has made it one that does not block, which a file does not heed;
// but a pipe may have nothing in it yet.
ssize_t ReadWaiting(System& system, int fd, std::array<char, 4096>& into) {
  const auto read = [&] { return system.read(fd, into.data(), into.size()); };
  const ssize_t got = RetryInterrupted(read);
  if (got != -1 || errno != EAGAIN) return got;
  const int flags = system.fcntl(fd, F_GETFL, 0);
  if (flags == -1) return -1;
  if (system.fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == -1) return -1;
  return RetryInterrupted(read);
}

// An empty file, or a FIFO that nobody has opened to write: the system gives
// its end at once.
absl::StatusOr<std::string> NothingIn(System& system, const Fd& file,
                                      const std::string& path) {
  struct stat about{};
  const int answer =
      RetryInterrupted([&] { return system.fstat(file.get(), &about); });
  if (answer == -1) {
    const int error = errno;
    return ErrnoToStatus(error, absl::StrCat("fstat(\"", path, "\")"));
  }
  if (!S_ISFIFO(about.st_mode)) return std::string();
  return absl::UnavailableError(absl::StrCat(
      "read(\"", path, "\"): a pipe into which nobody has written"));
}

absl::StatusOr<std::string> ReadToTheEnd(System& system, const Fd& file,
                                         const std::string& path,
                                         std::size_t most) {
  std::string text;
  std::array<char, 4096> buffer;
  for (;;) {
    const ssize_t got = ReadWaiting(system, file.get(), buffer);
    if (got == -1) {
      const int error = errno;
      return ErrnoToStatus(error, absl::StrCat("read(\"", path, "\")"));
    }
    if (got == 0 && text.empty()) return NothingIn(system, file, path);
    if (got == 0) return text;
    const auto size = static_cast<std::size_t>(got);
    if (size > most - text.size()) {
      return absl::ResourceExhaustedError(
          absl::StrCat("read(\"", path, "\"): more than ", most, " bytes"));
    }
    text.append(buffer.data(), size);
  }
}

}  // namespace

absl::StatusOr<std::string> ReadSmallFile(std::string_view path,
                                          std::size_t most) {
  System& system =
      InsideRuntime() ? CurrentReactor().system() : System::Kernel();
  const std::string name(path);
  if (name.find('\0') != std::string::npos) {
    return absl::InvalidArgumentError("a zero byte in the path of a file");
  }
  const Fd file(
      RetryInterrupted([&] { return system.open(name.c_str(), O_RDONLY, 0); }),
      system);
  if (!file) {
    const int error = errno;
    return ErrnoToStatus(error, absl::StrCat("open(\"", name, "\")"));
  }
  return ReadToTheEnd(system, file, name, most);
}

}  // namespace weft::net
