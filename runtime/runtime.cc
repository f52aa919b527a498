// Starting and ending a set of workers.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/runtime.h"

#include <utility>

#include "absl/base/internal/raw_logging.h"
#include "weft/runtime/internal/cores.h"

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

absl::StatusOr<Runtime> Runtime::Create(const RuntimeOptions& options) {
  auto cores = internal::Cores::Create(options);
  if (!cores.ok()) return cores.status();
  auto signals = reactor::BlockedSignals::Create(options.signals);
  if (!signals.ok()) return signals.status();
  const absl::Status started = (*cores)->StartThreads();
  if (!started.ok()) return started;
  return Runtime(*std::move(signals), *std::move(cores), options.drain_timeout);
}

Runtime::Runtime(const RuntimeOptions& options)
    : Runtime(MustCreate(options)) {}

Runtime::Runtime(std::unique_ptr<reactor::BlockedSignals> signals,
                 std::unique_ptr<internal::Cores> cores,
                 absl::Duration drain_timeout)
    : drain_timeout_(drain_timeout),
      signals_(std::move(signals)),
      cores_(std::move(cores)) {}

Runtime::Runtime(Runtime&&) noexcept = default;

Runtime::~Runtime() {
  if (cores_ == nullptr) return;  // Moved from.
  cores_->DrainAndStop(drain_timeout_);
}

int Runtime::workers() const noexcept { return cores_->workers(); }

internal::TaskList& Runtime::home() noexcept { return cores_->HomeForCaller(); }

}  // namespace weft
