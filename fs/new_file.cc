// Names that nobody has.
//
// SPDX-License-Identifier: MIT

#include "weft/fs/new_file.h"

#include <fcntl.h>
#include <time.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "weft/fs/path_error.h"
#include "weft/reactor/os_error.h"
#include "weft/runtime/atomic.h"
#include "weft/runtime/error_group.h"

namespace weft::fs {
namespace {

using ::weft::reactor::Fd;
using ::weft::reactor::RetryInterrupted;
using ::weft::reactor::System;

// Of all in this program: in a simulation many ask at one time. So the names
// there are not a function of its seed; nothing else is of them.
std::uint64_t NextNumber() {
  static Atomic<std::uint64_t> next{0};
  // relaxed: that no two get the same is all.
  return next.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

NewNames::NewNames(System& system, std::string directory)
    : beginning_(std::move(directory)) {
  timespec now{};
  system.clock_gettime(CLOCK_MONOTONIC, &now);
  absl::StrAppend(&beginning_, ".weft-", now.tv_sec, "-", now.tv_nsec, "-");
}

std::string NewNames::Next() {
  ++tried_;
  return absl::StrCat(beginning_, NextNumber(), ".tmp");
}

absl::StatusOr<NewFile> MakeNewFile(System& system,
                                    const std::string& directory,
                                    mode_t permissions,
                                    const std::string& wanted_for) {
  NewNames names(system, directory);
  int error = EEXIST;
  while (error == EEXIST && names.any_left()) {
    std::string path = names.Next();
    const int number = RetryInterrupted([&] {
      return system.open(path.c_str(), O_RDWR | O_CREAT | O_EXCL, permissions);
    });
    error = errno;
    if (number != -1) return NewFile{Fd(number, system), std::move(path)};
  }
  return PathError(error, "open", wanted_for);
}

absl::Status RemoveNewFile(System& system, NewFile& file, absl::Status why) {
  file.fd.Close().IgnoreError();  // What was written is not wanted.
  const std::string path = std::exchange(file.path, {});
  const int answer =
      RetryInterrupted([&] { return system.unlink(path.c_str()); });
  if (answer == 0 || errno == ENOENT) return why;
  absl::Status stays = CheckCall(answer, "unlink", path);
  if (why.ok()) return stays;
  return JoinErrors({std::move(why), std::move(stays)});
}

std::string DirectoryOf(const std::string& path) {
  const std::size_t size = path.rfind('/') + 1;
  return size == 0 ? "./" : path.substr(0, size);
}

}  // namespace weft::fs
