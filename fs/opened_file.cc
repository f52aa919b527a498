// Opening, and a look at what has been opened.
//
// SPDX-License-Identifier: MIT

#include "weft/fs/opened_file.h"

#include <fcntl.h>

#include <cerrno>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "weft/fs/path_error.h"
#include "weft/reactor/os_error.h"

namespace weft::fs {
namespace {

using ::weft::reactor::Fd;
using ::weft::reactor::RetryInterrupted;
using ::weft::reactor::System;

absl::Status CheckKind(mode_t mode, const std::string& path) {
  if (!S_ISFIFO(mode) && !S_ISSOCK(mode)) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "open(\"", path, "\"): a ", S_ISFIFO(mode) ? "pipe" : "socket",
      " is no file: it has neither a size nor positions"));
}

// To be written, a pipe that nobody reads is "no such device or address", as a
// socket is for whatever purpose (or an operation that is not supported): true,
// and of no help.
absl::Status WhyNot(System& system, const std::string& path, int error) {
  if (error == ENXIO || error == EOPNOTSUPP) {
    struct stat about{};
    const int answer =
        RetryInterrupted([&] { return system.stat(path.c_str(), &about); });
    absl::Status kind =
        answer == 0 ? CheckKind(about.st_mode, path) : absl::OkStatus();
    if (!kind.ok()) return kind;
  }
  return PathError(error, "open", path);
}

}  // namespace

absl::StatusOr<OpenedFile> OpenAsFile(System& system, const std::string& path,
                                      int flags, mode_t permissions) {
  const int number = RetryInterrupted(
      [&] { return system.open(path.c_str(), flags, permissions); });
  if (number == -1) return WhyNot(system, path, errno);
  OpenedFile opened{.fd = Fd(number, system)};
  const int answer = RetryInterrupted(
      [&] { return system.fstat(opened.fd.get(), &opened.about); });
  absl::Status asked = CheckCall(answer, "fstat", path);
  if (!asked.ok()) {
    // Made by this very call; who tries again is not to be told that it is
    // there already.
    if ((flags & O_EXCL) != 0) {
      RetryInterrupted([&] { return system.unlink(path.c_str()); });
    }
    return asked;
  }
  absl::Status kind = CheckKind(opened.about.st_mode, path);
  if (!kind.ok()) return kind;
  return opened;
}

}  // namespace weft::fs
