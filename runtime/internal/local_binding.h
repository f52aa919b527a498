// What is bound to TaskLocals: a list that never changes, and that tasks share.
//
//     With(a, 1) { With(b, 2) { Spawn(child) } }
//
//     outer With        [a = 1]
//     inner With        [a = 1, b = 2]  <--  the child, too
//
// A With makes a new list of what was bound around it, in which its own value
// takes the place of an older one of the same key. So a child that is spawned
// sees what was bound around its Spawn, whatever its parent binds later;
// siblings see nothing of each other; and what is hidden by a newer value is
// not kept alive, though each task spawn the next one for ever.
//
// Rejected: a chain that grows inwards, each With linked to the one around it.
// It keeps what nobody can see any more, and dies by recursion.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_INTERNAL_LOCAL_BINDING_H_
#define WEFT_RUNTIME_INTERNAL_LOCAL_BINDING_H_

#include <memory>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "weft/runtime/recycled.h"

namespace weft {

class TaskContext;

namespace internal {

class TaskList;

// A value; the derived class has it.
class LocalValue {
 public:
  // `key` is the TaskLocal.
  explicit LocalValue(const void* key) noexcept : key_(key) {}
  LocalValue(const LocalValue&) = delete;
  LocalValue& operator=(const LocalValue&) = delete;
  virtual ~LocalValue() = default;

  const void* key() const noexcept { return key_; }

 private:
  const void* const key_;
};

// One for each key.
using LocalValues = absl::InlinedVector<std::shared_ptr<const LocalValue>, 2>;
using LocalBindings = std::shared_ptr<const LocalValues>;

// Of a task that was spawned where something was bound.
struct Inheritance : Recycled {
  Inheritance(TaskList& home, LocalBindings bindings) noexcept
      : home(home), bindings(std::move(bindings)) {}

  TaskList& home;
  const LocalBindings bindings;
};

// What is bound where the caller runs; null where nothing is, and on a thread
// that runs no task.
const LocalBindings* BindingsHere() noexcept;

// The value of `key` where the caller runs; null where it has none.
const LocalValue* FindLocal(const void* key) noexcept;

// What is bound where the caller runs, and `value`.
LocalBindings BindLocal(std::shared_ptr<const LocalValue> value);

// For a task that is being made by the calling one: null where nothing is
// bound. Cost: a load where the program has bound nothing yet; else a walk up
// the scopes.
std::unique_ptr<Inheritance> InheritFromCaller(TaskList& home);

}  // namespace internal
}  // namespace weft

#endif  // WEFT_RUNTIME_INTERNAL_LOCAL_BINDING_H_
