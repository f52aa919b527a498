// Run and RunMain: a whole program's worth of runtime in one call.
//
//     int main() { return weft::RunMain(Serve, "127.0.0.1:7777"); }
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_RUN_H_
#define WEFT_RUNTIME_RUN_H_

#include <concepts>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weft/runtime/internal/spawned.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/task.h"
#include "weft/runtime/wait_result.h"

namespace weft {

// Runs `task` on a runtime of its own and gives its result. When it has
// finished, whatever it left running is cancelled and awaited. An exception
// that escapes from it is thrown here.
//
// Threads: a plain thread, which is blocked meanwhile.
template <typename T>
WaitResult<T> Run(Task<T> task, const RuntimeOptions& options = {}) {
  Runtime runtime(options);
  return runtime.BlockOn(std::move(task));
}

// As above, for function(args...), which must return a Task. The function and
// the arguments live until it has finished.
template <typename Function, typename... Args>
  requires MakesTask<Function, Args...>
auto Run(Function&& function, Args&&... args) {
  Runtime runtime;
  return runtime
      .Spawn(std::forward<Function>(function), std::forward<Args>(args)...)
      .BlockingJoin();
}

namespace internal {

// What a main function may give.
template <typename T>
concept ExitStatus =
    std::is_void_v<T> || std::same_as<T, int> || std::same_as<T, absl::Status>;

int RunUntilSignal(Task<absl::StatusOr<int>> task,
                   const RuntimeOptions& options);

template <ExitStatus T, typename Callable>
Task<absl::StatusOr<int>> MainTask(Callable callable) {
  if constexpr (std::is_void_v<T>) {
    co_await callable.Call();
  } else {
    T ended = co_await callable.Call();
    if constexpr (std::same_as<T, int>) co_return ended;
    if constexpr (std::same_as<T, absl::Status>) {
      if (!ended.ok()) co_return ended;
    }
  }
  co_return 0;
}

}  // namespace internal

// Runs function(args...), which returns a Task of void, int or absl::Status, as
// the main program, and returns the exit code: the int; or 0 for OK; or 1 for
// an error or an escaped exception, which is printed to standard error.
//
// The first SIGINT or SIGTERM cancels the task, and the program ends when it
// has; CANCELLED is no error then. A second one ends the program at once, with
// the exit code a shell gives to that signal. One that options.signals names is
// left to the program; one that it was started to ignore stays ignored.
//
// Threads: the main thread, before others are started: those would not know
//          that the two signals are taken.
template <typename Function, typename... Args>
  requires MakesTask<Function, Args...>
int RunMain(const RuntimeOptions& options, Function&& function,
            Args&&... args) {
  auto closure = internal::MakeClosure(std::forward<Function>(function),
                                       std::forward<Args>(args)...);
  using T = typename decltype(closure.Call())::Result;
  return internal::RunUntilSignal(internal::MainTask<T>(std::move(closure)),
                                  options);
}

// As above, with the default options.
template <typename Function, typename... Args>
  requires MakesTask<Function, Args...>
int RunMain(Function&& function, Args&&... args) {
  return RunMain(RuntimeOptions{}, std::forward<Function>(function),
                 std::forward<Args>(args)...);
}

}  // namespace weft

#endif  // WEFT_RUNTIME_RUN_H_
