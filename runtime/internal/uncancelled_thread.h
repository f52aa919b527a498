// UncancelledThread: while it lives, pthread_cancel(3) does nothing to this
// thread.
//
// A thread that is cancelled inside a system call is unwound, and what its
// worker has queued would never run. Besides, glibc opens and closes a window
// for that around every call that may block, with an atomic exchange each, once
// the program has a second thread: four of them a request of an echo server. It
// does without where cancellation is asynchronous already, so that is what we
// ask for; it is switched off at the same time, so nothing comes of it.
//
// A task that switches cancellation on for its thread gets what it asks for:
// its thread may be cancelled anywhere, in malloc too.
//
// Rejected: system calls that go round the C library. The sanitizers know the
// library's, and would no longer see what is read into which memory.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_INTERNAL_UNCANCELLED_THREAD_H_
#define WEFT_RUNTIME_INTERNAL_UNCANCELLED_THREAD_H_

#include <pthread.h>

namespace weft::internal {

// Threads: the one that made it, which finds its settings as they were after.
class UncancelledThread {
 public:
  UncancelledThread() noexcept {
    // Neither fails where the constants are right (pthread_setcancelstate(3)).
    // The state comes first: in between the thread could be cancelled anywhere.
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state_);
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type_);
  }
  UncancelledThread(const UncancelledThread&) = delete;
  UncancelledThread& operator=(const UncancelledThread&) = delete;
  ~UncancelledThread() {
    pthread_setcanceltype(type_, nullptr);
    pthread_setcancelstate(state_, nullptr);
  }

 private:
  int state_ = PTHREAD_CANCEL_ENABLE;
  int type_ = PTHREAD_CANCEL_DEFERRED;
};

}  // namespace weft::internal

#endif  // WEFT_RUNTIME_INTERNAL_UNCANCELLED_THREAD_H_
