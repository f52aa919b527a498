// A list of addresses as getaddrinfo(3) gives one, made by hand.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_TESTING_ADDRESS_LIST_H_
#define WEFT_NET_TESTING_ADDRESS_LIST_H_

#include <netdb.h>

#include <cstdint>
#include <span>

#include "weft/net/address.h"

namespace weft::net::testing {

// In the same order, all with this port; null for none. To be freed by
// FreeAddressList, and by nothing else.
//
// Errors: std::bad_alloc when memory runs out; nothing is left then.
addrinfo* MakeAddressList(std::span<const Address> addresses,
                          std::uint16_t port);
void FreeAddressList(addrinfo* list) noexcept;

}  // namespace weft::net::testing

#endif  // WEFT_NET_TESTING_ADDRESS_LIST_H_
