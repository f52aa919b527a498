// Listing the faults, and a run with some of them.
//
// SPDX-License-Identifier: MIT

#include "weft/tests/support/single_faults.h"

#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "weft/reactor/os_error.h"
#include "weft/reactor/reactor.h"
#include "weft/reactor/source_pool.h"
#include "weft/runtime/current.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/support/documented_errors.h"
#include "weft/tests/support/open_descriptors.h"
#include "weft/tests/support/soak.h"

namespace weft::tests {
namespace {

using ::weft::reactor::SourcePool;
using ::weft::testing::OpenDescriptors;
using ::weft::testing::Simulator;

// Failures of one session that are shown. Those behind them say the same.
constexpr int kMostShown = 10;

// How many seconds are tried with each first of a pair. Its own catalogue is
// one more run.
constexpr std::int64_t kSecondsOfOne = 5;

// Moves of more bytes than this are cut to some lengths, not to all.
constexpr std::size_t kFewBytes = 256;

// Whether a child of this process is alive, or has not been waited for.
bool HasChildren() {
  siginfo_t about{};
  return ::waitid(P_ALL, 0, &about, WEXITED | WNOWAIT | WNOHANG) == 0;
}

// A test that has made the system lie about its children has some left.
void ReapAll() {
  while (::waitpid(-1, nullptr, WNOHANG) > 0) {
  }
}

// Takes hold of the pool that the program's descriptors are in.
Task<absl::Status> Attend(std::shared_ptr<SourcePool>& pool,
                          Task<absl::Status> program) {
  pool = CurrentReactor().sources().shared_from_this();
  absl::Status ended = co_await std::move(program);
  co_return ended;
}

// How long nothing may be left to do before a program counts as stuck: what
// another process is to bring takes its own time, and what the kernel hands
// from socket to socket may be held up for a moment. It must have been looked
// for so often, too: a test that has had no processor has not waited. And how
// long one may go on.
constexpr std::chrono::milliseconds kForTheKernel{100};
constexpr std::chrono::seconds kForChildren{10};
constexpr int kTurnsInVain = 1000;
constexpr std::chrono::seconds kForAll{60};

// False: it waits for what nothing will bring.
template <typename Done>
bool RunUntil(Simulator& sim, Done done) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point begin = Clock::now();
  Clock::time_point last_step = begin;
  int in_vain = 0;
  while (!done()) {
    const bool stepped = sim.RunOneStep();
    const Clock::time_point now = Clock::now();
    if (now - begin > kForAll) return false;
    if (stepped) {
      last_step = now;
      in_vain = 0;
      continue;
    }
    std::this_thread::yield();
    if (++in_vain < kTurnsInVain) continue;
    if (now - last_step > kForChildren) return false;
    if (now - last_step > kForTheKernel && !HasChildren()) return false;
  }
  return true;
}

bool Contains(const std::vector<int>& errors, int error) {
  return std::find(errors.begin(), errors.end(), error) != errors.end();
}

// Whether the program must not notice it.
bool IsSurvived(const Fault& fault) {
  const DocumentedErrors& errors = ErrorsOf(fault.call);
  // A file that takes nothing at all is broken.
  if (fault.error == 0) return fault.most > 0;
  return Contains(errors.survived, fault.error) ||
         Contains(errors.waited_for, fault.error);
}

// Whether the program must say so.
bool IsTold(const Fault& fault) {
  if (fault.error == 0) return fault.most == 0;
  return Contains(ErrorsOf(fault.call).told, fault.error);
}

// Whether `ended` tells of this fault: of what operation it was, and why. Of
// several errors in one only the first has a number; the others have a text.
bool Tells(const absl::Status& ended, const Fault& fault) {
  const std::string_view message(ended.message().data(),
                                 ended.message().size());
  const auto says = [message](std::string_view what) {
    return message.find(what) != std::string_view::npos;
  };
  if (!says(": ")) return false;
  if (fault.call == "getaddrinfo") return says("resolve(");
  return reactor::ErrnoOf(ended) == fault.error ||
         (fault.error != 0 && says(std::strerror(fault.error)));
}

// The lengths to which a move is cut.
std::vector<std::size_t> LengthsOf(const MadeCall& made) {
  std::vector<std::size_t> lengths;
  const bool writes = made.name.find("write") != std::string_view::npos;
  if (made.of_file && writes) lengths.push_back(0);
  if (made.moved > kFewBytes) {
    lengths.insert(lengths.end(), {1, made.moved / 2, made.moved - 1});
    return lengths;
  }
  for (std::size_t length = 1; length < made.moved; ++length) {
    lengths.push_back(length);
  }
  return lengths;
}

void AppendFaultsOf(const MadeCall& made, int index,
                    std::vector<Fault>& faults) {
  const DocumentedErrors& errors = ErrorsOf(made.name);
  const auto fails = [&](const std::vector<int>& with) {
    for (const int error : with) {
      faults.push_back({.call = made.name, .index = index, .error = error});
    }
  };
  fails(errors.survived);
  fails(errors.told);
  fails(errors.may_be_told);
  if (made.may_block) fails(errors.waited_for);
  for (const std::size_t length : LengthsOf(made)) {
    faults.push_back({.call = made.name, .index = index, .most = length});
  }
}

std::string Describe(const std::vector<Fault>& faults) {
  std::string text;
  for (const Fault& fault : faults) {
    absl::StrAppend(&text, text.empty() ? "" : " and ", ToString(fault));
  }
  return text.empty() ? "without a fault" : text;
}

}  // namespace

int SingleFaults::TryAll() {
  int tried = 0;
  int shown = 0;
  for (const Fault& fault : Catalogue()) {
    const absl::Status held = Try({fault});
    tried += system_.happened();
    if (held.ok()) continue;
    ADD_FAILURE() << held;
    if (++shown == kMostShown) break;
  }
  ::testing::Test::RecordProperty("single_faults", tried);
  return tried;
}

std::int64_t SingleFaults::TryPairs(std::uint64_t seed, std::int64_t times) {
  std::mt19937_64 random(seed);
  const auto draw = [&random](const std::vector<Fault>& from) {
    return from[random() % from.size()];
  };
  const std::vector<Fault> firsts = CatalogueOfPairs({});
  std::vector<Fault> seconds;
  Fault first;
  std::int64_t both = 0;
  for (std::int64_t i = 0; i < times && !firsts.empty(); ++i) {
    if (i % kSecondsOfOne == 0) {
      first = draw(firsts);
      seconds = CatalogueOfPairs({first});
    }
    if (seconds.empty()) break;
    const absl::Status held = Try({first, draw(seconds)});
    both += system_.happened() == 2;
    EXPECT_TRUE(held.ok()) << held << " (seed " << seed << ", pair " << i
                           << ")";
    if (!held.ok()) break;
  }
  ::testing::Test::RecordProperty("pairs_of_faults", std::to_string(both));
  return both;
}

std::vector<Fault> SingleFaults::Catalogue(const std::vector<Fault>& faults) {
  const absl::Status held = Try(faults);
  EXPECT_TRUE(held.ok()) << held;
  if (!held.ok()) return {};
  std::vector<Fault> catalogue;
  std::map<std::string_view, int> counts;
  for (const MadeCall& made : system_.calls()) {
    AppendFaultsOf(made, counts[made.name]++, catalogue);
  }
  return catalogue;
}

std::vector<Fault> SingleFaults::CatalogueOfPairs(
    const std::vector<Fault>& faults) {
  std::vector<Fault> catalogue = Catalogue(faults);
  std::erase_if(catalogue, [this](const Fault& fault) {
    const std::vector<std::string_view>& calls = session_.tidies_by;
    return !IsSurvived(fault) &&
           std::ranges::find(calls, fault.call) != calls.end();
  });
  return catalogue;
}

absl::Status SingleFaults::Try(const std::vector<Fault>& faults) {
  const int before = OpenDescriptors();
  absl::Status ended;
  absl::Status held = RunToItsEnd(faults, ended);
  ReapAll();
  held.Update(CheckEnd(ended, faults));
  held.Update(session_.check(ended));
  const int open = OpenDescriptors() - before;
  if (open != 0) {
    held.Update(absl::InternalError(
        absl::StrCat(open, " descriptors more are open than before")));
  }
  if (held.ok()) return held;
  return absl::InternalError(absl::StrCat(Describe(faults), ": ",
                                          held.message(), "; it ended with ",
                                          ended.ToString()));
}

absl::Status SingleFaults::RunToItsEnd(const std::vector<Fault>& faults,
                                       absl::Status& ended) {
  std::shared_ptr<SourcePool> pool;
  Simulator sim({.system = &system_});
  system_.Begin(faults);
  JoinHandle<absl::Status> program =
      sim.SpawnJoinable(Attend(pool, session_.start()));
  const auto finished = [&] { return program.finished(); };
  const bool by_itself = RunUntil(sim, finished);
  system_.End();
  if (!by_itself) program.Cancel();
  if (!by_itself && !RunUntil(sim, finished)) {
    return absl::InternalError("it does not end, even when it is cancelled");
  }
  ended = program.BlockingJoin();
  if (!by_itself) return absl::InternalError("it waits for ever");
  sim.RunUntilIdle();
  if (sim.AnyTasks()) {
    return absl::InternalError("something it left behind waits for ever");
  }
  if (pool->live() == 0) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat(pool->live(), " descriptors are still held"));
}

bool SingleFaults::MustBeTold(const Fault& fault) const {
  return IsTold(fault) &&
         std::ranges::count(session_.does_without, fault.call) == 0;
}

absl::Status SingleFaults::CheckEnd(const absl::Status& ended,
                                    const std::vector<Fault>& faults) const {
  const bool all_happened =
      system_.happened() == static_cast<int>(faults.size());
  if (ended.ok() && all_happened &&
      std::ranges::any_of(
          faults, [this](const Fault& fault) { return MustBeTold(fault); })) {
    return absl::InternalError("the error has been lost");
  }
  if (ended.ok()) return absl::OkStatus();
  for (const Fault& fault : faults) {
    if (!IsSurvived(fault) && Tells(ended, fault)) return absl::OkStatus();
  }
  return absl::InternalError("the error is not the one that was injected");
}

int FaultsBorne(Session session) {
  SingleFaults faults(std::move(session));
  const int borne = faults.TryAll();
  // 0 unless somebody asks for another.
  faults.TryPairs(static_cast<std::uint64_t>(GTEST_FLAG_GET(random_seed)),
                  Times(100));
  return borne;
}

}  // namespace weft::tests
