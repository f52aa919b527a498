// Address: where a socket is. An IP address, version 4 or 6, and a port.
//
//     "127.0.0.1:80"   "[::1]:80"   "[fe80::1%3]:80"
//                                           ^ scope: which link it is local to
//
// Text in, text out, the system's form at the edge. Nothing here asks the
// system anything: host names are a matter of a resolver, and a scope is the
// number of an interface, not its name.
//
// Invariants
//   1. Everything that compares and hashes equal is the same place: bytes that
//      a family does not use are zero.
//   2. Parse(a.ToString()) == a.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_ADDRESS_H_
#define WEFT_NET_ADDRESS_H_

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"

namespace weft::net {

class Address {
 public:
  using Ipv4Bytes = std::array<std::uint8_t, 4>;   // As they are written.
  using Ipv6Bytes = std::array<std::uint8_t, 16>;  // As they are written.
  class SystemForm;

  // 0.0.0.0:0.
  Address() = default;
  Address(const Ipv4Bytes& bytes, std::uint16_t port) noexcept;
  Address(const Ipv6Bytes& bytes, std::uint16_t port,
          std::uint32_t scope = 0) noexcept;

  // Reads `A.B.C.D:PORT` or `[IPV6]:PORT` or `[IPV6%SCOPE]:PORT`, all of it.
  //
  // Errors: INVALID_ARGUMENT with the text, what is wrong in it and, where one
  //         can be guessed, the right spelling.
  static absl::StatusOr<Address> Parse(std::string_view text);

  // INVALID_ARGUMENT for a family other than IPv4 and IPv6.
  static absl::StatusOr<Address> FromSystem(const SystemForm& form);

  // This machine, as seen from itself: 127.0.0.1 and ::1.
  static Address Loopback(std::uint16_t port) noexcept;
  static Address LoopbackIpv6(std::uint16_t port) noexcept;

  // Every interface of this machine, for listening: 0.0.0.0 and ::.
  static Address Any(std::uint16_t port) noexcept;
  static Address AnyIpv6(std::uint16_t port) noexcept;

  bool is_ipv4() const noexcept { return family_ == Family::kIpv4; }
  bool is_ipv6() const noexcept { return family_ == Family::kIpv6; }
  std::uint16_t port() const noexcept { return port_; }
  std::uint32_t scope() const noexcept { return scope_; }  // 0: none.

  // The same host, another port.
  Address WithPort(std::uint16_t port) const noexcept;

  // What Parse reads; IPv6 as RFC 5952 wants it.
  std::string ToString() const;

  SystemForm ToSystem() const noexcept;

  friend bool operator==(const Address&, const Address&) = default;

  template <typename H>
  friend H AbslHashValue(H state, const Address& address) {
    return H::combine(std::move(state), address.family_, address.port_,
                      address.scope_, address.bytes_);
  }

  friend std::ostream& operator<<(std::ostream& out, const Address& address) {
    return out << address.ToString();
  }

 private:
  // Not the AF_ constants: those differ between systems.
  enum class Family : std::uint8_t { kIpv4, kIpv6 };

  Family family_ = Family::kIpv4;
  std::uint16_t port_ = 0;  // In the machine's order.
  std::uint32_t scope_ = 0;
  Ipv6Bytes bytes_{};  // The first four for IPv4.
};

// An address as system calls take and give it:
//
//     Address::SystemForm form = address.ToSystem();
//     system.bind(fd, form.get(), form.size());
//
//     Address::SystemForm form;             // To be filled.
//     system.getsockname(fd, form.get(), form.size_to_fill());
//     auto address = Address::FromSystem(form);
class Address::SystemForm {
 public:
  // Zeroes, with room for the longest form.
  SystemForm() noexcept : space_{}, size_(sizeof(space_)) {}
  // What a call has filled into a form of any family; of one that is longer
  // than ours only the front, in which the family is.
  SystemForm(const sockaddr_storage& filled, socklen_t size) noexcept;

  sockaddr* get() noexcept { return &space_.any; }
  const sockaddr* get() const noexcept { return &space_.any; }
  socklen_t size() const noexcept { return size_; }
  socklen_t* size_to_fill() noexcept { return &size_; }

 private:
  friend class Address;  // Its enclosing class.

  // A common first member is what sockets have for inheritance.
  union {
    sockaddr_in6 ipv6;
    sockaddr_in ipv4;
    sockaddr any;
  } space_;
  socklen_t size_;
};

}  // namespace weft::net

#endif  // WEFT_NET_ADDRESS_H_
