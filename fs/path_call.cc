// The one way to the pool and back, for calls on names.
//
// SPDX-License-Identifier: MIT

#include "weft/fs/path_call.h"

#include <cerrno>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
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
using CallOnOne = std::function<int(System&, const char*)>;
using CallOnTwo = int (System::*)(const char*, const char*);

Task<absl::Status> OnOne(std::string_view name, std::string path,
                         CallOnOne call) {
  co_await OrReturn(CheckPath(path));
  System& system = CurrentReactor().system();
  auto make = [&] {
    const int answer =
        RetryInterrupted([&] { return call(system, path.c_str()); });
    return CheckCall(answer, name, path);
  };
  co_return co_await Blocking(make);
}

Task<absl::Status> OnTwo(std::string_view name, std::string from,
                         std::string to, CallOnTwo call) {
  co_await OrReturn(CheckPath(from));
  co_await OrReturn(CheckPath(to));
  System& system = CurrentReactor().system();
  auto make = [&] {
    const int answer = RetryInterrupted(
        [&] { return (system.*call)(from.c_str(), to.c_str()); });
    const int error = errno;
    if (answer == 0) return absl::OkStatus();
    return PathError(error, name, absl::StrCat(from, "\" to \"", to));
  };
  co_return co_await Blocking(make);
}

}  // namespace

// Not coroutines themselves: a path need not outlive the call.
Task<absl::Status> CallWithPath(std::string_view name, std::string_view path,
                                CallOnOne call) {
  return OnOne(name, std::string(path), std::move(call));
}

Task<absl::Status> CallWithPaths(std::string_view name, std::string_view from,
                                 std::string_view to, CallOnTwo call) {
  return OnTwo(name, std::string(from), std::string(to), call);
}

}  // namespace weft::fs
