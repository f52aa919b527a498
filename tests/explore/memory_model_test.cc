// Tests of the memory model by litmus tests: which outcomes the orders of C++
// allow, and which they forbid.
//
// SPDX-License-Identifier: MIT

#include "weft/tests/explore/memory_model.h"

#include <set>
#include <utility>

#include "gtest/gtest.h"
#include "weft/reactor/atomic.h"
#include "weft/tests/explore/explorer.h"
#include "weft/tests/explore/plain.h"

namespace weft::explore {
namespace {

using reactor::Atomic;
using enum std::memory_order;

// What the executions of a litmus test ended with.
std::set<std::pair<int, int>> outcomes;

template <typename Litmus>
std::set<std::pair<int, int>> OutcomesOf() {
  outcomes.clear();
  const Report report = Explore<Litmus>({.stale_reads = 4, .random = 2'000});
  EXPECT_FALSE(report.failed) << report.what << "\n" << report.trace;
  return outcomes;
}

// Two threads each write a word and read the other's.
template <std::memory_order kStore, std::memory_order kLoad>
struct StoreBuffer : Model {
  int threads() const override { return 2; }
  void Run(int thread) override {
    words[thread].store(1, kStore);
    read[thread] = words[1 - thread].load(kLoad);
  }
  void Finally() override { outcomes.insert({read[0], read[1]}); }

  Atomic<int> words[2];
  int read[2] = {};
};

TEST(MemoryModelTest, LetsBothOfTwoStoresLagBehindTheLoads) {
  EXPECT_TRUE((OutcomesOf<StoreBuffer<release, acquire>>().contains({0, 0})));
  EXPECT_TRUE((OutcomesOf<StoreBuffer<seq_cst, acquire>>().contains({0, 0})));
  EXPECT_TRUE((OutcomesOf<StoreBuffer<release, seq_cst>>().contains({0, 0})));
}

TEST(MemoryModelTest, PutsSequentiallyConsistentOperationsInOneOrder) {
  const auto seen = OutcomesOf<StoreBuffer<seq_cst, seq_cst>>();

  EXPECT_FALSE(seen.contains({0, 0}));
  EXPECT_EQ(seen.size(), 3u);
}

// One thread writes a message and then a flag; the other reads them the other
// way round.
template <std::memory_order kStore, std::memory_order kLoad>
struct MessagePassing : Model {
  int threads() const override { return 2; }
  void Run(int thread) override {
    if (thread == 0) {
      message.store(1, relaxed);
      flag.store(1, kStore);
    } else {
      seen_flag = flag.load(kLoad);
      seen_message = message.load(relaxed);
    }
  }
  void Finally() override { outcomes.insert({seen_flag, seen_message}); }

  Atomic<int> message, flag;
  int seen_flag = 0, seen_message = 0;
};

TEST(MemoryModelTest, PassesAMessageFromReleaseToAcquireOnly) {
  using Pair = std::pair<int, int>;
  const Pair lost = {1, 0};

  EXPECT_FALSE((OutcomesOf<MessagePassing<release, acquire>>().contains(lost)));
  EXPECT_TRUE((OutcomesOf<MessagePassing<relaxed, acquire>>().contains(lost)));
  EXPECT_TRUE((OutcomesOf<MessagePassing<release, relaxed>>().contains(lost)));
}

// A thread reads a word twice while another writes it.
struct ReadTwice : Model {
  int threads() const override { return 2; }
  void Run(int thread) override {
    if (thread == 0) {
      word.store(1, relaxed);
    } else {
      first = word.load(relaxed);
      second = word.load(relaxed);
    }
  }
  void Finally() override { outcomes.insert({first, second}); }

  Atomic<int> word;
  int first = 0, second = 0;
};

TEST(MemoryModelTest, NeverReadsBackwards) {
  const auto seen = OutcomesOf<ReadTwice>();

  EXPECT_FALSE(seen.contains({1, 0}));
  EXPECT_EQ(seen.size(), 3u);
}

// Two writers of two words; two readers that may disagree which came first.
template <std::memory_order kOrder>
struct IndependentReads : Model {
  int threads() const override { return 4; }
  void Run(int thread) override {
    if (thread < 2) {
      words[thread].store(1, kOrder == seq_cst ? seq_cst : release);
    } else {
      const int first = words[thread - 2].load(kOrder);
      const int second = words[3 - thread].load(kOrder);
      disagrees[thread - 2] = first == 1 && second == 0;
    }
  }
  void Finally() override { outcomes.insert({disagrees[0], disagrees[1]}); }

  Atomic<int> words[2];
  bool disagrees[2] = {};
};

TEST(MemoryModelTest, LetsReadersDisagreeUnlessAllIsSequentiallyConsistent) {
  EXPECT_TRUE((OutcomesOf<IndependentReads<acquire>>().contains({1, 1})));
  EXPECT_FALSE((OutcomesOf<IndependentReads<seq_cst>>().contains({1, 1})));
}

// A message, a flag that is released, and a third thread's update between the
// flag and who acquires it.
struct ReleaseSequence : Model {
  int threads() const override { return 3; }
  void Run(int thread) override {
    if (thread == 0) {
      message.Set(1);
      flag.store(1, release);
    } else if (thread == 1) {
      flag.fetch_add(1, relaxed);
    } else if (flag.load(acquire) == 2) {
      static_cast<void>(message.Get());
    }
  }

  Plain<int> message;
  Atomic<int> flag;
};

TEST(MemoryModelTest, HandsAReleaseOnThroughUpdates) {
  struct UpdatedAfter : ReleaseSequence {
    void Run(int thread) override {
      if (thread == 1 && flag.load(relaxed) == 0) return;
      ReleaseSequence::Run(thread);
    }
  };
  EXPECT_FALSE(Explore<UpdatedAfter>({}).failed);
}

// The same with a plain store by the third, which releases nothing of ours.
struct BrokenSequence : ReleaseSequence {
  void Run(int thread) override {
    if (thread != 1) return ReleaseSequence::Run(thread);
    if (flag.load(relaxed) == 1) flag.store(2, relaxed);
  }
};

TEST(MemoryModelTest, LosesAReleaseBehindAPlainStore) {
  const Report report = Explore<BrokenSequence>({});

  EXPECT_TRUE(report.failed);
  EXPECT_THAT(report.what, ::testing::HasSubstr("race"));
}

// Two words that each thread reads before it writes the other.
struct LoadBuffer : Model {
  int threads() const override { return 2; }
  void Run(int thread) override {
    read[thread] = words[thread].load(relaxed);
    words[1 - thread].store(1, relaxed);
  }
  void Finally() override { outcomes.insert({read[0], read[1]}); }

  Atomic<int> words[2];
  int read[2] = {};
};

TEST(MemoryModelTest, DoesNotReadWhatIsNotWrittenYet) {
  EXPECT_FALSE((OutcomesOf<LoadBuffer>().contains({1, 1})));
}

}  // namespace
}  // namespace weft::explore
