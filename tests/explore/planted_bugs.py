"""Which bugs are planted, and where: a list for plant.py.

A bug's name says what is wrong. Each is looked for by a test of the model that
should find it. Those that stand for a bug of another library name the row of
its kind: a lost wake-up, an index that wraps, a cancellation that comes late.

SPDX-License-Identifier: MIT
"""

import collections

# What a changed source includes beside its own.
INCLUDES = ["planted.h"]

# `old` in `path` becomes `new`, always: what stands in for the world.
Seam = collections.namedtuple("Seam", "path old new")
# `old` in `path` becomes `new` while the bug is turned on.
Bug = collections.namedtuple("Bug", "name path old new kind")


def statement(name, path, old, new):
    return Bug(name, path, old, new, "statement")


def expression(name, path, old, new):
    return Bug(name, path, old, new, "expression")


def text(name, path, old, new):
    return Bug(name, path, old, new, "text")


SEAMS = [
    # Small, so that a model reaches the place where an index comes round.
    Seam("runtime/internal/fork_deque.h", "kCapacity = 1024;",
         "kCapacity = 2;"),
    Seam("runtime/internal/run_queue.h", "kCapacity = 256;", "kCapacity = 4;"),
    # The explorer's Atomic is larger than the standard's.
    Seam("reactor/source.cc",
         'static_assert(sizeof(Source) == 64, "one cache line, and no more");',
         ""),
    # A wait for another thread that the explorer must know of.
    Seam("reactor/source.cc", "#include <thread>",
         '#include "weft/reactor/spin_wait.h"'),
    Seam("reactor/source.cc", "  for (;;) {\n    // acquire: pairs with",
         "SpinWait spin; for (;;) {\n    // acquire: pairs with"),
    Seam("reactor/source.cc", "std::this_thread::yield();", "spin.Once();"),
]

BUGS = [
    statement(
        "PopTakesTheLastForkWithoutASwap", "runtime/internal/fork_deque.h",
        """\
      if (!top_.compare_exchange_strong(top, top + 1, std::memory_order_seq_cst,
                                        std::memory_order_relaxed)) {
        job = nullptr;
      }""",
        "top_.store(top + 1, std::memory_order_seq_cst);"),
    expression(
        "ForkDequeOverwritesWhenFull", "runtime/internal/fork_deque.h",
        "bottom - top >= kCapacity", "bottom - top > kCapacity"),
    text(
        "StealReadsTheForkAfterItsSwap", "runtime/internal/fork_deque.h",
        """\
    return job;
  }

  // A hint""",
        """\
    return PLANTED ? Slot(top).load(std::memory_order_relaxed) : job;
  }

  // A hint"""),
    expression(
        "ForkDequeCountsInTwoBits", "runtime/internal/fork_deque.h",
        "bottom_.store(bottom + 1, std::memory_order_release)",
        "bottom_.store((bottom + 1) & 3, std::memory_order_release)"),
    text(
        "StealHalfReadsTheSlotsAfterItsSwap", "runtime/internal/run_queue.h",
        """\
    for (std::uint64_t i = 1; i < count; ++i) keep(*taken[i]);
    return taken[0];""",
        """\
    for (std::uint64_t i = 0; i < count && PLANTED; ++i) taken[i] = \
slots_[(head + i) % kCapacity].load(std::memory_order_relaxed); \
for (std::uint64_t i = 1; i < count; ++i) keep(*taken[i]);
    return taken[0];"""),
    statement(
        "ABeatenPopLeavesTheHeadAhead", "runtime/internal/run_queue.h",
        "head_.store(tail, std::memory_order_relaxed);", ""),
    expression(
        "RunQueueOverwritesWhenFull", "runtime/internal/run_queue.h",
        "tail - head >= kCapacity", "tail - head > kCapacity"),
    expression(
        "InboxIsEmptiedByALoadAndAStore", "runtime/internal/inbox.h",
        "top_.exchange(nullptr, std::memory_order_acquire)",
        "[this] { Job* const top = top_.load(std::memory_order_acquire); "
        "top_.store(nullptr, std::memory_order_relaxed); return top; }()"),
]
