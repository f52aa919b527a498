// Starting the clients, and timing them.
//
// SPDX-License-Identifier: MIT

#include "crowd.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdio>
#include <string>
#include <utility>

#include "absl/strings/str_format.h"
#include "weft/runtime/current.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/sleep.h"

namespace tour {
namespace {

using weft::OrReturn, weft::Task;
using Latencies = std::vector<absl::Duration>;

// Redraws its line ten times a second until it is cancelled.
Task<> ShowProgress(const std::atomic<int>& done, int total) {
  constexpr int kWidth = 40;
  if (::isatty(STDOUT_FILENO) == 0) co_return;
  absl::Status slept;
  while (slept.ok()) {
    // relaxed: a number to look at.
    const int now = done.load(std::memory_order_relaxed);
    const auto filled = static_cast<std::size_t>(kWidth * now / total);
    absl::PrintF("\r  [%-*s] %d of %d", kWidth, std::string(filled, '#'), now,
                 total);
    std::fflush(stdout);
    slept = co_await weft::SleepFor(absl::Milliseconds(100));
  }
  absl::PrintF("\r%*s\r", kWidth + 40, "");
}

absl::Duration Percentile(Latencies& latencies, double part) {
  const auto index =
      static_cast<std::size_t>(part * static_cast<double>(latencies.size()));
  const auto nth = latencies.begin() + static_cast<std::ptrdiff_t>(std::min(
                                           index, latencies.size() - 1));
  std::nth_element(latencies.begin(), nth, latencies.end());
  return *nth;
}

Timing TimingOf(Latencies latencies, absl::Duration elapsed) {
  return {.answers = static_cast<int>(latencies.size()),
          .elapsed = elapsed,
          .p50 = Percentile(latencies, 0.5),
          .p99 = Percentile(latencies, 0.99)};
}

int CountQuestions(const std::vector<Questions>& clients) {
  std::size_t count = 0;
  for (const Questions& questions : clients) count += questions.size();
  return static_cast<int>(count);
}

// Leaves what it measured in `into`, which no other client touches.
Task<absl::Status> AskInto(Latencies& into, weft::net::Address service,
                           const Questions& questions,
                           std::atomic<int>& answered) {
  into = co_await OrReturn(Ask(service, questions, answered));
  co_return absl::OkStatus();
}

// One scope for all: the first wrong answer ends the others.
Task<absl::Status> AskAll(weft::net::Address service,
                          const std::vector<Questions>& clients,
                          std::vector<Latencies>& latencies,
                          std::atomic<int>& answered) {
  co_return co_await weft::WithScope([&](weft::Scope& scope) -> Task<> {
    for (std::size_t i = 0; i < clients.size(); ++i) {
      scope.Spawn(AskInto, std::ref(latencies[i]), service,
                  std::cref(clients[i]), std::ref(answered));
    }
    co_return;
  });
}

}  // namespace

Task<absl::StatusOr<Timing>> AskAllAtOnce(
    weft::net::Address service, const std::vector<Questions>& clients) {
  std::vector<Latencies> latencies(clients.size());
  std::atomic<int> answered{0};
  const weft::Instant began = weft::Now();
  co_await OrReturn(
      weft::WithScope([&](weft::Scope& scope) -> Task<absl::Status> {
        scope.Spawn(ShowProgress, std::cref(answered), CountQuestions(clients));
        co_await OrReturn(AskAll(service, clients, latencies, answered));
        scope.Cancel();  // The progress bar has nothing more to show.
        co_return absl::OkStatus();
      }));
  const absl::Duration elapsed = weft::Now() - began;
  Latencies all;
  for (const Latencies& each : latencies) {
    all.insert(all.end(), each.begin(), each.end());
  }
  co_return TimingOf(std::move(all), elapsed);
}

Task<absl::StatusOr<Timing>> AskOneByOne(
    weft::net::Address service, const std::vector<Questions>& clients) {
  Questions questions;
  for (const Questions& each : clients) {
    questions.insert(questions.end(), each.begin(), each.end());
  }
  std::atomic<int> answered{0};
  const weft::Instant began = weft::Now();
  Latencies latencies =
      co_await OrReturn(Ask(service, std::move(questions), answered));
  const absl::Duration elapsed = weft::Now() - began;
  co_return TimingOf(std::move(latencies), elapsed);
}

}  // namespace tour
