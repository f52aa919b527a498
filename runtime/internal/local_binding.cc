// From a scope outwards, to whatever is bound there.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/internal/local_binding.h"

#include <memory>
#include <utility>

#include "weft/runtime/atomic.h"
#include "weft/runtime/current.h"
#include "weft/runtime/internal/join.h"
#include "weft/runtime/task_context.h"

namespace weft::internal {
namespace {

// relaxed, on both sides: who spawns inside a With comes after it on the way of
// its own task.
constinit Atomic<bool> locals_are_used{false};

// What is above a scope stands still while the scope runs: its owners wait.
const LocalBindings* BindingsOf(const TaskContext& scope) noexcept {
  const TaskContext* each = &scope;
  while (!each->is_task()) {
    const Join& join = static_cast<const Branch*>(each)->join();
    if (const LocalBindings* const own = join.locals()) return own;
    each = &join.context();
  }
  const Inheritance* const inherited = each->inheritance();
  return inherited == nullptr ? nullptr : &inherited->bindings;
}

}  // namespace

const LocalBindings* BindingsHere() noexcept {
  const ThisThread& here = this_thread;
  // A frame that is torn down runs on no worker, and in no scope.
  if (here.worker == nullptr || here.context == nullptr) return nullptr;
  return BindingsOf(*here.context);
}

const LocalValue* FindLocal(const void* key) noexcept {
  const LocalBindings* const bindings = BindingsHere();
  if (bindings == nullptr) return nullptr;
  for (const auto& value : **bindings) {
    if (value->key() == key) return value.get();
  }
  return nullptr;
}

LocalBindings BindLocal(std::shared_ptr<const LocalValue> value) {
  // Read first: every Spawn of the program reads it, too.
  if (!locals_are_used.load(std::memory_order_relaxed)) {
    locals_are_used.store(true, std::memory_order_relaxed);
  }
  const LocalBindings* const around = BindingsHere();
  auto values = around == nullptr ? std::make_shared<LocalValues>()
                                  : std::make_shared<LocalValues>(**around);
  for (auto& each : *values) {
    if (each->key() != value->key()) continue;
    each = std::move(value);
    return values;
  }
  values->push_back(std::move(value));
  return values;
}

std::unique_ptr<Inheritance> InheritFromCaller(TaskList& home) {
  if (!locals_are_used.load(std::memory_order_relaxed)) [[likely]]
    return nullptr;
  const LocalBindings* const bindings = BindingsHere();
  if (bindings == nullptr) return nullptr;
  return std::make_unique<Inheritance>(home, *bindings);
}

}  // namespace weft::internal
