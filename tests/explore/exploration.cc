// One execution after the other, and in each who goes on and what a load
// returns.
//
// SPDX-License-Identifier: MIT

#include "weft/tests/explore/exploration.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <utility>

#include "absl/base/internal/raw_logging.h"
#include "absl/strings/str_cat.h"

namespace weft::explore {
namespace {

using About = Decisions::About;

}  // namespace

Exploration& TheExploration() {
  static auto* const exploration = new Exploration;
  return *exploration;
}

// --- The search -------------------------------------------------------------

Report Exploration::Run(const ModelType& type, const Search& search) {
  const auto begin = std::chrono::steady_clock::now();
  type_ = &type;
  search_ = search;
  report_ = Report();
  met_ = MetSites();
  if (memory_size_ < type.size + 64) {
    memory_size_ = type.size + 64;
    memory_ = std::make_unique<char[]>(memory_size_);
  }
  const char* const asked = std::getenv("WEFT_EXPLORE_TRAIL");
  if (!search.replay.empty()) {
    Replay(search.replay);
  } else if (asked != nullptr) {
    Replay(asked);
  } else {
    for (int bound = 0; bound <= search.preemptions; ++bound) {
      if (!report_.failed) SearchCompletely(bound);
    }
    if (!report_.failed) SearchAtRandom();
  }
  report_.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin)
          .count();
  report_.sites = met_.Sorted();
  return std::move(report_);
}

void Exploration::SearchCompletely(int preemptions) {
  decisions_.BeginSearch(preemptions, search_.stale_reads);
  do {
    ++report_.complete;
    if (!Execute()) return ExplainFailure();
  } while (decisions_.Advance());
}

void Exploration::SearchAtRandom() {
  for (std::int64_t i = 0; i < search_.random; ++i) {
    decisions_.BeginRandom(search_.seed + static_cast<std::uint64_t>(i));
    ++report_.random;
    if (!Execute()) return ExplainFailure();
  }
}

void Exploration::Replay(const std::string& trail) {
  decisions_.BeginReplay(trail, search_.stale_reads, search_.seed);
  ++report_.complete;
  if (!Execute()) ExplainFailure();
}

// Runs what has failed once more, and notes every step.
void Exploration::ExplainFailure() {
  report_.failed = true;
  report_.trail = decisions_.Trail();
  trace_.emplace();
  Execute();
  report_.trace = trace_->text();
  trace_.reset();
}

// --- One execution ----------------------------------------------------------

bool Exploration::Execute() {
  ++epoch_;
  locations_used_ = 0;
  steps_ = 0;
  changes_ = 0;
  decisions_.Rewind();
  failed_ = false;
  swap_ = nullptr;  // The model says what it needs.
  void* place = memory_.get();
  std::size_t space = memory_size_;
  place = std::align(64, type_->size, place, space);
  model_ = type_->make(place);
  const int count = model_->threads();
  for (int i = 0; i < kMaxThreads; ++i) {
    LogicalThread& thread = threads_[i];
    thread.index = i;
    thread.readiness = i < count ? Readiness::kReady : Readiness::kEnded;
    thread.clock = Clock();
    thread.own_changes = 0;
    thread.load_count = 0;
    thread.has_read_stale = thread.reads_newest = false;
  }
  const int first = decisions_.Choose(About::kNextThread, count);
  if (swap_ != nullptr) swap_(-1, first);
  current_ = first;
  if (_setjmp(outside_.registers) == 0) GoOnWith(first);
  // Here again: all have ended, or one has failed.
  if (swap_ != nullptr) swap_(current_, -1);
  current_ = -1;
  if (failed_) return false;
  finishing_ = true;
  if (_setjmp(outside_.registers) == 0) {
    model_->Finally();
    model_->~Model();
  }
  finishing_ = false;
  return !failed_;
}

// Does not come back.
void Exploration::GoOnWith(int thread) {
  LogicalThread& next = threads_[thread];
  if (next.started) _longjmp(next.fiber.place().registers, 1);
  next.started = true;
  Place nowhere;
  next.fiber.Start(
      [](void* started) {
        TheExploration().RunFiber(*static_cast<LogicalThread*>(started));
      },
      &next, nowhere);
}

void Exploration::RunFiber(LogicalThread& thread) {
  for (;;) {
    model_->Run(thread.index);
    thread.readiness = Readiness::kEnded;
    if (std::all_of(threads_.begin(), threads_.end(),
                    [](const LogicalThread& each) {
                      return each.readiness == Readiness::kEnded;
                    })) {
      Switch(thread.fiber.place(), outside_);
    } else {
      SwitchAway();
    }
  }
}

void Exploration::Fail(std::string_view what) {
  if (!failed_) {
    failed_ = true;
    report_.what = what;
  }
  ABSL_RAW_CHECK(executing(), "a model failed before it ran");
  // Where they stand nobody will ever go on.
  for (LogicalThread& thread : threads_) {
    if (thread.readiness != Readiness::kEnded) thread.started = false;
  }
  _longjmp(outside_.registers, 1);
}

// --- Who goes on ------------------------------------------------------------

bool Exploration::CanRun(const LogicalThread& thread) const {
  if (thread.readiness == Readiness::kReady) return true;
  return thread.readiness == Readiness::kSpinning &&
         OthersChanges(thread) > thread.spins_until;
}

void Exploration::Point() {
  if (++steps_ > search_.most_steps) Fail("does not end: too many steps");
  if (!decisions_.preemption_left()) return;
  std::array<int, kMaxThreads> others;
  int count = 0;
  for (int i = 0; i < kMaxThreads; ++i) {
    if (i != current_ && CanRun(threads_[i])) others[count++] = i;
  }
  if (count == 0) return;
  const int chosen = decisions_.Choose(About::kPreemption, 1 + count);
  if (chosen == 0) return;
  const int next = others[chosen - 1];
  LogicalThread& leaving = thread();
  if (swap_ != nullptr) swap_(current_, next);
  current_ = next;
  if (_setjmp(leaving.fiber.place().registers) == 0) GoOnWith(next);
  leaving.readiness = Readiness::kReady;
}

// The current thread cannot go on. Returns when it can, and runs.
void Exploration::SwitchAway() {
  std::array<int, kMaxThreads> ready;
  int count = 0;
  for (int i = 0; i < kMaxThreads; ++i) {
    if (CanRun(threads_[i])) ready[count++] = i;
  }
  if (count == 0) {
    std::string who = "nobody can go on:";
    for (const LogicalThread& thread : threads_) {
      if (thread.readiness == Readiness::kSpinning) {
        absl::StrAppend(&who, " ", thread.index, " spins;");
      } else if (thread.readiness == Readiness::kBlocked) {
        absl::StrAppend(&who, " ", thread.index, " ", thread.why, ";");
      }
    }
    Fail(who);
  }
  const int next = ready[decisions_.Choose(About::kNextThread, count)];
  LogicalThread& leaving = thread();
  if (next == current_) {
    leaving.readiness = Readiness::kReady;
    return;
  }
  if (swap_ != nullptr) swap_(current_, next);
  current_ = next;
  if (_setjmp(leaving.fiber.place().registers) == 0) GoOnWith(next);
  leaving.readiness = Readiness::kReady;
}

void Exploration::SpinUntilChange(std::uint64_t seen) {
  LogicalThread& self = thread();
  self.reads_newest = true;
  if (std::exchange(self.has_read_stale, false)) return;
  if (OthersChanges(self) > seen) return;
  self.spins_until = seen;
  self.readiness = Readiness::kSpinning;
  Note("spins", nullptr);
  SwitchAway();
}

void Exploration::Block(const void* thing, const char* why) {
  LogicalThread& self = thread();
  self.blocked_on = thing;
  self.why = why;
  self.readiness = Readiness::kBlocked;
  Note("blocks on", thing);
  SwitchAway();
}

void Exploration::Unblock(const void* thing) {
  for (LogicalThread& thread : threads_) {
    if (thread.readiness == Readiness::kBlocked && thread.blocked_on == thing) {
      thread.readiness = Readiness::kReady;
    }
  }
  ++changes_;
  ++thread().own_changes;
}

std::uint64_t Exploration::ChangesByOthers() { return OthersChanges(thread()); }

// --- Atomic operations ------------------------------------------------------

Location& Exploration::LocationOf(Word& word) {
  if (word.epoch == epoch_) return locations_[word.location];
  if (word.epoch == Word::kGone) Fail("uses an atomic that is gone");
  if (locations_used_ == locations_.size()) locations_.emplace_back();
  word.epoch = epoch_;
  word.location = locations_used_++;
  Location& location = locations_[word.location];
  location.Reset(word.value);
  return location;
}

std::memory_order Exploration::OrderAt(Operation operation,
                                       std::memory_order order,
                                       const Where& where) {
  if (order == std::memory_order_relaxed) return order;
  if (search_.weakened.has_value()) {
    const Site& site = search_.weakened->site;
    if (where.line() == site.line && operation == site.operation &&
        order == site.order && FileOf(where) == site.file) {
      return search_.weakened->to;
    }
    return order;
  }
  met_.Add(operation, order, where);
  return order;
}

std::uint64_t Exploration::Load(Word& word, std::memory_order order,
                                const Where& where) {
  order = OrderAt(Operation::kLoad, order, where);
  Point();
  Location& location = LocationOf(word);
  LogicalThread& self = thread();
  int age = 0;
  if (decisions_.stale_read_left() &&
      !std::exchange(self.reads_newest, false)) {
    age = decisions_.Choose(About::kStaleRead,
                            location.Readable(self.clock, order));
  }
  if (age > 0) self.has_read_stale = true;
  const std::uint64_t value = location.Load(current_, self.clock, order, age);
  self.loads[self.load_count++ % LogicalThread::kPastLoads] = {
      value, word.location, self.clock[current_]};
  if (trace_) {
    trace_->Add(current_, "load", order, value, &word, where, age);
  }
  return value;
}

void Exploration::CountAsRead(std::uint64_t value) {
  const LogicalThread& self = thread();
  constexpr std::uint32_t kPastLoads = LogicalThread::kPastLoads;
  for (std::uint32_t i = self.load_count;
       i > 0 && i + kPastLoads > self.load_count; --i) {
    const LogicalThread::PastLoad& load = self.loads[(i - 1) % kPastLoads];
    if (load.value != value) continue;
    locations_[load.location].ProtectRead(current_, load.time);
    return;
  }
}

void Exploration::BarrierOnAllThreads() {
  Point();
  for (std::uint32_t i = 0; i < locations_used_; ++i) {
    locations_[i].ForgetOlder();
  }
  Note("barrier on all threads", nullptr);
}

void Exploration::Changed(Word& word, std::uint64_t value) {
  if (word.value == value) return;
  word.value = value;
  ++changes_;
  ++thread().own_changes;
}

void Exploration::Store(Word& word, std::uint64_t value,
                        std::memory_order order, const Where& where) {
  order = OrderAt(Operation::kStore, order, where);
  Point();
  Location& location = LocationOf(word);
  if (!location.MayOverwrite(thread().clock)) {
    Fail("overwrites what another thread may still be reading");
  }
  location.Store(current_, thread().clock, order, value);
  Changed(word, value);
  if (trace_) trace_->Add(current_, "store", order, value, &word, where);
}

std::uint64_t Exploration::BeginUpdate(Word& word) {
  Point();
  return LocationOf(word).newest();
}

void Exploration::EndUpdate(Word& word, std::uint64_t value,
                            Operation operation, std::memory_order order,
                            const Where& where) {
  order = OrderAt(operation, order, where);
  LocationOf(word).Replace(current_, thread().clock, order, value);
  Changed(word, value);
  if (trace_) {
    trace_->Add(current_, NameOf(operation), order, value, &word, where);
  }
}

void Exploration::FailSwap(Word& word, std::memory_order order,
                           const Where& where) {
  order = OrderAt(Operation::kFailedSwap, order, where);
  const std::uint64_t value =
      LocationOf(word).Load(current_, thread().clock, order, 0);
  if (trace_) {
    trace_->Add(current_, "failed swap", order, value, &word, where);
  }
}

}  // namespace weft::explore
