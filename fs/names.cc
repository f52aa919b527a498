// The calls of names.h, each on the pool and with its error in words.
//
// SPDX-License-Identifier: MIT

#include "weft/fs/names.h"

#include <cerrno>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "weft/fs/path_error.h"
#include "weft/reactor/os_error.h"
#include "weft/reactor/reactor.h"
#include "weft/reactor/system.h"
#include "weft/runtime/blocking_pool.h"
#include "weft/runtime/current.h"
#include "weft/runtime/or_return.h"

namespace weft::fs {
namespace {

using ::weft::reactor::RetryInterrupted;
using ::weft::reactor::System;

Task<absl::Status> Make(std::string path, mode_t permissions) {
  co_await OrReturn(CheckPath(path));
  System& system = CurrentReactor().system();
  auto make = [&] {
    const int answer = RetryInterrupted(
        [&] { return system.mkdir(path.c_str(), permissions); });
    return CheckCall(answer, "mkdir", path);
  };
  co_return co_await Blocking(make);
}

Task<absl::Status> Remove(std::string path, std::string_view call,
                          int (System::*function)(const char*)) {
  co_await OrReturn(CheckPath(path));
  System& system = CurrentReactor().system();
  auto remove = [&] {
    const int answer =
        RetryInterrupted([&] { return (system.*function)(path.c_str()); });
    return CheckCall(answer, call, path);
  };
  co_return co_await Blocking(remove);
}

Task<absl::Status> Move(std::string from, std::string to) {
  co_await OrReturn(CheckPath(from));
  co_await OrReturn(CheckPath(to));
  System& system = CurrentReactor().system();
  auto move = [&] {
    const int answer = RetryInterrupted(
        [&] { return system.rename(from.c_str(), to.c_str()); });
    const int error = errno;
    if (answer == 0) return absl::OkStatus();
    return PathError(error, "rename", absl::StrCat(from, "\" to \"", to));
  };
  co_return co_await Blocking(move);
}

}  // namespace

// None of these is a coroutine itself: what they borrow need not outlive the
// call.
Task<absl::Status> CreateDirectory(std::string_view path, mode_t permissions) {
  return Make(std::string(path), permissions);
}

Task<absl::Status> RemoveDirectory(std::string_view path) {
  return Remove(std::string(path), "rmdir", &System::rmdir);
}

Task<absl::Status> RemoveFile(std::string_view path) {
  return Remove(std::string(path), "unlink", &System::unlink);
}

Task<absl::Status> Rename(std::string_view from, std::string_view to) {
  return Move(std::string(from), std::string(to));
}

}  // namespace weft::fs
