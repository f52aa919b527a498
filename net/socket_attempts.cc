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
#include "weft/reactor/spin_wait.h"
#include "weft/reactor/system.h"
#include "weft/runtime/out_of_memory.h"

namespace weft::net {

using ::weft::reactor::RetryInterrupted;
using ::weft::reactor::System;

namespace {

// The first sixteen parts that hold anything, and kLongestCall bytes of them at
// most, as system calls want them.
template <typename Byte>
class IoVectors {
 public:
  explicit IoVectors(std::span<const std::span<Byte>> parts) noexcept {
    for (const std::span<Byte> part : parts) {
      // Left out, lest sixteen of them look like all that there is.
      if (part.empty()) continue;
      if (count_ == vectors_.size() || size_ == kLongestCall) break;
      const std::size_t size = std::min(part.size(), kLongestCall - size_);
      // The interface of the call is older than const.
      vectors_[count_++] = {const_cast<std::byte*>(part.data()), size};
      size_ += size;
    }
  }

  const iovec* data() const noexcept { return vectors_.data(); }
  int count() const noexcept { return static_cast<int>(count_); }
  std::size_t size() const noexcept { return size_; }  // In bytes.

  // Borrows: `*this`.
  msghdr AsMessage() noexcept {
    msghdr message{};
    message.msg_iov = vectors_.data();
    // An int or a size_t, as the system likes.
    message.msg_iovlen = static_cast<decltype(message.msg_iovlen)>(count_);
    return message;
  }

 private:
  std::array<iovec, 16> vectors_;
  std::size_t count_ = 0;
  std::size_t size_ = 0;
};

// What the network reports (RFC 1122 section 4.2.3.9): an ICMP message is kept
// for later, and Linux ends a connection that it gives up with the last one
// instead of ETIMEDOUT. (ENONET is left out, which only Linux has: RFC 1812
// section 5.2.7.1 wants no router to send what makes it.)
bool IsOfTheNetwork(int error) noexcept {
  switch (error) {
    case ECONNREFUSED:
    case EHOSTUNREACH:
    case EHOSTDOWN:
    case ENETUNREACH:
    case ENETDOWN:
    case ENETRESET:
    case ENOPROTOOPT:
    case EPROTO:
    case EACCES:  // ICMPv6: "communication prohibited".
      return true;
    default:
      return false;
  }
}

// After which a stream has ended, though its peer has not ended it.
//
// EPIPE is none of them: it says that the peer does not read. What that has
// written, and that it has ended, is still to be read. Nor are those that say
// that a call was the wrong one.
bool LosesConnection(int error) noexcept {
  return error == ECONNRESET || error == ECONNABORTED || error == ETIMEDOUT ||
         IsOfTheNetwork(error);
}

}  // namespace

std::optional<absl::Status> SocketAttempt::Failed(int error,
                                                  std::string_view call) const {
  if (error != EAGAIN && error != EWOULDBLOCK) {
    // First, and the text after it: the other direction may ask at any moment.
    if (LosesConnection(error)) source_.NoteLost();
    return reactor::ErrnoToStatus(error, NameOf(call, peer_));
  }
  if (limit_ == nullptr || !limit_->passed()) return std::nullopt;
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
  System& system = source_.system();
  const std::size_t size = std::min(from.size(), kLongestCall);
  return RetryInterrupted([&] {
    if (!peer_.is_socket()) [[unlikely]] {
      return system.write(source_.fd(), from.data(), size);
    }
    return system.send(source_.fd(), from.data(), size, 0);
  });
}

ssize_t SocketAttempt::Receive(std::span<std::byte> into, int flags) const {
  System& system = source_.system();
  return UnlessLost(RetryInterrupted([&] {
    if (!peer_.is_socket()) [[unlikely]] {
      return system.read(source_.fd(), into.data(), into.size());
    }
    return system.recv(source_.fd(), into.data(), into.size(), flags);
  }));
}

// What ends a connection is the error of the next call on the socket (SO_ERROR
// in socket(7)), a write's as well as a read's, and after that reads find the
// end of a stream that has been cut off. By which of LosesConnection's errors
// is not kept: to the reader they are one.
//
// A writer that is in its call at this moment may be the one that is told; then
// it notes that before it is out. It does not wait in there, so we wait for it:
// once a connection, at its end, and as a rule for nobody. Not for ever, since
// one that writes on and on to a peer that has only ended may be seen inside
// each time; nor does a writer whose thread was taken away hold up this one.
ssize_t SocketAttempt::UnlessLost(ssize_t result) const {
  if (result != 0) return result;
  constexpr int kMostRounds = 1000;  // A few tenths of a millisecond, alone.
  reactor::SpinWait wait;
  for (int round = 0; round < kMostRounds && source_.others_inside(); ++round) {
    wait.Once();
  }
  if (!source_.lost()) return result;
  errno = ECONNRESET;
  return -1;
}

// An attempt has taken the readiness, whatever it does then. One that does not
// ask the system leaves the next read to try, lest that waits for what has been
// announced already.
std::optional<absl::StatusOr<std::size_t>> ReadAttempt::operator()() {
  short_read_ = false;
  if (into_.empty()) return std::size_t{0};
  const ssize_t result = Receive(into_, 0);
  if (result < 0) [[unlikely]]
    return Failed(errno, "read");
  const auto size = static_cast<std::size_t>(result);
  short_read_ = size > 0 && size < into_.size();
  return size;
}

std::optional<absl::StatusOr<LeasedBytes>> LeasedReadAttempt::operator()() {
  short_read_ = false;
  BufferLease lease = BufferLease::TryTake();
  if (!lease) return OutOfMemoryError();
  const std::span<std::byte> into = lease.bytes();
  const ssize_t result = Receive(into, 0);
  if (result < 0) [[unlikely]]
    return Failed(errno, "read");
  const auto size = static_cast<std::size_t>(result);
  short_read_ = size > 0 && size < into.size();
  return LeasedBytes(std::move(lease), size);
}

std::optional<absl::StatusOr<std::size_t>> VectoredReadAttempt::operator()() {
  short_read_ = false;
  IoVectors<std::byte> vectors(parts_);
  if (vectors.size() == 0) return std::size_t{0};
  msghdr message = vectors.AsMessage();
  System& system = source_.system();
  const ssize_t result = UnlessLost(RetryInterrupted([&] {
    if (!peer_.is_socket()) {
      return system.readv(source_.fd(), vectors.data(), vectors.count());
    }
    return system.recvmsg(source_.fd(), &message, 0);
  }));
  const int error = errno;
  short_read_ = result > 0 && static_cast<std::size_t>(result) < vectors.size();
  return Counted(result, error, "read");
}

std::optional<absl::StatusOr<std::size_t>> PeekAttempt::operator()() {
  short_read_ = false;
  if (into_.empty()) return std::size_t{0};
  const ssize_t result = Receive(into_, MSG_PEEK);
  return Counted(result, errno, "peek");
}

std::optional<absl::Status> ReadExactlyAttempt::operator()() {
  const std::size_t before = filled_;
  paused_ = false;
  short_read_ = false;
  while (filled_ < into_.size()) {
    if (filled_ - before >= kLongestCall) {
      RestartLimit();
      paused_ = true;
      return std::nullopt;
    }
    const std::span<std::byte> rest = into_.subspan(filled_);
    const ssize_t result = Receive(rest, 0);
    const int error = errno;
    short_read_ = result > 0 && static_cast<std::size_t>(result) < rest.size();
    if (result == 0) return EndedEarly(filled_, into_.size());
    if (result < 0) {
      if (filled_ > before) RestartLimit();
      return Failed(error, "read");
    }
    filled_ += static_cast<std::size_t>(result);
  }
  return absl::OkStatus();
}

std::optional<absl::StatusOr<std::size_t>> WriteAttempt::operator()() {
  const ssize_t result = Send(from_);
  return Counted(result, errno, "write");
}

std::optional<absl::StatusOr<std::size_t>> VectoredWriteAttempt::operator()() {
  IoVectors<const std::byte> vectors(parts_);
  // Of no parts at all Linux writes nothing; POSIX has EMSGSIZE and EINVAL for
  // that (sendmsg, writev), and so has macOS. So it is a write of no bytes.
  if (vectors.count() == 0) {
    const ssize_t nothing = Send({});
    return Counted(nothing, errno, "write");
  }
  const msghdr message = vectors.AsMessage();
  System& system = source_.system();
  const ssize_t result = RetryInterrupted([&] {
    if (!peer_.is_socket()) {
      return system.writev(source_.fd(), vectors.data(), vectors.count());
    }
    return system.sendmsg(source_.fd(), &message, 0);
  });
  return Counted(result, errno, "write");
}

std::optional<absl::StatusOr<std::size_t>> SendFileAttempt::operator()() {
  const ssize_t result = RetryInterrupted([&] {
    return source_.system().sendfile(source_.fd(), file_.get(),
                                     static_cast<off_t>(offset_),
                                     std::min(size_, kLongestCall));
  });
  // Some of LosesConnection's errors may be the file's, if that is elsewhere on
  // the network. Better that an end is then called a loss than that what was
  // cut off is taken for whole.
  return Counted(result, errno, "sendfile");
}

std::optional<absl::Status> WriteAllAttempt::operator()() {
  paused_ = false;
  if (rest_.empty()) return absl::OkStatus();
  const ssize_t sent = Send(rest_);
  if (sent == static_cast<ssize_t>(rest_.size())) [[likely]] {
    return absl::OkStatus();  // Nobody asks again: what is left is not noted.
  }
  return GoOn(sent, errno);
}

std::optional<absl::Status> WriteAllAttempt::GoOn(ssize_t sent, int error) {
  const std::size_t before = rest_.size();
  const std::size_t stop = before - std::min(before, kLongestCall);
  while (sent >= 0) {
    rest_ = rest_.subspan(static_cast<std::size_t>(sent));
    if (rest_.empty()) return absl::OkStatus();
    if (rest_.size() <= stop) {
      RestartLimit();
      paused_ = true;
      return std::nullopt;
    }
    sent = Send(rest_.first(rest_.size() - stop));
    error = errno;
  }
  if (rest_.size() < before) RestartLimit();
  return Failed(error, "write");
}

}  // namespace weft::net
