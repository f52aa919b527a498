// Simulator: runs tasks on the calling thread, in virtual time, the same way
// every time.
//
//     weft::testing::Simulator sim;
//     sim.Spawn(Producer(channel));
//     absl::Status s = sim.Run(Consumer(channel));
//
// Time stands still while anything can run; when nothing can, the clock jumps
// to the next timer. So a program that sleeps for a year is tested in no time,
// and a timeout fires exactly when it should. With a seed the order in which
// ready tasks run is random, and the same for the same seed.
//
// It is the runtime's own worker, with one thread and another clock: what is
// tested is what is shipped. Real descriptors work (loopback sockets, pipes,
// files); Blocking() runs its function on the spot. A network whose packets
// take virtual time is net/testing/simulated_network.h.
//
// Threads: all of it on one thread. Tasks may be woken from others.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_TESTING_SIMULATOR_H_
#define WEFT_RUNTIME_TESTING_SIMULATOR_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "weft/runtime/current.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/wait_result.h"

namespace weft::testing {

struct SimulatorOptions {
  // Empty: the order of a real worker.
  std::optional<std::uint64_t> seed = {};
  // The system calls and the clock; null for the simulation's own. Borrowed,
  // also by every stream and file that is made in the simulation: these do not
  // outlive it.
  SimulatedSystem* system = nullptr;
};

class Simulator {
 public:
  explicit Simulator(SimulatorOptions options = {});
  // A simulation with this seed.
  explicit Simulator(std::uint64_t seed);
  Simulator(const Simulator&) = delete;
  Simulator& operator=(const Simulator&) = delete;
  // Destroys what is still suspended, leaf first.
  ~Simulator();

  // Adds a task that runs on its own; its errors are ignored, an exception ends
  // the program.
  template <typename T>
  void Spawn(Task<T> task) {
    SpawnJoinable(std::move(task)).Detach();
  }
  template <typename Function, typename... Args>
    requires MakesTask<Function, Args...>
  void Spawn(Function&& function, Args&&... args) {
    SpawnJoinable(std::forward<Function>(function), std::forward<Args>(args)...)
        .Detach();
  }

  // Adds a task and gives its handle.
  template <typename T>
  JoinHandle<T> SpawnJoinable(Task<T> task) {
    return internal::SpawnInto<T>(home(),
                                  internal::MadeTask<T>(std::move(task)));
  }
  template <typename Function, typename... Args>
    requires MakesTask<Function, Args...>
  auto SpawnJoinable(Function&& function, Args&&... args) {
    auto closure = internal::MakeClosure(std::forward<Function>(function),
                                         std::forward<Args>(args)...);
    using T = typename decltype(closure.Call())::Result;
    return internal::SpawnInto<T>(home(), std::move(closure));
  }

  // Runs until `task` has finished and gives its result. Where everything waits
  // and no timer is armed, it waits for other threads and descriptors to bring
  // something; after ten seconds of the real clock it ends the program, since a
  // test that hangs tells nobody why.
  template <typename T>
  WaitResult<T> Run(Task<T> task) {
    JoinHandle<T> handle = SpawnJoinable(std::move(task));
    RunUntil([&handle] { return handle.finished(); });
    return handle.BlockingJoin();
  }

  // Runs until nothing can run, now or later: every task has ended or waits for
  // something that no timer and no descriptor will bring.
  void RunUntilIdle();
  // Runs what is ready, and lets `duration` of virtual time pass.
  void RunFor(absl::Duration duration);
  // Moves the clock on, and runs nothing: timers that are due by then fire when
  // the simulation next looks.
  void AdvanceClock(absl::Duration duration) noexcept;
  // Runs one ready job to its next suspension; where none is ready, takes in
  // what descriptors brought, or lets the clock jump to the next timer. False:
  // nothing is left to do. For tests that look, or cancel, at every suspension.
  bool RunOneStep();

  // Cancels every task there is.
  void CancelAll() noexcept;

  Instant now() const noexcept;
  // Tasks that have not ended.
  bool AnyTasks() noexcept;

 private:
  // Runs one job, or takes in what is ready, or lets time pass, but not beyond
  // `horizon`. False: nothing is left to do by then.
  bool Step(internal::ThisThread& here, Instant horizon);
  void RunUntil(absl::FunctionRef<bool()> done);
  internal::TaskList& home() noexcept;
  internal::Worker& worker() const noexcept;

  SimulatedSystem own_system_;
  SimulatedSystem& system_;
  std::unique_ptr<internal::Scheduler> scheduler_;
};

}  // namespace weft::testing

#endif  // WEFT_RUNTIME_TESTING_SIMULATOR_H_
