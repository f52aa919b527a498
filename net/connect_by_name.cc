// Splitting, looking up and connecting.
//
// SPDX-License-Identifier: MIT

#include "weft/net/connect_by_name.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "weft/net/address.h"
#include "weft/net/connect_within.h"
#include "weft/net/happy_eyeballs.h"
#include "weft/net/host_port.h"
#include "weft/net/name_lookup.h"
#include "weft/net/resolver.h"
#include "weft/reactor/string_view.h"
#include "weft/runtime/or_return.h"

namespace weft::net {
namespace {

using ::weft::reactor::ToAbseil;

Task<Addresses> LookUp(HostPort parts, Resolver* resolver) {
  return resolver != nullptr ? resolver->Resolve(parts.host, parts.port)
                             : LookUpHost(parts.host, parts.port);
}

Task<absl::StatusOr<TcpStream>> LookUpAndConnect(std::string text,
                                                 ConnectOptions options) {
  const std::optional<HostPort> parts = SplitHostPort(text);
  // Address::Parse has a sentence for everything that the shape may lack.
  if (!parts.has_value()) co_return Address::Parse(text).status();
  std::vector<Address> addresses =
      co_await OrReturn(LookUp(*parts, options.resolver));
  co_return co_await ConnectToAny(std::move(addresses), options);
}

}  // namespace

// Not a coroutine itself: what it borrows need not outlive the call.
Task<absl::StatusOr<TcpStream>> ConnectByName(std::string_view text,
                                              ConnectOptions options) {
  const absl::Duration timeout =
      std::exchange(options.timeout, absl::InfiniteDuration());
  return ConnectWithin(
      timeout, LookUpAndConnect(std::string(text), options),
      absl::StrCat("connect(\"", absl::CHexEscape(ToAbseil(text)), "\")"));
}

}  // namespace weft::net
