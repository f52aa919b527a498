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
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "weft/reactor/signal_mask.h"
#include "weft/reactor/system.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/wait_result.h"

namespace weft {

namespace internal {
class Cores;
}  // namespace internal

// How the workers of a runtime stand to each other.
enum class Flavor {
  // They share the work: one that has none takes from one that has too much.
  kWorkStealing,
  // One loop a core: a task stays on the worker where it was born, and what
  // crosses over is a wake. Begin on each by OnEachCore (each_core.h).
  kPerCore,
};

struct RuntimeOptions {
  Flavor flavor = Flavor::kWorkStealing;
  // 0: as many as the machine and this process's limits give (DefaultWorkers).
  int workers = 0;
  // How many threads Blocking may use at a time: 1 at least. (Where the workers
  // share nothing, each has its part of them, and one at least.)
  int max_blocking_threads = 64;
  // How long a worker without work looks out for some before it sleeps, which
  // costs 40 us and more until it is up again. It does so only while recent
  // sleeps were shorter than that and looks find something, and while there is
  // a processor to spare for it; beside workers that are up, for 10 us at most.
  // An idle program uses no processor. Zero: it sleeps at once, where many
  // programs share the processors.
  absl::Duration longest_spin = absl::Microseconds(100);
  // How long ending waits for tasks that wait on though cancelled; what runs,
  // in the pool as well, has no limit. Then frames are destroyed: so no other
  // thread or runtime may be about to wake them, where it is finite.
  absl::Duration drain_timeout = absl::InfiniteDuration();
  // The system calls; null for the kernel's. Borrowed.
  reactor::System* system = nullptr;
  // Signals that the program takes as events, with a net::SignalSet, instead of
  // being ended or interrupted by them. They are blocked in the thread that
  // makes the runtime, before it starts others, and until it is gone; so the
  // runtime is destroyed on the same thread then, and made before threads that
  // are none of its own are started. Until a SignalSet takes them, they wait.
  std::vector<int> signals = {};
};

// Processors this process may use: respects its affinity mask and, on Linux,
// its cgroup's quota. At least 1, at most 64.
int DefaultWorkers() noexcept;

class Runtime {
 public:
  // Starts the workers' threads. Fails where the system gives no poller or no
  // thread (RESOURCE_EXHAUSTED), and for options.signals that are none
  // (INVALID_ARGUMENT).
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
  Runtime(std::unique_ptr<reactor::BlockedSignals> signals,
          std::unique_ptr<internal::Cores> cores, absl::Duration drain_timeout);
  internal::TaskList& home() noexcept;

  absl::Duration drain_timeout_;
  std::unique_ptr<reactor::BlockedSignals> signals_;
  std::unique_ptr<internal::Cores> cores_;
};

}  // namespace weft

#endif  // WEFT_RUNTIME_RUNTIME_H_
