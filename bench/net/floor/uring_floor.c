// The rows net/*/uring: an echo server to which the kernel says what it has
// done, and not what could be done now.
//
//     uring_floor echo 1    prints its port, serves till killed
//
// One accept for all connections and one receive for each go on by themselves
// ("multishot"). A receive puts what has come into a buffer that the kernel
// takes from a ring of them, so a silent connection holds none:
//
//     ring of buffers ---receive---> queue of the connection ---send---+
//           ^                                                          |
//           +----------------------------------------------------------+
//
// 1. A connection has one send under way, of the first of its queue, while that
//    is not empty: so bytes keep their order.
// 2. A connection with kMaxQueued buffers is not received for until its queue
//    is empty: its peer does not read.
// 3. Where the ring is empty receives end with ENOBUFS. They are asked for
//    again once a buffer has come back.
//
// Twenty peers that do not read hold every buffer all the same, since a receive
// brings more until its cancellation is heard, and then nobody is served: a
// server that faces the world would copy out what it cannot send.
//
// SPDX-License-Identifier: MIT

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "echo.h"
#include "uring.h"
#include "uring_buffers.h"

enum Operation { kNothing, kAccept, kReceive, kSend };
enum { kMaxQueued = 4 };

struct Connection {
  int socket;
  int sent;  // Of the first of its queue.
  uint8_t first;
  uint8_t last;
  uint8_t queued;
  uint8_t receiving;  // These four are flags.
  uint8_t sending;
  uint8_t pausing;  // Its receive has been cancelled, and has not ended yet.
  uint8_t ended;    // The peer sends no more: closed when all is sent.
};

static struct Connection connections[kPlaces];
static int listener;

static uint64_t starving[kPlaces];  // Tags of receives to ask for again.
static int starving_count;

// --- What is asked for. ---

static void AcceptOn(void) {
  struct io_uring_sqe* const room = Room();
  io_uring_prep_multishot_accept(room, listener, NULL, NULL, SOCK_CLOEXEC);
  room->user_data = Tag(0, 0, kAccept);
}

static void Receive(uint16_t place) {
  struct io_uring_sqe* const room = Room();
  io_uring_prep_recv_multishot(room, connections[place].socket, NULL, 0, 0);
  room->flags |= IOSQE_BUFFER_SELECT;  // Out of group 0, the only one.
  room->user_data = Tag(place, 0, kReceive);
  connections[place].receiving = 1;
}

static void PauseReceiving(uint16_t place) {
  struct io_uring_sqe* const room = Room();
  io_uring_prep_cancel64(room, Tag(place, 0, kReceive), 0);
  room->user_data = kNothing;
  connections[place].pausing = 1;
}

static void SendFirst(uint16_t place) {
  struct Connection* const connection = &connections[place];
  const uint8_t buffer = connection->first;
  struct io_uring_sqe* const room = Room();
  io_uring_prep_send(room, connection->socket, Begin(buffer) + connection->sent,
                     (size_t)(sizes[buffer] - connection->sent), MSG_NOSIGNAL);
  room->user_data = Tag(place, buffer, kSend);
  connection->sending = 1;
}

// --- Connections. ---

static uint8_t Dequeue(struct Connection* connection) {
  const uint8_t buffer = connection->first;
  connection->first = after[buffer];
  connection->sent = 0;
  --connection->queued;
  return buffer;
}

static void Enqueue(struct Connection* connection, uint8_t buffer) {
  if (connection->queued++ == 0) {
    connection->first = buffer;
  } else {
    after[connection->last] = buffer;
  }
  connection->last = buffer;
}

// What is under way holds the file, and would keep the connection open: it is
// shut down, which ends both directions. The buffer that is sent from comes
// back with the send's completion.
static void Close(uint16_t place) {
  struct Connection* const connection = &connections[place];
  if (connection->receiving || connection->sending) {
    struct io_uring_sqe* const room = Room();
    io_uring_prep_shutdown(room, connection->socket, SHUT_RDWR);
    room->user_data = kNothing;
  }
  struct io_uring_sqe* const room = Room();
  io_uring_prep_close(room, connection->socket);
  room->flags |= IOSQE_CQE_SKIP_SUCCESS;
  room->user_data = kNothing;
  if (connection->sending) Dequeue(connection);
  while (connection->queued > 0) GiveBack(Dequeue(connection));
  FreePlace(place);
}

static void GoOn(uint16_t place) {
  struct Connection* const connection = &connections[place];
  if (connection->queued > 0 && !connection->sending) SendFirst(place);
  if (connection->receiving) {
    if (connection->queued >= kMaxQueued && !connection->pausing) {
      PauseReceiving(place);
    }
  } else if (connection->queued == 0) {
    if (connection->ended) {
      Close(place);
    } else {
      Receive(place);
    }
  }
}

// --- What has been done. ---

static void Accepted(int socket) {
  if (socket < 0) return;  // The peer has gone, or there are no descriptors.
  const int place = TakePlace();
  if (place < 0) {
    close(socket);
    return;
  }
  SendAtOnce(socket);
  connections[place] = (struct Connection){.socket = socket};
  Receive((uint16_t)place);
}

static void Received(uint16_t place, const struct io_uring_cqe* completion) {
  struct Connection* const connection = &connections[place];
  const int result = completion->res;
  if (!(completion->flags & IORING_CQE_F_MORE)) {
    connection->receiving = connection->pausing = 0;
  }
  if (result == -ENOBUFS) {
    starving[starving_count++] = completion->user_data;
  } else if (result < 0 && result != -ECANCELED) {
    Close(place);
  } else {
    if (result == 0) connection->ended = 1;
    GoOn(place);
  }
}

static void Sent(uint16_t place, int result) {
  struct Connection* const connection = &connections[place];
  connection->sending = 0;
  if (result <= 0) {
    Close(place);
    return;
  }
  connection->sent += result;
  if (connection->sent == sizes[connection->first]) {
    GiveBack(Dequeue(connection));
  }
  GoOn(place);
}

static void TakeReceived(const struct io_uring_cqe* completion) {
  const uint64_t tag = completion->user_data;
  if (completion->flags & IORING_CQE_F_BUFFER) {
    const uint8_t buffer =
        (uint8_t)(completion->flags >> IORING_CQE_BUFFER_SHIFT);
    if (completion->res > 0 && IsCurrent(tag)) {
      sizes[buffer] = completion->res;
      Enqueue(&connections[PlaceOf(tag)], buffer);
    } else {
      GiveBack(buffer);
    }
  }
  if (IsCurrent(tag)) Received(PlaceOf(tag), completion);
}

static void Take(const struct io_uring_cqe* completion) {
  const uint64_t tag = completion->user_data;
  switch (OperationOf(tag)) {
    case kAccept:
      Accepted(completion->res);
      if (!(completion->flags & IORING_CQE_F_MORE)) AcceptOn();
      break;
    case kReceive:
      TakeReceived(completion);
      break;
    case kSend:
      if (IsCurrent(tag)) {
        Sent(PlaceOf(tag), completion->res);
      } else {
        GiveBack(BufferOf(tag));
      }
      break;
  }
}

// The kernel is told first what it has to receive into.
static void RefillAndReceive(void) {
  if (!Refill()) return;
  for (int i = 0; i < starving_count; ++i) {
    if (IsCurrent(starving[i])) GoOn(PlaceOf(starving[i]));
  }
  starving_count = 0;
}

int main(int argc, char** argv) {
  if (argc != 3 || strcmp(argv[1], "echo") != 0 || strcmp(argv[2], "1") != 0) {
    fputs("usage: uring_floor echo 1\n", stderr);
    return 2;
  }
  int port;
  listener = Listen(&port);
  MakeRing();
  MakeBuffers();
  AcceptOn();
  printf("%d\n", port);
  fflush(stdout);
  for (;;) {
    RefillAndReceive();
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
