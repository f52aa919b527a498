// An allocation an entry.
//
// SPDX-License-Identifier: MIT

#include "weft/net/testing/address_list.h"

#include <sys/socket.h>

#include <memory>
#include <utility>

namespace weft::net::testing {
namespace {

// `info` first: its address is the entry's.
struct Entry {
  addrinfo info{};
  Address::SystemForm address;
};

}  // namespace

void FreeAddressList(addrinfo* list) noexcept {
  while (list != nullptr) {
    delete reinterpret_cast<Entry*>(std::exchange(list, list->ai_next));
  }
}

addrinfo* MakeAddressList(std::span<const Address> addresses,
                          std::uint16_t port) {
  std::unique_ptr<addrinfo, void (*)(addrinfo*)> list(nullptr, FreeAddressList);
  for (auto at = addresses.rbegin(); at != addresses.rend(); ++at) {
    auto* const entry = new Entry;
    entry->address = at->WithPort(port).ToSystem();
    entry->info.ai_family = entry->address.get()->sa_family;
    entry->info.ai_addr = entry->address.get();
    entry->info.ai_addrlen = entry->address.size();
    entry->info.ai_next = list.release();
    list.reset(&entry->info);
  }
  return list.release();
}

}  // namespace weft::net::testing
