// How a test makes the kqueue of the shim misbehave within its rights, and what
// the shim can and cannot imitate.
//
// Honoured
//   Identity   A knote is (queue, ident, filter): the two directions of one
//              descriptor are separate, with their own udata and flags. EV_ADD
//              again replaces udata, enables, and tests anew. close, dup2 and
//              dup3 drop the knotes of the number, duplicates or not, together
//              with events not delivered yet.
//   Changes    In order, before events, in one call. A failing one is an
//              EV_ERROR event while there is room, else -1. EV_RECEIPT answers
//              each, and then no event is returned. ENOENT for an unknown
//              knote, EBADF for a closed descriptor.
//   Delivery   Level, EV_CLEAR (new activity only), EV_ONESHOT, EV_DISPATCH,
//              one event a knote and call, filters in shuffled order.
//   EV_EOF     With what is left in `data`; sticky. A FIN ends the read side,
//              a RST both, shutdown(SHUT_WR) of TCP the write side.
//   EV_OOBAND  While urgent data is ahead, as on macOS.
//   data       Bytes to read, backlog of a TCP listener, space to write.
//   NOTE_EXIT  Once, and the knote is gone. ESRCH for a process that has ended,
//              though its parent has not waited for it, as on macOS.
//   VNODE      Of files, directories and links: NOTE_WRITE, EXTEND, ATTRIB,
//              LINK, RENAME and DELETE, as macOS posts them. A name that comes
//              or goes is a NOTE_WRITE of its directory; unlink posts
//              NOTE_DELETE though there are other names; to make a file shorter
//              is NOTE_ATTRIB. One that was asked for brings those along that
//              the same call posts. They add up until EV_CLEAR takes them.
//   Nesting    A queue can be watched for reading by another, and for nothing
//              else (EINVAL).
//   Also       NOTE_LOWAT, EVFILT_TIMER with all units, EVFILT_USER.
//
// Not honoured, because Linux does not tell
//   A FIN also gives an EV_CLEAR write knote an event (epoll wakes both).
//   `fflags` of EV_EOF is a guess, ECONNREFUSED for a socket that was
//   connecting when it was added and else ECONNRESET: asking for SO_ERROR would
//   consume it. shutdown(SHUT_WR) of a Unix socket does not end its write side.
//   EVFILT_SIGNAL sees blocked signals only, and takes them away; raised three
//   times while pending they count as one.
//   A queue survives fork, and polls as ready when it merely might be.
//   EVFILT_PROC knows no other note than NOTE_EXIT, and `data` is 0 there.
//   EVFILT_VNODE: NOTE_REVOKE never comes. Of attributes that change just
//   before a file loses a name only the loss is told. Permission to read is
//   needed, of a directory's parent as well; O_EVTONLY needs none on macOS.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_SUPPORT_KQUEUE_SHIM_KQUEUE_SHIM_H_
#define WEFT_TESTS_SUPPORT_KQUEUE_SHIM_KQUEUE_SHIM_H_

#include <cstdint>

namespace weft::kqueue_shim {

// A one_in of 0 is never, of 1 always, of n each n-th time on average.
struct Knobs {
  // Of the order of events and of all chances below.
  std::uint64_t seed = 1;
  // At most so many events a call; 0 is as many as fit.
  int largest_batch = 0;
  // An event for a descriptor to which nothing happened.
  int spurious_one_in = 0;
  // A call that could sleep fails with EINTR, its changes applied.
  int interrupted_one_in = 0;
  // The same with ENOMEM.
  int out_of_memory_one_in = 0;
  // EV_ENABLE looks whether the descriptor is ready now. NetBSD of 2016 waits
  // for the next activity instead.
  bool enable_tests_again = true;
};

// For all queues of the process.
//
// Threads: any.
void SetKnobs(const Knobs& knobs);

// Drops the knotes of `fd` from every queue, and the queue if it is one; to be
// called before the number is given back. close_hook.cc does, for every close
// that the program makes: a test need not.
//
// Threads: any.
void OnClose(int fd);

}  // namespace weft::kqueue_shim

#endif  // WEFT_TESTS_SUPPORT_KQUEUE_SHIM_KQUEUE_SHIM_H_
