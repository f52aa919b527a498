// Sockets of this machine with nothing around them: pairs, and the few calls
// that a test of the reactor makes on them.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_REACTOR_BARE_SOCKETS_H_
#define WEFT_TESTS_REACTOR_BARE_SOCKETS_H_

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "gtest/gtest.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/system.h"

namespace weft::reactor {

struct Pair {
  Fd ours;
  Fd theirs;
};

inline Pair UnixPair() {
  int ends[2] = {-1, -1};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  for (const int end : ends) ::fcntl(end, F_SETFL, O_NONBLOCK);
  return {Fd(ends[0]), Fd(ends[1])};
}

inline sockaddr_in Loopback(std::uint16_t port = 0) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = port;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// A socket of `type` on a port of the kernel's choice, and that address.
inline std::pair<Fd, sockaddr_in> Bound(int type) {
  System& system = System::Kernel();
  Fd fd(system.socket(AF_INET, type, 0));
  sockaddr_in address = Loopback();
  socklen_t size = sizeof address;
  EXPECT_EQ(system.bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size),
            0);
  EXPECT_EQ(system.getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address),
                               &size),
            0);
  return {std::move(fd), address};
}

inline int Connect(const Fd& fd, const sockaddr_in& to) {
  return System::Kernel().connect(
      fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to);
}

// Both ends of a TCP connection. Its accepted end may be a moment behind.
inline Pair TcpPair() {
  auto [listener, address] = Bound(SOCK_STREAM);
  EXPECT_EQ(::listen(listener.get(), 1), 0);
  Fd client(::socket(AF_INET, SOCK_STREAM, 0));  // Blocking, for the connect.
  EXPECT_EQ(Connect(client, address), 0);
  EXPECT_EQ(::fcntl(client.get(), F_SETFL, O_NONBLOCK), 0);
  Fd accepted(System::Kernel().accept(listener.get(), nullptr, nullptr));
  EXPECT_TRUE(accepted);
  return {std::move(client), std::move(accepted)};
}

inline void Send(const Fd& to, std::string_view text) {
  ASSERT_EQ(System::Kernel().send(to.get(), text.data(), text.size(), 0),
            static_cast<ssize_t>(text.size()));
}

// One read of at most `size` bytes; "!" for an error, which errno then names.
inline std::string Receive(const Fd& from, std::size_t size = 100) {
  std::string text(size, '\0');
  const ssize_t got = System::Kernel().recv(from.get(), text.data(), size, 0);
  if (got < 0) return "!";
  text.resize(static_cast<std::size_t>(got));
  return text;
}

// Closes so that the peer gets a RST and no FIN.
inline void Reset(Fd fd) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ASSERT_EQ(
      ::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once),
      0);
}

inline int PendingError(const Fd& fd) {
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

}  // namespace weft::reactor

#endif  // WEFT_TESTS_REACTOR_BARE_SOCKETS_H_
