// Wire: carries packets between the hosts of a simulated network.
//
//     socket --> Lane (one direction of one connection: first in, first out)
//                  |
//                  v
//                Link (one direction between two hosts: latency, bandwidth)
//                  |
//                  v
//                Agenda (the moment of arrival) --> the packet's event
//
// A packet whose moment comes while its link is cut has not arrived. TCP sends
// again what was lost until it comes through, so there the packet stays in its
// lane, and with it all behind it, until the link is healed; but a host that
// has given the connection up sends nothing again, and then the packet is gone.
// A datagram always is.
//
// Invariants
//   1. For each packet in a lane there is one moment of arrival, in the agenda
//      or among `stalled`. A moment that comes takes the packet at the front,
//      whichever that is: so a lane keeps its order through cuts as well.
//   2. A lane with stalled packets is in `stalled_lanes_` of its link, once.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_TESTING_WIRE_H_
#define WEFT_NET_TESTING_WIRE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "weft/net/address.h"
#include "weft/net/testing/agenda.h"
#include "weft/net/testing/chance.h"
#include "weft/net/testing/hosts.h"
#include "weft/net/testing/link.h"
#include "weft/net/testing/trace.h"
#include "weft/reactor/instant.h"
#include "weft/runtime/testing/simulated_system.h"

namespace weft::net::testing {

// From whom to whom: the names are for the trace, the hosts choose the link.
struct Route {
  HostId from_host{};
  HostId to_host{};
  Address from;
  Address to;
};

struct Packet {
  std::string_view what;  // For the trace: a literal.
  std::size_t size = 0;   // Of what it carries; headers weigh nothing.
  bool once = false;      // Not sent again where it is lost.
  // Called again for a datagram that comes twice.
  Agenda::Event arrive;
};

// One direction of a connection.
struct Lane {
  explicit Lane(Route its) : route(std::move(its)) {}

  const Route route;
  bool abandoned = false;  // Nothing of it is sent again.
  std::deque<Packet> packets;
  std::size_t stalled = 0;
  reactor::Instant last_arrival;  // Of those that have been sent.
};

// Threads: the simulation's.
class Wire {
 public:
  // Borrows: `clock`.
  Wire(const weft::testing::SimulatedSystem& clock, const LinkOptions& links,
       std::uint64_t seed, Trace::Log log);
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  // Sends the next packet of a connection.
  void Send(const std::shared_ptr<Lane>& lane, Packet packet);

  // Sends a datagram, and says when it has left the host.
  reactor::Instant SendDatagram(Route route, Packet packet);

  // All links to come that SetLink does not name, and both directions of one.
  void SetLinks(const LinkOptions& options);
  void SetLink(HostId one, HostId other, const LinkOptions& options);
  // Both directions, and one. Heal is for either.
  void Cut(HostId one, HostId other);
  void CutOneWay(HostId from, HostId to);
  void Heal(HostId one, HostId other);
  bool IsCut(HostId from, HostId to) { return Between(from, to).link.cut(); }

  Agenda& agenda() noexcept { return agenda_; }
  const Agenda& agenda() const noexcept { return agenda_; }
  Trace& trace() noexcept { return trace_; }
  const Trace& trace() const noexcept { return trace_; }
  reactor::Instant now() const noexcept { return clock_.now(); }

 private:
  struct Way {
    Link link;
    bool own_options = false;
    std::vector<std::shared_ptr<Lane>> stalled_lanes = {};
  };

  Way& Between(HostId from, HostId to);
  void ArriveAlone(const Route& route, Packet& packet);
  void ArriveNext(const std::shared_ptr<Lane>& lane);
  void HealOneWay(HostId from, HostId to);
  void Note(const Packet& packet, std::string_view fate, const Route& route);

  const weft::testing::SimulatedSystem& clock_;
  LinkOptions default_options_;
  Chance chance_;
  Trace trace_;
  Agenda agenda_;
  std::map<std::pair<HostId, HostId>, Way> ways_;
};

}  // namespace weft::net::testing

#endif  // WEFT_NET_TESTING_WIRE_H_
