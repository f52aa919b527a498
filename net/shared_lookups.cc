// Finding, ending and remembering.
//
// SPDX-License-Identifier: MIT

#include "weft/net/shared_lookups.h"

#include <new>
#include <utility>

#include "absl/status/status.h"

namespace weft::net {

using ::weft::reactor::Instant;

Knowledge SharedLookups::Find(const Question& question, Instant now) {
  std::lock_guard lock(mutex_);
  if (const Addresses* const answer = cache_.Find(question, now)) {
    ++counters_.hits;
    return {.answer = *answer, .lookup = nullptr};
  }
  // Null where it is new, and stays so where there is no memory for it.
  std::shared_ptr<Lookup>& lookup = under_way_[question];
  const bool is_new = lookup == nullptr;
  if (is_new) lookup = std::make_shared<Lookup>();
  ++lookup->askers;
  ++counters_.misses;
  if (is_new) ++counters_.lookups;
  return {.answer = std::nullopt, .lookup = lookup, .is_new = is_new};
}

void SharedLookups::Leave(Lookup& lookup) noexcept {
  std::lock_guard lock(mutex_);
  --lookup.askers;
}

bool SharedLookups::DropUnlessWanted(const Question& question,
                                     Lookup& lookup) noexcept {
  std::lock_guard lock(mutex_);
  if (lookup.askers > 0) return false;
  Remove(question, lookup);
  return true;
}

void SharedLookups::Finish(const Question& question, Lookup& lookup,
                           Addresses answer, Instant now) noexcept {
  lookup.answer = std::move(answer);
  {
    std::lock_guard lock(mutex_);
    if (Remove(question, lookup)) Remember(question, *lookup.answer, now);
  }
  lookup.over.Set();
}

void SharedLookups::GiveUp(const Question& question, Lookup& lookup) noexcept {
  {
    std::lock_guard lock(mutex_);
    Remove(question, lookup);
  }
  lookup.over.Set();
}

// Compared, because a newer lookup may have its place.
bool SharedLookups::Remove(const Question& question,
                           const Lookup& lookup) noexcept {
  const auto found = under_way_.find(question);
  if (found == under_way_.end() || found->second.get() != &lookup) return false;
  under_way_.erase(found);
  return true;
}

absl::Duration SharedLookups::TimeToLive(const Addresses& answer) const {
  if (answer.ok()) return options_.time_to_live;
  if (absl::IsNotFound(answer.status())) {
    return options_.time_to_live_of_not_found;
  }
  return absl::ZeroDuration();
}

void SharedLookups::Remember(const Question& question, const Addresses& answer,
                             Instant now) noexcept {
  const absl::Duration time_to_live = TimeToLive(answer);
  if (time_to_live <= absl::ZeroDuration()) return;
  try {
    cache_.Put(question, answer, now + time_to_live);
  } catch (const std::bad_alloc&) {
    // Those who wait have their answer; the next one asks again.
  }
}

void SharedLookups::Forget(std::string_view host) {
  std::lock_guard lock(mutex_);
  cache_.Forget(host);
  std::erase_if(under_way_,
                [host](const auto& each) { return each.first.host == host; });
}

void SharedLookups::Clear() {
  std::lock_guard lock(mutex_);
  cache_.Clear();
  under_way_.clear();
}

ResolverCounters SharedLookups::counters() const {
  std::lock_guard lock(mutex_);
  return counters_;
}

}  // namespace weft::net
