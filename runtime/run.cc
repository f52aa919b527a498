// Signals, exit codes, and the order in which a program ends.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/run.h"

#include <signal.h>
#include <stdio.h>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <memory>
#include <utility>
#include <vector>

#include "weft/reactor/signal_mask.h"
#include "weft/reactor/signals.h"
#include "weft/runtime/atomic.h"
#include "weft/runtime/internal/cores.h"
#include "weft/runtime/internal/scheduler.h"

namespace weft::internal {
namespace {

using MainHandle = JoinHandle<absl::StatusOr<int>>;

// The first signal cancels the task, the second ends the program.
class CancelOnSignal final : public reactor::SignalListener {
 public:
  // A signal that came before is not lost. `task` stays as long as we listen.
  void Attach(MainHandle& task) noexcept {
    // seq_cst, with those in OnSignal: either it sees the task, or we see that
    // it was here.
    task_.store(&task, std::memory_order_seq_cst);
    if (signalled()) task.Cancel();
  }
  bool signalled() const noexcept {
    return signals_.load(std::memory_order_seq_cst) > 0;
  }

  void OnSignal(int signal, int) noexcept override {
    constexpr int kShellsCodeForSignals = 128;
    if (signals_.fetch_add(1, std::memory_order_seq_cst) > 0) {
      std::_Exit(kShellsCodeForSignals + signal);
    }
    MainHandle* const task = task_.load(std::memory_order_seq_cst);
    if (task != nullptr) task->Cancel();
  }

 private:
  Atomic<int> signals_{0};
  Atomic<MainHandle*> task_{nullptr};
};

// Those that the program does not take itself, and that whoever started it lets
// through. A shell without job control has what it runs in the background
// ignore SIGINT: Ctrl-C is for what runs in front.
std::vector<int> SignalsThatCancel(const RuntimeOptions& options) {
  std::vector<int> signals{SIGINT, SIGTERM};
  std::erase_if(signals, [&options](int signal) {
    return std::ranges::count(options.signals, signal) > 0 ||
           reactor::IsSignalIgnored(signal);
  });
  return signals;
}

int Fail(const char* why) {
  ::fprintf(stderr, "error: %s\n", why);
  return 1;
}

int Fail(const absl::Status& why) { return Fail(why.ToString().c_str()); }

// A cancelled task that a signal ended has done what it was told.
int JoinMain(MainHandle& main, const CancelOnSignal& signals) {
  try {
    const absl::StatusOr<int> code = main.BlockingJoin();
    if (code.ok()) return *code;
    if (absl::IsCancelled(code.status()) && signals.signalled()) return 0;
    return Fail(code.status());
  } catch (const std::exception& error) {
    return Fail(error.what());
  } catch (...) {
    return Fail("an exception of unknown type");
  }
}

}  // namespace

int RunUntilSignal(Task<absl::StatusOr<int>> task,
                   const RuntimeOptions& options) {
  auto cores = Cores::Create(options);
  if (!cores.ok()) return Fail(cores.status());
  CancelOnSignal signals;
  // Before the threads: they inherit the mask.
  auto blocked = reactor::BlockedSignals::Create(options.signals);
  if (!blocked.ok()) return Fail(blocked.status());
  auto watcher =
      reactor::SignalWatcher::Create((*cores)->core(0).worker(0).reactor(),
                                     SignalsThatCancel(options), signals);
  if (!watcher.ok()) return Fail(watcher.status());
  const absl::Status started = (*cores)->StartThreads();
  if (!started.ok()) return Fail(started);
  MainHandle main = SpawnInto<absl::StatusOr<int>>(
      (*cores)->HomeForCaller(),
      MadeTask<absl::StatusOr<int>>(std::move(task)));
  signals.Attach(main);
  const int code = JoinMain(main, signals);
  (*cores)->DrainAndStop(options.drain_timeout);
  return code;
}

}  // namespace weft::internal
