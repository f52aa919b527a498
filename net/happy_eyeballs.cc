// The attempts, each in a task that begins the next one.
//
// SPDX-License-Identifier: MIT

#include "weft/net/happy_eyeballs.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "weft/net/address_lookup.h"
#include "weft/net/connect_within.h"
#include "weft/net/socket.h"
#include "weft/runtime/cancellation.h"
#include "weft/runtime/error_group.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/yield.h"
#include "weft/sync/select.h"
#include "weft/sync/semaphore.h"

namespace weft::net {
namespace {

using ::weft::sync::Semaphore;

// Section 8 of the RFC: a shorter delay would flood the network, and with a
// longer one nobody would be happy.
constexpr absl::Duration kShortestDelay = absl::Milliseconds(10);
constexpr absl::Duration kLongestDelay = absl::Seconds(2);

// Written by the attempt's own task, and read when all have ended: the end of
// the scope orders the two, and no lock is needed.
struct Attempt {
  Address address;
  absl::StatusOr<TcpStream> outcome = CancelledError();
};

// All attempts at one host; lives in the frame that waits for them.
struct Attempts {
  std::vector<Attempt> each;
  ConnectOptions options;
  absl::Duration delay;
  // A permit for each failure; whoever takes one keeps it.
  Semaphore failures{0};
};

Task<absl::Status> WaitForTurn(Attempts& attempts) {
  co_await OrReturn(
      Select(OnAcquire(attempts.failures, 1,
                       [](absl::StatusOr<Semaphore::Permit> failure) {
                         if (failure.ok()) failure->Forget();
                       }),
             OnTimeout(attempts.delay)));
  co_return absl::OkStatus();
}

// An attempt that fails is no error of the scope's: that would end the others.
// One that is cancelled is, unless it was the scope's own doing.
Task<absl::Status> Try(Scope& scope, Attempts& attempts, std::size_t index) {
  if (index > 0) co_await OrReturn(WaitForTurn(attempts));
  if (index + 1 < attempts.each.size()) {
    scope.Spawn(Try, std::ref(scope), std::ref(attempts), index + 1);
  }
  Attempt& attempt = attempts.each[index];
  absl::StatusOr<TcpStream> stream =
      co_await TcpStream::Connect(attempt.address, attempts.options);
  if (absl::IsCancelled(stream.status())) co_return stream.status();
  attempt.outcome = std::move(stream);
  if (attempt.outcome.ok()) {
    // An earlier one may have been told of its success in the same moment, and
    // be next: the system's order is not that of the addresses.
    co_await Yield();
    scope.Cancel();
  } else {
    attempts.failures.Release();
  }
  co_return absl::OkStatus();
}

absl::StatusOr<TcpStream> Outcome(std::vector<Attempt> attempts) {
  std::vector<absl::Status> errors;
  for (Attempt& attempt : attempts) {
    if (attempt.outcome.ok()) return std::move(attempt.outcome);
    errors.push_back(attempt.outcome.status());
  }
  return JoinErrors(std::move(errors));
}

// Requires: addresses.
Task<absl::StatusOr<TcpStream>> ConnectInTurns(std::vector<Address> addresses,
                                               ConnectOptions options) {
  if (addresses.size() == 1) {
    co_return co_await TcpStream::Connect(addresses.front(), options);
  }
  Attempts attempts;
  attempts.options = options;
  attempts.delay =
      std::clamp(options.attempt_delay, kShortestDelay, kLongestDelay);
  for (const Address& address : addresses) {
    attempts.each.push_back({.address = address});
  }
  absl::Status ended =
      co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
        scope.Spawn(Try, std::ref(scope), std::ref(attempts), std::size_t{0});
        co_return absl::OkStatus();
      });
  absl::StatusOr<TcpStream> outcome = Outcome(std::move(attempts.each));
  // Cancelled from outside; but what is connected all the same is kept.
  if (!ended.ok() && !outcome.ok()) co_return ended;
  co_return outcome;
}

std::string NameOfAll(const std::vector<Address>& addresses) {
  std::string name = NameOf("connect", addresses.front());
  if (addresses.size() > 1) {
    absl::StrAppend(&name, " and ", addresses.size() - 1, " more");
  }
  return name;
}

Task<absl::StatusOr<TcpStream>> ConnectToNone() {
  co_return absl::InvalidArgumentError(
      "connect: there is no address to connect to, or none of the family of "
      "the one to come from");
}

}  // namespace

Task<absl::StatusOr<TcpStream>> ConnectToAny(std::vector<Address> addresses,
                                             ConnectOptions options) {
  if (options.source.has_value()) KeepFamilyOf(*options.source, addresses);
  if (addresses.empty()) return ConnectToNone();
  std::string name = NameOfAll(addresses);
  const absl::Duration timeout =
      std::exchange(options.timeout, absl::InfiniteDuration());
  return ConnectWithin(
      timeout,
      ConnectInTurns(WithFamiliesInTurns(std::move(addresses)), options),
      std::move(name));
}

std::vector<Address> WithFamiliesInTurns(std::vector<Address> addresses) {
  if (addresses.empty()) return addresses;
  const bool first_is_ipv6 = addresses.front().is_ipv6();
  std::vector<Address> others;
  std::vector<Address> in_turns;
  for (const Address& address : addresses) {
    if (address.is_ipv6() != first_is_ipv6) others.push_back(address);
  }
  std::size_t next = 0;
  for (const Address& address : addresses) {
    if (address.is_ipv6() != first_is_ipv6) continue;
    in_turns.push_back(address);
    if (next < others.size()) in_turns.push_back(others[next++]);
  }
  in_turns.insert(in_turns.end(),
                  others.begin() + static_cast<std::ptrdiff_t>(next),
                  others.end());
  return in_turns;
}

}  // namespace weft::net
