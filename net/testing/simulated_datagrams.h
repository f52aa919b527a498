// DatagramSocket: a UDP socket of a simulated network.
//
//     Send --> the link: late, overtaken, lost --> [ queue ] --> Receive
//                                                  '- receive_buffer: what
//                                                     does not fit is lost
//
// Nobody at the port: the sender is told so by ICMP, and a socket that is
// connected there notes ECONNREFUSED, as udp(7) has it. A message that is
// longer than where it is read to is cut, and MSG_TRUNC set. Ancillary data is
// neither sent nor received.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_TESTING_SIMULATED_DATAGRAMS_H_
#define WEFT_NET_TESTING_SIMULATED_DATAGRAMS_H_

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "weft/net/testing/simulated_socket.h"

namespace weft::net::testing {

// Threads: the simulation's.
class DatagramSocket final : public SimulatedSocket {
 public:
  DatagramSocket(Fabric& fabric, bool ipv6, std::optional<HostId> host)
      : SimulatedSocket(fabric, Transport::kDatagram, ipv6, host) {}

  int Connect(const Address& peer) override;
  int Disconnect() override;
  ssize_t Send(const msghdr& message, int flags) override;
  ssize_t Receive(msghdr& message, int flags) override;
  int Shutdown(int how) override;
  std::size_t Waiting() const override;
  void Close() override;

  void Crash() override;
  bool has_peer() const override { return peer_.has_value(); }
  bool Wants(const Address& from) const override {
    return !peer_.has_value() || *peer_ == from;
  }
  std::optional<Address> peer() const override { return peer_; }

 private:
  struct Message {
    Address from;
    std::vector<std::byte> bytes;
  };
  using Bytes = std::vector<std::byte>;

  Readiness CurrentReadiness() const override;
  ssize_t SendTo(const Address& to, Bytes bytes);
  void WaitForRoom(reactor::Instant departs, std::size_t size);
  static void OnArrival(Fabric& fabric, const Route& route, Bytes bytes,
                        const std::weak_ptr<SimulatedSocket>& sender);
  void Queue(const Address& from, Bytes bytes);
  static void TellUnreachable(Fabric& fabric, const Route& route,
                              const std::weak_ptr<SimulatedSocket>& sender);

  std::optional<Address> peer_;
  Address bound_;  // The name that it had before it had a peer.
  bool crashed_ = false;
  bool writing_shut_ = false;
  bool reading_shut_ = false;
  std::deque<Message> queue_;
  std::size_t queued_ = 0;     // Bytes of memory, as the kernel counts.
  std::size_t departing_ = 0;  // Bytes that are still on this host.
};

}  // namespace weft::net::testing

#endif  // WEFT_NET_TESTING_SIMULATED_DATAGRAMS_H_
