// Decisions: which alternative each execution takes, and so which executions
// there are.
//
//     complete  0.0.0  0.0.1  0.1  1.0 ...  the last that has another
//                                           alternative takes it, and what came
//                                           after it is chosen anew
//     random    by dice, which are noted as well
//     replayed  those of a trail, the first alternative after its end
//
// The first alternative is the dull one: the same thread goes on, the newest
// value is read. How often an execution may do otherwise is bounded in the
// complete search, and where its trail is replayed.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_EXPLORE_DECISIONS_H_
#define WEFT_TESTS_EXPLORE_DECISIONS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace weft::explore {

// Chooses among alternatives that are not searched completely.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed * 0x9E37'79B9'7F4A'7C15 + 1) {
    Roll(1);
  }
  // Below `sides`. Marsaglia's xorshift64.
  std::uint32_t Roll(std::uint32_t sides) {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return static_cast<std::uint32_t>((state_ >> 32) % sides);
  }

 private:
  std::uint64_t state_;
};

class Decisions {
 public:
  enum class About {
    kNextThread,  // None can go on as it is: all alternatives are alike.
    kPreemption,  // 0: none.
    kStaleRead,   // How many stores behind.
  };

  // The next execution is the first of a complete search.
  void BeginSearch(int preemptions, int stale_reads);
  // Then after each: whether another is left, which is the next.
  bool Advance();

  // The next execution is a random one.
  void BeginRandom(std::uint64_t seed);

  // The next execution is that of a trail. What a random one that is cut short
  // still needs comes from the seed.
  void BeginReplay(const std::string& trail, int stale_reads,
                   std::uint64_t seed);

  // Begins an execution: the next, or the last one once more.
  void Rewind();

  // Whether an execution may still preempt, or read what is old.
  bool preemption_left() const { return preemptions_left_ > 0; }
  bool stale_read_left() const { return stale_reads_left_ > 0; }

  // What this execution takes: 0 to alternatives - 1.
  int Choose(About about, int alternatives);

  // The last execution's: "2-0.1.0", the bound and what was chosen, or
  // "r-0.1.0" where it was a random one.
  std::string Trail() const;

 private:
  struct Decision {
    int chosen;
    int alternatives;  // 0: from a trail, which does not tell.
  };

  int Next(About about, int alternatives);
  int Roll(About about, int alternatives);

  std::vector<Decision> trail_;
  std::size_t position_ = 0;

  int preemptions_ = 0;
  int stale_reads_ = 0;
  int preemptions_left_ = 0;
  int stale_reads_left_ = 0;

  std::optional<Dice> dice_;  // While executions are random.
  std::uint32_t preempts_once_in_ = 2;
  std::uint32_t reads_stale_once_in_ = 2;
};

}  // namespace weft::explore

#endif  // WEFT_TESTS_EXPLORE_DECISIONS_H_
