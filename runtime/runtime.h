// Runtime: a set of workers that run tasks, owned by a plain thread.
//
//     weft::Runtime runtime({.workers = 2});
//     int n = *runtime.BlockOn(Count(path));
//
// Most programs need none of this: weft::Run (run.h) makes one, runs main in it
// and ends it.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_RUNTIME_H_
#define WEFT_RUNTIME_RUNTIME_H_

#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "weft/reactor/system.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/wait_result.h"

namespace weft {

struct RuntimeOptions {
  // 0: as many as the machine and this process's limits give (DefaultWorkers).
  int workers = 0;
  // How many threads Blocking may use at a time: 1 at least.
  int max_blocking_threads = 64;
  // How long ending the runtime waits for tasks that do not heed their
  // cancellation. After it their frames are destroyed where they wait: so where
  // it is finite, no other thread or runtime may be about to wake them.
  absl::Duration drain_timeout = absl::InfiniteDuration();
  // The system calls; null for the kernel's. Borrowed.
  reactor::System* system = nullptr;
};

// Processors this process may use: respects its affinity mask and, on Linux,
// its cgroup's quota. At least 1, at most 64.
int DefaultWorkers() noexcept;

class Runtime {
 public:
  // Starts the workers' threads. Fails where the system gives no poller or no
  // thread (RESOURCE_EXHAUSTED).
  static absl::StatusOr<Runtime> Create(const RuntimeOptions& options);
  // As Create; ends the program with the reason when that fails.
  explicit Runtime(const RuntimeOptions& options = {});

  Runtime(Runtime&&) noexcept;
  Runtime& operator=(Runtime&&) = delete;
  // Cancels every task, waits until they have ended (drain_timeout), and stops
  // the threads.
  ~Runtime();

  // Runs `task` and waits for it, on a plain thread. An exception that escapes
  // from it is thrown here.
  //
  // Threads: any thread that is not a worker of a runtime.
  template <typename T>
  WaitResult<T> BlockOn(Task<T> task) {
    JoinHandle<T> handle = Spawn(std::move(task));
    return handle.BlockingJoin();
  }

  // Starts `task`. As weft::Spawn, from any thread.
  template <typename T>
  JoinHandle<T> Spawn(Task<T> task) {
    return internal::SpawnInto<T>(home(),
                                  internal::MadeTask<T>(std::move(task)));
  }
  template <typename Function, typename... Args>
    requires MakesTask<Function, Args...>
  auto Spawn(Function&& function, Args&&... args) {
    auto closure = internal::MakeClosure(std::forward<Function>(function),
                                         std::forward<Args>(args)...);
    using T = typename decltype(closure.Call())::Result;
    return internal::SpawnInto<T>(home(), std::move(closure));
  }

  int workers() const noexcept;

 private:
  Runtime(std::unique_ptr<internal::Scheduler> scheduler,
          absl::Duration drain_timeout);
  internal::TaskList& home() noexcept;

  absl::Duration drain_timeout_;
  std::unique_ptr<internal::Scheduler> scheduler_;
};

}  // namespace weft

#endif  // WEFT_RUNTIME_RUNTIME_H_
