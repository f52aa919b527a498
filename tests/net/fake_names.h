// FakeNames: a system in which the test says what hosts are called.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_NET_FAKE_NAMES_H_
#define WEFT_TESTS_NET_FAKE_NAMES_H_

#include <netdb.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "weft/net/address.h"
#include "weft/runtime/testing/simulated_system.h"

namespace weft::net {

class FakeNames : public weft::testing::SimulatedSystem {
 public:
  // What getaddrinfo says of a host.
  struct Known {
    std::vector<Address> addresses;
    int answer = 0;  // Or an EAI_ number.
    int error = 0;   // For EAI_SYSTEM.
  };

  int getaddrinfo(const char* host, const char* service, const addrinfo* hints,
                  addrinfo** out) override {
    ++lookups;
    asked.emplace_back(host);
    services.emplace_back(service == nullptr ? "" : service);
    kind_of_socket = hints->ai_socktype;
    if (during_lookup != nullptr) during_lookup();
    const auto found = hosts.find(host);
    if (found == hosts.end()) return EAI_NONAME;
    errno = found->second.error;
    if (found->second.answer != 0) return found->second.answer;
    std::uint16_t port = 0;
    if (service != nullptr) {
      const auto known = ports.find(service);
      if (known == ports.end()) return EAI_SERVICE;
      port = known->second;
    }
    *out = MakeList(found->second.addresses, port);
    ++lists;
    return 0;
  }

  void freeaddrinfo(addrinfo* list) override {
    --lists;
    Free(list);
  }

  unsigned int if_nametoindex(const char* name) override {
    if (std::string(name) == "eth0") return 7;
    errno = ENODEV;
    return 0;
  }

  std::map<std::string, Known> hosts;
  std::map<std::string, std::uint16_t> ports = {{"http", std::uint16_t{80}}};
  std::function<void()> during_lookup;
  int lookups = 0;
  int lists = 0;  // That have not been freed.
  int kind_of_socket = 0;
  std::vector<std::string> asked;
  std::vector<std::string> services;

 private:
  // `info` first: its address is the entry's.
  struct Entry {
    addrinfo info{};
    Address::SystemForm address;
  };

  static void Free(addrinfo* list) {
    while (list != nullptr) {
      delete reinterpret_cast<Entry*>(std::exchange(list, list->ai_next));
    }
  }

  // Throws std::bad_alloc, and leaves nothing, when memory runs out.
  static addrinfo* MakeList(const std::vector<Address>& addresses,
                            std::uint16_t port) {
    // The last is of a family that nobody knows.
    std::unique_ptr<addrinfo, void (*)(addrinfo*)> list(&(new Entry)->info,
                                                        Free);
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
};

}  // namespace weft::net

#endif  // WEFT_TESTS_NET_FAKE_NAMES_H_
