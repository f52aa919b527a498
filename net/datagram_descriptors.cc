// The tries of datagram_descriptors.h.
//
// SPDX-License-Identifier: MIT

#include "weft/net/datagram_descriptors.h"

#include <sys/socket.h>

#include "absl/strings/str_cat.h"
#include "weft/net/message_with_descriptors.h"

namespace weft::net {

std::optional<absl::Status> SendDatagramDescriptorsAttempt::operator()() {
  if (descriptors_.size() > kMaxDescriptors) {
    return absl::InvalidArgumentError(absl::StrCat(
        "at most ", kMaxDescriptors, " descriptors are passed at once, not ",
        descriptors_.size()));
  }
  MessageWithDescriptors message(datagram_.bytes);
  message.Put(descriptors_);
  UnixAddress::SystemForm to;
  if (datagram_.to.has_value()) {
    to = datagram_.to->ToSystem();
    message.get().msg_name = to.get();
    message.get().msg_namelen = to.size();
  }
  return Send(message.get(),
              [&] { return datagram_.to.value_or(place_).ToString(); });
}

std::optional<absl::StatusOr<DatagramWithDescriptors>>
ReceiveDatagramDescriptorsAttempt::operator()() {
  MessageWithDescriptors message(into_);
  message.MakeRoom();
  UnixAddress::SystemForm from;
  message.get().msg_name = from.get();
  message.get().msg_namelen = from.size();
  DatagramWithDescriptors got;
  std::optional<absl::Status> status = Receive(
      message.get(), got, Taking::kTake, [&] { return place_.ToString(); });
  if (!status.has_value()) return std::nullopt;
  if (!status->ok()) return *std::move(status);
  got.descriptors = message.Take(system());
  got.descriptors_truncated = message.truncated();
  got.sender = message.Sender();
  *from.size_to_fill() = message.get().msg_namelen;
  absl::StatusOr<UnixAddress> sender = UnixAddress::FromSystem(from);
  if (!sender.ok()) return std::move(sender).status();
  got.from = *std::move(sender);
  return got;
}

}  // namespace weft::net
