// Names: what the hosts of a simulated network are called.
//
//     "db"          10.0.0.1, 10.0.0.2    in the order of AddName
//     "localhost"   ::1, 127.0.0.1        on every host
//
// A name that nobody has added does not exist: the machine that the simulation
// runs on is not asked, or a run would depend on it.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_TESTING_NAMES_H_
#define WEFT_NET_TESTING_NAMES_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "weft/net/address.h"

namespace weft::net::testing {

// Capitals and a dot at the end make no difference (RFC 4343, RFC 1034 section
// 3.1).
//
// Threads: the simulation's.
class Names {
 public:
  void Add(std::string_view name, const Address& address);
  void Remove(std::string_view name);

  // The addresses of a name, or of what is an address itself, with any port;
  // empty where there is no such host.
  std::vector<Address> Find(std::string_view name) const;

 private:
  std::map<std::string, std::vector<Address>> addresses_;
};

}  // namespace weft::net::testing

#endif  // WEFT_NET_TESTING_NAMES_H_
