// The floor of the rows net/*: an echo server that is nothing but system calls.
//
//     echo_floor echo WORKERS [TIMEOUT]    prints its port, serves till killed
//
// One epoll a worker, edge-triggered, and each connection is registered once.
// An event is one recv and one send, of a buffer that all connections of the
// worker share, so that it stays in the cache. A read that does not fill the
// buffer has drained the socket (epoll(7), question 9): nothing is asked twice.
//
// TIMEOUT, in seconds: a connection that is silent for so long is closed. All
// have the same, so a list in the order of the last message is in the order of
// the deadlines too; to arm and to cancel is to move to its end, and the clock
// is read once for all that one epoll_wait gave.
//
// Rejected: level-triggered (as fast here, but it asks for EPOLLOUT with a call
// of its own); a listener for each worker by SO_REUSEPORT, which deals 64
// connections out so unevenly that the row would be about luck.
//
// SPDX-License-Identifier: MIT

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#include "echo.h"

enum { kEvents = 256, kMaxWorkers = 64 };

struct Connection {
  struct Echo echo;
  // Of the worker's list; `next` is null outside of it.
  struct Connection* previous;
  struct Connection* next;
  int64_t deadline;
};

struct Worker {
  int queue;
  struct Connection silent;  // The ends of the list: longest silent first.
  char buffer[kBuffer];
};

static struct Worker workers[kMaxWorkers];
static int worker_count;
static int next_worker;  // Of the first worker, which accepts for all.
static int listener;
static int64_t timeout_ns;  // 0: none.

static int64_t Now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

// --- Timeouts. ---

static void Cancel(struct Connection* connection) {
  if (connection->next == NULL) return;
  connection->previous->next = connection->next;
  connection->next->previous = connection->previous;
  connection->next = NULL;
}

static void Arm(struct Worker* worker, struct Connection* connection,
                int64_t now) {
  connection->deadline = now + timeout_ns;
  connection->previous = worker->silent.previous;
  connection->next = &worker->silent;
  connection->previous->next = connection;
  worker->silent.previous = connection;
}

static void Close(struct Connection* connection) {
  Cancel(connection);
  EndEcho(&connection->echo);
  free(connection);
}

static void CloseSilent(struct Worker* worker, int64_t now) {
  while (worker->silent.next != &worker->silent &&
         worker->silent.next->deadline <= now) {
    Close(worker->silent.next);
  }
}

// For epoll_wait: until the first deadline, rounded up.
static int MillisecondsToWait(const struct Worker* worker) {
  if (worker->silent.next == &worker->silent) return -1;
  const int64_t left = worker->silent.next->deadline - Now();
  return left <= 0 ? 0 : (int)((left + 999999) / 1000000);
}

// --- Connections. ---

// The end of the stream is an event that may come with the last bytes, which
// are fewer than fit: only then is a drained socket asked once more.
static void Serve(struct Worker* worker, struct Connection* connection,
                  uint32_t events, int64_t now) {
  int alive = 1;
  if (events & (EPOLLIN | EPOLLHUP | EPOLLERR) ||
      connection->echo.unsent != NULL) {
    alive = Echo(&connection->echo, worker->buffer);
  }
  if (alive && events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
    alive = Echo(&connection->echo, worker->buffer);
  }
  if (!alive) {
    Close(connection);
  } else if (timeout_ns != 0) {
    Cancel(connection);
    Arm(worker, connection, now);
  }
}

static void AcceptAll(void) {
  for (;;) {
    const int socket = Accept(listener);
    if (socket < 0) return;
    struct Connection* const connection = calloc(1, sizeof(*connection));
    if (connection == NULL) abort();
    connection->echo.socket = socket;
    struct epoll_event interest = {
        .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
        .data.ptr = connection};
    next_worker = (next_worker + 1) % worker_count;
    Must("epoll_ctl", epoll_ctl(workers[next_worker].queue, EPOLL_CTL_ADD,
                                socket, &interest));
  }
}

static void* Run(void* argument) {
  struct Worker* const worker = argument;
  struct epoll_event events[kEvents];
  for (;;) {
    const int count =
        epoll_wait(worker->queue, events, kEvents, MillisecondsToWait(worker));
    if (count < 0 && errno == EINTR) continue;
    Must("epoll_wait", count);
    const int64_t now = timeout_ns != 0 ? Now() : 0;
    for (int i = 0; i < count; ++i) {
      if (events[i].data.ptr == NULL) {
        AcceptAll();
      } else {
        Serve(worker, events[i].data.ptr, events[i].events, now);
      }
    }
    if (timeout_ns != 0) CloseSilent(worker, now);
  }
  return NULL;  // Never; gcc 12 wants it.
}

int main(int argc, char** argv) {
  worker_count = argc > 2 ? atoi(argv[2]) : 0;
  if (worker_count < 1 || worker_count > kMaxWorkers ||
      strcmp(argv[1], "echo") != 0) {
    fputs("usage: echo_floor echo WORKERS [TIMEOUT]\n", stderr);
    return 2;
  }
  timeout_ns = argc > 3 ? atoi(argv[3]) * INT64_C(1000000000) : 0;
  int port;
  listener = Listen(&port);
  for (int i = 0; i < worker_count; ++i) {
    struct Worker* const worker = &workers[i];
    worker->queue = Must("epoll_create1", epoll_create1(EPOLL_CLOEXEC));
    worker->silent.next = worker->silent.previous = &worker->silent;
  }
  struct epoll_event interest = {.events = EPOLLIN, .data.ptr = NULL};
  Must("epoll_ctl",
       epoll_ctl(workers[0].queue, EPOLL_CTL_ADD, listener, &interest));
  for (int i = 1; i < worker_count; ++i) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, Run, &workers[i]) != 0) abort();
  }
  printf("%d\n", port);
  fflush(stdout);
  Run(&workers[0]);
}
