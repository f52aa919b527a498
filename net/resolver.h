// Resolver: what hosts are called, asked once and remembered for a while.
//
//     Resolver resolver;
//     std::vector<Address> addresses =
//         co_await OrReturn(resolver.Resolve("example.org", 80));
//
// An asker meets one of three things:
//
//     an answer that is still good    takes it, and does not wait
//     a lookup that is under way      waits for it with the others
//     nothing                         begins one, and waits for it
//
//     asker ---.
//     asker ----+--> Lookup { answered, answer } <-- a task of its own, on the
//     asker ---'                                     pool: AskSystem
//
// Invariants
//   1. There is one lookup for a question at a time, in a task of its own: it
//      is no asker's, so an asker that is cancelled takes it from nobody.
//   2. A lookup whose askers have all gone is finished and remembered where the
//      system is being asked: that cannot be called back anyway; and who gave
//      up after a second is likely to ask again, and then finds the answer that
//      the first try has paid for. One that still waits for its turn is dropped
//      then, or those that nobody waits for would keep the others waiting.
//   3. What Forget and Clear find under way is told to those who wait for it,
//      and not remembered: it may have been asked before things changed. Who
//      asks afterwards asks anew.
//
// How long an answer is good is a matter of options, since getaddrinfo(3) does
// not tell how long the DNS has it. Failures other than "there is no such host"
// are not remembered: they may be over the next moment.
//
// There is none for the whole process: make one, and hand it to those who
// connect (ConnectOptions::resolver). Without it every question is asked.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_RESOLVER_H_
#define WEFT_NET_RESOLVER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "absl/time/time.h"
#include "weft/net/name_lookup.h"
#include "weft/runtime/task.h"

namespace weft::net {

class SharedLookups;

struct ResolverOptions {
  // How many answers are remembered; the one that was not used for longest goes
  // when there is another. 0: none.
  std::size_t max_entries = 1000;
  // How long addresses are good, and how long it is that there are none. Not
  // positive: they are not remembered.
  absl::Duration time_to_live = absl::Seconds(30);
  absl::Duration time_to_live_of_not_found = absl::Seconds(5);
  // How many questions the system is asked at a time; others stand in a queue.
  // At least 1. Where nobody answers, each holds a thread of the blocking pool
  // for half a minute, and files need those, too.
  int max_lookups = 16;
};

struct ResolverCounters {
  std::uint64_t hits = 0;     // Questions that were answered from memory.
  std::uint64_t misses = 0;   // Those that had to wait.
  std::uint64_t lookups = 0;  // How often the system was asked for them.
};

// Threads: any, also tasks of several runtimes.
class Resolver {
 public:
  explicit Resolver(const ResolverOptions& options = {});
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;
  // Who still waits gets an answer all the same.
  ~Resolver();

  // The addresses of `host`, in the order in which to try them. A host that is
  // an address itself ("10.0.0.1", "fe80::1%eth0") is neither looked up nor
  // counted.
  //
  // Suspends: while the answer has to be asked for.
  // Cancel:   CANCELLED; the lookup goes on, for others and to be remembered.
  // Errors:   as LookUpHost.
  // Borrows:  the resolver, until it returns its Task.
  // Cost:     a frame from the pool, a lock and a copy of the answer; else a
  //           task, and a thread of the blocking pool while it lasts.
  Task<Addresses> Resolve(std::string_view host, std::uint16_t port);

  // As above, with the port of a service ("http"), or a number in digits.
  //
  // Suspends: while the answer has to be asked for.
  // Cancel:   as above.
  Task<Addresses> Resolve(std::string_view host, std::string_view service,
                          Transport transport = Transport::kTcp);

  // Forgets what `host` is, so that the next who asks is told anew. After a
  // connection to all its addresses has failed, say.
  void Forget(std::string_view host);
  // Forgets everything: the machine is in another network, say.
  void Clear();

  ResolverCounters counters() const;

 private:
  // Shared with the lookups that are under way, and with those who wait.
  const std::shared_ptr<SharedLookups> lookups_;
};

}  // namespace weft::net

#endif  // WEFT_NET_RESOLVER_H_
