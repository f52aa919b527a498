// Tests of weft::net::SignalSet in a runtime whose cores share nothing but the
// process, and so its signals.
//
// SPDX-License-Identifier: MIT

#include <signal.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "weft/net/signal_set.h"
#include "weft/reactor/signal_mask.h"
#include "weft/runtime/each_core.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/task.h"
#include "weft/sync/barrier.h"

namespace weft::net {
namespace {

constexpr int kCores = 4;

// Keeps what it gets until all have tried.
Task<absl::Status> TryToWatch(std::atomic<int>& sets, sync::Barrier& all) {
  const absl::StatusOr<SignalSet> set = SignalSet::Create({SIGUSR1});
  if (set.ok()) sets.fetch_add(1);
  const absl::StatusOr<std::uint64_t> tried = co_await all.ArriveAndWait();
  if (!tried.ok()) co_return tried.status();
  if (absl::IsAlreadyExists(set.status())) co_return absl::OkStatus();
  co_return set.status();
}

TEST(SignalSetOnCoresTest, ASignalHasOneSetOnAllCores) {
  const std::unique_ptr<reactor::BlockedSignals> announced =
      *reactor::BlockedSignals::Create({SIGUSR1});
  std::atomic<int> sets{0};
  sync::Barrier all(kCores);
  RuntimeOptions options;
  options.flavor = Flavor::kPerCore;
  options.workers = kCores;
  Runtime runtime(options);

  EXPECT_EQ(
      runtime.BlockOn(OnEachCore(TryToWatch, std::ref(sets), std::ref(all))),
      absl::OkStatus());

  EXPECT_EQ(sets.load(), 1);
}

}  // namespace
}  // namespace weft::net
