// What models and the seam call, and the failures that are no Check.
//
// SPDX-License-Identifier: MIT

#include "weft/tests/explore/explorer.h"

#include <signal.h>

#include <csignal>
#include <cstddef>
#include <string_view>

#include "absl/base/internal/raw_logging.h"
#include "weft/tests/explore/exploration.h"

namespace weft::explore {
namespace {

// A failed ABSL_RAW_CHECK inside a model is a finding, not our end.
void OnAbort(const char*, int, const char*, const char* message,
             const char* end) {
  if (!TheExploration().executing()) return;
  TheExploration().Fail(
      std::string_view(message, static_cast<std::size_t>(end - message)));
}
// Nor is a pointer that leads nowhere. (Anywhere else it is.)
void OnSignal(int signal) {
  if (TheExploration().executing()) {
    TheExploration().Fail(signal == SIGABRT
                              ? "the program aborts"
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
  return !TheExploration().executing();
}

}  // namespace

// --- What models and the seam call ------------------------------------------

void CountAsRead(std::uint64_t value) {
  if (CurrentThread() >= 0) TheExploration().CountAsRead(value);
}

void BarrierOnAllThreads() {
  if (CurrentThread() >= 0) TheExploration().BarrierOnAllThreads();
}

int CurrentThread() { return TheExploration().current(); }
std::uint32_t ExecutionNumber() { return TheExploration().epoch(); }

void Check(bool holds, std::string_view what) {
  if (!holds) Fail(what);
}

void Fail(std::string_view what) { TheExploration().Fail(what); }

std::uint64_t Load(Word& word, std::memory_order order, const Where& where) {
  Exploration& exploration = TheExploration();
  if (exploration.current() < 0) return word.value;
  return exploration.Load(word, order, where);
}

void Store(Word& word, std::uint64_t value, std::memory_order order,
           const Where& where) {
  Exploration& exploration = TheExploration();
  if (exploration.current() < 0) {
    word.value = value;
  } else {
    exploration.Store(word, value, order, where);
  }
}

std::uint64_t BeginUpdate(Word& word) {
  Exploration& exploration = TheExploration();
  if (exploration.current() < 0) return word.value;
  return exploration.BeginUpdate(word);
}

void EndUpdate(Word& word, std::uint64_t value, Operation operation,
               std::memory_order order, const Where& where) {
  Exploration& exploration = TheExploration();
  if (exploration.current() < 0) {
    word.value = value;
  } else {
    exploration.EndUpdate(word, value, operation, order, where);
  }
}

void FailSwap(Word& word, std::memory_order order, const Where& where) {
  Exploration& exploration = TheExploration();
  if (exploration.current() >= 0) exploration.FailSwap(word, order, where);
}

std::uint64_t ChangesByOthers() {
  return CurrentThread() < 0 ? 0 : TheExploration().ChangesByOthers();
}

void SpinUntilChange(std::uint64_t seen) {
  ABSL_RAW_CHECK(CurrentThread() >= 0, "spins where no other thread runs");
  TheExploration().SpinUntilChange(seen);
}

void Point() {
  if (CurrentThread() >= 0) TheExploration().Point();
}
void Block(const void* thing, const char* why) {
  ABSL_RAW_CHECK(CurrentThread() >= 0, "blocks where no other thread runs");
  TheExploration().Block(thing, why);
}
void Unblock(const void* thing) {
  if (CurrentThread() >= 0) TheExploration().Unblock(thing);
}
Clock& CurrentClock() { return TheExploration().thread().clock; }
void Note(const char* what, const void* thing) {
  if (CurrentThread() >= 0) TheExploration().Note(what, thing);
}

void OnSwitch(void (*swap)(int, int)) { TheExploration().set_swap(swap); }

Report ExploreType(const ModelType& type, const Search& search) {
  CatchSignals();
  absl::raw_logging_internal::RegisterAbortHook(OnAbort);
  absl::raw_logging_internal::RegisterLogFilterAndPrefixHook(SayNothing);
  return TheExploration().Run(type, search);
}

}  // namespace weft::explore
