// Job: what a worker's queues hold. A woken leaf, a task that has not started,
// or the rest of a fork; all of them live in frames, so queueing allocates
// nothing.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_INTERNAL_JOB_H_
#define WEFT_RUNTIME_INTERNAL_JOB_H_

#include "weft/runtime/continuation.h"

namespace weft::internal {

class Job : public Runnable {
 public:
  // For the intrusive queues (inbox, injector): the queue that holds the job
  // owns the link.
  Job* next = nullptr;

  // A leaf whose Run() would only go on (Leaf::Resume) may say so before it
  // goes into a run queue, and the loop then saves the virtual call: 1.4 of 8.6
  // ns. It is said in the link, which a run queue does not use. A list that
  // takes the job over forgets it, and Run() serves as well.
  void MarkAsPlainLeaf() noexcept { next = this; }
  bool is_plain_leaf() const noexcept { return next == this; }

  // The runtime has stopped with this job still queued. A leaf notes itself in
  // its context, so that its frames are found and destroyed.
  virtual void Abandon() noexcept {}

 protected:
  ~Job() = default;
};

}  // namespace weft::internal

#endif  // WEFT_RUNTIME_INTERNAL_JOB_H_
