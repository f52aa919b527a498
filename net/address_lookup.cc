// Splitting, asking and trying.
//
// SPDX-License-Identifier: MIT

#include "weft/net/address_lookup.h"

#include <new>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "weft/net/host_port.h"
#include "weft/reactor/string_view.h"
#include "weft/runtime/cancellation.h"
#include "weft/runtime/error_group.h"
#include "weft/runtime/out_of_memory.h"
#include "weft/runtime/spawn.h"

namespace weft::net {
namespace {

using ::weft::reactor::ToAbseil;

// The answer, also where there is no memory for one: nobody may be left to take
// an exception.
Task<Addresses> ButNoException(Task<Addresses> lookup) {
  try {
    Addresses answer = co_await std::move(lookup);
    co_return answer;
  } catch (const std::bad_alloc&) {
    co_return OutOfMemoryError();
  }
}

Task<Addresses> LookUp(std::string text, Resolver* resolver,
                       Transport transport) {
  const std::optional<HostPort> parts = SplitHostPort(text);
  // Address::Parse has a sentence for everything that the shape may lack.
  if (!parts.has_value()) co_return Address::Parse(text).status();
  if (resolver != nullptr) {
    co_return co_await resolver->Resolve(parts->host, parts->port, transport);
  }
  // In a task of its own: an asker who is cancelled or has no time left drops
  // it, and is not kept for as long as no server of names answers. What nobody
  // has begun to ask is taken back then; the rest goes on by itself.
  JoinHandle<Addresses> asking =
      Spawn(ButNoException(LookUpHost(parts->host, parts->port, transport)));
  Addresses answer = co_await asking.Join();
  // Where the runtime ends, it was cancelled, and not who asks in a Shield.
  if (!absl::IsCancelled(answer.status()) || IsCancelled()) co_return answer;
  co_return co_await LookUpHost(parts->host, parts->port, transport);
}

}  // namespace

// Not a coroutine itself: a text need not outlive the call.
Task<Addresses> LookUpAddress(std::string_view text, Resolver* resolver,
                              Transport transport) {
  return LookUp(std::string(text), resolver, transport);
}

void KeepFamilyOf(const Address& own, std::vector<Address>& addresses) {
  std::erase_if(addresses, [&own](const Address& address) {
    return address.is_ipv6() != own.is_ipv6();
  });
}

absl::Status TryInTurn(
    const std::vector<Address>& addresses, std::string_view call,
    std::string_view text,
    absl::FunctionRef<absl::Status(const Address&)> attempt) {
  if (addresses.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        ToAbseil(call), "(\"", absl::CHexEscape(ToAbseil(text)),
        "\"): there is no address, or none of the family that is wanted"));
  }
  std::vector<absl::Status> errors;
  for (const Address& address : addresses) {
    absl::Status status = attempt(address);
    if (status.ok()) return status;
    errors.push_back(std::move(status));
  }
  return JoinErrors(std::move(errors));
}

}  // namespace weft::net
