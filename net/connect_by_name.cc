// Looking up and connecting.
//
// SPDX-License-Identifier: MIT

#include "weft/net/connect_by_name.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "weft/net/address.h"
#include "weft/net/address_lookup.h"
#include "weft/net/connect_within.h"
#include "weft/net/happy_eyeballs.h"
#include "weft/reactor/string_view.h"
#include "weft/runtime/or_return.h"

namespace weft::net {
namespace {

using ::weft::reactor::ToAbseil;

Task<absl::StatusOr<TcpStream>> LookUpAndConnect(std::string text,
                                                 ConnectOptions options) {
  std::vector<Address> addresses =
      co_await OrReturn(LookUpAddress(text, options.resolver, Transport::kTcp));
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
