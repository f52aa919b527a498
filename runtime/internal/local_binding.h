// What is bound to TaskLocals: a list that grows inwards, and that tasks share.
//
//     With(a, 1) { With(b, 2) { Spawn(child) } }
//
//     [b = 2] --outer--> [a = 1] --outer--> what the task has inherited
//        ^
//        `-- the inner With, and the child: each keeps what it needs alive
//
// A binding never changes. So a child that is spawned sees what was bound
// around its Spawn, whatever its parent binds later, and siblings see nothing
// of each other.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_INTERNAL_LOCAL_BINDING_H_
#define WEFT_RUNTIME_INTERNAL_LOCAL_BINDING_H_

#include <memory>
#include <utility>

#include "weft/runtime/recycled.h"

namespace weft {

class TaskContext;

namespace internal {

class TaskList;
class LocalBinding;

using LocalBindings = std::shared_ptr<const LocalBinding>;

// One value; the derived class has it.
class LocalBinding {
 public:
  // `key` is the TaskLocal.
  explicit LocalBinding(const void* key) noexcept : key_(key) {}
  LocalBinding(const LocalBinding&) = delete;
  LocalBinding& operator=(const LocalBinding&) = delete;
  virtual ~LocalBinding() = default;

  // Before anybody else knows it.
  void set_outer(LocalBindings outer) noexcept { outer_ = std::move(outer); }

  // The innermost one for `key`, from here outwards.
  const LocalBinding* Find(const void* key) const noexcept {
    const LocalBinding* each = this;
    while (each != nullptr && each->key_ != key) each = each->outer_.get();
    return each;
  }

 private:
  const void* const key_;
  LocalBindings outer_;
};

// Of a task that was spawned where something was bound.
struct Inheritance : Recycled {
  Inheritance(TaskList& home, LocalBindings bindings) noexcept
      : home(home), bindings(std::move(bindings)) {}

  TaskList& home;
  const LocalBindings bindings;
};

// What is bound in the calling task, from the innermost on; null where nothing
// is, and on a thread that runs no task.
const LocalBindings* BindingsHere() noexcept;

// For a task that is being made by the calling one: null where nothing is
// bound. Cost: a load where the program has bound nothing yet; else a walk up
// the scopes.
std::unique_ptr<Inheritance> InheritFromCaller(TaskList& home);

// From here on InheritFromCaller looks.
void NoteThatLocalsAreUsed() noexcept;

}  // namespace internal
}  // namespace weft

#endif  // WEFT_RUNTIME_INTERNAL_LOCAL_BINDING_H_
