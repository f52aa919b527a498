// Agenda: what will happen in a simulated network, and when.
//
// Events of one moment happen in the order in which they were entered, so a run
// depends on nothing but what the program did. An entry can be taken back: a
// timeout that was met leaves nothing for which the clock would have to jump.
//
// Rejected: timers of the worker's wheel (timer_wheel.h), which are up to a
// tick late: two packets a microsecond apart would arrive together.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_TESTING_AGENDA_H_
#define WEFT_NET_TESTING_AGENDA_H_

#include <cstdint>
#include <map>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "weft/reactor/instant.h"

namespace weft::net::testing {

// Threads: the simulation's.
class Agenda {
 public:
  using Event = absl::AnyInvocable<void()>;
  // Names an entry, also when it is gone.
  using Entry = std::pair<reactor::Instant, std::uint64_t>;

  Agenda() = default;
  Agenda(const Agenda&) = delete;
  Agenda& operator=(const Agenda&) = delete;

  Entry Add(reactor::Instant when, Event event);

  // Nothing where it has happened or was taken back before.
  void Cancel(const Entry& entry) { events_.erase(entry); }

  // InfiniteFuture() where nothing is to happen.
  reactor::Instant Next() const;

  // Lets the earliest entry happen if its time has come. False: there is none.
  bool RunOne(reactor::Instant now);

 private:
  std::map<Entry, Event> events_;
  std::uint64_t entered_ = 0;
};

}  // namespace weft::net::testing

#endif  // WEFT_NET_TESTING_AGENDA_H_
