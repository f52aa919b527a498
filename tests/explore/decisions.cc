// Trails: choosing, going on to the next, writing and reading them.
//
// SPDX-License-Identifier: MIT

#include "weft/tests/explore/decisions.h"

#include <string_view>
#include <utility>

#include "absl/base/internal/raw_logging.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace weft::explore {
namespace {

// How the trail of a random execution begins.
constexpr std::string_view kAtRandom = "r";

constexpr int kUnbounded = 1 << 30;

}  // namespace

void Decisions::BeginSearch(int preemptions, int stale_reads) {
  trail_.clear();
  dice_.reset();
  preemptions_ = preemptions;
  stale_reads_ = stale_reads;
}

bool Decisions::Advance() {
  while (!trail_.empty() &&
         trail_.back().chosen + 1 == trail_.back().alternatives) {
    trail_.pop_back();
  }
  if (trail_.empty()) return false;
  ++trail_.back().chosen;
  return true;
}

void Decisions::BeginRandom(std::uint64_t seed) {
  trail_.clear();
  dice_.emplace(seed);
  // Some bugs want many switches, others long stretches without one.
  preempts_once_in_ = 2u << dice_->Roll(5);
  reads_stale_once_in_ = 2u << dice_->Roll(4);
  preemptions_ = stale_reads_ = kUnbounded;
}

void Decisions::BeginReplay(const std::string& trail, int stale_reads,
                            std::uint64_t seed) {
  const std::pair<std::string, std::string> parts =
      absl::StrSplit(trail, absl::MaxSplits('-', 1));
  int preemptions = kUnbounded;
  if (parts.first == kAtRandom) {
    BeginRandom(seed);
  } else if (absl::SimpleAtoi(parts.first, &preemptions)) {
    BeginSearch(preemptions, stale_reads);
  } else {
    BeginSearch(kUnbounded, stale_reads);
  }
  const std::vector<std::string> numbers = absl::StrSplit(parts.second, '.');
  for (const std::string& number : numbers) {
    int chosen = 0;
    if (absl::SimpleAtoi(number, &chosen)) {
      trail_.push_back({.chosen = chosen, .alternatives = 0});
    }
  }
}

void Decisions::Rewind() {
  position_ = 0;
  preemptions_left_ = preemptions_;
  stale_reads_left_ = stale_reads_;
}

int Decisions::Choose(About about, int alternatives) {
  const int chosen = alternatives == 1 ? 0 : Next(about, alternatives);
  if (chosen > 0 && about == About::kPreemption) --preemptions_left_;
  if (chosen > 0 && about == About::kStaleRead) --stale_reads_left_;
  return chosen;
}

int Decisions::Next(About about, int alternatives) {
  if (position_ < trail_.size()) {
    Decision& decision = trail_[position_++];
    if (decision.alternatives == 0) decision.alternatives = alternatives;
    ABSL_RAW_CHECK(
        decision.alternatives == alternatives && decision.chosen < alternatives,
        "a model depends on something besides its trail, or this "
        "is the trail of another");
    return decision.chosen;
  }
  const int chosen = dice_.has_value() ? Roll(about, alternatives) : 0;
  trail_.push_back({.chosen = chosen, .alternatives = alternatives});
  ++position_;
  return chosen;
}

int Decisions::Roll(About about, int alternatives) {
  const auto sides = static_cast<std::uint32_t>(alternatives);
  if (about == About::kNextThread) return static_cast<int>(dice_->Roll(sides));
  const std::uint32_t once_in =
      about == About::kPreemption ? preempts_once_in_ : reads_stale_once_in_;
  if (dice_->Roll(once_in) != 0) return 0;
  return 1 + static_cast<int>(dice_->Roll(sides - 1));
}

std::string Decisions::Trail() const {
  const bool random = dice_.has_value();
  std::vector<int> chosen;
  for (const Decision& decision : trail_) chosen.push_back(decision.chosen);
  // The first alternatives at its end go without saying.
  while (!random && !chosen.empty() && chosen.back() == 0) chosen.pop_back();
  return absl::StrCat(
      random ? std::string(kAtRandom) : absl::StrCat(preemptions_), "-",
      absl::StrJoin(chosen, "."));
}

}  // namespace weft::explore
