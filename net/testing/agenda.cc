// The order of events.
//
// SPDX-License-Identifier: MIT

#include "weft/net/testing/agenda.h"

namespace weft::net::testing {

using ::weft::reactor::Instant;

Agenda::Entry Agenda::Add(Instant when, Event event) {
  const Entry entry(when, entered_++);
  events_.emplace(entry, std::move(event));
  return entry;
}

Instant Agenda::Next() const {
  return events_.empty() ? Instant::InfiniteFuture()
                         : events_.begin()->first.first;
}

bool Agenda::RunOne(Instant now) {
  if (events_.empty() || Next() > now) return false;
  // Out of the map first: the event may enter and cancel others.
  auto node = events_.extract(events_.begin());
  node.mapped()();
  return true;
}

}  // namespace weft::net::testing
