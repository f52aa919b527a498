// SimulatedSocket: what a stream and a datagram socket of a simulated network
// have in common: a host, a name, options, and somebody who waits.
//
// The functions named after system calls answer as the kernel does inside: a
// result, or an errno below zero.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_TESTING_SIMULATED_SOCKET_H_
#define WEFT_NET_TESTING_SIMULATED_SOCKET_H_

#include <sys/socket.h>
#include <sys/types.h>

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weft/net/address.h"
#include "weft/net/testing/fabric.h"
#include "weft/net/testing/hosts.h"
#include "weft/net/testing/virtual_ports.h"
#include "weft/reactor/source.h"

namespace weft::net::testing {

// Threads: the simulation's.
class SimulatedSocket : public std::enable_shared_from_this<SimulatedSocket> {
 public:
  SimulatedSocket(const SimulatedSocket&) = delete;
  SimulatedSocket& operator=(const SimulatedSocket&) = delete;
  virtual ~SimulatedSocket();

  // --- System calls ---------------------------------------------------------

  int Bind(const Address& address);
  virtual int Connect(const Address& peer) = 0;
  // connect(2) with an address of no family.
  virtual int Disconnect();
  virtual int Listen(int backlog);
  // The next connection and its peer, or null and an error.
  virtual std::shared_ptr<SimulatedSocket> Accept(Address& peer, int& error);
  virtual ssize_t Send(const msghdr& message, int flags) = 0;
  virtual ssize_t Receive(msghdr& message, int flags) = 0;
  virtual int Shutdown(int how) = 0;
  // How much a read would give.
  virtual std::size_t Waiting() const = 0;
  int SetOption(int level, int name, std::string_view value);
  // As many bytes as there are; an option that was never set is an int of 0.
  int GetOption(int level, int name, std::string& value);
  // The program is done with the descriptor.
  virtual void Close() = 0;

  // --- What the network asks and does ---------------------------------------

  // The host is gone, and all its connections with it.
  virtual void Crash() = 0;
  virtual bool listens() const { return false; }
  virtual bool has_peer() const { return false; }
  // Whether what comes from there may be for this socket.
  virtual bool Wants(const Address& from) const = 0;

  std::optional<HostId> host() const noexcept { return host_; }
  const Address& local() const noexcept { return local_; }
  virtual std::optional<Address> peer() const = 0;

  // Tells `source` from now on, beginning now, until Close.
  void Watch(reactor::Source& source);

 protected:
  struct Readiness {
    bool readable = false;
    bool writable = false;
    bool hang_up = false;
  };

  // `host`: nothing where the first address that it is given shall decide.
  SimulatedSocket(Fabric& fabric, Transport transport, bool ipv6,
                  std::optional<HostId> host);

  virtual Readiness CurrentReadiness() const = 0;

  // Something has changed. As from an epoll descriptor, what comes is all that
  // is true now, and may be old news: a hint.
  void Announce();
  void StopAnnouncing() noexcept { source_ = nullptr; }

  // A name and a port, if it has none, to talk to `peer`; and a precise name,
  // if it is bound to the any address. 0 or an error.
  int BindToward(const Address& peer, Address& local);
  void ReleasePort();
  bool MayListen();
  // What a connection has that was accepted from `listener`.
  void Inherit(const SimulatedSocket& listener);

  int SetError(int error) noexcept { return error_ = error; }
  // What SO_ERROR says: it is told once.
  int TakeError() noexcept { return std::exchange(error_, 0); }
  bool has_error() const noexcept { return error_ != 0; }

  bool flag(int name) const { return IntOption(SOL_SOCKET, name) != 0; }
  std::size_t send_buffer() const;
  std::size_t receive_buffer() const;
  // Asked to reset the connection by closing it: SO_LINGER with no time.
  bool closes_at_once() const;

  Fabric& fabric_;
  Address local_;  // Any and 0 while it has no name.

 private:
  using OptionName = std::pair<int, int>;

  // After an option has been changed.
  virtual void OptionChanged() {}
  int IntOption(int level, int name) const;
  int Claim(const Address& address);
  VirtualPorts::Claim ClaimOf(const Address& address);

  const Transport transport_;
  const bool ipv6_;
  std::optional<HostId> host_;
  int error_ = 0;
  std::map<OptionName, std::string> options_;
  reactor::Source* source_ = nullptr;
};

// --- Messages ---------------------------------------------------------------

std::size_t SizeOf(const msghdr& message);
// The first `most` bytes of what the message holds.
std::vector<std::byte> Gather(const msghdr& message, std::size_t most);
// Where the message has room, piece by piece.
std::vector<std::span<std::byte>> RoomIn(const msghdr& message);

// Nothing where it is neither IPv4 nor IPv6.
std::optional<Address> AddressFrom(const void* name, socklen_t size);
// As the calls do it: cut to the room there is, and the whole size told.
void WriteAddress(const Address& address, void* name, socklen_t& size);

}  // namespace weft::net::testing

#endif  // WEFT_NET_TESTING_SIMULATED_SOCKET_H_
