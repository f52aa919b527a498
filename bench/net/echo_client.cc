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

sockaddr_in Loopback(std::uint32_t host, std::uint16_t port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + host);
  return address;
}

void SetOption(int socket, int level, int option) {
  const int on = 1;
  Must("setsockopt", ::setsockopt(socket, level, option, &on, sizeof(on)));
}

std::uint64_t Nanoseconds(EchoClient::Clock::duration duration) {
  return static_cast<std::uint64_t>(std::chrono::nanoseconds(duration).count());
}

}  // namespace

EchoClient::EchoClient(std::uint16_t port, int connections, std::size_t bytes)
    : port_(port),
      queue_(Must("epoll_create1", ::epoll_create1(EPOLL_CLOEXEC))),
      buffer_(bytes) {
  for (int i = 0; i < connections; ++i) {
    connections_.push_back({.socket = Connect(), .missing = 0, .since = {}});
    Watch(connections_.size() - 1);
  }
}

EchoClient::~EchoClient() {
  for (const Connection& connection : connections_) ::close(connection.socket);
  ::close(queue_);
}

// Whoever closes first keeps the pair of addresses for a minute (TIME-WAIT,
// RFC 9293, 3.6.1), and that is us. A host has 28,000 ports for a server, so
// after 16,000 connections we are another host of the loopback, 127.0.0.1 to
// 127.0.0.250. The port is chosen when it is known to whom (ip(7),
// IP_BIND_ADDRESS_NO_PORT): otherwise the hosts would have one pool of ports.
int EchoClient::Connect() {
  const int socket =
      Must("socket", ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  SetOption(socket, IPPROTO_TCP, TCP_NODELAY);
  SetOption(socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT);
  const sockaddr_in from = Loopback(connected_++ / 16'000 % 250, 0);
  Must("bind",
       ::bind(socket, reinterpret_cast<const sockaddr*>(&from), sizeof(from)));
  const sockaddr_in to = Loopback(0, port_);
  Must("connect",
       ::connect(socket, reinterpret_cast<const sockaddr*>(&to), sizeof(to)));
  return socket;
}

void EchoClient::Watch(std::size_t index) {
  epoll_event interest = {};
  interest.events = EPOLLIN;
  interest.data.u64 = index;
  Must("epoll_ctl", ::epoll_ctl(queue_, EPOLL_CTL_ADD,
                                connections_[index].socket, &interest));
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

void EchoClient::Converse(std::int64_t answers,
                          absl::FunctionRef<int(Connection&)> answered) {
  std::array<epoll_event, 64> events;
  while (answers > 0) {
    const int count = Must(
        "epoll_wait", ::epoll_wait(queue_, events.data(), events.size(), -1));
    for (int i = 0; i < count; ++i) {
      Connection& connection = connections_[events[i].data.u64];
      if (!ReceiveFrom(connection)) continue;
      answers += answered(connection) - 1;
    }
  }
}

void EchoClient::Ask(std::int64_t requests) {
  std::int64_t to_ask = requests;
  for (Connection& connection : connections_) {
    if (to_ask-- > 0) SendTo(connection);
  }
  Converse(requests, [&](Connection& connection) {
    if (to_ask-- > 0) SendTo(connection);
    return 0;  // They have been counted.
  });
}

LatencyHistogram EchoClient::AskFor(Clock::duration duration) {
  LatencyHistogram latencies;
  const Clock::time_point end = Clock::now() + duration;
  for (Connection& connection : connections_) {
    connection.since = Clock::now();
    SendTo(connection);
  }
  Converse(static_cast<std::int64_t>(connections_.size()),
           [&](Connection& connection) {
             const Clock::time_point now = Clock::now();
             latencies.Add(Nanoseconds(now - connection.since));
             if (now >= end) return 0;
             connection.since = now;
             SendTo(connection);
             return 1;
           });
  return latencies;
}

LatencyHistogram EchoClient::ConnectFor(Clock::duration duration) {
  LatencyHistogram latencies;
  const Clock::time_point end = Clock::now() + duration;
  for (Connection& connection : connections_) {
    connection.since = Clock::now();
    SendTo(connection);
  }
  Converse(static_cast<std::int64_t>(connections_.size()),
           [&](Connection& connection) {
             latencies.Add(Nanoseconds(Clock::now() - connection.since));
             ::close(connection.socket);
             connection.since = Clock::now();
             connection.socket = Connect();
             Watch(static_cast<std::size_t>(&connection - &connections_[0]));
             if (connection.since >= end) return 0;
             SendTo(connection);
             return 1;
           });
  return latencies;
}

}  // namespace weft::bench
