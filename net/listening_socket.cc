// Accepting, and what to do when it goes wrong.
//
// SPDX-License-Identifier: MIT

#include "weft/net/listening_socket.h"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include "absl/base/internal/raw_logging.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "weft/reactor/os_error.h"
#include "weft/reactor/system.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/ready_awaiter.h"
#include "weft/runtime/sleep.h"

namespace weft::net {
namespace {

using ::weft::reactor::ErrnoToStatus;
using ::weft::reactor::Fd;
using ::weft::reactor::RetryInterrupted;
using ::weft::reactor::Source;
using ::weft::reactor::System;

constexpr absl::Duration kFirstPause = absl::Milliseconds(5);
constexpr absl::Duration kLongestPause = absl::Milliseconds(320);

// Not the listener's fault, and over: the connection that was at the front of
// the queue has gone. accept(2) lists them.
bool IsOfTheConnection(const absl::Status& status) {
  switch (reactor::ErrnoOf(status).value_or(0)) {
    case ECONNABORTED:
    case EPROTO:
    case ENOPROTOOPT:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
#ifdef ENONET  // Linux only; drop when the two systems agree.
    case ENONET:
#endif
      return true;
    default:
      return false;
  }
}

// The connection stays in the queue, and will be accepted when there is room,
// or when whoever forbids it thinks again: a firewall's or a sandbox's EPERM
// may be for this connection or for all that come.
bool MayPass(const absl::Status& status) {
  const std::optional<int> error = reactor::ErrnoOf(status);
  return error == EMFILE || error == ENFILE || error == ENOBUFS ||
         error == ENOMEM || error == EPERM;
}

class AcceptAttempt {
 public:
  AcceptAttempt(Source& source, const std::string& name) noexcept
      : source_(source), name_(name) {}

  std::optional<absl::StatusOr<AcceptedSocket>> operator()() {
    System& system = source_.system();
    sockaddr_storage peer{};
    socklen_t size = sizeof(peer);
    Fd socket(RetryInterrupted([&] {
                return system.accept(source_.fd(),
                                     reinterpret_cast<sockaddr*>(&peer), &size);
              }),
              system);
    const int error = errno;
    if (!socket) return Failed(error);
    // XNU gives a socket without a peer, and no error, where that has gone
    // while it was queued: what others call an aborted connection.
    if (size == 0) return Failed(ECONNABORTED);
    return AcceptedSocket{std::move(socket), peer, size};
  }

 private:
  std::optional<absl::StatusOr<AcceptedSocket>> Failed(int error) const {
    if (error == EAGAIN || error == EWOULDBLOCK) return std::nullopt;
    return ErrnoToStatus(error, absl::StrCat("accept(\"", name_, "\")"));
  }

  Source& source_;
  const std::string& name_;
};

// Accepts what is there, without waiting. An error is met again by whoever
// comes next.
void AcceptMore(Source& source, const std::string& name, std::size_t most,
                std::vector<AcceptedSocket>& into) {
  AcceptAttempt attempt(source, name);
  while (into.size() < most) {
    const reactor::SourcePin pin(source);
    if (!pin) return;
    source.TakeReady(reactor::Direction::kRead);
    std::optional<absl::StatusOr<AcceptedSocket>> accepted = attempt();
    if (!accepted.has_value() || !accepted->ok()) return;
    into.push_back(**std::move(accepted));
  }
}

}  // namespace

Task<absl::StatusOr<AcceptedSocket>> ListeningSocket::Accept() {
  absl::Duration pause = kFirstPause;
  for (;;) {
    absl::StatusOr<AcceptedSocket> accepted =
        co_await WhenReady(*source_, reactor::Direction::kRead,
                           FirstTry::kAtOnce, AcceptAttempt(*source_, name_));
    if (accepted.ok()) co_return accepted;
    // Through the door again, and not in a loop of the attempt's own: a flood
    // of these is cancelled, and leaves room for others, like any other work.
    if (IsOfTheConnection(accepted.status())) continue;
    if (!MayPass(accepted.status())) {
      co_return std::move(accepted).status();
    }
    // No event will tell when it has passed, so the clock has to.
    // relaxed: see times_starved().
    times_starved_.fetch_add(1, std::memory_order_relaxed);
    co_await OrReturn(SleepFor(pause));
    pause = std::min(2 * pause, kLongestPause);
  }
}

Task<absl::StatusOr<std::vector<AcceptedSocket>>> ListeningSocket::AcceptBatch(
    std::size_t most) {
  ABSL_RAW_CHECK(most > 0, "ask for at least one connection");
  std::vector<AcceptedSocket> batch;
  AcceptedSocket first = co_await OrReturn(Accept());
  batch.push_back(std::move(first));
  AcceptMore(*source_, name_, most, batch);
  co_return batch;
}

}  // namespace weft::net
