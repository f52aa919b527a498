// TimedIo: the awaiter of every read and write of a socket. An IoAwaiter, which
// tries, waits and tries again, with an IoTimeout beside it.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_TIMED_IO_H_
#define WEFT_NET_TIMED_IO_H_

#include <concepts>
#include <utility>

#include "absl/time/time.h"
#include "weft/net/io_timeout.h"
#include "weft/reactor/source.h"
#include "weft/runtime/ready_awaiter.h"

namespace weft::net {

// An attempt that is told its limit: where its call would block and the limit
// has passed, it says so instead of giving nothing.
template <typename A>
concept TimedAttempt = IoAttempt<A> && requires(A& attempt, IoTimeout& limit) {
  attempt.set_limit(limit);
};

template <TimedAttempt Attempt>
class [[nodiscard("co_await it")]] TimedIo {
 public:
  TimedIo(reactor::Source& source, reactor::Direction direction,
          FirstTry first_try, absl::Duration limit, Attempt attempt) noexcept
      : limit_(source, direction, limit),
        io_(source, direction, first_try, Limited(std::move(attempt), limit_)) {
  }
  TimedIo(const TimedIo&) = delete;
  TimedIo& operator=(const TimedIo&) = delete;

  bool await_ready() noexcept { return io_.await_ready(); }
  bool await_suspend(Continuation caller) noexcept {
    limit_.Start();
    return io_.await_suspend(caller);  // From here on `*this` may be gone.
  }
  auto await_resume() noexcept {
    limit_.Stop();
    return io_.await_resume();
  }

 private:
  static Attempt Limited(Attempt attempt, IoTimeout& limit) noexcept {
    attempt.set_limit(limit);
    return attempt;
  }

  IoTimeout limit_;
  IoAwaiter<Attempt> io_;
};

}  // namespace weft::net

#endif  // WEFT_NET_TIMED_IO_H_
