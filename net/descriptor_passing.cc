// The tries of descriptor_passing.h.
//
// SPDX-License-Identifier: MIT

#include "weft/net/descriptor_passing.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "weft/net/message_with_descriptors.h"
#include "weft/reactor/os_error.h"
#include "weft/reactor/system.h"

namespace weft::net {
namespace {

using ::weft::reactor::RetryInterrupted;

}  // namespace

std::optional<absl::StatusOr<std::size_t>>
SendDescriptorsAttempt::operator()() {
  if (bytes_.empty() || descriptors_.size() > kMaxDescriptors) {
    return absl::InvalidArgumentError(absl::StrCat(
        "descriptors are passed along with bytes, of which there are ",
        bytes_.size(), ", and at most ", kMaxDescriptors, " of them, not ",
        descriptors_.size()));
  }
  MessageWithDescriptors message(
      bytes_.first(std::min(bytes_.size(), kLongestCall)));
  message.Put(descriptors_);
  const ssize_t result = RetryInterrupted([&] {
    return source_.system().sendmsg(source_.fd(), &message.get(), 0);
  });
  return Counted(result, errno, "sendmsg");
}

std::optional<absl::StatusOr<ReceivedDescriptors>>
ReceiveDescriptorsAttempt::operator()() {
  MessageWithDescriptors message(into_);
  message.MakeRoom();
  ssize_t result = RetryInterrupted([&] {
    return source_.system().recvmsg(source_.fd(), &message.get(), 0);
  });
  if (!into_.empty()) result = UnlessLost(result);
  const int error = errno;
  if (result < 0) {
    std::optional<absl::Status> failure = Failed(error, "recvmsg");
    if (!failure.has_value()) return std::nullopt;
    return *std::move(failure);
  }
  ReceivedDescriptors received;
  received.size = static_cast<std::size_t>(result);
  received.descriptors = message.Take(source_.system());
  received.truncated = message.truncated();
  return received;
}

}  // namespace weft::net
