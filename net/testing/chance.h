// Chance: what a simulated network leaves to luck, drawn from its seed.
//
// The distributions are our own, since those of the standard library differ
// between libraries and a seed must mean the same run everywhere; the generator
// does not (its ten-thousandth number is in the standard).
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_TESTING_CHANCE_H_
#define WEFT_NET_TESTING_CHANCE_H_

#include <cstdint>
#include <random>

#include "absl/time/time.h"

namespace weft::net::testing {

class Chance {
 public:
  explicit Chance(std::uint64_t seed) : random_(seed) {}

  // Draws nothing where there is nothing to decide, so that a link that loses
  // nothing does not shift what the others draw.
  bool Happens(double probability) {
    return probability > 0 && Fraction() < probability;
  }

  // Any whole number of nanoseconds from zero to `longest`.
  absl::Duration UpTo(absl::Duration longest) {
    const std::int64_t span = absl::ToInt64Nanoseconds(longest);
    if (span <= 0) return absl::ZeroDuration();
    const auto choices = static_cast<std::uint64_t>(span) + 1;
    // Modulo: of so few choices among 2^64 none is visibly likelier.
    return absl::Nanoseconds(static_cast<std::int64_t>(random_() % choices));
  }

 private:
  // At least 0 and less than 1: the 53 bits that a double holds exactly.
  double Fraction() { return static_cast<double>(random_() >> 11) * 0x1p-53; }

  std::mt19937_64 random_;
};

}  // namespace weft::net::testing

#endif  // WEFT_NET_TESTING_CHANCE_H_
