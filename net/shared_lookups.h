// SharedLookups: what a Resolver knows and what it is finding out, behind one
// lock.
//
//     Find ---> in cache_           the answer
//          ---> in under_way_       a Lookup to wait for
//          ---> in neither          a new Lookup, for the caller to see to
//
//     Lookup { over, answer }  ends once: by Finish, with an answer, or by
//                              GiveUp, without one
//
// Invariants
//   1. A Lookup is in under_way_ until it has ended or been forgotten; what has
//      been forgotten is not remembered when it ends.
//   2. `answer` is written before `over` is set, and never afterwards: those
//      who have waited read it without the lock.
//   3. Nobody waits while the lock is held, so it is a thread's.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_SHARED_LOOKUPS_H_
#define WEFT_NET_SHARED_LOOKUPS_H_

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>

#include "absl/time/time.h"
#include "weft/net/answer_cache.h"
#include "weft/net/name_lookup.h"
#include "weft/net/resolver.h"
#include "weft/reactor/instant.h"
#include "weft/sync/event.h"
#include "weft/sync/semaphore.h"

namespace weft::net {

// A question that the system is being asked, or is to be.
struct Lookup {
  sync::Event over;
  std::optional<Addresses> answer;  // Nothing where it was given up.
  int askers = 0;  // Who wait for it. Guarded by the lock of SharedLookups.
};

// What is known of a question: the answer, or who is looking for it.
struct Knowledge {
  std::optional<Addresses> answer;
  std::shared_ptr<Lookup> lookup;
  bool is_new = false;  // Nobody looks yet: whoever gets this begins.
};

// Threads: any.
class SharedLookups {
 public:
  explicit SharedLookups(const ResolverOptions& options)
      : options_(options),
        cache_(options.max_entries),
        turns_(std::max(options.max_lookups, 1)) {}
  SharedLookups(const SharedLookups&) = delete;
  SharedLookups& operator=(const SharedLookups&) = delete;

  // One for each question that the system may be asked at the same time.
  sync::Semaphore& turns() noexcept { return turns_; }

  // Whoever is given a lookup is one of its askers until he leaves it.
  Knowledge Find(const Question& question, reactor::Instant now);
  void Leave(Lookup& lookup) noexcept;
  // Drops a lookup for which nobody waits; who asks from now on begins another.
  // False: somebody does.
  bool DropUnlessWanted(const Question& question, Lookup& lookup) noexcept;

  // Ends a lookup of Find's, and wakes who waits for it.
  void Finish(const Question& question, Lookup& lookup, Addresses answer,
              reactor::Instant now) noexcept;
  void GiveUp(const Question& question, Lookup& lookup) noexcept;

  void Forget(std::string_view host);
  void Clear();
  ResolverCounters counters() const;

 private:
  absl::Duration TimeToLive(const Addresses& answer) const;
  // With the lock held. False: it has been forgotten.
  bool Remove(const Question& question, const Lookup& lookup) noexcept;
  void Remember(const Question& question, const Addresses& answer,
                reactor::Instant now) noexcept;

  const ResolverOptions options_;
  mutable std::mutex mutex_;
  AnswerCache cache_;  // Guarded by mutex_, as the next two.
  std::map<Question, std::shared_ptr<Lookup>> under_way_;
  ResolverCounters counters_;
  sync::Semaphore turns_;
};

}  // namespace weft::net

#endif  // WEFT_NET_SHARED_LOOKUPS_H_
