// Looking a host up: what is asked, how the system is asked, and what its
// answers mean.
//
//     std::vector<Address> addresses =
//         co_await OrReturn(LookUpHost("example.org", 80));
//
// getaddrinfo(3) does the asking: it reads /etc/hosts, speaks DNS and whatever
// else the machine is set up for, and sorts what it finds as RFC 6724 wants it.
// It has no form that does not block, so it goes to the blocking pool.
//
// Nothing is remembered here, and two who ask the same question ask twice: that
// is what a Resolver is for (resolver.h), which is made of these parts.
//
// Rejected: to speak DNS ourselves. It would never block, but a host's name is
// not DNS's alone: a program that disagrees with `ping` about what a name means
// is broken, however fast.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_NAME_LOOKUP_H_
#define WEFT_NET_NAME_LOOKUP_H_

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "weft/net/address.h"
#include "weft/reactor/system.h"
#include "weft/runtime/task.h"

namespace weft::net {

// Never empty where it is no error.
using Addresses = absl::StatusOr<std::vector<Address>>;

// What a service is spoken over: "ntp" is a port of UDP, and none of TCP.
enum class Transport { kTcp, kUdp };

// The addresses of `host`, in the order in which to try them.
//
// Suspends: until the system has answered; not at all where the host is an
//           address itself ("10.0.0.1", "fe80::1%eth0").
// Cancel:   CANCELLED; but once the system is being asked it is awaited, and
//           its answer given.
// Errors:   NOT_FOUND where the host or the service does not exist, or has no
//           address; UNAVAILABLE where nobody who knows can be reached;
//           INVALID_ARGUMENT for what cannot be a host; RESOURCE_EXHAUSTED
//           without memory or a thread; UNKNOWN where who was asked failed.
// Cost:     a thread of the blocking pool while it lasts.
Task<Addresses> LookUpHost(std::string_view host, std::uint16_t port);

// As above, with the port of a service as /etc/services has it ("http"), or a
// number in digits.
//
// Suspends: until the system has answered; it is asked for every service.
// Cancel:   as above.
Task<Addresses> LookUpHost(std::string_view host, std::string_view service,
                           Transport transport = Transport::kTcp);

// --- The parts --------------------------------------------------------------

// What the system is asked. Whoever wants another port of the same host asks
// the same question: without a service, the addresses that come back have port
// 0.
struct Question {
  std::string host;
  std::string service;
  // That of the service: without one it makes no difference, and is kTcp.
  Transport transport = Transport::kTcp;

  friend auto operator<=>(const Question&, const Question&) = default;
};

// In small letters, as names are equal that differ in that only (RFC 4343).
//
// Errors: INVALID_ARGUMENT for what cannot be a host or a service.
absl::StatusOr<Question> MakeQuestion(std::string_view host,
                                      std::string_view service,
                                      Transport transport = Transport::kTcp);

// The answer that needs nobody to be asked, where the host is an address; else
// nothing.
std::optional<Addresses> AnswerAtOnce(reactor::System& system,
                                      const Question& question);

// Asks, on the pool.
//
// Suspends: until the system has answered.
// Cancel:   CANCELLED if it has not been asked yet; then it never will.
Task<Addresses> AskSystem(Question question);

// The same hosts at `port`; without one, at the port of the service.
Addresses AtPort(Addresses addresses, std::optional<std::uint16_t> port);

}  // namespace weft::net

#endif  // WEFT_NET_NAME_LOOKUP_H_
