// Splitting at the one colon that can be meant.
//
// SPDX-License-Identifier: MIT

#include "weft/net/host_port.h"

#include <cstddef>
#include <limits>

namespace weft::net {
namespace {

bool IsDigits(std::string_view text) {
  return text.find_first_not_of("0123456789") == std::string_view::npos;
}

// A number that is too large for a port is not the name of a service either.
std::optional<HostPort> Checked(HostPort parts) {
  if (parts.host.empty() || parts.port.empty()) return std::nullopt;
  if (IsDigits(parts.port) && !ParsePortNumber(parts.port)) return std::nullopt;
  return parts;
}

}  // namespace

std::optional<HostPort> SplitHostPort(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  // Brackets are for what has colons of its own, and for nothing else.
  const bool has_colons = host.find(':') != std::string_view::npos;
  if (bracketed != has_colons) return std::nullopt;
  if (host.find_first_of("[]") != std::string_view::npos) return std::nullopt;
  return Checked({.host = host, .port = text.substr(colon + 1)});
}

std::optional<std::uint16_t> ParsePortNumber(std::string_view text) {
  if (text.empty() || !IsDigits(text)) return std::nullopt;
  std::uint32_t number = 0;
  for (const char digit : text) {
    number = number * 10 + static_cast<std::uint32_t>(digit - '0');
    if (number > std::numeric_limits<std::uint16_t>::max()) return std::nullopt;
  }
  return static_cast<std::uint16_t>(number);
}

}  // namespace weft::net
