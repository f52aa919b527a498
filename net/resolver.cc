// Asking for others, and waiting for whoever asks.
//
// SPDX-License-Identifier: MIT

#include "weft/net/resolver.h"

#include <new>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "weft/net/host_port.h"
#include "weft/net/shared_lookups.h"
#include "weft/reactor/reactor.h"
#include "weft/runtime/cancellation.h"
#include "weft/runtime/current.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/sync/semaphore.h"

namespace weft::net {
namespace {

// The duty to end a lookup, on every way out: where its task cannot be started,
// or goes down with its runtime, too.
class Duty {
 public:
  Duty(std::shared_ptr<SharedLookups> lookups, Question question,
       std::shared_ptr<Lookup> lookup) noexcept
      : lookups_(std::move(lookups)),
        question_(std::move(question)),
        lookup_(std::move(lookup)) {}
  Duty(Duty&&) noexcept = default;
  Duty& operator=(Duty&&) = delete;  // Would have to give up the old one.
  ~Duty() {
    if (lookup_ != nullptr) lookups_->GiveUp(question_, *lookup_);
  }

  SharedLookups& lookups() const noexcept { return *lookups_; }
  const Question& question() const noexcept { return question_; }

  // Nobody waits for it, and nobody will. Else it is still to be done.
  bool IsVoid() const noexcept {
    return lookups_->DropUnlessWanted(question_, *lookup_);
  }

  void Finish(Addresses answer) noexcept {
    const std::shared_ptr<Lookup> lookup = std::move(lookup_);
    lookups_->Finish(question_, *lookup, std::move(answer), Now());
  }

 private:
  std::shared_ptr<SharedLookups> lookups_;
  Question question_;
  std::shared_ptr<Lookup> lookup_;  // Null when done, or moved from.
};

// One who waits for a lookup, until this is gone.
class Asker {
 public:
  Asker(std::shared_ptr<SharedLookups> lookups,
        std::shared_ptr<Lookup> lookup) noexcept
      : lookups_(std::move(lookups)), lookup_(std::move(lookup)) {}
  Asker(const Asker&) = delete;
  Asker& operator=(const Asker&) = delete;
  ~Asker() { lookups_->Leave(*lookup_); }

 private:
  const std::shared_ptr<SharedLookups> lookups_;
  const std::shared_ptr<Lookup> lookup_;
};

// The task of a lookup: nobody's, so nobody but its runtime can cancel it.
Task<void> LookUp(Duty duty) {
  const absl::StatusOr<sync::Semaphore::Permit> turn =
      co_await duty.lookups().turns().Acquire();
  if (!turn.ok()) co_return;  // Cancelled: given up.
  if (duty.IsVoid()) co_return;
  try {
    Addresses answer = co_await AskSystem(duty.question());
    if (!absl::IsCancelled(answer.status())) duty.Finish(std::move(answer));
  } catch (const std::bad_alloc&) {
    // Given up: those who wait try, and get the exception, themselves.
  }
}

// A lookup is given up only where its task's runtime ends: then so does this
// one, unless it belongs to another runtime, or is in a Shield. It asks for
// itself, without a turn and for no others: to begin a lookup anew would go
// round for ever in the Shield of a runtime that cancels every task.
Task<Addresses> AnswerOf(std::shared_ptr<Lookup> lookup, Question question) {
  co_await OrReturn(lookup->over.Wait());
  if (lookup->answer.has_value()) co_return *lookup->answer;
  co_return co_await AskSystem(std::move(question));
}

Task<Addresses> Ask(std::shared_ptr<SharedLookups> lookups,
                    absl::StatusOr<Question> asked,
                    std::optional<std::uint16_t> port) {
  Question question = co_await OrReturn(std::move(asked));
  co_await OrReturn(CheckCancelled());
  std::optional<Addresses> numeric =
      AnswerAtOnce(CurrentReactor().system(), question);
  if (numeric.has_value()) co_return AtPort(*std::move(numeric), port);
  Knowledge known = lookups->Find(question, Now());
  if (known.answer.has_value()) {
    co_return AtPort(*std::move(known.answer), port);
  }
  const Asker asker(lookups, known.lookup);
  if (known.is_new) {
    // The duty first, which takes no memory; what does ends the lookup where
    // there is none.
    Duty duty(std::move(lookups), std::move(question), known.lookup);
    question = duty.question();
    Spawn(LookUp, std::move(duty)).Detach();
  }
  Addresses answer =
      co_await AnswerOf(std::move(known.lookup), std::move(question));
  co_return AtPort(std::move(answer), port);
}

}  // namespace

Resolver::Resolver(const ResolverOptions& options)
    : lookups_(std::make_shared<SharedLookups>(options)) {}

Resolver::~Resolver() = default;

// Not coroutines themselves: what they borrow need not outlive the call.
Task<Addresses> Resolver::Resolve(std::string_view host, std::uint16_t port) {
  return Ask(lookups_, MakeQuestion(host, ""), port);
}

Task<Addresses> Resolver::Resolve(std::string_view host,
                                  std::string_view service,
                                  Transport transport) {
  const std::optional<std::uint16_t> port = ParsePortNumber(service);
  return Ask(lookups_,
             MakeQuestion(host, port.has_value() ? "" : service, transport),
             port);
}

void Resolver::Forget(std::string_view host) {
  const absl::StatusOr<Question> question = MakeQuestion(host, "");
  if (question.ok()) lookups_->Forget(question->host);
}

void Resolver::Clear() { lookups_->Clear(); }

ResolverCounters Resolver::counters() const { return lookups_->counters(); }

}  // namespace weft::net
