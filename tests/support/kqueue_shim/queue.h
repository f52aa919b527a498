// One kqueue of the shim.
//
//     poll set (its number is the kqueue's) --+-- read edges   epoll, EPOLLIN
//                                             +-- write edges  epoll, EPOLLOUT
//                                             +-- timerfds, signalfds, pidfds
//                                             +-- inotify, for each file
//                                             +-- bell         eventfd
//
// It works as the kernel does. An edge only marks a knote active; an active
// knote is looked at when events are collected, and delivered if it is ready
// then. Level-triggered knotes stay active after delivery, EV_CLEAR ones do
// not. The two directions are in two epoll instances because one registration
// would wake both knotes for what happens to either.
//
// Invariants
//   1. `mutex_` is held while anything but the poll set is touched, and never
//      while a thread sleeps.
//   2. A sleeper, or a queue that watches this one, is woken for what no
//      descriptor tells (a trigger, a knote enabled, events left over from a
//      full batch) by the bell.
//   3. A knote goes away together with its registration in epoll.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_SUPPORT_KQUEUE_SHIM_QUEUE_H_
#define WEFT_TESTS_SUPPORT_KQUEUE_SHIM_QUEUE_H_

#include <sys/event.h>
#include <time.h>

#include <cstdint>
#include <map>
#include <mutex>
#include <span>

#include "weft/tests/support/kqueue_shim/chance.h"
#include "weft/tests/support/kqueue_shim/knote.h"

namespace weft::kqueue_shim {

// Threads: any.
class Queue {
 public:
  explicit Queue(Chance& chance);
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;
  ~Queue();  // Closes all but the number itself, which the caller closes.

  // -1 when there were not enough descriptors.
  [[nodiscard]] int number() const { return poll_set_; }

  // kevent(2).
  int Call(std::span<const KernelEvent> changes, std::span<KernelEvent> events,
           const timespec* timeout);

  void DropDescriptor(int fd);

 private:
  int ApplyAll(std::span<const KernelEvent> changes,
               std::span<KernelEvent> answers);
  int Apply(const KernelEvent& change);
  int ApplyTo(Knote& knote, const KernelEvent& change);
  int AddNew(KnoteKey key, const KernelEvent& change);
  int Watch(KnoteKey key, Knote& knote);
  void Drop(KnoteKey key);

  void Collect();
  void CollectEdges(int edges, std::int16_t filter);
  int Deliver(std::span<KernelEvent> events);
  int DeliverSpurious(std::span<KernelEvent> events);
  int CollectOrSleep(std::span<KernelEvent> events, const timespec* timeout);
  [[nodiscard]] bool HasTriggered() const;
  void RingBell();
  [[nodiscard]] int EdgesOf(std::int16_t filter) const {
    return filter == EVFILT_READ ? read_edges_ : write_edges_;
  }

  Chance& chance_;
  int poll_set_ = -1;
  int read_edges_ = -1;
  int write_edges_ = -1;
  int bell_ = -1;

  std::mutex mutex_;
  std::map<KnoteKey, Knote> knotes_;
  int sleepers_ = 0;
};

}  // namespace weft::kqueue_shim

#endif  // WEFT_TESTS_SUPPORT_KQUEUE_SHIM_QUEUE_H_
