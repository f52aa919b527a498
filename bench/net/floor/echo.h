// What the floors that call recv and send have in common: a listener, and a
// socket whose bytes are sent back.
//
//     recv -> buffer -> send        the buffer is the worker's, and so cached
//                        |
//                        v
//                      unsent       what the peer had no room for: until that
//                                   has gone, the peer is not read from
//
// Nobody says here when a socket is asked: that is what the floors differ in.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_BENCH_NET_FLOOR_ECHO_H_
#define WEFT_BENCH_NET_FLOOR_ECHO_H_

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { kBuffer = 64 * 1024, kBacklog = 4096 };

struct Echo {
  int socket;
  char* unsent;
  size_t unsent_size;
};

static inline int Must(const char* call, int result) {
  if (result < 0) {
    perror(call);
    exit(1);
  }
  return result;
}

// --- These are false when the connection has ended. ---

static inline int Keep(struct Echo* echo, const char* from, size_t size) {
  char* const kept = malloc(size);
  if (kept == NULL) return 0;
  memcpy(kept, from, size);
  echo->unsent = kept;
  echo->unsent_size = size;
  return 1;
}

static inline int Send(struct Echo* echo, const char* from, size_t size) {
  const ssize_t sent = send(echo->socket, from, size, MSG_NOSIGNAL);
  if (sent == (ssize_t)size) return 1;
  if (sent < 0 && errno != EAGAIN) return 0;
  const size_t taken = sent < 0 ? 0 : (size_t)sent;
  return Keep(echo, from + taken, size - taken);
}

// A send that was short has met a full socket, so an event is due when there is
// room again.
static inline int SendUnsent(struct Echo* echo) {
  char* const unsent = echo->unsent;
  echo->unsent = NULL;
  const int alive = Send(echo, unsent, echo->unsent_size);
  free(unsent);
  return alive;
}

static inline int Echo(struct Echo* echo, char* buffer) {
  if (echo->unsent != NULL && !SendUnsent(echo)) return 0;
  while (echo->unsent == NULL) {
    const ssize_t size = recv(echo->socket, buffer, kBuffer, 0);
    if (size < 0) return errno == EAGAIN;
    if (size == 0 || !Send(echo, buffer, (size_t)size)) return 0;
    if (size < kBuffer) return 1;
  }
  return 1;
}

static inline void EndEcho(struct Echo* echo) {
  close(echo->socket);
  free(echo->unsent);
  echo->unsent = NULL;
}

// --- The listener. ---

static inline int Listen(int* port) {
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof(address);
  const int listener = Must(
      "socket", socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  Must("bind", bind(listener, (struct sockaddr*)&address, size));
  Must("listen", listen(listener, kBacklog));
  Must("getsockname", getsockname(listener, (struct sockaddr*)&address, &size));
  *port = ntohs(address.sin_port);
  return listener;
}

static inline void SendAtOnce(int socket) {
  const int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

// Negative when nobody waits.
static inline int Accept(int listener) {
  const int socket =
      accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (socket >= 0) SendAtOnce(socket);
  return socket;
}

#endif  // WEFT_BENCH_NET_FLOOR_ECHO_H_
