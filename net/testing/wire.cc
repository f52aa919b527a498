// Sending, arriving, and what a cut does to both.
//
// SPDX-License-Identifier: MIT

#include "weft/net/testing/wire.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "weft/reactor/string_view.h"

namespace weft::net::testing {

using ::weft::reactor::Instant;

Wire::Wire(const weft::testing::SimulatedSystem& clock,
           const LinkOptions& links, std::uint64_t seed, Trace::Log log)
    : clock_(clock),
      default_options_(links),
      chance_(seed),
      trace_(std::move(log)) {}

// --- Links ------------------------------------------------------------------

Wire::Way& Wire::Between(HostId from, HostId to) {
  const LinkOptions options = from == to ? LinkOptions{} : default_options_;
  return ways_.try_emplace(std::pair(from, to), Way{.link = Link(options)})
      .first->second;
}

void Wire::SetLinks(const LinkOptions& options) {
  default_options_ = options;
  for (auto& [hosts, way] : ways_) {
    if (hosts.first == hosts.second || way.own_options) continue;
    way.link.set_options(options);
  }
}

void Wire::SetLink(HostId one, HostId other, const LinkOptions& options) {
  for (Way* const way : {&Between(one, other), &Between(other, one)}) {
    way->link.set_options(options);
    way->own_options = true;
  }
}

void Wire::Cut(HostId one, HostId other) {
  CutOneWay(one, other);
  CutOneWay(other, one);
}

void Wire::CutOneWay(HostId from, HostId to) {
  Between(from, to).link.set_cut(true);
}

void Wire::Heal(HostId one, HostId other) {
  HealOneWay(one, other);
  HealOneWay(other, one);
}

void Wire::HealOneWay(HostId from, HostId to) {
  Way& way = Between(from, to);
  way.link.set_cut(false);
  for (const std::shared_ptr<Lane>& lane :
       std::exchange(way.stalled_lanes, {})) {
    // Each moment is made anew, and the lane's order with it.
    for (; lane->stalled > 0; --lane->stalled) {
      if (lane->abandoned) {
        Note(lane->packets.front(), " lost", lane->route);
        lane->packets.pop_front();
        continue;
      }
      const Instant arrives = way.link.Send(now(), 0, chance_).arrives;
      lane->last_arrival = std::max(lane->last_arrival, arrives);
      agenda_.Add(lane->last_arrival, [this, lane] { ArriveNext(lane); });
    }
  }
}

// --- Packets ----------------------------------------------------------------

void Wire::Send(const std::shared_ptr<Lane>& lane, Packet packet) {
  Link& link = Between(lane->route.from_host, lane->route.to_host).link;
  const Instant arrives = link.Send(now(), packet.size, chance_).arrives;
  lane->packets.push_back(std::move(packet));
  lane->last_arrival = std::max(lane->last_arrival, arrives);
  agenda_.Add(lane->last_arrival, [this, lane] { ArriveNext(lane); });
}

void Wire::ArriveNext(const std::shared_ptr<Lane>& lane) {
  Way& way = Between(lane->route.from_host, lane->route.to_host);
  if (way.link.cut() && !lane->packets.front().once && !lane->abandoned) {
    if (lane->stalled++ == 0) way.stalled_lanes.push_back(lane);
    return;
  }
  Packet packet = std::move(lane->packets.front());
  lane->packets.pop_front();
  if (way.link.cut()) return Note(packet, " lost", lane->route);
  Note(packet, "", lane->route);
  packet.arrive();
}

Instant Wire::SendDatagram(Route route, Packet packet) {
  Link& link = Between(route.from_host, route.to_host).link;
  const Link::Passage passage = link.Send(now(), packet.size, chance_);
  if (link.Loses(chance_)) {
    Note(packet, " lost", route);
    return passage.departs;
  }
  const auto shared = std::make_shared<std::pair<Route, Packet>>(
      std::move(route), std::move(packet));
  const int copies = link.Doubles(chance_) ? 2 : 1;
  for (int i = 0; i < copies; ++i) {
    agenda_.Add(passage.arrives + link.Detour(chance_),
                [this, shared] { ArriveAlone(shared->first, shared->second); });
  }
  return passage.departs;
}

void Wire::ArriveAlone(const Route& route, Packet& packet) {
  if (IsCut(route.from_host, route.to_host)) {
    return Note(packet, " lost", route);
  }
  Note(packet, "", route);
  packet.arrive();
}

void Wire::Note(const Packet& packet, std::string_view fate,
                const Route& route) {
  if (fate.empty()) {
    trace_.Note(now(), packet.what, route.from, route.to, packet.size);
    return;
  }
  const std::string what =
      absl::StrCat(reactor::ToAbseil(packet.what), reactor::ToAbseil(fate));
  trace_.Note(now(), what, route.from, route.to, packet.size);
}

}  // namespace weft::net::testing
