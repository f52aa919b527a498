// The rows net/*/uring-poll: the floor's echo server with io_uring in the place
// of epoll, and no more: what a third Poller of the reactor would be.
//
//     uring_poll_floor echo 1    prints its port, serves till killed
//
// Each connection is asked about once, by a POLL_ADD that goes on until it is
// removed (IORING_POLL_ADD_MULTI), which tells edges as EPOLLET does. What is
// done about an event is the floor's (echo.h).
//
// Two things are not as epoll has them. A POLL_ADD holds the file: closing the
// descriptor neither ends it nor the connection, so it is removed as well. And
// it tells what has just changed, not all that is so: an end of the stream that
// came while the peer had no room is not told again with the room.
//
// SPDX-License-Identifier: MIT

#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "echo.h"
#include "uring.h"

enum Operation { kNothing, kListener, kConnection };

struct Connection {
  struct Echo echo;
  int hung_up;  // What was told, once.
};

static struct Connection connections[kPlaces];
static char buffer[kBuffer];
static int listener;

static void PollFor(int descriptor, unsigned events, uint64_t tag) {
  struct io_uring_sqe* const room = Room();
  io_uring_prep_poll_multishot(room, descriptor, events);
  room->user_data = tag;
}

static void PollListener(void) {
  PollFor(listener, POLLIN, Tag(0, 0, kListener));
}

static void PollConnection(uint16_t place) {
  PollFor(connections[place].echo.socket, POLLIN | POLLOUT | POLLRDHUP,
          Tag(place, 0, kConnection));
}

static void Close(uint16_t place) {
  struct io_uring_sqe* const room = Room();
  io_uring_prep_poll_remove(room, Tag(place, 0, kConnection));
  // It may have ended by itself, and that is as good.
  room->user_data = kNothing;
  EndEcho(&connections[place].echo);
  FreePlace(place);
}

// The end of the stream is an event that may come with the last bytes, which
// are fewer than fit: only then is a drained socket asked once more.
static void Serve(uint16_t place, int events) {
  struct Connection* const connection = &connections[place];
  struct Echo* const echo = &connection->echo;
  int alive = events >= 0;
  if (alive && events & (POLLRDHUP | POLLHUP | POLLERR)) {
    connection->hung_up = 1;
  }
  if (alive &&
      (events & (POLLIN | POLLHUP | POLLERR) || echo->unsent != NULL)) {
    alive = Echo(echo, buffer);
  }
  if (alive && connection->hung_up) alive = Echo(echo, buffer);
  if (!alive) Close(place);
}

static void AcceptAll(void) {
  for (;;) {
    const int socket = Accept(listener);
    if (socket < 0) return;
    const int place = TakePlace();
    if (place < 0) {
      close(socket);
      continue;
    }
    connections[place] = (struct Connection){.echo.socket = socket};
    PollConnection((uint16_t)place);
  }
}

// Without IORING_CQE_F_MORE it is the last of its POLL_ADD (io_uring_enter(2)).
static void Take(const struct io_uring_cqe* completion) {
  const uint64_t tag = completion->user_data;
  const int goes_on = (completion->flags & IORING_CQE_F_MORE) != 0;
  if (OperationOf(tag) == kListener) {
    if (!goes_on) PollListener();
    AcceptAll();
  } else if (OperationOf(tag) == kConnection && IsCurrent(tag)) {
    Serve(PlaceOf(tag), completion->res);
    if (!goes_on && IsCurrent(tag)) PollConnection(PlaceOf(tag));
  }
}

int main(int argc, char** argv) {
  if (argc != 3 || strcmp(argv[1], "echo") != 0 || strcmp(argv[2], "1") != 0) {
    fputs("usage: uring_poll_floor echo 1\n", stderr);
    return 2;
  }
  int port;
  listener = Listen(&port);
  MakeRing();
  PollListener();
  printf("%d\n", port);
  fflush(stdout);
  for (;;) {
    SubmitAndWait();
    unsigned head;
    unsigned count = 0;
    struct io_uring_cqe* completion;
    io_uring_for_each_cqe(&ring, head, completion) {
      Take(completion);
      ++count;
    }
    io_uring_cq_advance(&ring, count);
  }
}
