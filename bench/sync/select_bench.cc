// What does it cost to receive from whichever of many channels has something?
//
//     select2_ready   one task fills 2 channels of capacity 1024 without
//                     waiting, and selects until both are empty; and again. One
//                     is a select that finds something, and the send that put
//                     it there.
//     select2_parked  two tasks have 2 channels of capacity 1 each, of which
//                     only the last is ever used. One task sends a number to
//                     the other's and selects over its own; the other selects
//                     over its own and sends the number back. So nearly every
//                     select waits. One is a round trip: two selects and two
//                     sends.
//     select8_..., select64_...
//                     the same with 8 channels instead of 2, and with 64, whose
//                     arms are made once and used again
//     select_default  one task selects over 2 channels of capacity 1 that stay
//                     empty, or goes on where neither has anything; one is such
//                     a look
//
// Arg 0: workers.
//
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "benchmark/benchmark.h"
#include "weft/bench/sync/measure.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/sync/channel.h"
#include "weft/sync/select.h"

namespace weft::bench {
namespace {

using sync::OnReceive;

constexpr std::int64_t kSelects = 524'288;
constexpr std::int64_t kTrips = 100'000;
constexpr std::int64_t kPolls = 1'000'000;
constexpr std::size_t kCapacity = 1024;

using Channels = std::deque<sync::Channel<std::int64_t>>;

void MakeChannels(Channels& channels, std::size_t count, std::size_t capacity) {
  channels.clear();
  for (std::size_t i = 0; i < count; ++i) channels.emplace_back(capacity);
}

void Fill(Channels& channels) {
  for (auto& channel : channels) {
    for (std::int64_t number = 0; number < std::int64_t{kCapacity}; ++number) {
      channel.TrySend(number);
    }
  }
}

// Adds up what comes.
struct Adder {
  std::int64_t* sum;
  void operator()(absl::StatusOr<std::int64_t> number) const {
    *sum += *number;
  }
};

// Two arms that are made where they are used, as one writes it; or as many as
// there are, made once.
Task<absl::Status> DrainTwo(Channels& channels, std::int64_t* sum) {
  const Adder add{sum};
  for (std::size_t left = 2 * kCapacity; left > 0; --left) {
    co_await OrReturn(
        Select(OnReceive(channels[0], add), OnReceive(channels[1], add)));
  }
  co_return absl::OkStatus();
}
Task<absl::Status> Drain(Channels& channels, std::int64_t* sum) {
  ArmSet arms(channels.size(), [&](std::size_t i) {
    return OnReceive(channels[i], Adder{sum});
  });
  for (std::size_t left = channels.size() * kCapacity; left > 0; --left) {
    co_await OrReturn(Select(arms));
  }
  co_return absl::OkStatus();
}

Task<absl::Status> SelectReady(std::size_t arms) {
  std::int64_t sum = 0;
  Channels channels;
  const auto batch = static_cast<std::int64_t>(arms * kCapacity);
  for (std::int64_t done = 0; done < kSelects; done += batch) {
    MakeChannels(channels, arms, kCapacity);
    Fill(channels);
    if (arms == 2) {
      co_await OrReturn(DrainTwo(channels, &sum));
    } else {
      co_await OrReturn(Drain(channels, &sum));
    }
  }
  benchmark::DoNotOptimize(sum);
  co_return absl::OkStatus();
}

// One side: selects over its own channels, and sends to the other's last.
Task<absl::Status> Answer(Channels& own, Channels& others, bool first) {
  std::int64_t number = 0;
  ArmSet arms(own.size(),
              [&](std::size_t i) { return OnReceive(own[i], Adder{&number}); });
  for (std::int64_t trip = 0; trip < kTrips; ++trip) {
    if (first) co_await OrReturn(others.back().Send(trip));
    number = 0;
    co_await OrReturn(Select(arms));
    if (!first) co_await OrReturn(others.back().Send(number));
  }
  co_return absl::OkStatus();
}

Task<absl::Status> SelectParked(std::size_t arms) {
  Channels here;
  Channels there;
  MakeChannels(here, arms, 1);
  MakeChannels(there, arms, 1);
  JoinHandle<absl::Status> other =
      Spawn(Answer, std::ref(there), std::ref(here), false);
  co_await OrReturn(Answer(here, there, true));
  co_return co_await other.Join();
}

Task<absl::Status> Poll() {
  std::int64_t sum = 0;
  const Adder add{&sum};
  Channels channels;
  MakeChannels(channels, 2, 1);
  for (std::int64_t i = 0; i < kPolls; ++i) {
    co_await OrReturn(Select(OnReceive(channels[0], add),
                             OnReceive(channels[1], add), OnDefault()));
  }
  co_return absl::OkStatus();
}

void Ready(benchmark::State& state, std::size_t arms) {
  Measure(state, kSelects, [arms] { return SelectReady(arms); });
}
void Parked(benchmark::State& state, std::size_t arms) {
  Measure(state, kTrips, [arms] { return SelectParked(arms); });
}

void SelectDefault(benchmark::State& state) { Measure(state, kPolls, Poll); }

BENCHMARK_CAPTURE(Ready, arms, 2)
    ->Name("sync/select2_ready/weft")
    ->Apply(OnOneAndTwoWorkers);
BENCHMARK_CAPTURE(Ready, arms, 8)
    ->Name("sync/select8_ready/weft")
    ->Apply(OnOneAndTwoWorkers);
BENCHMARK_CAPTURE(Ready, arms, 64)
    ->Name("sync/select64_ready/weft")
    ->Apply(OnOneAndTwoWorkers);
BENCHMARK_CAPTURE(Parked, arms, 2)
    ->Name("sync/select2_parked/weft")
    ->Apply(OnOneAndTwoWorkers);
BENCHMARK_CAPTURE(Parked, arms, 8)
    ->Name("sync/select8_parked/weft")
    ->Apply(OnOneAndTwoWorkers);
BENCHMARK_CAPTURE(Parked, arms, 64)
    ->Name("sync/select64_parked/weft")
    ->Apply(OnOneAndTwoWorkers);
BENCHMARK(SelectDefault)
    ->Name("sync/select_default/weft")
    ->Apply(OnOneAndTwoWorkers);

}  // namespace
}  // namespace weft::bench
