// Two UDP sockets of the loopback interface, one of them connected to the
// other, for tests; and a sender that is no part of the runtime.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_NET_UDP_PAIR_H_
#define WEFT_TESTS_NET_UDP_PAIR_H_

#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "weft/net/address.h"
#include "weft/net/udp_socket.h"
#include "weft/reactor/fd.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/task.h"
#include "weft/tests/net/tcp_pair.h"

namespace weft::net {

struct UdpPair {
  UdpSocket client;  // Connected to the server.
  UdpSocket server;
};

inline Task<absl::StatusOr<UdpPair>> MakeUdpPair(
    Address address = Address::Loopback(0)) {
  UdpSocket client = co_await OrReturn(UdpSocket::Bind(address));
  UdpSocket server = co_await OrReturn(UdpSocket::Bind(address));
  co_await OrReturn(client.Connect(server.local_address()));
  co_return UdpPair{std::move(client), std::move(server)};
}

// One datagram of at most 4096 bytes, as text.
inline Task<absl::StatusOr<std::string>> ReceiveText(UdpSocket& socket) {
  std::array<std::byte, 4096> buffer;
  const Received got = co_await OrReturn(socket.Receive(buffer));
  co_return Text(std::span(buffer).first(got.size));
}

// Sends when the test says so, wherever the simulation stands.
class PlainSender {
 public:
  explicit PlainSender(const Address& to)
      : fd_(::socket(to.is_ipv4() ? AF_INET : AF_INET6,
                     SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    const Address::SystemForm form = to.ToSystem();
    connected_ = ::connect(fd_.get(), form.get(), form.size()) == 0;
  }

  bool Send(std::string_view text) {
    return connected_ && ::send(fd_.get(), text.data(), text.size(), 0) ==
                             static_cast<ssize_t>(text.size());
  }

 private:
  reactor::Fd fd_;
  bool connected_ = false;
};

}  // namespace weft::net

#endif  // WEFT_TESTS_NET_UDP_PAIR_H_
