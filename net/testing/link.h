// Link: the way from one host of a simulated network to another, in one
// direction.
//
//     sent --> [ waits for those before | its own bytes ] --- latency --> there
//              '------ bandwidth -------'---------------' + jitter
//              now                                departs          arrives
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_TESTING_LINK_H_
#define WEFT_NET_TESTING_LINK_H_

#include <cstddef>
#include <limits>

#include "absl/time/time.h"
#include "weft/net/testing/chance.h"
#include "weft/reactor/instant.h"

namespace weft::net::testing {

// How a link is, the same in both directions. The one between a host and itself
// is always perfect.
struct LinkOptions {
  // How long a byte is under way, at least.
  absl::Duration latency = absl::ZeroDuration();
  // Up to so much longer, drawn anew for each packet. Streams stay in order.
  absl::Duration jitter = absl::ZeroDuration();
  // What all that goes this way shares.
  double bytes_per_second = std::numeric_limits<double>::infinity();
  // The share of datagrams that never arrive, from 0 to 1. Streams lose
  // nothing, as TCP sends again: make them late by jitter instead.
  double loss = 0;
  // The share of datagrams that take three times as long, and so are overtaken.
  double reorder = 0;
  // The share of datagrams that arrive twice, each of which may be overtaken.
  double duplicate = 0;
};

class Link {
 public:
  struct Passage {
    reactor::Instant departs;  // Has left its host: there is room for another.
    reactor::Instant arrives;
  };

  explicit Link(const LinkOptions& options) : options_(options) {}

  // For what is sent from now on.
  void set_options(const LinkOptions& options) { options_ = options; }

  // Nothing arrives while it is cut.
  void set_cut(bool cut) noexcept { cut_ = cut; }
  bool cut() const noexcept { return cut_; }

  // Sends `size` bytes.
  Passage Send(reactor::Instant now, std::size_t size, Chance& chance);

  bool Loses(Chance& chance) const { return chance.Happens(options_.loss); }
  bool Doubles(Chance& chance) const {
    return chance.Happens(options_.duplicate);
  }
  // How much later than the others a datagram comes.
  absl::Duration Detour(Chance& chance) const;

 private:
  LinkOptions options_;
  bool cut_ = false;
  reactor::Instant busy_until_;
};

}  // namespace weft::net::testing

#endif  // WEFT_NET_TESTING_LINK_H_
