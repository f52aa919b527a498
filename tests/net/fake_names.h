// FakeNames: a system in which the test says what hosts are called.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_NET_FAKE_NAMES_H_
#define WEFT_TESTS_NET_FAKE_NAMES_H_

#include <netdb.h>

#include <cerrno>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "weft/net/address.h"
#include "weft/net/testing/address_list.h"
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
    *out = testing::MakeAddressList(found->second.addresses, port);
    *Find(out, nullptr) = &of_no_family_;
    ++lists;
    return 0;
  }

  void freeaddrinfo(addrinfo* list) override {
    --lists;
    *Find(&list, &of_no_family_) = nullptr;
    testing::FreeAddressList(list);
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
  // Where the list leads to `entry`.
  static addrinfo** Find(addrinfo** list, const addrinfo* entry) {
    while (*list != entry) list = &(*list)->ai_next;
    return list;
  }

  // The last of every list: of a family that nobody knows.
  addrinfo of_no_family_{};
};

}  // namespace weft::net

#endif  // WEFT_TESTS_NET_FAKE_NAMES_H_
