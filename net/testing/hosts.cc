// Addresses and what they mean.
//
// SPDX-License-Identifier: MIT

#include "weft/net/testing/hosts.h"

#include <netinet/in.h>

#include "absl/base/internal/raw_logging.h"

namespace weft::net::testing {

bool IsAny(const Address& address) noexcept {
  return address.WithPort(0) ==
         (address.is_ipv4() ? Address::Any(0) : Address::AnyIpv6(0));
}

bool IsLoopback(const Address& address) noexcept {
  if (address.is_ipv6()) {
    return address.WithPort(0) == Address::LoopbackIpv6(0);
  }
  const Address::SystemForm form = address.ToSystem();
  const auto* const ipv4 = reinterpret_cast<const sockaddr_in*>(form.get());
  return ntohl(ipv4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

HostId Hosts::At(const Address& address) {
  ABSL_RAW_CHECK(!IsAny(address) && !IsLoopback(address),
                 "every host has the loopback and the any address, so they "
                 "name none: name a host by an address like 10.0.0.1");
  const Address name = address.WithPort(0);
  const auto next = HostId{static_cast<int>(addresses_.size())};
  const auto [place, is_new] = numbers_.try_emplace(name, next);
  if (is_new) addresses_.push_back(name);
  return place->second;
}

HostId Hosts::Default(bool ipv6) {
  if (!ipv6) return At(Address(Address::Ipv4Bytes{192, 0, 2, 1}, 0));
  Address::Ipv6Bytes bytes = {0x20, 0x01, 0x0d, 0xb8};
  bytes.back() = 1;
  return At(Address(bytes, 0));
}

// To connect to the any address means this host, on Linux and the BSDs alike.
HostId Hosts::Meant(HostId from, const Address& to) {
  return IsLoopback(to) || IsAny(to) ? from : At(to);
}

std::optional<Address> Hosts::Toward(HostId host, const Address& peer) const {
  if (IsLoopback(peer) || IsAny(peer)) {
    return peer.is_ipv4() ? Address::Loopback(0) : Address::LoopbackIpv6(0);
  }
  const Address& own = AddressOf(host);
  if (own.is_ipv4() != peer.is_ipv4()) return std::nullopt;
  return own;
}

}  // namespace weft::net::testing
