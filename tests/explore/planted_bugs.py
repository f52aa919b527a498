"""Which bugs are planted, and where: a list for plant.py.

A bug's name says what is wrong. Each is looked for by a test of the model that
should find it. Those that stand for a bug of another library name the row of
its kind: a lost wake-up, an index that wraps, a cancellation that comes late.

SPDX-License-Identifier: MIT
"""

import collections

# What a changed source includes beside its own.
INCLUDES = ["planted.h", "weft/tests/explore/blocking.h"]

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
    Seam("runtime/internal/steal_gate.h", "kPatience = 256;", "kPatience = 2;"),
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
    # Mutexes that are held while something atomic is done.
    Seam("reactor/source_pool.h", "mutable std::mutex mutex_;",
         "mutable explore::Mutex mutex_;"),
    Seam("reactor/source_pool.h", "kFirstChunk = 64;", "kFirstChunk = 2;"),
    Seam("runtime/internal/frame_depot.cc", "  std::mutex mutex_;",
         "  explore::Mutex mutex_;"),
    Seam("runtime/internal/frame_pool.h", "kFrameBatch = 32;",
         "kFrameBatch = 1;"),
    # Comes back again and again, without a SpinWait, while another polls.
    Seam("runtime/internal/worker.cc", "std::this_thread::yield();",
         "explore::GiveWay();"),
    # A task of a TaskModel has no scheduler: its own thread waits for it.
    Seam("runtime/leaf.cc", "#include <cstdlib>",
         '#include "weft/tests/explore/task_model.h"'),
    Seam("runtime/leaf.cc", "context_->scheduler().Schedule(*this);",
         "context_->home() == explore::HomeOfModels() "
         "? explore::WakeUp(*this) : "
         "context_->scheduler().Schedule(*this);"),
    Seam("runtime/leaf.cc", "here.worker->SpendBudget() < 0",
         "here.worker != nullptr && here.worker->SpendBudget() < 0"),
    # Nor an id.
    Seam("runtime/task_context.cc",
         "static_cast<const internal::Root&>(task()).id()", "0"),
    # Nor a worker that draws numbers.
    Seam("runtime/selection.cc",
         "RandomBelow(static_cast<std::uint32_t>(arms_.size()))", "0"),
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
        "AThiefMovesTheHeadBeforeItReads", "runtime/internal/run_queue.h",
        "taken.size());\n",
        "taken.size()); if (PLANTED) "
        "head_.store(head + count, std::memory_order_release);\n"),
    expression(
        "PopDoesNotLookAgainInside", "runtime/internal/run_queue.h",
        "head == tail_.load(std::memory_order_relaxed)", "false"),
    expression(
        "AThiefDoesNotPay", "runtime/internal/steal_barrier.h",
        "system_->membarrier() == 0", "true"),
    expression(
        "AThiefDoesNotLookForTheOwner", "runtime/internal/steal_gate.h",
        "!inside_.load(std::memory_order_seq_cst)", "true"),
    statement(
        "AnOwnerThatMeetsAThiefStaysInside", "runtime/internal/steal_gate.h",
        "Leave();\n    return false;", "return false;"),
    expression(
        "RunQueueOverwritesWhenFull", "runtime/internal/run_queue.h",
        "tail - head >= kCapacity", "tail - head > kCapacity"),
    expression(
        "InboxIsEmptiedByALoadAndAStore", "runtime/internal/inbox.h",
        "top_.exchange(nullptr, std::memory_order_acquire)",
        "[this] { Job* const top = top_.load(std::memory_order_acquire); "
        "top_.store(nullptr, std::memory_order_relaxed); return top; }()"),
    text(
        "SleepsWithoutASecondLook", "runtime/internal/worker.cc",
        "could see our bit.\n  if (AnyWorkInSight()) {",
        "could see our bit.\n  if (!PLANTED && AnyWorkInSight()) {"),
    text(
        "LooksForSleepersBeforeItPushes", "runtime/internal/scheduler.cc",
        "idle_.Claim(index)) worker",
        "(!PLANTED && idle_.Claim(index))) worker"),
    text(
        "ClaimsASleeperAndWakesNobody", "runtime/internal/scheduler.cc",
        "if (claimed ||", "if ((!PLANTED && claimed) ||"),
    statement(
        "TheSchedulerLeavesOutsidersBehind", "runtime/internal/scheduler.cc",
        "while (pushing_.load(std::memory_order_acquire) != 0) spin.Once();",
        ""),
    text(
        "LowersTheFlagBeforeTheSilence", "tests/explore/modelled_poller.cc",
        "    inside_->bell.Silence();\n    inside_->rung.Lower();",
        "    if (PLANTED) inside_->rung.Lower(); inside_->bell.Silence();\n"
        "    if (!PLANTED) inside_->rung.Lower();"),
    text(
        "LooksAgainBeforeItOwnsThePoller", "runtime/internal/worker.cc",
        """\
  if (!BeginPolling()) {
    GiveWay();  // Somebody does it for us.
    return true;
  }
  Idle& idle = scheduler_.idle();
  idle.Announce(index_);""",
        """\
  if (PLANTED) { scheduler_.idle().Announce(index_); if (AnyWorkInSight()) \
{ scheduler_.idle().Withdraw(index_); return true; } }
  if (!BeginPolling()) { if (PLANTED) scheduler_.idle().Withdraw(index_); \
explore::GiveWay(); return true; } Idle& idle = scheduler_.idle(); \
if (PLANTED) { scheduler_.WorkerSleeps(); PollWhileHeld(limit); EndPolling(); \
scheduler_.WorkerWakes(); idle.Withdraw(index_); return true; }
  idle.Announce(index_);"""),
    text(
        "AnEventStoresReadyWithoutWaking", "reactor/source.cc",
        "AsWaiter(found)->OnReady();\n  return 1;",
        "if (!PLANTED) AsWaiter(found)->OnReady();\n  return 1;"),
    statement(
        "HoldIgnoresTheGeneration", "reactor/source.cc",
        "if (state >> kGenerationShift != GenerationOf(token)) return false;",
        ""),
    expression(
        "CloseTakesNoHold", "reactor/source.cc",
        "(state | kClosed) + kOneHold", "state | kClosed"),
    text(
        "TheLastOperationKeepsTheNumber", "reactor/source.cc",
        "if (last && (", "if (!PLANTED && last && ("),
    text(
        "TheDepotHasNoLock", "runtime/internal/frame_depot.cc",
        "    std::lock_guard lock(mutex_);\n    batch.next_batch",
        "    std::unique_lock lock(mutex_, std::defer_lock); "
        "if (!PLANTED) lock.lock();\n    batch.next_batch"),
    expression(
        "CancelsWithoutHolding", "runtime/task_context.cc",
        "leaf == nullptr ? 0 : kHeld", "0"),
    text(
        "PublishesInACancelledScope", "runtime/task_context.cc",
        "if (before == 0) [[likely]]",
        "if (before == 0 || PLANTED) [[likely]]"),
    text(
        "TriesOutsideTheLock", "sync/wait_list.cc",
        """\
  bool finished = true;
  {
    std::lock_guard lock(list_.lock());
    if (!TryLocked(granted)) {""",
        """\
  bool finished = true; const int asked = PLANTED ? 1 + TryLocked(granted) : 0;
  {
    std::lock_guard lock(list_.lock());
    if (asked != 0 ? asked == 1 : !TryLocked(granted)) {"""),
    text(
        "CancelUnlinksWhoWasGranted", "sync/wait_list.cc",
        "if (!linked()) return;",
        "if (!linked()) { if (PLANTED) { previous_ = Mark(kCancelled); } "
        "return; }"),
    text(
        "UnlockForgetsWhoWaits", "sync/mutex.h",
        "    if (expected != kContended &&",
        "    if (PLANTED) { state_.store(kFree, std::memory_order_release); "
        "return nullptr; }    if (expected != kContended &&"),
    statement(
        "ACancelledRequestServesNobody", "sync/semaphore.h",
        "semaphore().GrantLocked(granted);", "static_cast<void>(granted);"),
    statement(
        "CloseWakesNobody", "sync/channel.h",
        "while (Waiter* const waiter = Pop()) woken.Add(*waiter);", ""),
    text(
        "AReceiverLeavesTheSenderAsleep", "sync/channel.h",
        "sender->Sent();\n      granted.Add(*sender);",
        "sender->Sent();\n      if (!PLANTED) granted.Add(*sender);"),
    expression(
        "ADroppedArmLeavesNoNote", "runtime/selection.cc",
        "word | (trying ? kMissed : kClaimed)", "word | kClaimed"),
    expression(
        "AnEarlyWakeIsForgotten", "runtime/selection.cc",
        "(before & kWoken) == 0", "true"),
    expression(
        "AWakeRunsAnOwnerThatParks", "runtime/selection.cc",
        "(before & kParked) != 0", "true"),
    expression(
        "ALateCallIsNotAwaited", "runtime/callback_arm.h",
        "!called_.load(std::memory_order_acquire)", "false"),
    text(
        "ADroppedArmLeavesWithoutTheLock", "sync/wait_list.cc",
        "void Waiter::LeaveAsArm() noexcept {\n",
        "void Waiter::LeaveAsArm() noexcept {\n"
        "  if (PLANTED && !linked()) return;\n"),
    text(
        "TheOwnerTriesInTheOpen", "runtime/selection.cc",
        "  if (!any_parked_) return true;  // Nobody can find us.",
        "  if (!any_parked_ || PLANTED) return true;"),
    text(
        "CancelsATimerThatFires", "reactor/timer_wheel.cc",
        "  if (timer.next == nullptr) return false;",
        "  if (timer.next == nullptr) return PLANTED;"),
    expression(
        "FireForgetsWhatIsLater", "reactor/timer_wheel.cc",
        "earliest_.store(EarliestTick(), std::memory_order_relaxed)",
        "earliest_.store(kNever, std::memory_order_relaxed)"),
]
