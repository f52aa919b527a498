// Asking a file system for its room, by a name or by what is open.
//
// SPDX-License-Identifier: MIT

#include "weft/fs/space.h"

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "weft/fs/path_error.h"
#include "weft/reactor/os_error.h"
#include "weft/reactor/reactor.h"
#include "weft/runtime/blocking_pool.h"
#include "weft/runtime/current.h"
#include "weft/runtime/or_return.h"

namespace weft::fs {
namespace {

using ::weft::reactor::RetryInterrupted;
using ::weft::reactor::System;

Task<absl::StatusOr<Space>> SpaceAt(std::string path) {
  co_await OrReturn(CheckPath(path));
  System& system = CurrentReactor().system();
  auto ask = [&]() -> absl::StatusOr<Space> {
    Space space;
    const int answer =
        RetryInterrupted([&] { return system.statvfs(path.c_str(), &space); });
    absl::Status asked = CheckCall(answer, "statvfs", path);
    if (!asked.ok()) return asked;
    return space;
  };
  co_return co_await Blocking(ask);
}

}  // namespace

// Not a coroutine itself: a path need not outlive the call.
Task<absl::StatusOr<Space>> GetSpace(std::string_view path) {
  return SpaceAt(std::string(path));
}

Task<absl::StatusOr<Space>> GetSpace(const File& file) {
  auto ask = [&file]() -> absl::StatusOr<Space> {
    Space space;
    const int answer = RetryInterrupted(
        [&] { return file.system().fstatvfs(file.fd().get(), &space); });
    absl::Status asked = CheckCall(answer, "fstatvfs", file.path());
    if (!asked.ok()) return asked;
    return space;
  };
  co_return co_await Blocking(ask);
}

}  // namespace weft::fs
