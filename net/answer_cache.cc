// Remembering and forgetting.
//
// SPDX-License-Identifier: MIT

#include "weft/net/answer_cache.h"

#include <string>
#include <utility>

namespace weft::net {

using ::weft::reactor::Instant;

const Addresses* AnswerCache::Find(const Question& question, Instant now) {
  const auto found = entries_.find(question);
  if (found == entries_.end()) return nullptr;
  if (found->second.good_until <= now) {
    Erase(found);
    return nullptr;
  }
  by_use_.splice(by_use_.begin(), by_use_, found->second.place);
  return &found->second.answer;
}

void AnswerCache::Put(const Question& question, const Addresses& answer,
                      Instant good_until) {
  if (const auto old = entries_.find(question); old != entries_.end()) {
    Erase(old);
  }
  if (max_entries_ == 0) return;
  if (entries_.size() == max_entries_) Erase(entries_.find(*by_use_.back()));
  // A list of its own first: where there is no memory for the entry, nothing
  // has happened yet.
  ByUse place(1);
  const auto added =
      entries_.emplace(question, Entry{answer, good_until, place.begin()});
  place.front() = &added.first->first;
  by_use_.splice(by_use_.begin(), place);
}

// Questions are ordered by their hosts first, and no service comes before "".
void AnswerCache::Forget(std::string_view host) {
  auto entry = entries_.lower_bound(
      Question{.host = std::string(host), .service = std::string()});
  while (entry != entries_.end() && entry->first.host == host) {
    entry = Erase(entry);
  }
}

void AnswerCache::Clear() noexcept {
  by_use_.clear();
  entries_.clear();
}

AnswerCache::Entries::iterator AnswerCache::Erase(
    Entries::iterator entry) noexcept {
  by_use_.erase(entry->second.place);
  return entries_.erase(entry);
}

}  // namespace weft::net
