// A program that is all weft::RunMain, in the way its argument names. The tests
// in tests/stress/runtime_run_test.cc start it and look at how it ends.
//
// SPDX-License-Identifier: MIT

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <stdexcept>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "weft/runtime/cancellation.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/run.h"
#include "weft/runtime/shield.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"

namespace {

using weft::OrReturn;
using weft::SleepFor;
using weft::Task;

// What the test waits for before it goes on.
void Say(const char* line) {
  ::puts(line);
  ::fflush(stdout);
}

Task<absl::Status> Sleep(absl::Duration duration) {
  absl::Status slept = co_await SleepFor(duration);
  co_return slept;
}

Task<int> GiveSeven(int seven) { co_return seven; }

Task<> GiveNothing() { co_return; }

Task<absl::Status> GiveOk() { co_return absl::OkStatus(); }

Task<absl::Status> Fail() {
  co_await OrReturn(SleepFor(absl::Milliseconds(1)));
  co_return absl::NotFoundError("no such loom");
}

Task<absl::Status> Throw() {
  co_await OrReturn(SleepFor(absl::Milliseconds(1)));
  throw std::runtime_error("the thread is torn");
}

Task<int> ThrowWhatIsNoException() {
  throw 5;
  co_return 0;
}

// Ends when it is cancelled, with what the wait says.
Task<absl::Status> SleepForEver() {
  Say("ready");
  co_await OrReturn(SleepFor(absl::InfiniteDuration()));
  co_return absl::OkStatus();
}

Task<absl::Status> CleanUpSlowly() {
  co_await OrReturn(SleepFor(absl::Milliseconds(20)));
  Say("cleaned up");
  co_return absl::OkStatus();
}

Task<absl::Status> SleepThenCleanUp() {
  Say("ready");
  absl::Status slept = co_await SleepFor(absl::InfiniteDuration());
  absl::Status cleaned = co_await weft::Shield(CleanUpSlowly());
  co_return slept;
}

Task<absl::Status> SleepThenFail() {
  Say("ready");
  static_cast<void>(co_await SleepFor(absl::InfiniteDuration()));
  co_return absl::DataLossError("not saved");
}

Task<int> SleepThenGiveNine() {
  Say("ready");
  static_cast<void>(co_await SleepFor(absl::InfiniteDuration()));
  co_return 9;
}

// Does not heed the first signal.
Task<absl::Status> Linger() {
  Say("ready");
  static_cast<void>(co_await SleepFor(absl::InfiniteDuration()));
  Say("draining");
  co_await OrReturn(weft::Shield(Sleep(absl::InfiniteDuration())));
  co_return absl::OkStatus();
}

// Never waits: whoever tells it anything must do so while it computes.
Task<> Compute() {
  Say("ready");
  while (!weft::IsCancelled()) {
  }
  Say("cancelled");
  for (;;) static_cast<void>(weft::IsCancelled());
}

Task<> SleepThenTell() {
  static_cast<void>(co_await SleepFor(absl::InfiniteDuration()));
  Say("child has ended");
}

Task<int> LeaveAChild() {
  weft::Spawn(SleepThenTell()).Detach();
  static_cast<void>(co_await SleepFor(absl::Milliseconds(5)));
  Say("main has ended");
  co_return 3;
}

// Sends both, which its only worker looks at when it has nothing else to do. Of
// two that are taken the second would end the program.
Task<absl::Status> InterruptAndTerminate() {
  ::kill(::getpid(), SIGINT);
  ::kill(::getpid(), SIGTERM);
  return Sleep(absl::InfiniteDuration());
}

// As a shell starts what is to run in the background.
int RunWithoutInterrupts() {
  ::signal(SIGINT, SIG_IGN);
  return weft::RunMain(weft::RuntimeOptions{.workers = 1},
                       InterruptAndTerminate);
}

// A signal is pending before there is anybody to take it.
int RunWithPendingSignal() {
  sigset_t terminate;
  ::sigemptyset(&terminate);
  ::sigaddset(&terminate, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &terminate, nullptr);
  // To the process: what raise sends is for this thread alone.
  ::kill(::getpid(), SIGTERM);
  return weft::RunMain(SleepForEver);
}

}  // namespace

int main(int count, char** arguments) {
  const std::string_view way = count > 1 ? arguments[1] : "";
  if (way == "int") return weft::RunMain(GiveSeven, 7);
  if (way == "void") return weft::RunMain(GiveNothing);
  if (way == "ok") return weft::RunMain(GiveOk);
  if (way == "error") return weft::RunMain(Fail);
  if (way == "exception") return weft::RunMain(Throw);
  if (way == "unknown exception") return weft::RunMain(ThrowWhatIsNoException);
  if (way == "sleep") return weft::RunMain(SleepForEver);
  if (way == "one worker") {
    return weft::RunMain(weft::RuntimeOptions{.workers = 1}, SleepForEver);
  }
  if (way == "clean up") return weft::RunMain(SleepThenCleanUp);
  if (way == "fail late") return weft::RunMain(SleepThenFail);
  if (way == "int late") return weft::RunMain(SleepThenGiveNine);
  if (way == "linger") return weft::RunMain(Linger);
  if (way == "compute") {
    return weft::RunMain(weft::RuntimeOptions{.workers = 1}, Compute);
  }
  if (way == "child") return weft::RunMain(LeaveAChild);
  if (way == "interrupts ignored") return RunWithoutInterrupts();
  if (way == "pending signal") return RunWithPendingSignal();
  ::fprintf(stderr, "no such way to run: %s\n", std::string(way).c_str());
  return 64;
}
