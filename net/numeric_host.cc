// Reading hosts as addresses, with the help of Address::Parse.
//
// SPDX-License-Identifier: MIT

#include "weft/net/numeric_host.h"

#include <cerrno>
#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "weft/reactor/os_error.h"
#include "weft/reactor/string_view.h"

namespace weft::net {
namespace {

using ::weft::reactor::System;
using ::weft::reactor::ToAbseil;

absl::StatusOr<Address> ParseIpv6(std::string_view host) {
  absl::StatusOr<Address> address =
      Address::Parse(absl::StrCat("[", ToAbseil(host), "]:0"));
  if (address.ok()) return address;
  return absl::InvalidArgumentError(
      absl::StrCat("host \"", absl::CHexEscape(ToAbseil(host)),
                   "\": it is no IPv6 address, and a name has no \":\""));
}

// The same address with the number of the interface in the place of its name.
absl::StatusOr<Address> ParseNamedScope(System& system, std::string_view host,
                                        const std::string& interface) {
  const std::string_view bare = host.substr(0, host.find('%'));
  absl::StatusOr<Address> address = ParseIpv6(bare);
  if (!address.ok()) return address;
  const unsigned int number = system.if_nametoindex(interface.c_str());
  const int error = errno;
  if (number != 0) {
    return Address::Parse(
        absl::StrCat("[", ToAbseil(bare), "%", number, "]:0"));
  }
  return reactor::ErrnoToStatus(
      error,
      absl::StrCat("if_nametoindex(\"", absl::CHexEscape(interface), "\")"));
}

}  // namespace

std::optional<absl::StatusOr<Address>> ParseNumericHost(System& system,
                                                        std::string_view host) {
  if (host.find(':') == std::string_view::npos) {
    absl::StatusOr<Address> address =
        Address::Parse(absl::StrCat(ToAbseil(host), ":0"));
    if (!address.ok()) return std::nullopt;
    return address;
  }
  const std::size_t percent = host.find('%');
  if (percent == std::string_view::npos) return ParseIpv6(host);
  const std::string interface(host.substr(percent + 1));
  const bool is_number =
      interface.find_first_not_of("0123456789") == std::string::npos;
  if (is_number) return ParseIpv6(host);
  return ParseNamedScope(system, host, interface);
}

}  // namespace weft::net
