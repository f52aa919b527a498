// The buffers that the kernel receives into, in a ring that it takes them from.
//
//     ring ---receive---> queue of a connection ---send---> ring
//
// A buffer is in the ring, or in a queue, or is sent from; whoever takes it out
// of one of these puts it into the next. A silent connection holds none.
//
// They are few, so that they stay in the cache. Rejected: some for each
// connection. 4096 of 16 KiB cost 30 percent more a request of that size than
// 128 of them did, on another machine.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_BENCH_NET_FLOOR_URING_BUFFERS_H_
#define WEFT_BENCH_NET_FLOOR_URING_BUFFERS_H_

#include <liburing.h>
#include <stdint.h>
#include <stdlib.h>

#include "uring.h"

// The size has room for a request of 16 KiB and a quarter.
enum { kBuffers = 128, kBufferSize = 20 * 1024, kPage = 4096 };

static struct io_uring_buf_ring* provided;
static char* buffers;
static int sizes[kBuffers];      // Of what was received.
static uint8_t after[kBuffers];  // The next one of its queue.
static int given_back;           // Since the kernel was told last.

static inline char* Begin(uint8_t buffer) {
  return buffers + buffer * kBufferSize;
}

static inline void GiveBack(uint8_t buffer) {
  io_uring_buf_ring_add(provided, Begin(buffer), kBufferSize, buffer,
                        io_uring_buf_ring_mask(kBuffers), given_back++);
}

// Tells the kernel; false when there is nothing to tell.
static inline int Refill(void) {
  if (given_back == 0) return 0;
  io_uring_buf_ring_advance(provided, given_back);
  given_back = 0;
  return 1;
}

// The ring of them begins a page (io_uring_register(2)).
static inline void MakeBuffers(void) {
  provided = aligned_alloc(kPage, kPage);
  buffers = aligned_alloc(kPage, kBuffers * kBufferSize);
  if (provided == NULL || buffers == NULL) abort();
  io_uring_buf_ring_init(provided);
  struct io_uring_buf_reg registration = {.ring_addr = (uintptr_t)provided,
                                          .ring_entries = kBuffers};
  MustDo("io_uring_register",
         io_uring_register_buf_ring(&ring, &registration, 0));
  for (int i = 0; i < kBuffers; ++i) GiveBack((uint8_t)i);
}

#endif  // WEFT_BENCH_NET_FLOOR_URING_BUFFERS_H_
