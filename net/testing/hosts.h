// Hosts: the machines of a simulated network, by their addresses.
//
// A host is an address, and there is a host at every address: naming one makes
// it. The loopback addresses are every host's own. Inside the network hosts go
// by number, so that nothing depends on how addresses are hashed.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_TESTING_HOSTS_H_
#define WEFT_NET_TESTING_HOSTS_H_

#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "weft/net/address.h"

namespace weft::net::testing {

enum class HostId : int {};

// 0.0.0.0 or ::, with any port.
bool IsAny(const Address& address) noexcept;
// 127.0.0.0/8 (RFC 1122, 3.2.1.3) or ::1, with any port.
bool IsLoopback(const Address& address) noexcept;

class Hosts {
 public:
  // The host at `address`, whose port does not matter.
  // Requires: neither IsAny nor IsLoopback.
  HostId At(const Address& address);

  // Where sockets are of which nothing else is known: 192.0.2.1, and
  // 2001:db8::1 for IPv6, which RFC 5737 and RFC 3849 keep for examples.
  HostId Default(bool ipv6);

  // The host that `to` means on host `from`.
  HostId Meant(HostId from, const Address& to);

  // What a socket of `host` is called that talks to `peer`; port 0. Nothing
  // where the host does not speak that version of IP.
  std::optional<Address> Toward(HostId host, const Address& peer) const;

  // Port 0.
  const Address& AddressOf(HostId host) const {
    return addresses_[static_cast<std::size_t>(host)];
  }

 private:
  std::vector<Address> addresses_;
  absl::flat_hash_map<Address, HostId> numbers_;  // For looking up only.
};

}  // namespace weft::net::testing

#endif  // WEFT_NET_TESTING_HOSTS_H_
