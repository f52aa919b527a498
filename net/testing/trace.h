// Trace: what happened in a simulated network, as one number and, for those who
// want to read it, as text.
//
//     1h0m1.25s 10.0.0.1:49152 > 10.0.0.2:80 data 512
//
// The clock of a simulation begins at one hour.
//
// Two runs with equal numbers went the same way: every packet sent at the same
// moment, with the same fate. So a test that runs a seed twice and compares
// finds whatever else a program depends on: addresses of objects, the order of
// a hash map, the real clock.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_TESTING_TRACE_H_
#define WEFT_NET_TESTING_TRACE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>

#include "weft/net/address.h"
#include "weft/reactor/instant.h"

namespace weft::net::testing {

// The same on every system and in every run, unlike a hash of Abseil's.
std::uint64_t DigestOf(const Address& address) noexcept;

class Trace {
 public:
  using Log = std::function<void(std::string_view line)>;

  explicit Trace(Log log) : log_(std::move(log)) {}

  // `what` happened at `now` to something of `size` bytes on its way.
  void Note(reactor::Instant now, std::string_view what, const Address& from,
            const Address& to, std::size_t size = 0);

  std::uint64_t hash() const noexcept { return hash_; }

 private:
  void Write(reactor::Instant now, std::string_view what, const Address& from,
             const Address& to, std::size_t size);

  const Log log_;
  std::uint64_t hash_ = 0xCBF2'9CE4'8422'2325;  // FNV-1a's beginning.
};

}  // namespace weft::net::testing

#endif  // WEFT_NET_TESTING_TRACE_H_
