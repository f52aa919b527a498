// Names that nobody has.
//
// SPDX-License-Identifier: MIT

#include "weft/fs/new_file.h"

#include <fcntl.h>
#include <time.h>

#include <cerrno>
#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "weft/fs/path_error.h"
#include "weft/reactor/os_error.h"

namespace weft::fs {
namespace {

using ::weft::reactor::Fd;
using ::weft::reactor::RetryInterrupted;
using ::weft::reactor::System;

}  // namespace

NewNames::NewNames(System& system, std::string directory)
    : beginning_(std::move(directory)) {
  timespec now{};
  system.clock_gettime(CLOCK_MONOTONIC, &now);
  absl::StrAppend(&beginning_, ".weft-", now.tv_sec, "-", now.tv_nsec, "-");
}

std::string NewNames::Next() {
  return absl::StrCat(beginning_, tried_++, ".tmp");
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

std::string DirectoryOf(const std::string& path) {
  const std::size_t size = path.rfind('/') + 1;
  return size == 0 ? "./" : path.substr(0, size);
}

}  // namespace weft::fs
