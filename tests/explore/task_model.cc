// Scopes, and wakes that go to a thread.
//
// SPDX-License-Identifier: MIT

#include "weft/tests/explore/task_model.h"

#include "weft/runtime/leaf.h"

namespace weft::explore {
namespace {

// The one that is explored.
TaskModel* current_model = nullptr;

}  // namespace

internal::TaskList* HomeOfModels() noexcept {
  return reinterpret_cast<internal::TaskList*>(&current_model);
}

TaskModel::TaskModel() { current_model = this; }
TaskModel::~TaskModel() { current_model = nullptr; }

TaskModel::OneThread& TaskModel::ThisOne() {
  return current_model->threads_[CurrentThread()];
}

void TaskModel::Run(int thread) {
  weft::internal::Here().context = &scope(thread);
  RunTask(thread);
  weft::internal::Here().context = nullptr;
}

void WakeUp(Leaf& leaf) {
  for (TaskModel::OneThread& thread : current_model->threads_) {
    if (thread.waits == &leaf) return thread.wake.Give();
  }
  Fail("wakes who waits no more");
}

}  // namespace weft::explore
