// Addresses to and from text and sockaddr.
//
// Parse takes the text apart in the order a reader would: host and port first,
// then each on its own. Every way it can go wrong has one sentence.
//
// SPDX-License-Identifier: MIT

#include "weft/net/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <limits>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "weft/reactor/string_view.h"

namespace weft::net {
namespace {

using ::weft::reactor::ToAbseil;

// As it may stand in a message: printable and of bounded length.
std::string Quoted(std::string_view text) {
  constexpr std::size_t kLongest = 80;
  const bool cut = text.size() > kLongest;
  return absl::StrCat("\"",
                      absl::CHexEscape(ToAbseil(text.substr(0, kLongest))),
                      cut ? "..." : "", "\"");
}

absl::Status Malformed(std::string_view text, std::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("address ", Quoted(text), ": ", ToAbseil(why)));
}

// Decimal digits and nothing else; nothing when they are too many or too large.
std::optional<std::uint32_t> ParseNumber(std::string_view digits,
                                         std::uint32_t largest) {
  std::uint64_t number = 0;
  if (digits.empty() || digits.size() > 10) return std::nullopt;
  for (const char digit : digits) {
    if (digit < '0' || digit > '9') return std::nullopt;
    number = number * 10 + static_cast<std::uint64_t>(digit - '0');
  }
  if (number > largest) return std::nullopt;
  return static_cast<std::uint32_t>(number);
}

// inet_pton wants a terminated string, and stops at the first NUL.
template <typename Bytes>
bool ParseHost(int family, std::string_view host, Bytes& bytes) {
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  if (host.size() >= terminated.size()) return false;
  if (host.find('\0') != std::string_view::npos) return false;
  std::copy(host.begin(), host.end(), terminated.begin());
  return inet_pton(family, terminated.data(), bytes.data()) == 1;
}

bool IsIpv6(std::string_view host) {
  Address::Ipv6Bytes ignored;
  return ParseHost(AF_INET6, host, ignored);
}

// The two halves of an address, still text.
struct Halves {
  std::string_view host;  // Without its brackets.
  std::string_view port;
  bool bracketed;
};

absl::StatusOr<Halves> SplitBracketed(std::string_view text) {
  const std::size_t close = text.find(']');
  if (close == std::string_view::npos) {
    return Malformed(text, "the \"[\" is never closed by a \"]\"");
  }
  const std::string_view host = text.substr(1, close - 1);
  const std::string_view rest = text.substr(close + 1);
  if (rest.empty()) {
    return Malformed(text, "the port is missing; write [ADDRESS]:PORT");
  }
  if (rest.front() != ':') {
    return Malformed(text, "only \":\" and a port may follow the \"]\"");
  }
  return Halves{.host = host, .port = rest.substr(1), .bracketed = true};
}

absl::StatusOr<Halves> Split(std::string_view text) {
  if (text.empty()) {
    return Malformed(text, "it is empty; write ADDRESS:PORT");
  }
  if (text.front() == '[') return SplitBracketed(text);
  if (text.find_first_of("[]") != std::string_view::npos) {
    return Malformed(text, "a bracket is out of place; write [ADDRESS]:PORT");
  }
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) {
    return Malformed(text, "the port is missing; write ADDRESS:PORT");
  }
  if (colon != text.rfind(':')) {
    return Malformed(text, IsIpv6(text)
                               ? "an IPv6 address and its port are written "
                                 "[ADDRESS]:PORT"
                               : "there is more than one \":\"");
  }
  return Halves{.host = text.substr(0, colon),
                .port = text.substr(colon + 1),
                .bracketed = false};
}

absl::StatusOr<std::uint16_t> ParsePort(std::string_view text,
                                        std::string_view port) {
  if (port.empty()) {
    return Malformed(text, "the port after the \":\" is missing");
  }
  if (port.find_first_not_of("0123456789") != std::string_view::npos) {
    return Malformed(
        text, absl::StrCat("the port ", Quoted(port), " is not a number"));
  }
  const std::optional<std::uint32_t> number =
      ParseNumber(port, std::numeric_limits<std::uint16_t>::max());
  if (!number.has_value()) {
    return Malformed(
        text, absl::StrCat("the port ", Quoted(port), " is larger than 65535"));
  }
  return static_cast<std::uint16_t>(*number);
}

absl::StatusOr<Address> ParseIpv4(std::string_view text, std::string_view host,
                                  std::uint16_t port) {
  if (host.empty()) {
    return Malformed(text,
                     "the host is missing; for every interface write "
                     "0.0.0.0:PORT or [::]:PORT");
  }
  Address::Ipv4Bytes bytes;
  if (!ParseHost(AF_INET, host, bytes)) {
    return Malformed(text,
                     absl::StrCat(Quoted(host),
                                  " is not an IPv4 address, four numbers of "
                                  "up to 255 (host names are not looked up)"));
  }
  return Address(bytes, port);
}

absl::StatusOr<Address> ParseIpv6(std::string_view text, std::string_view host,
                                  std::uint16_t port) {
  const std::size_t percent = host.find('%');
  std::uint32_t scope = 0;
  if (percent != std::string_view::npos) {
    const std::string_view digits = host.substr(percent + 1);
    const std::optional<std::uint32_t> number =
        ParseNumber(digits, std::numeric_limits<std::uint32_t>::max());
    if (!number.has_value()) {
      return Malformed(text, absl::StrCat("the scope ", Quoted(digits),
                                          " is not the number of an "
                                          "interface"));
    }
    scope = *number;
    host = host.substr(0, percent);
  }
  Address::Ipv6Bytes bytes;
  if (!ParseHost(AF_INET6, host, bytes)) {
    return Malformed(text, absl::StrCat(Quoted(host),
                                        " between the brackets is not an IPv6 "
                                        "address"));
  }
  return Address(bytes, port, scope);
}

}  // namespace

Address::Address(const Ipv4Bytes& bytes, std::uint16_t port) noexcept
    : family_(Family::kIpv4), port_(port) {
  std::copy(bytes.begin(), bytes.end(), bytes_.begin());
}

Address::Address(const Ipv6Bytes& bytes, std::uint16_t port,
                 std::uint32_t scope) noexcept
    : family_(Family::kIpv6), port_(port), scope_(scope), bytes_(bytes) {}

absl::StatusOr<Address> Address::Parse(std::string_view text) {
  const absl::StatusOr<Halves> halves = Split(text);
  if (!halves.ok()) return halves.status();
  const absl::StatusOr<std::uint16_t> port = ParsePort(text, halves->port);
  if (!port.ok()) return port.status();
  return halves->bracketed ? ParseIpv6(text, halves->host, *port)
                           : ParseIpv4(text, halves->host, *port);
}

Address Address::Loopback(std::uint16_t port) noexcept {
  return Address(Ipv4Bytes{127, 0, 0, 1}, port);
}

Address Address::LoopbackIpv6(std::uint16_t port) noexcept {
  Ipv6Bytes bytes{};
  bytes.back() = 1;
  return Address(bytes, port);
}

Address Address::Any(std::uint16_t port) noexcept {
  return Address(Ipv4Bytes{}, port);
}

Address Address::AnyIpv6(std::uint16_t port) noexcept {
  return Address(Ipv6Bytes{}, port);
}

Address Address::WithPort(std::uint16_t port) const noexcept {
  Address moved = *this;
  moved.port_ = port;
  return moved;
}

std::string Address::ToString() const {
  std::array<char, INET6_ADDRSTRLEN> host;
  inet_ntop(is_ipv4() ? AF_INET : AF_INET6, bytes_.data(), host.data(),
            host.size());
  if (is_ipv4()) return absl::StrCat(host.data(), ":", port_);
  if (scope_ == 0) return absl::StrCat("[", host.data(), "]:", port_);
  return absl::StrCat("[", host.data(), "%", scope_, "]:", port_);
}

// The BSDs' sockaddr begins with its length; their kernels overwrite it with
// the argument of the call, so it may stay 0.
Address::SystemForm Address::ToSystem() const noexcept {
  SystemForm form;
  if (is_ipv4()) {
    sockaddr_in ipv4{};
    ipv4.sin_family = AF_INET;
    ipv4.sin_port = htons(port_);
    std::memcpy(&ipv4.sin_addr, bytes_.data(), sizeof(ipv4.sin_addr));
    form.space_.ipv4 = ipv4;
    form.size_ = sizeof(ipv4);
  } else {
    sockaddr_in6 ipv6{};
    ipv6.sin6_family = AF_INET6;
    ipv6.sin6_port = htons(port_);
    ipv6.sin6_scope_id = scope_;
    std::memcpy(&ipv6.sin6_addr, bytes_.data(), sizeof(ipv6.sin6_addr));
    form.space_.ipv6 = ipv6;
    form.size_ = sizeof(ipv6);
  }
  return form;
}

Address::SystemForm::SystemForm(const sockaddr_storage& filled,
                                socklen_t size) noexcept
    : space_{}, size_(std::min(size, static_cast<socklen_t>(sizeof(space_)))) {
  std::memcpy(&space_, &filled, size_);
}

absl::StatusOr<Address> Address::FromSystem(const SystemForm& form) {
  // An unnamed socket of another family is reported with two bytes or none.
  const int family =
      form.size_ < sizeof(sa_family_t) ? AF_UNSPEC : form.get()->sa_family;
  if (family == AF_INET && form.size_ >= sizeof(sockaddr_in)) {
    Ipv4Bytes bytes;
    std::memcpy(bytes.data(), &form.space_.ipv4.sin_addr, bytes.size());
    return Address(bytes, ntohs(form.space_.ipv4.sin_port));
  }
  if (family == AF_INET6 && form.size_ >= sizeof(sockaddr_in6)) {
    Ipv6Bytes bytes;
    std::memcpy(bytes.data(), &form.space_.ipv6.sin6_addr, bytes.size());
    return Address(bytes, ntohs(form.space_.ipv6.sin6_port),
                   form.space_.ipv6.sin6_scope_id);
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "a socket address of family ", family, " is neither IPv4 nor IPv6"));
}

}  // namespace weft::net
