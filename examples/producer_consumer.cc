// A producer, three workers, and a queue that knows when all is done.
//
// The second program of every asyncio tutorial. The queue has room for two
// jobs, so the producer waits for the workers; whoever wants the work to be
// complete joins the queue, not the workers, which would wait for the next job
// for ever: they are cancelled. It runs under virtual time; the output is in
// producer_consumer.out, and checked.
//
// SPDX-License-Identifier: MIT

#include <functional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "weft/runtime/current.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/sync/queue.h"

namespace {

using weft::OrReturn, weft::Task;

struct Job {
  int number;
  absl::Duration work;
};

using Jobs = weft::sync::Queue<Job>;

void Report(const char* who, int number, const char* what) {
  static const weft::Instant begin = weft::Now();
  absl::PrintF("%3.1f s  %s %d %s\n",
               absl::ToDoubleSeconds(weft::Now() - begin), who, number, what);
}

// region: producer
Task<absl::Status> Produce(Jobs& jobs) {
  for (int number = 1; number <= 6; ++number) {
    const Job job{number, absl::Milliseconds(100) * number};
    co_await OrReturn(jobs.Put(job));
    Report("job", number, "is in the queue");
  }
  co_return absl::OkStatus();
}
// endregion

// region: worker
Task<absl::Status> Work(Jobs& jobs, int worker) {
  for (;;) {
    const absl::StatusOr<Job> job = co_await jobs.Get();
    if (!job.ok()) Report("worker", worker, "goes home");
    co_await OrReturn(job);
    co_await OrReturn(weft::SleepFor(job->work));
    Report("job", job->number, "is done");
    jobs.TaskDone();
  }
}
// endregion

// region: join
Task<absl::Status> DoAll() {
  Jobs jobs(2);
  co_return co_await weft::WithScope(
      [&](weft::Scope& workers) -> Task<absl::Status> {
        for (int worker : {1, 2, 3}) {
          workers.Spawn(Work, std::ref(jobs), worker);
        }
        co_await OrReturn(Produce(jobs));
        co_await OrReturn(jobs.Join());
        absl::PrintF("everything is done\n");
        workers.Cancel();
        co_return absl::OkStatus();
      });
}
// endregion

}  // namespace

int main() {
  weft::testing::Simulator sim;
  const absl::Status done = sim.Run(DoAll());
  absl::PrintF("%s\n", done.ToString());
}
