// AnswerCache: the answers that a Resolver remembers, and for how long.
//
//     entries_   question -> answer, good until, place --.
//                                                        v
//     by_use_    [question] <-> [question] <-> ... <-> [question]
//                used last                             goes when it is full
//
// It knows no lock, no clock and no task: whoever owns it brings them.
//
// Invariants
//   1. entries_ and by_use_ hold the same questions; the latter points to the
//      former's keys, which stay where they are.
//   2. There are never more than max_entries.
//
// Rejected: to look for entries that are over when it is full. They are used
// less than others, so they go first as it is.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_ANSWER_CACHE_H_
#define WEFT_NET_ANSWER_CACHE_H_

#include <cstddef>
#include <list>
#include <map>
#include <string_view>

#include "weft/net/name_lookup.h"
#include "weft/reactor/instant.h"

namespace weft::net {

// Threads: one at a time.
class AnswerCache {
 public:
  // With room for 0, it remembers nothing.
  explicit AnswerCache(std::size_t max_entries) : max_entries_(max_entries) {}
  AnswerCache(const AnswerCache&) = delete;
  AnswerCache& operator=(const AnswerCache&) = delete;

  // The answer, if there is one that is good beyond `now`; else null. Valid
  // until the cache is changed.
  const Addresses* Find(const Question& question, reactor::Instant now);

  // Remembers `answer`, in the place of an earlier one.
  //
  // Errors: std::bad_alloc; the question has no entry then.
  void Put(const Question& question, const Addresses& answer,
           reactor::Instant good_until);

  // What is known of `host`, whatever the service.
  void Forget(std::string_view host);
  void Clear() noexcept;

  std::size_t size() const noexcept { return entries_.size(); }

 private:
  using ByUse = std::list<const Question*>;
  struct Entry {
    Addresses answer;
    reactor::Instant good_until;
    ByUse::iterator place;
  };
  using Entries = std::map<Question, Entry>;

  Entries::iterator Erase(Entries::iterator entry) noexcept;

  const std::size_t max_entries_;
  Entries entries_;
  ByUse by_use_;
};

}  // namespace weft::net

#endif  // WEFT_NET_ANSWER_CACHE_H_
