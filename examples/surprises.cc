// Five things that surprise whoever comes from tokio, Go or asyncio. The table
// of what is called how is in docs/guides/coming_from.md, which quotes these.
//
// Under virtual time; the output is in surprises.out, and checked.
//
// SPDX-License-Identifier: MIT

#include <array>
#include <cstddef>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "weft/fs/read_file.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/shield.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/runtime/yield.h"
#include "weft/sync/event.h"

namespace {

using weft::JoinHandle, weft::OrReturn, weft::Scope, weft::SleepFor, weft::Task;
using weft::sync::Event;

void Print(const char* who, const absl::Status& status) {
  absl::PrintF("%s: %s\n", who, absl::StatusCodeToString(status.code()));
}

// region: request
Task<absl::Status> SayGoodbye() {
  co_await OrReturn(SleepFor(absl::Seconds(1)));
  absl::PrintF("said goodbye\n");
  co_return absl::OkStatus();
}

Task<absl::Status> Work() {
  const absl::Status waited = co_await SleepFor(absl::Hours(1));
  Print("the wait", waited);  // CANCELLED; and the task goes on from here.
  const absl::Status again = co_await SayGoodbye();
  Print("a wait after it", again);
  co_return co_await weft::Shield(SayGoodbye());
}

Task<> Interrupt() {
  JoinHandle<absl::Status> work = weft::Spawn(Work);
  co_await weft::Yield();
  work.Cancel();  // Asks, and does not wait.
  const absl::Status ended = co_await work.Join();
  Print("the task", ended);
}
// endregion

// region: drop
Task<> Linger(std::string who) {
  const absl::Status slept = co_await SleepFor(absl::Seconds(1));
  Print(who.c_str(), slept);
}

Task<absl::Status> Drop() {
  {
    const JoinHandle<void> dropped = weft::Spawn(Linger, "dropped");
    weft::Spawn(Linger, "detached").Detach();
  }
  co_return co_await SleepFor(absl::Seconds(2));
}
// endregion

// region: borrow
// They may run at the same time, on several threads: each has its own number.
Task<> Square(int& number) {
  co_await weft::Yield();
  number *= number;
}

Task<absl::Status> Squares() {
  std::array<int, 3> numbers = {1, 2, 3};
  absl::Status ended =
      co_await weft::WithScope([&](Scope& scope) -> Task<absl::Status> {
        for (int& number : numbers) scope.Spawn(Square, std::ref(number));
        co_return absl::OkStatus();
      });
  // Nobody refers to them any more.
  absl::PrintF("squares: %d %d %d\n", numbers[0], numbers[1], numbers[2]);
  co_return ended;
}
// endregion

// region: status
Task<absl::StatusOr<std::size_t>> SizeOf(std::string path) {
  const std::string text = co_await OrReturn(weft::fs::ReadFile(path));
  co_return text.size();  // Not reached where the file cannot be read.
}

Task<> Ask() {
  const absl::StatusOr<std::size_t> size = co_await SizeOf("/no/such/file");
  Print("the size", size.status());
  absl::PrintF("%s\n", size.status().message());
}
// endregion

// region: order
Task<> Say(const char* what) {
  absl::PrintF("%s\n", what);
  co_return;
}

Task<absl::Status> SayWhen(Event& event, const char* what) {
  co_await OrReturn(event.Wait());
  absl::PrintF("%s\n", what);
  co_return absl::OkStatus();
}

Task<absl::Status> Order() {
  Event event;
  co_return co_await weft::WithScope([&](Scope& scope) -> Task<absl::Status> {
    scope.Spawn(SayWhen, std::ref(event), "woken");
    co_await weft::Yield();
    scope.Spawn(Say, "spawned before that");
    event.Set();
    co_return absl::OkStatus();
  });
}
// endregion

}  // namespace

int main() {
  weft::testing::Simulator sim;
  sim.Run(Interrupt()).IgnoreError();
  sim.Run(Drop()).IgnoreError();
  sim.Run(Squares()).IgnoreError();
  sim.Run(Ask()).IgnoreError();
  sim.Run(Order()).IgnoreError();
}
