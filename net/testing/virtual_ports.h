// VirtualPorts: which socket of a simulated network has which port.
//
//     bind      a claim, if none of the others forbids it
//     arrival   of the claims that fit: the most precise one; several that
//               share the port are dealt flows, each always to the same
//
// What forbids a claim on the same host, port and version of IP, where the
// addresses are the same or one of them is the any address: everything, unless
// both have SO_REUSEPORT, or both SO_REUSEADDR and none of them listens. Those
// are Linux's rules (socket(7)); the BSDs are laxer with SO_REUSEADDR, which no
// portable program can use.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_TESTING_VIRTUAL_PORTS_H_
#define WEFT_NET_TESTING_VIRTUAL_PORTS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <tuple>
#include <vector>

#include "weft/net/address.h"
#include "weft/net/testing/hosts.h"

namespace weft::net::testing {

class SimulatedSocket;

enum class Transport : std::uint8_t { kStream, kDatagram };

// Threads: the simulation's.
class VirtualPorts {
 public:
  struct Claim {
    HostId host{};
    Transport transport{};
    Address address;  // With its port.
    bool reuse_address = false;
    bool reuse_port = false;
    SimulatedSocket* socket = nullptr;
  };

  // False: the address is in use.
  bool Bind(const Claim& claim);

  // A port of those that RFC 6335 leaves to such use (49152 to 65535), one
  // after the other; nothing where all are taken.
  std::optional<std::uint16_t> Free(HostId host, Transport transport);

  // Whether the holder of a claim may listen too.
  bool MayListen(const Claim& claim) const;

  // Nothing where it was not bound.
  void Release(const Claim& claim);

  // Who gets what `from` sends to `to`, which is on `host`. Null: nobody.
  SimulatedSocket* Find(HostId host, Transport transport, const Address& to,
                        const Address& from) const;

 private:
  using Key = std::tuple<HostId, Transport, std::uint16_t>;
  using Claims = std::vector<Claim>;

  static Key KeyOf(const Claim& claim) {
    return {claim.host, claim.transport, claim.address.port()};
  }

  std::map<Key, Claims> claims_;
  std::map<std::pair<HostId, Transport>, std::uint16_t> last_free_;
};

}  // namespace weft::net::testing

#endif  // WEFT_NET_TESTING_VIRTUAL_PORTS_H_
