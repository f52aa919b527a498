// Two ends of one TCP connection over the loopback interface, for tests; and
// the few words that tests of streams need.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_NET_TCP_PAIR_H_
#define WEFT_TESTS_NET_TCP_PAIR_H_

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "weft/net/address.h"
#include "weft/net/socket.h"
#include "weft/net/tcp_listener.h"
#include "weft/net/tcp_stream.h"
#include "weft/reactor/fd.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulator.h"

namespace weft::net {

inline std::span<const std::byte> Bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

inline std::string Text(std::span<const std::byte> bytes) {
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

// Bytes of which no two neighbours in a long row are alike, so that one that is
// lost, doubled or out of place is noticed.
inline std::vector<std::byte> Pattern(std::size_t size) {
  std::vector<std::byte> bytes(size);
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<std::byte>((i * 31 + i / 251) % 256);
  }
  return bytes;
}

struct TcpPair {
  TcpStream client;
  TcpStream server;
};

inline Task<absl::StatusOr<TcpPair>> ConnectPair(
    Address address = Address::Loopback(0)) {
  TcpListener listener = co_await OrReturn(TcpListener::Bind(address));
  // The system completes the connection before anybody accepts it.
  TcpStream client =
      co_await OrReturn(TcpStream::Connect(listener.local_address()));
  TcpStream server = co_await OrReturn(listener.Accept());
  co_return TcpPair{std::move(client), std::move(server)};
}

// What Read gives, as text; one read of at most 4096 bytes.
template <ByteSource S>
Task<absl::StatusOr<std::string>> ReadText(S& stream) {
  std::array<std::byte, 4096> buffer;
  const std::size_t got = co_await OrReturn(stream.Read(buffer));
  co_return Text(std::span(buffer).first(got));
}

// All there is, up to the end of the stream.
template <ByteSource S>
Task<absl::StatusOr<std::vector<std::byte>>> ReadAll(S& stream) {
  std::vector<std::byte> all;
  std::array<std::byte, 4096> buffer;
  for (;;) {
    const std::size_t got = co_await OrReturn(stream.Read(buffer));
    if (got == 0) co_return all;
    all.insert(all.end(), buffer.begin(),
               buffer.begin() + static_cast<std::ptrdiff_t>(got));
  }
}

// Runs function(args...), which is a test's body, as a task of a simulation.
template <typename Function, typename... Args>
absl::Status Simulate(weft::testing::SimulatorOptions options,
                      Function function, Args&&... args) {
  weft::testing::Simulator sim(options);
  return sim.Run(function(std::forward<Args>(args)...));
}
inline absl::Status Simulate(Task<absl::Status> (*body)()) {
  return Simulate({}, body);
}

// A peer that is no part of the runtime: its calls happen when the test makes
// them, wherever the simulation stands.
class PlainPeer {
 public:
  // Connected to `address`; the system completes that by itself.
  explicit PlainPeer(const Address& address)
      : fd_(::socket(address.is_ipv4() ? AF_INET : AF_INET6,
                     SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const Address::SystemForm form = address.ToSystem();
    connected_ = ::connect(fd_.get(), form.get(), form.size()) == 0;
  }

  bool connected() const { return connected_; }
  int fd() const { return fd_.get(); }

  // Whether the system took all of it at once.
  bool Send(std::string_view text) {
    return ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(text.size());
  }
  // Blocks until something has come; empty at the end and after a reset.
  std::string Receive() {
    std::array<char, 4096> buffer;
    const ssize_t got = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    return got <= 0 ? "" : std::string(buffer.data(), std::size_t(got));
  }
  void Close() { fd_ = reactor::Fd(); }
  // The other end reads "connection reset".
  void Reset() {
    const linger now = {.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    Close();
  }

 private:
  reactor::Fd fd_;
  bool connected_ = false;
};

}  // namespace weft::net

#endif  // WEFT_TESTS_NET_TCP_PAIR_H_
