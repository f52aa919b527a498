// <sys/event.h> for Linux: kqueue and kevent over epoll, timerfd, eventfd,
// signalfd, pidfd and inotify, so that what stands on kqueue can be tested,
// unchanged, where there is none. Test code: never installed.
//
// What it honours, and what it cannot, is listed in kqueue_shim.h. Names are
// the systems'; values and member types are those of macOS.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_SUPPORT_KQUEUE_SHIM_SYS_EVENT_H_
#define WEFT_TESTS_SUPPORT_KQUEUE_SHIM_SYS_EVENT_H_

#include <fcntl.h>
#include <stdint.h>
#include <time.h>

// Filters.
#define EVFILT_READ (-1)
#define EVFILT_WRITE (-2)
#define EVFILT_VNODE (-4)
#define EVFILT_PROC (-5)
#define EVFILT_SIGNAL (-6)
#define EVFILT_TIMER (-7)
#define EVFILT_USER (-10)

// Actions.
#define EV_ADD 0x0001
#define EV_DELETE 0x0002
#define EV_ENABLE 0x0004
#define EV_DISABLE 0x0008
// Ways of delivery.
#define EV_ONESHOT 0x0010
#define EV_CLEAR 0x0020
#define EV_RECEIPT 0x0040
#define EV_DISPATCH 0x0080
// Answers.
#define EV_OOBAND 0x2000
#define EV_ERROR 0x4000
#define EV_EOF 0x8000

// For EVFILT_READ and EVFILT_WRITE: ready from `data` bytes on.
#define NOTE_LOWAT 0x00000001

// For EVFILT_VNODE.
#define NOTE_DELETE 0x00000001
#define NOTE_WRITE 0x00000002
#define NOTE_EXTEND 0x00000004
#define NOTE_ATTRIB 0x00000008
#define NOTE_LINK 0x00000010
#define NOTE_RENAME 0x00000020
#define NOTE_REVOKE 0x00000040

// Of macOS's <fcntl.h>: to watch and for nothing else, and the link itself.
#define O_EVTONLY O_PATH
#define O_SYMLINK O_NOFOLLOW

// For EVFILT_PROC.
#define NOTE_EXIT 0x80000000U

// For EVFILT_TIMER. Without one of them, milliseconds.
#define NOTE_SECONDS 0x00000001
#define NOTE_USECONDS 0x00000002
#define NOTE_NSECONDS 0x00000004
#define NOTE_ABSOLUTE 0x00000008

// For EVFILT_USER.
#define NOTE_FFNOP 0x00000000U
#define NOTE_FFAND 0x40000000U
#define NOTE_FFOR 0x80000000U
#define NOTE_FFCOPY 0xC0000000U
#define NOTE_FFCTRLMASK 0xC0000000U
#define NOTE_FFLAGSMASK 0x00FFFFFFU
#define NOTE_TRIGGER 0x01000000U

struct kevent {
  uintptr_t ident;
  int16_t filter;
  uint16_t flags;
  uint32_t fflags;
  intptr_t data;
  void* udata;
};

#define EV_SET(event, ident_, filter_, flags_, fflags_, data_, udata_) \
  do {                                                                 \
    struct kevent* weft_event = (event);                               \
    weft_event->ident = (ident_);                                      \
    weft_event->filter = (filter_);                                    \
    weft_event->flags = (flags_);                                      \
    weft_event->fflags = (fflags_);                                    \
    weft_event->data = (data_);                                        \
    weft_event->udata = (udata_);                                      \
  } while (0)

extern "C" {

int kqueue(void);
int kevent(int queue, const struct kevent* changes, int change_count,
           struct kevent* events, int event_count, const timespec* timeout);

}  // extern "C"

#endif  // WEFT_TESTS_SUPPORT_KQUEUE_SHIM_SYS_EVENT_H_
