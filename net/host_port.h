// HostPort: the two halves of "example.org:80", before anybody is asked what
// they mean.
//
//     "example.org:80"      "[fe80::1%eth0]:http"
//      host        port       host          port
//
// Only the shape is looked at. What has another one is for Address::Parse to
// refuse, which has a sentence for everything that can be wrong with it.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_HOST_PORT_H_
#define WEFT_NET_HOST_PORT_H_

#include <cstdint>
#include <optional>
#include <string_view>

namespace weft::net {

// Borrows: the text that it was split from.
struct HostPort {
  std::string_view host;  // Without its brackets; not empty.
  std::string_view port;  // A number up to 65535, or the name of a service.
};

// Splits `HOST:PORT` or `[IPV6]:PORT`; nothing for text of another shape.
std::optional<HostPort> SplitHostPort(std::string_view text);

// Decimal digits, and nothing else, of a number up to 65535; nothing for other
// text, which may be the name of a service.
std::optional<std::uint16_t> ParsePortNumber(std::string_view text);

}  // namespace weft::net

#endif  // WEFT_NET_HOST_PORT_H_
