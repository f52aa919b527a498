// Starting and ending a set of workers.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/runtime.h"

#include <algorithm>
#include <utility>

#include "absl/base/internal/raw_logging.h"
#include "weft/runtime/internal/lifecycle.h"
#include "weft/runtime/internal/processor_quota.h"
#include "weft/runtime/internal/scheduler.h"

namespace weft {
namespace {

Runtime MustCreate(const RuntimeOptions& options) {
  absl::StatusOr<Runtime> runtime = Runtime::Create(options);
  if (!runtime.ok()) {
    ABSL_RAW_LOG(FATAL, "cannot start a runtime: %s",
                 runtime.status().ToString().c_str());
  }
  return *std::move(runtime);
}

}  // namespace

int DefaultWorkers() noexcept {
  reactor::System& system = reactor::System::Kernel();
  const int allowed = system.available_processors();
  const int quota = internal::ProcessorQuota(system).value_or(allowed);
  return std::clamp(std::min(allowed, quota), 1, internal::Idle::kMaxWorkers);
}

namespace internal {

absl::StatusOr<std::unique_ptr<Scheduler>> CreateScheduler(
    const RuntimeOptions& options) {
  ABSL_RAW_CHECK(options.max_blocking_threads >= 1,
                 "RuntimeOptions::max_blocking_threads is at least 1: file "
                 "operations need one too");
  return Scheduler::Create(
      {.workers = options.workers > 0 ? options.workers : DefaultWorkers(),
       .system = options.system,
       .max_blocking_threads = options.max_blocking_threads});
}

void DrainAndStop(Scheduler& scheduler, absl::Duration timeout) {
  scheduler.BeginDrain();
  scheduler.WaitUntilDrained(timeout);
  scheduler.StopThreads();
}

}  // namespace internal

absl::StatusOr<Runtime> Runtime::Create(const RuntimeOptions& options) {
  auto scheduler = internal::CreateScheduler(options);
  if (!scheduler.ok()) return scheduler.status();
  const absl::Status started = (*scheduler)->StartThreads();
  if (!started.ok()) return started;
  return Runtime(*std::move(scheduler), options.drain_timeout);
}

Runtime::Runtime(const RuntimeOptions& options)
    : Runtime(MustCreate(options)) {}

Runtime::Runtime(std::unique_ptr<internal::Scheduler> scheduler,
                 absl::Duration drain_timeout)
    : drain_timeout_(drain_timeout), scheduler_(std::move(scheduler)) {}

Runtime::Runtime(Runtime&&) noexcept = default;

Runtime::~Runtime() {
  if (scheduler_ == nullptr) return;  // Moved from.
  internal::DrainAndStop(*scheduler_, drain_timeout_);
}

int Runtime::workers() const noexcept { return scheduler_->worker_count(); }

internal::TaskList& Runtime::home() noexcept {
  return scheduler_->RegistryForCaller();
}

}  // namespace weft
