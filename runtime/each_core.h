// OnEachCore: one task on each core of the runtime.
//
//     Task<absl::Status> Serve(Address address) {
//       ListenOptions options;
//       options.reuse_port = true;
//       auto listener =
//           co_await OrReturn(TcpListener::Bind(address, options));
//       ...
//     }
//     co_await OrReturn(OnEachCore(Serve, address));
//
// All of them listen on one port then, and the system deals the connections
// out. (Port 0 would be another port on each: bind once, ask for
// local_address(), and bind that on each core before the first one is closed.)
//
// In a runtime of the flavor kPerCore a task stays on the core where it was
// born, so a program that wants to use all of them begins one there on each. In
// one that steals work there is one such task, whose children spread by
// themselves. The same program runs on either.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_EACH_CORE_H_
#define WEFT_RUNTIME_EACH_CORE_H_

#include <cstddef>
#include <functional>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "weft/runtime/internal/spawned.h"
#include "weft/runtime/internal/task_list.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/shield.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"

namespace weft {

// How many cores there are that do not share their work; 1 where all do.
// Requires: InsideRuntime().
std::size_t CoreCount() noexcept;

namespace internal {

bool IsOwnCore(std::size_t index) noexcept;

// Where a task is born that is to stay on core `index`, another's.
TaskList& HomeOnCore(std::size_t index) noexcept;

inline Task<absl::Status> Await(JoinHandle<absl::Status>& task) {
  co_return co_await task.Join();
}
inline Task<> CancelWithUs(JoinHandle<absl::Status>& task) {
  static_cast<void>(co_await SleepFor(absl::InfiniteDuration()));
  task.Cancel();
}

// Joins a task of another core as if it were a child of ours: where we are
// cancelled, so is it, and it is waited for all the same. The wait itself is
// never cancelled: from a CANCELLED one could not tell whose it is.
inline Task<absl::Status> JoinAsChild(JoinHandle<absl::Status> task) {
  absl::Status ended;
  absl::Status watched =
      co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
        scope.Spawn(CancelWithUs, std::ref(task));
        ended = co_await Shield(Await(task));
        scope.Cancel();
        co_return absl::OkStatus();
      });
  ended.Update(std::move(watched));
  co_return ended;
}

}  // namespace internal

// Runs function(args...), a Task<absl::Status>, once on each core, and waits
// for all. The function and the arguments are copied for each. The first error
// cancels the others, as in a scope.
//
// Suspends: until each has ended.
// Cancel:   passed on to each, which are still waited for. (In a Shield while
//           the runtime ends, those of other cores are cancelled all the same.)
// Borrows:  what `args` refer to.
// Requires: InsideRuntime().
template <typename Function, typename... Args>
  requires MakesTask<const Function&, const Args&...>
Task<absl::Status> OnEachCore(Function function, Args... args) {
  co_return co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
    for (std::size_t i = 0; i < CoreCount(); ++i) {
      if (internal::IsOwnCore(i)) {
        scope.Spawn(std::as_const(function), std::as_const(args)...);
        continue;
      }
      auto closure = internal::MakeClosure(std::as_const(function),
                                           std::as_const(args)...);
      scope.Spawn(internal::JoinAsChild(internal::SpawnInto<absl::Status>(
          internal::HomeOnCore(i), std::move(closure))));
    }
    co_return absl::OkStatus();
  });
}

}  // namespace weft

#endif  // WEFT_RUNTIME_EACH_CORE_H_
