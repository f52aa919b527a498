// Fabric: what all sockets of a simulated network share.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_TESTING_FABRIC_H_
#define WEFT_NET_TESTING_FABRIC_H_

#include <cstdint>
#include <map>
#include <memory>
#include <utility>

#include "weft/net/testing/hosts.h"
#include "weft/net/testing/virtual_ports.h"
#include "weft/net/testing/wire.h"

namespace weft::net::testing {

class StreamSocket;

// Threads: the simulation's.
struct Fabric {
  Fabric(const weft::testing::SimulatedSystem& clock, const LinkOptions& links,
         std::uint64_t seed, Trace::Log log)
      : wire(clock, links, seed, std::move(log)) {}

  Hosts hosts;
  VirtualPorts ports;
  Wire wire;
  // The ends of connections, in the order in which they were made; also of
  // those whose program has closed them and is not heard out yet.
  std::map<std::uint64_t, std::shared_ptr<StreamSocket>> connections;
  std::uint64_t connections_made = 0;
};

}  // namespace weft::net::testing

#endif  // WEFT_NET_TESTING_FABRIC_H_
