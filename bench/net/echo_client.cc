// Level-triggered epoll: the plainest thing that keeps 64 sockets busy.
//
// SPDX-License-Identifier: MIT

#include "weft/bench/net/echo_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>

namespace weft::bench {
namespace {

template <typename Result>
Result Must(const char* call, Result result) {
  if (result < 0) {
    std::perror(call);
    std::abort();
  }
  return result;
}

int Connect(std::uint16_t port) {
  const int socket =
      Must("socket", ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  Must("setsockopt",
       ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  Must("connect", ::connect(socket, reinterpret_cast<sockaddr*>(&address),
                            sizeof(address)));
  return socket;
}

}  // namespace

EchoClient::EchoClient(std::uint16_t port, int connections, std::size_t bytes)
    : queue_(Must("epoll_create1", ::epoll_create1(EPOLL_CLOEXEC))),
      buffer_(bytes) {
  for (int i = 0; i < connections; ++i) {
    connections_.push_back({.socket = Connect(port), .missing = 0});
    epoll_event interest = {};
    interest.events = EPOLLIN;
    interest.data.u64 = static_cast<std::uint64_t>(i);
    Must("epoll_ctl", ::epoll_ctl(queue_, EPOLL_CTL_ADD,
                                  connections_.back().socket, &interest));
  }
}

EchoClient::~EchoClient() {
  for (const Connection& connection : connections_) ::close(connection.socket);
  ::close(queue_);
}

// A request is far smaller than the socket's buffer, which is empty: whoever
// asks has had its answer.
void EchoClient::SendTo(Connection& connection) {
  Must("send",
       ::send(connection.socket, buffer_.data(), buffer_.size(), MSG_NOSIGNAL));
  connection.missing = buffer_.size();
}

bool EchoClient::ReceiveFrom(Connection& connection) {
  const ssize_t size = Must(
      "recv", ::recv(connection.socket, buffer_.data(), connection.missing, 0));
  if (size == 0) std::abort();  // The server has gone.
  connection.missing -= static_cast<std::size_t>(size);
  return connection.missing == 0;
}

void EchoClient::Ask(std::int64_t requests) {
  std::int64_t to_ask = requests;
  std::int64_t to_answer = requests;
  for (Connection& connection : connections_) {
    if (to_ask-- > 0) SendTo(connection);
  }
  std::array<epoll_event, 64> events;
  while (to_answer > 0) {
    const int count = Must(
        "epoll_wait", ::epoll_wait(queue_, events.data(), events.size(), -1));
    for (int i = 0; i < count; ++i) {
      Connection& connection = connections_[events[i].data.u64];
      if (!ReceiveFrom(connection)) continue;
      --to_answer;
      if (to_ask-- > 0) SendTo(connection);
    }
  }
}

}  // namespace weft::bench
