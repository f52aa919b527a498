// Models whose logical threads are tasks: each has a cancel scope, and awaits.
//
// Real tasks need workers, and a model of everything at once is too large. Here
// a thread waits itself for what it awaits: the awaiter's own functions are
// called in the order in which a coroutine calls them, and a wake that would
// go to a worker's queue goes to the thread (a seam in Leaf::Schedule). That a
// queue hands over in order is what a HandOver stands for; the queues
// themselves are explored elsewhere.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_EXPLORE_TASK_MODEL_H_
#define WEFT_TESTS_EXPLORE_TASK_MODEL_H_

#include <array>
#include <optional>
#include <utility>

#include "weft/runtime/continuation.h"
#include "weft/runtime/current.h"
#include "weft/runtime/task_context.h"
#include "weft/tests/explore/blocking.h"
#include "weft/tests/explore/runtime_model.h"

namespace weft::explore {

// The home of a model's scopes. It stands for a list, and is never looked into.
internal::TaskList* HomeOfModels() noexcept;

class TaskModel : public RuntimeModel {
 public:
  TaskModel();
  ~TaskModel() override;

  void Run(int thread) final;
  // Inside the thread's scope.
  virtual void RunTask(int thread) = 0;

  // The scope of a thread, to be cancelled by another.
  TaskContext& scope(int thread) { return threads_[thread].scope; }

 private:
  friend void WakeUp(Leaf& leaf);
  template <typename Awaiter>
  friend auto Await(Awaiter&& awaiter);

  // What a coroutine is to an awaiter: somebody to name.
  class Step final : public Runnable {
   public:
    Continuation Run(internal::ThisThread&) noexcept override { return {}; }
    PromiseBase* awaiting_promise() const noexcept override { return nullptr; }
  };
  class OneScope final : public TaskContext {
   public:
    OneScope() noexcept : TaskContext(HomeOfModels()) {}
  };
  struct OneThread {
    OneScope scope;
    Step step;
    const Leaf* waits = nullptr;
    HandOver wake;
  };

  static OneThread& ThisOne();

  std::array<OneThread, kMaxThreads> threads_;
};

// co_await.
template <typename Awaiter>
auto Await(Awaiter&& awaiter) {
  if (awaiter.await_ready()) return awaiter.await_resume();
  TaskModel::OneThread& self = TaskModel::ThisOne();
  self.waits = &awaiter;
  if (awaiter.await_suspend(Continuation(self.step))) {
    do {
      self.wake.Take();
    } while (awaiter.Run(weft::internal::Here()).empty());
  }
  self.waits = nullptr;
  return awaiter.await_resume();
}

// The wake of a leaf that a thread of the model awaits.
void WakeUp(Leaf& leaf);

}  // namespace weft::explore

#endif  // WEFT_TESTS_EXPLORE_TASK_MODEL_H_
