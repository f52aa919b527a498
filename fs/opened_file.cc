// Opening, and a look at what has been opened.
//
// SPDX-License-Identifier: MIT

#include "weft/fs/opened_file.h"

#include <fcntl.h>

#include <cerrno>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "weft/fs/metadata.h"
#include "weft/fs/path_error.h"
#include "weft/reactor/os_error.h"
#include "weft/reactor/string_view.h"
#include "weft/runtime/error_group.h"

namespace weft::fs {
namespace {

using ::weft::reactor::Fd;
using ::weft::reactor::RetryInterrupted;
using ::weft::reactor::System;
using ::weft::reactor::ToAbseil;

// What has neither a size nor positions, in words; empty for all else.
std::string_view NoFile(FileKind kind) noexcept {
  switch (kind) {
    case FileKind::kFifo:
      return "a pipe";
    case FileKind::kSocket:
      return "a socket";
    case FileKind::kUnknown:  // Linux gives its event queues no kind at all.
      return "an event queue or the like";
    default:
      return {};
  }
}

// Whether that is what O_NOFOLLOW has met; the system says "too many levels of
// symbolic links", of one as of forty: open(2). Of a circle on the way there it
// says the same, and that is then left to it.
bool IsLink(System& system, const std::string& path) {
  struct stat about{};
  const int answer =
      RetryInterrupted([&] { return system.lstat(path.c_str(), &about); });
  return answer == 0 && S_ISLNK(about.st_mode);
}

// Before it is opened: that would let a program go on that waits for the other
// end of a pipe, and the close after it would tell that program that nobody is
// there. What is not there yet may be made.
absl::Status LookAt(System& system, const std::string& path, int flags) {
  // O_EXCL opens nothing that is there, and O_NOFOLLOW no link.
  if ((flags & O_EXCL) != 0) return absl::OkStatus();
  struct stat about{};
  const int answer = RetryInterrupted([&] {
    return (flags & O_NOFOLLOW) != 0 ? system.lstat(path.c_str(), &about)
                                     : system.stat(path.c_str(), &about);
  });
  const int error = errno;
  if (answer == 0) return CheckIsFile(about.st_mode, "open", path);
  return error == ENOENT ? absl::OkStatus() : PathError(error, "open", path);
}

absl::Status WhyNot(System& system, const std::string& path, int flags,
                    int error) {
  if ((flags & O_NOFOLLOW) != 0 && error == ELOOP && IsLink(system, path)) {
    return absl::FailedPreconditionError(absl::StrCat(
        "open(\"", path, "\"): a symbolic link, which is not to be followed"));
  }
  return PathError(error, "open", path);
}

}  // namespace

absl::StatusOr<OpenedFile> OpenAsFile(System& system, const std::string& path,
                                      int flags, mode_t permissions) {
  absl::Status looked = LookAt(system, path, flags);
  if (!looked.ok()) return looked;
  const int number = RetryInterrupted(
      [&] { return system.open(path.c_str(), flags, permissions); });
  if (number == -1) return WhyNot(system, path, flags, errno);
  OpenedFile opened{.fd = Fd(number, system)};
  const int answer = RetryInterrupted(
      [&] { return system.fstat(opened.fd.get(), &opened.about); });
  absl::Status asked = CheckCall(answer, "fstat", path);
  if (!asked.ok()) {
    // Made by this very call; who tries again is not to be told that it is
    // there already.
    if ((flags & O_EXCL) != 0) {
      const int removed =
          RetryInterrupted([&] { return system.unlink(path.c_str()); });
      absl::Status stays = CheckCall(removed, "unlink", path);
      if (!stays.ok()) return JoinErrors({std::move(asked), std::move(stays)});
    }
    return asked;
  }
  // Another may have that name by now.
  absl::Status kind = CheckIsFile(opened.about.st_mode, "open", path);
  if (!kind.ok()) return kind;
  return opened;
}

absl::Status CheckIsFile(mode_t mode, std::string_view call,
                         std::string_view path) {
  const std::string_view what = NoFile(KindOf(mode));
  if (what.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      ToAbseil(call), "(\"", ToAbseil(path), "\"): ", ToAbseil(what),
      " is no file: it has neither a size nor positions"));
}

}  // namespace weft::fs
