// Chaos: what befalls one connection on its way through a ChaosProxy, drawn
// from a seed.
//
// In the direction that it befalls, or before there is one:
//
//     queued      the connection waits to be accepted
//     accepted    nobody else knows of it
//     up          so many bytes of the client's have been passed on
//     down        so many of the server's
//
// Besides, all that goes through may be passed on in pieces, each after a
// while. That alone nobody may notice.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_NET_CHAOS_H_
#define WEFT_TESTS_NET_CHAOS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace weft::net {

struct Chaos {
  enum class Deed { kNothing, kHalfClose, kReset, kCut, kStall };
  enum class Place { kQueued, kAccepted, kUp, kDown };

  std::size_t size = 0;  // What the client says, and is to hear again.
  Deed deed = Deed::kNothing;
  Place place = Place::kQueued;
  std::size_t after = 0;  // Bytes, of the direction that is `place`.
  std::size_t piece = 0;
  absl::Duration pause;

  // The same for the same seed and number of the connection.
  static Chaos Draw(std::uint64_t seed, std::uint64_t number);

  // As in `60 bytes, in pieces of 1 and 200us apart: reset up after 17`.
  std::string ToString() const;
};

// Half of all say little, some more than the buffers between them hold.
inline Chaos Chaos::Draw(std::uint64_t seed, std::uint64_t number) {
  constexpr std::array<std::size_t, 4> kSizes = {60, 60, 6'000, 600'000};
  std::seed_seq mixed = {seed, number};
  std::mt19937_64 random(mixed);
  const auto below = [&random](std::size_t end) { return random() % end; };
  Chaos chaos;
  chaos.size = 1 + below(kSizes[below(kSizes.size())]);
  chaos.deed = static_cast<Deed>(below(5));
  chaos.place = static_cast<Place>(below(4));
  chaos.after = below(chaos.size + 1);
  // All of them a byte at a time: the short ones.
  chaos.piece = chaos.size <= 60 && below(2) == 0 ? 1 : std::size_t{64} * 1024;
  if (below(2) == 0) chaos.pause = absl::Microseconds(below(500));
  return chaos;
}

inline std::string Chaos::ToString() const {
  constexpr std::array kDeeds = {"nothing", "half-close", "reset", "cut",
                                 "stall"};
  constexpr std::array kPlaces = {"queued", "accepted", "up", "down"};
  std::string text =
      absl::StrCat(size, " bytes, in pieces of ", piece, " and ",
                   absl::FormatDuration(pause),
                   " apart: ", kDeeds[static_cast<std::size_t>(deed)]);
  if (deed == Deed::kNothing) return text;
  absl::StrAppend(&text, " ", kPlaces[static_cast<std::size_t>(place)],
                  " after ", after);
  return text;
}

}  // namespace weft::net

#endif  // WEFT_TESTS_NET_CHAOS_H_
