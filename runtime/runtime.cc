// Starting and ending a set of workers.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/runtime.h"

#include <fcntl.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "absl/base/internal/raw_logging.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "weft/reactor/fd.h"
#include "weft/runtime/internal/lifecycle.h"
#include "weft/runtime/internal/scheduler.h"

namespace weft {
namespace {

// What the cgroup's quota amounts to, in whole processors. cpu.max of cgroup v2
// reads "max 100000" or "150000 100000": microseconds of time a period.
int ProcessorsOfQuota() noexcept {
  constexpr int kNoLimit = internal::Idle::kMaxWorkers;
  reactor::System& system = reactor::System::Kernel();
  const int number = system.open("/sys/fs/cgroup/cpu.max", O_RDONLY, 0);
  if (number < 0) return kNoLimit;
  const reactor::Fd file(number);
  char text[64];
  const ssize_t size = system.read(file.get(), text, sizeof(text));
  if (size <= 0) return kNoLimit;
  const std::pair<std::string, std::string> fields = absl::StrSplit(
      absl::StripAsciiWhitespace(absl::string_view(text, size)), ' ');
  double quota = 0;
  double period = 0;
  if (!absl::SimpleAtod(fields.first, &quota) ||
      !absl::SimpleAtod(fields.second, &period) || period <= 0) {
    return kNoLimit;  // "max"
  }
  return static_cast<int>(std::ceil(quota / period));
}

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
  const int allowed = reactor::System::Kernel().available_processors();
  return std::clamp(std::min(allowed, ProcessorsOfQuota()), 1,
                    internal::Idle::kMaxWorkers);
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
