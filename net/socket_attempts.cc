// The tries of socket_attempts.h: one system call each, and what it meant.
//
// SPDX-License-Identifier: MIT

#include "weft/net/socket_attempts.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "weft/net/socket.h"
#include "weft/reactor/os_error.h"
#include "weft/reactor/system.h"

namespace weft::net {

using ::weft::reactor::RetryInterrupted;

std::optional<absl::Status> SocketAttempt::Failed(int error,
                                                  std::string_view call) const {
  if (error != EAGAIN && error != EWOULDBLOCK) {
    return reactor::ErrnoToStatus(error, NameOf(call, peer_));
  }
  if (!limit_->passed()) return std::nullopt;
  return absl::DeadlineExceededError(
      absl::StrCat(NameOf(call, peer_), ": nothing for ",
                   absl::FormatDuration(limit_->limit())));
}

std::optional<absl::StatusOr<std::size_t>> SocketAttempt::Counted(
    ssize_t result, int error, std::string_view call) const {
  if (result >= 0) return static_cast<std::size_t>(result);
  std::optional<absl::Status> failure = Failed(error, call);
  if (!failure.has_value()) return std::nullopt;
  return *std::move(failure);
}

ssize_t SocketAttempt::Send(std::span<const std::byte> from) const {
  from = from.first(std::min(from.size(), kLongestCall));
  return RetryInterrupted([&] {
    return source_.system().send(source_.fd(), from.data(), from.size(), 0);
  });
}

std::optional<absl::StatusOr<std::size_t>> ReadAttempt::operator()() {
  if (into_.empty()) return std::size_t{0};
  const ssize_t result = RetryInterrupted([&] {
    return source_.system().recv(source_.fd(), into_.data(), into_.size(), 0);
  });
  const int error = errno;
  short_read_ = result > 0 && static_cast<std::size_t>(result) < into_.size();
  return Counted(result, error, "read");
}

std::optional<absl::StatusOr<std::size_t>> WriteAttempt::operator()() {
  const ssize_t result = Send(from_);
  return Counted(result, errno, "write");
}

std::optional<absl::StatusOr<std::size_t>> VectoredWriteAttempt::operator()() {
  std::array<iovec, 16> vectors;
  std::size_t count = 0;
  std::size_t room = kLongestCall;
  for (const std::span<const std::byte> part : parts_) {
    // Left out, lest sixteen of them look like all that there is to write.
    if (part.empty()) continue;
    if (count == vectors.size() || room == 0) break;
    const std::size_t size = std::min(part.size(), room);
    // The interface of the call is older than const.
    vectors[count++] = {const_cast<std::byte*>(part.data()), size};
    room -= size;
  }
  msghdr message{};
  message.msg_iov = vectors.data();
  // An int or a size_t, as the system likes.
  message.msg_iovlen = static_cast<decltype(message.msg_iovlen)>(count);
  const ssize_t result = RetryInterrupted(
      [&] { return source_.system().sendmsg(source_.fd(), &message, 0); });
  return Counted(result, errno, "write");
}

std::optional<absl::Status> WriteAllAttempt::operator()() {
  const std::size_t before = rest_.size();
  const std::size_t stop = before - std::min(before, kLongestCall);
  paused_ = false;
  while (rest_.size() > stop) {
    const ssize_t result = Send(rest_.first(rest_.size() - stop));
    const int error = errno;
    if (result < 0) {
      if (rest_.size() < before) limit_->Restart();
      return Failed(error, "write");
    }
    rest_ = rest_.subspan(static_cast<std::size_t>(result));
  }
  if (rest_.empty()) return absl::OkStatus();
  limit_->Restart();
  paused_ = true;
  return std::nullopt;
}

}  // namespace weft::net
