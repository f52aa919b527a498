// TimedIo: the awaiter of every read and write of a socket. An IoAwaiter, which
// tries, waits and tries again, with an IoTimeout behind it where there is a
// limit.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_TIMED_IO_H_
#define WEFT_NET_TIMED_IO_H_

#include <concepts>
#include <optional>
#include <utility>

#include "absl/time/time.h"
#include "weft/net/io_timeout.h"
#include "weft/reactor/source.h"
#include "weft/runtime/ready_awaiter.h"

namespace weft::net {

// An attempt that is told its limit, if it has one: where its call would block
// and the limit has passed, it says so instead of giving nothing.
template <typename A>
concept TimedAttempt = IoAttempt<A> && requires(A& attempt, IoTimeout& limit) {
  attempt.set_limit(limit);
};

template <TimedAttempt Attempt>
class [[nodiscard("co_await it")]] TimedIo {
 public:
  // absl::InfiniteDuration() costs a comparison: no clock is made for it.
  TimedIo(reactor::Source& source, reactor::Direction direction,
          FirstTry first_try, absl::Duration limit, Attempt attempt) noexcept
      : io_(source, direction, first_try, std::move(attempt)) {
    if (limit == absl::InfiniteDuration()) [[likely]]
      return;
    io_.attempt().set_limit(limit_.emplace(source, direction, limit));
  }
  TimedIo(const TimedIo&) = delete;
  TimedIo& operator=(const TimedIo&) = delete;

  bool await_ready() noexcept { return io_.await_ready(); }
  bool await_suspend(Continuation caller) noexcept {
    if (limit_.has_value()) limit_->Start();
    return io_.await_suspend(caller);  // From here on `*this` may be gone.
  }
  // The clock stops with `*this`: until then a nudge too many does no harm.
  auto await_resume() noexcept { return io_.await_resume(); }
  auto& result() noexcept { return io_.result(); }

 private:
  IoAwaiter<Attempt> io_;
  // The last: what it takes up is not even touched where there is no limit.
  std::optional<IoTimeout> limit_;
};

}  // namespace weft::net

#endif  // WEFT_NET_TIMED_IO_H_
