// The calls of datagram_attempts.h, and what they meant.
//
// SPDX-License-Identifier: MIT

#include "weft/net/datagram_attempts.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "weft/reactor/os_error.h"

namespace weft::net {
namespace {

using ::weft::reactor::CountedMessage;
using ::weft::reactor::RetryInterrupted;

}  // namespace

std::optional<absl::Status> DatagramAttempt::Send(const msghdr& message,
                                                  Place to) const {
  const ssize_t result = RetryInterrupted(
      [&] { return source_.system().sendmsg(source_.fd(), &message, 0); });
  // A datagram goes whole.
  if (result >= 0) return absl::OkStatus();
  return Failed(errno, "send", to);
}

std::optional<absl::Status> DatagramAttempt::Receive(msghdr& message,
                                                     Received& got,
                                                     Taking taking,
                                                     Place at) const {
  const bool peek = taking == Taking::kPeek;
  const ssize_t result = RetryInterrupted([&] {
    return source_.system().recvmsg(source_.fd(), &message,
                                    peek ? MSG_PEEK : 0);
  });
  if (result < 0) return Failed(errno, peek ? "peek" : "receive", at);
  got = Read(message, static_cast<std::size_t>(result));
  return absl::OkStatus();
}

std::optional<absl::StatusOr<std::size_t>> DatagramAttempt::Send(
    std::span<CountedMessage> messages, Place to) const {
  const int result = RetryInterrupted([&] {
    return source_.system().sendmmsg(source_.fd(), messages.data(),
                                     static_cast<unsigned int>(messages.size()),
                                     0);
  });
  if (result >= 0) return static_cast<std::size_t>(result);
  std::optional<absl::Status> failure = Failed(errno, "send", to);
  if (!failure.has_value()) return std::nullopt;
  return *std::move(failure);
}

std::optional<absl::StatusOr<std::size_t>> DatagramAttempt::Receive(
    std::span<CountedMessage> messages, Place at) const {
  const int result = RetryInterrupted([&] {
    return source_.system().recvmmsg(source_.fd(), messages.data(),
                                     static_cast<unsigned int>(messages.size()),
                                     0);
  });
  if (result >= 0) return static_cast<std::size_t>(result);
  std::optional<absl::Status> failure = Failed(errno, "receive", at);
  if (!failure.has_value()) return std::nullopt;
  return *std::move(failure);
}

absl::Status DatagramAttempt::Refused(int error, Place to) {
  return reactor::ErrnoToStatus(error, absl::StrCat("send(\"", to(), "\")"));
}

Received DatagramAttempt::Read(msghdr& message, std::size_t size) {
  return {.size = size,
          .truncated = (message.msg_flags & MSG_TRUNC) != 0,
          .segment_size = SegmentControl::SizeIn(message)};
}

std::optional<absl::Status> DatagramAttempt::Failed(int error, const char* call,
                                                    Place place) const {
  const bool blocks = error == EAGAIN || error == EWOULDBLOCK;
  const bool in_time = limit_ == nullptr || !limit_->passed();
  if (blocks && in_time) return std::nullopt;
  const std::string what = absl::StrCat(call, "(\"", place(), "\")");
  if (!blocks) return reactor::ErrnoToStatus(error, what);
  return absl::DeadlineExceededError(absl::StrCat(
      what, ": nothing for ", absl::FormatDuration(limit_->limit())));
}

}  // namespace weft::net
