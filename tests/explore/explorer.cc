// Decisions, and the fibers that wait for them.
//
// SPDX-License-Identifier: MIT

#include "weft/tests/explore/explorer.h"

#include <signal.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <deque>
#include <memory>
#include <utility>

#include "absl/base/internal/raw_logging.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "weft/tests/explore/fiber.h"
#include "weft/tests/explore/trace.h"

namespace weft::explore {
namespace {

// How the trail of a random execution begins.
constexpr char kAtRandom[] = "r";

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

struct Decision {
  int chosen;
  int alternatives;
};

enum class Readiness { kReady, kSpinning, kBlocked, kEnded };

struct LogicalThread {
  Fiber fiber;
  bool started = false;  // The fiber stands in its loop, or in a model.
  int index = 0;
  Readiness readiness = Readiness::kEnded;
  Clock clock;
  const void* blocked_on = nullptr;
  const char* why;
  std::uint64_t own_changes = 0;
  std::uint64_t spins_until = 0;
  bool has_read_stale = false;  // Since it spun last.
  bool reads_newest = false;    // With its next load.

  struct PastLoad {
    std::uint64_t value;
    std::uint32_t location;
    std::uint32_t time;
  };
  static constexpr std::uint32_t kPastLoads = 16;
  std::array<PastLoad, kPastLoads> loads;  // The last ones, in a ring.
  std::uint32_t load_count = 0;
};

class Explorer {
 public:
  Report Run(const ModelType& type, const Search& search);

  int current() const { return current_; }
  // A thread runs, or what comes after them all.
  bool executing() const { return current_ >= 0 || finishing_; }
  std::uint32_t epoch() const { return epoch_; }
  LogicalThread& thread() { return threads_[current_]; }

  void Point();
  void SpinUntilChange(std::uint64_t seen);
  void Block(const void* thing, const char* why);
  void Unblock(const void* thing);
  std::uint64_t ChangesByOthers();
  [[noreturn]] void Fail(std::string_view what);

  std::uint64_t Load(Word& word, std::memory_order order, const Where& where);
  void Store(Word& word, std::uint64_t value, std::memory_order order,
             const Where& where);
  std::uint64_t BeginUpdate(Word& word);
  void EndUpdate(Word& word, std::uint64_t value, Operation operation,
                 std::memory_order order, const Where& where);
  void FailSwap(Word& word, std::memory_order order, const Where& where);
  void CountAsRead(std::uint64_t value);
  void BarrierOnAllThreads();
  void Note(const char* what, const void* thing) {
    if (trace_) trace_->Note(current_, what, thing);
  }

  void set_swap(void (*swap)(int, int)) { swap_ = swap; }

 private:
  // One execution after the other.
  void SearchCompletely(int preemptions);
  void SearchAtRandom();
  void Replay(const std::string& trail);
  bool Execute();  // False: failed.
  bool NextTrail();
  void ExplainFailure(const std::string& mode);
  void SetBounds(const std::string& mode);

  void RunFiber(LogicalThread& thread);
  void GoOnWith(int thread);
  void SwitchAway();
  bool CanRun(const LogicalThread& thread) const;
  std::uint64_t OthersChanges(const LogicalThread& thread) const {
    return changes_ - thread.own_changes;
  }

  int Choose(int alternatives, std::uint32_t reluctance);
  Location& LocationOf(Word& word);
  void Changed(Word& word, std::uint64_t value);
  std::memory_order OrderAt(Operation operation, std::memory_order order,
                            const Where& where);

  const ModelType* type_ = nullptr;
  Search search_;
  Report report_;

  std::unique_ptr<char[]> memory_;
  std::size_t memory_size_ = 0;
  Model* model_ = nullptr;
  std::array<LogicalThread, kMaxThreads> threads_;
  Place outside_;
  void (*swap_)(int, int) = nullptr;

  // One execution.
  int current_ = -1;
  bool finishing_ = false;
  bool failed_ = false;
  std::uint32_t epoch_ = 0;
  std::deque<Location> locations_;
  std::uint32_t locations_used_ = 0;
  int steps_ = 0;
  std::uint64_t changes_ = 0;
  int preemptions_left_ = 0;
  int stale_left_ = 0;

  // The search.
  std::vector<Decision> trail_;
  std::size_t position_ = 0;
  std::optional<Dice> dice_;
  std::uint32_t preempts_once_in_ = 1;
  std::uint32_t reads_stale_once_in_ = 1;
  // The places met last, by a hash: so that few are looked for in the report.
  struct Met {
    const char* file = nullptr;
    unsigned line = 0;
    Operation operation{};
    std::memory_order order{};
    bool operator==(const Met&) const = default;
  };
  std::array<Met, 512> met_;

  std::optional<Trace> trace_;  // While a failure is explained.
};

Explorer& TheExplorer() {
  static auto* const explorer = new Explorer;
  return *explorer;
}

// A failed ABSL_RAW_CHECK inside a model is a finding, not our end.
void OnAbort(const char*, int, const char*, const char* message,
             const char* end) {
  if (!TheExplorer().executing()) return;
  TheExplorer().Fail(
      std::string_view(message, static_cast<std::size_t>(end - message)));
}
// Nor is a pointer that leads nowhere. (Anywhere else it is.)
void OnSignal(int signal) {
  if (TheExplorer().executing()) {
    TheExplorer().Fail(signal == SIGABRT ? "the program aborts"
                                         : "touches memory that is not there");
  }
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}
void CatchSignals() {
  struct sigaction action = {};
  action.sa_handler = OnSignal;
  action.sa_flags = SA_NODEFER;  // We leave it by a jump.
  for (const int signal : {SIGSEGV, SIGBUS, SIGABRT}) {
    sigaction(signal, &action, nullptr);
  }
}
// And it prints nothing.
bool SayNothing(absl::LogSeverity, const char*, int, char**, int*) {
  return !TheExplorer().executing();
}

// --- The search -------------------------------------------------------------

Report Explorer::Run(const ModelType& type, const Search& search) {
  CatchSignals();
  absl::raw_logging_internal::RegisterAbortHook(OnAbort);
  absl::raw_logging_internal::RegisterLogFilterAndPrefixHook(SayNothing);
  const auto begin = std::chrono::steady_clock::now();
  type_ = &type;
  search_ = search;
  report_ = Report();
  met_ = {};
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
  std::sort(report_.sites.begin(), report_.sites.end());
  return std::move(report_);
}

void Explorer::SearchCompletely(int preemptions) {
  dice_.reset();
  trail_.clear();
  do {
    preemptions_left_ = preemptions;
    stale_left_ = search_.stale_reads;
    ++report_.complete;
    if (!Execute()) return ExplainFailure(absl::StrCat(preemptions));
  } while (NextTrail());
}

// True: the trail's end now names an alternative that was not tried.
bool Explorer::NextTrail() {
  while (!trail_.empty() &&
         trail_.back().chosen + 1 == trail_.back().alternatives) {
    trail_.pop_back();
  }
  if (trail_.empty()) return false;
  ++trail_.back().chosen;
  return true;
}

void Explorer::SearchAtRandom() {
  for (std::int64_t i = 0; i < search_.random; ++i) {
    dice_.emplace(search_.seed + static_cast<std::uint64_t>(i));
    // Some bugs want many switches, others long stretches without one.
    preempts_once_in_ = 2u << dice_->Roll(5);
    reads_stale_once_in_ = 2u << dice_->Roll(4);
    trail_.clear();
    SetBounds(kAtRandom);
    ++report_.random;
    if (!Execute()) return ExplainFailure(kAtRandom);
  }
}

// "2-0.1.0": the bound, and what was chosen.
void Explorer::Replay(const std::string& trail) {
  trail_.clear();
  const std::pair<std::string, std::string> parts =
      absl::StrSplit(trail, absl::MaxSplits('-', 1));
  dice_.reset();
  if (parts.first == kAtRandom) dice_.emplace(search_.seed);
  SetBounds(parts.first);
  const std::vector<std::string> numbers = absl::StrSplit(parts.second, '.');
  for (const std::string& number : numbers) {
    int chosen = 0;
    if (absl::SimpleAtoi(number, &chosen)) trail_.push_back({chosen, 0});
  }
  ++report_.complete;
  if (!Execute()) ExplainFailure(parts.first);
}

// By the first part of a trail: a number of preemptions, or kAtRandom.
void Explorer::SetBounds(const std::string& mode) {
  constexpr int kUnbounded = 1 << 30;
  if (!absl::SimpleAtoi(mode, &preemptions_left_)) {
    preemptions_left_ = kUnbounded;
  }
  stale_left_ = mode == kAtRandom ? kUnbounded : search_.stale_reads;
}

// Runs the failing trail once more, and notes every step.
void Explorer::ExplainFailure(const std::string& mode) {
  report_.failed = true;
  std::vector<std::string> chosen;
  for (const Decision& decision : trail_) {
    chosen.push_back(absl::StrCat(decision.chosen));
  }
  while (!chosen.empty() && chosen.back() == "0" && mode != kAtRandom) {
    chosen.pop_back();
  }
  report_.trail = absl::StrCat(mode, "-", absl::StrJoin(chosen, "."));
  SetBounds(mode);
  trace_.emplace();
  Execute();
  report_.trace = trace_->text();
  trace_.reset();
}

// --- One execution ----------------------------------------------------------

bool Explorer::Execute() {
  ++epoch_;
  locations_used_ = 0;
  steps_ = 0;
  changes_ = 0;
  position_ = 0;
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
  const int first = Choose(count, 1);
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
void Explorer::GoOnWith(int thread) {
  LogicalThread& next = threads_[thread];
  if (next.started) _longjmp(next.fiber.place().registers, 1);
  next.started = true;
  Place nowhere;
  next.fiber.Start(
      [](void* started) {
        TheExplorer().RunFiber(*static_cast<LogicalThread*>(started));
      },
      &next, nowhere);
}

void Explorer::RunFiber(LogicalThread& thread) {
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

void Explorer::Fail(std::string_view what) {
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

int Explorer::Choose(int alternatives, std::uint32_t reluctance) {
  if (alternatives == 1) return 0;
  if (position_ < trail_.size()) {
    Decision& decision = trail_[position_++];
    if (decision.alternatives == 0) decision.alternatives = alternatives;
    ABSL_RAW_CHECK(
        decision.alternatives == alternatives && decision.chosen < alternatives,
        "a model depends on something besides its trail, or this "
        "is the trail of another");
    return decision.chosen;
  }
  int chosen = 0;
  if (dice_.has_value()) {
    const auto sides = static_cast<std::uint32_t>(alternatives);
    if (reluctance == 1) {
      chosen = static_cast<int>(dice_->Roll(sides));
    } else if (dice_->Roll(reluctance) == 0) {
      chosen = 1 + static_cast<int>(dice_->Roll(sides - 1));
    }
  }
  trail_.push_back({chosen, alternatives});
  ++position_;
  return chosen;
}

bool Explorer::CanRun(const LogicalThread& thread) const {
  if (thread.readiness == Readiness::kReady) return true;
  return thread.readiness == Readiness::kSpinning &&
         OthersChanges(thread) > thread.spins_until;
}

void Explorer::Point() {
  if (++steps_ > search_.most_steps) Fail("does not end: too many steps");
  if (preemptions_left_ == 0) return;
  std::array<int, kMaxThreads> others;
  int count = 0;
  for (int i = 0; i < kMaxThreads; ++i) {
    if (i != current_ && CanRun(threads_[i])) others[count++] = i;
  }
  if (count == 0) return;
  const int chosen = Choose(1 + count, preempts_once_in_);
  if (chosen == 0) return;
  --preemptions_left_;
  const int next = others[chosen - 1];
  LogicalThread& leaving = thread();
  if (swap_ != nullptr) swap_(current_, next);
  current_ = next;
  if (_setjmp(leaving.fiber.place().registers) == 0) GoOnWith(next);
  leaving.readiness = Readiness::kReady;
}

// The current thread cannot go on. Returns when it can, and runs.
void Explorer::SwitchAway() {
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
  const int next = ready[Choose(count, 1)];
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

void Explorer::SpinUntilChange(std::uint64_t seen) {
  LogicalThread& self = thread();
  self.reads_newest = true;
  if (std::exchange(self.has_read_stale, false)) return;
  if (OthersChanges(self) > seen) return;
  self.spins_until = seen;
  self.readiness = Readiness::kSpinning;
  Note("spins", nullptr);
  SwitchAway();
}

void Explorer::Block(const void* thing, const char* why) {
  LogicalThread& self = thread();
  self.blocked_on = thing;
  self.why = why;
  self.readiness = Readiness::kBlocked;
  Note("blocks on", thing);
  SwitchAway();
}

void Explorer::Unblock(const void* thing) {
  for (LogicalThread& thread : threads_) {
    if (thread.readiness == Readiness::kBlocked && thread.blocked_on == thing) {
      thread.readiness = Readiness::kReady;
    }
  }
  ++changes_;
  ++thread().own_changes;
}

std::uint64_t Explorer::ChangesByOthers() { return OthersChanges(thread()); }

// --- Atomic operations ------------------------------------------------------

Location& Explorer::LocationOf(Word& word) {
  if (word.epoch == epoch_) return locations_[word.location];
  if (word.epoch == Word::kGone) Fail("uses an atomic that is gone");
  if (locations_used_ == locations_.size()) locations_.emplace_back();
  word.epoch = epoch_;
  word.location = locations_used_++;
  Location& location = locations_[word.location];
  location.Reset(word.value);
  return location;
}

std::memory_order Explorer::OrderAt(Operation operation,
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
  const Met met = {where.file_name(), where.line(), operation, order};
  Met& known =
      met_[(met.line * 8 + static_cast<unsigned>(operation)) % met_.size()];
  if (known != met) {
    known = met;
    const Site site = {FileOf(where), where.line(), FunctionOf(where),
                       operation, order};
    if (std::find(report_.sites.begin(), report_.sites.end(), site) ==
        report_.sites.end()) {
      report_.sites.push_back(site);
    }
  }
  return order;
}

std::uint64_t Explorer::Load(Word& word, std::memory_order order,
                             const Where& where) {
  order = OrderAt(Operation::kLoad, order, where);
  Point();
  Location& location = LocationOf(word);
  LogicalThread& self = thread();
  int age = 0;
  if (stale_left_ > 0 && !std::exchange(self.reads_newest, false)) {
    age = Choose(location.Readable(self.clock, order), reads_stale_once_in_);
  }
  if (age > 0) {
    --stale_left_;
    self.has_read_stale = true;
  }
  const std::uint64_t value = location.Load(current_, self.clock, order, age);
  self.loads[self.load_count++ % LogicalThread::kPastLoads] = {
      value, word.location, self.clock[current_]};
  if (trace_) {
    trace_->Add(current_, "load", order, value, &word, where, age);
  }
  return value;
}

void Explorer::CountAsRead(std::uint64_t value) {
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

void Explorer::BarrierOnAllThreads() {
  Point();
  for (std::uint32_t i = 0; i < locations_used_; ++i) {
    locations_[i].ForgetOlder();
  }
  Note("barrier on all threads", nullptr);
}

void Explorer::Changed(Word& word, std::uint64_t value) {
  if (word.value == value) return;
  word.value = value;
  ++changes_;
  ++thread().own_changes;
}

void Explorer::Store(Word& word, std::uint64_t value, std::memory_order order,
                     const Where& where) {
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

std::uint64_t Explorer::BeginUpdate(Word& word) {
  Point();
  return LocationOf(word).newest();
}

void Explorer::EndUpdate(Word& word, std::uint64_t value, Operation operation,
                         std::memory_order order, const Where& where) {
  order = OrderAt(operation, order, where);
  LocationOf(word).Replace(current_, thread().clock, order, value);
  Changed(word, value);
  if (trace_) {
    trace_->Add(current_, NameOf(operation), order, value, &word, where);
  }
}

void Explorer::FailSwap(Word& word, std::memory_order order,
                        const Where& where) {
  order = OrderAt(Operation::kFailedSwap, order, where);
  const std::uint64_t value =
      LocationOf(word).Load(current_, thread().clock, order, 0);
  if (trace_) {
    trace_->Add(current_, "failed swap", order, value, &word, where);
  }
}

}  // namespace

// --- What models and the seam call ------------------------------------------

void CountAsRead(std::uint64_t value) {
  if (CurrentThread() >= 0) TheExplorer().CountAsRead(value);
}

void BarrierOnAllThreads() {
  if (CurrentThread() >= 0) TheExplorer().BarrierOnAllThreads();
}

int CurrentThread() { return TheExplorer().current(); }
std::uint32_t ExecutionNumber() { return TheExplorer().epoch(); }

void Check(bool holds, std::string_view what) {
  if (!holds) Fail(what);
}

void Fail(std::string_view what) { TheExplorer().Fail(what); }

std::uint64_t Load(Word& word, std::memory_order order, const Where& where) {
  Explorer& explorer = TheExplorer();
  if (explorer.current() < 0) return word.value;
  return explorer.Load(word, order, where);
}

void Store(Word& word, std::uint64_t value, std::memory_order order,
           const Where& where) {
  Explorer& explorer = TheExplorer();
  if (explorer.current() < 0) {
    word.value = value;
  } else {
    explorer.Store(word, value, order, where);
  }
}

std::uint64_t BeginUpdate(Word& word) {
  Explorer& explorer = TheExplorer();
  if (explorer.current() < 0) return word.value;
  return explorer.BeginUpdate(word);
}

void EndUpdate(Word& word, std::uint64_t value, Operation operation,
               std::memory_order order, const Where& where) {
  Explorer& explorer = TheExplorer();
  if (explorer.current() < 0) {
    word.value = value;
  } else {
    explorer.EndUpdate(word, value, operation, order, where);
  }
}

void FailSwap(Word& word, std::memory_order order, const Where& where) {
  Explorer& explorer = TheExplorer();
  if (explorer.current() >= 0) explorer.FailSwap(word, order, where);
}

std::uint64_t ChangesByOthers() {
  return CurrentThread() < 0 ? 0 : TheExplorer().ChangesByOthers();
}

void SpinUntilChange(std::uint64_t seen) {
  ABSL_RAW_CHECK(CurrentThread() >= 0, "spins where no other thread runs");
  TheExplorer().SpinUntilChange(seen);
}

void Point() {
  if (CurrentThread() >= 0) TheExplorer().Point();
}
void Block(const void* thing, const char* why) {
  ABSL_RAW_CHECK(CurrentThread() >= 0, "blocks where no other thread runs");
  TheExplorer().Block(thing, why);
}
void Unblock(const void* thing) {
  if (CurrentThread() >= 0) TheExplorer().Unblock(thing);
}
Clock& CurrentClock() { return TheExplorer().thread().clock; }
void Note(const char* what, const void* thing) {
  if (CurrentThread() >= 0) TheExplorer().Note(what, thing);
}

void OnSwitch(void (*swap)(int, int)) { TheExplorer().set_swap(swap); }

Report ExploreType(const ModelType& type, const Search& search) {
  return TheExplorer().Run(type, search);
}
}  // namespace weft::explore
