// A ring, and the names by which its completions find their connections.
//
// A descriptor is no such name: it may be closed, and given to the next
// connection, while a completion of the last one is under way. So a connection
// has a place in a table and a generation, which changes when the place becomes
// free, and what is asked for carries both:
//
//     63            32 31           16 15         8 7          0
//     |  generation   |     place     |   buffer   | operation |
//
// 1. A completion whose generation is not its place's is of a connection that
//    has ended. What it brings, a buffer, is in the tag or in the completion,
//    so it can be given back without the connection.
// 2. Nothing here has a lock: one thread makes the ring and uses it, which is
//    what IORING_SETUP_SINGLE_ISSUER promises and IORING_SETUP_DEFER_TASKRUN
//    asks for (io_uring_setup(2)).
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_BENCH_NET_FLOOR_URING_H_
#define WEFT_BENCH_NET_FLOOR_URING_H_

#include <errno.h>
#include <liburing.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { kPlaces = 1 << 16, kSubmissions = 1024, kCompletions = 8192 };

static struct io_uring ring;
static uint32_t generations[kPlaces];
static uint16_t free_places[kPlaces];
static int free_count;
static int ever_taken;

// --- Places, and tags. ---

// Negative when there is none. The last one that became free comes first, so
// that few are ever touched.
static inline int TakePlace(void) {
  if (free_count > 0) return free_places[--free_count];
  return ever_taken < kPlaces ? ever_taken++ : -1;
}

static inline void FreePlace(uint16_t place) {
  ++generations[place];
  free_places[free_count++] = place;
}

static inline uint64_t Tag(uint16_t place, uint8_t buffer, uint8_t operation) {
  return (uint64_t)generations[place] << 32 | (uint64_t)place << 16 |
         (uint64_t)buffer << 8 | operation;
}

static inline uint16_t PlaceOf(uint64_t tag) { return (uint16_t)(tag >> 16); }
static inline uint8_t BufferOf(uint64_t tag) { return (uint8_t)(tag >> 8); }
static inline uint8_t OperationOf(uint64_t tag) { return (uint8_t)tag; }

static inline int IsCurrent(uint64_t tag) {
  return generations[PlaceOf(tag)] == tag >> 32;
}

// --- The ring. ---

// liburing gives errors as negative results, and leaves errno alone.
static inline void MustDo(const char* call, int result) {
  if (result >= 0) return;
  errno = -result;
  perror(call);
  exit(1);
}

static inline void MakeRing(void) {
  struct io_uring_params how = {
      .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
               IORING_SETUP_COOP_TASKRUN | IORING_SETUP_CQSIZE,
      .cq_entries = kCompletions};
  MustDo("io_uring_setup",
         io_uring_queue_init_params(kSubmissions, &ring, &how));
  // Spares each io_uring_enter the look-up of the ring's descriptor.
  MustDo("io_uring_register", io_uring_register_ring_fd(&ring));
}

// Room for one thing to ask for: when there is none, the others are asked for.
static inline struct io_uring_sqe* Room(void) {
  struct io_uring_sqe* room = io_uring_get_sqe(&ring);
  while (room == NULL) {
    io_uring_submit(&ring);
    room = io_uring_get_sqe(&ring);
  }
  return room;
}

// Asks for all that is to be asked for, and waits for the first answer.
static inline void SubmitAndWait(void) {
  const int submitted = io_uring_submit_and_wait(&ring, 1);
  // EBUSY, EAGAIN: completions are to be taken first, which is what follows.
  if (submitted != -EINTR && submitted != -EBUSY && submitted != -EAGAIN) {
    MustDo("io_uring_enter", submitted);
  }
}

#endif  // WEFT_BENCH_NET_FLOOR_URING_H_
