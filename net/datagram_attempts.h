// One try of each operation on a socket of datagrams: a system call, and what
// its answer means. TimedIo makes waiting operations of them.
//
//     what came, or an error     the operation's result
//     nothing                    it would block: wait, and try again
//     DEADLINE_EXCEEDED          it would block, and has waited enough
//
// The address is a parameter: an IP address and a port, or whatever else the
// datagrams of a socket come from and go to.
//
// How they differ from those of a stream (socket_attempts.h):
//   1. Nothing proves that a socket is drained: a datagram is short because its
//      sender made it so. Every one of these is tried before it waits, and
//      waits only after EAGAIN.
//   2. A datagram goes whole or not at all, and one of no bytes is one: 0 is no
//      end, and an empty buffer is no reason not to make the call.
//   3. Their errors may be an earlier datagram's, which nobody wanted. The
//      system tells of it once, at whatever call comes next, and that call has
//      then done nothing; the socket is as good as before.
//   4. ENOBUFS, by which a system says that its queue to the network is full,
//      is reported. Nothing tells when it has room again, so waiting would mean
//      a timer and a guess; and who sends datagrams paces himself (RFC 8085,
//      section 3.1), for which he has to know. Linux as a rule says nothing and
//      drops the datagram.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_DATAGRAM_ATTEMPTS_H_
#define WEFT_NET_DATAGRAM_ATTEMPTS_H_

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weft/net/datagram.h"
#include "weft/net/datagram_segments.h"
#include "weft/net/io_timeout.h"
#include "weft/net/socket_attempts.h"
#include "weft/reactor/source.h"
#include "weft/reactor/system.h"

namespace weft::net {

// Whether the datagram stays where it is, for the next to take.
enum class Taking : bool { kTake, kPeek };

// Whether the socket was asked for several datagrams as one.
enum class Coalescing : bool { kOff, kOn };

// How many a batch takes at once; its caller loops. What is prepared for them
// is on the worker's stack.
inline constexpr std::size_t kLongestBatch = 64;

// What they have in common; knows no address but as the system has it.
//
// Borrows: the source.
class DatagramAttempt {
 public:
  void set_limit(IoTimeout& limit) noexcept { limit_ = &limit; }

 protected:
  using Count = absl::StatusOr<std::size_t>;
  // Names the place of the operation for an error: "127.0.0.1:80".
  using Place = absl::FunctionRef<std::string()>;

  explicit DatagramAttempt(reactor::Source& source) noexcept
      : source_(source) {}

  // One datagram that `message` describes. Nothing: it would block.
  std::optional<absl::Status> Send(const msghdr& message, Place to) const;
  std::optional<absl::Status> Receive(msghdr& message, Received& got,
                                      Taking taking, Place at) const;
  // As many of them as there is room for, or as there are; at least one.
  std::optional<Count> Send(std::span<reactor::CountedMessage> messages,
                            Place to) const;
  std::optional<Count> Receive(std::span<reactor::CountedMessage> messages,
                               Place at) const;

  reactor::System& system() const noexcept { return source_.system(); }
  static absl::Status Refused(int error, Place to);
  static Received Read(msghdr& message, std::size_t size);

 private:
  std::optional<absl::Status> Failed(int error, const char* call,
                                     Place place) const;

  reactor::Source& source_;
  IoTimeout* limit_ = nullptr;
};

// What a msghdr of a datagram points to.
template <SocketAddress A>
class MessageParts {
 public:
  // Returns 0, or the errno of why it cannot be sent.
  [[nodiscard]] int Describe(msghdr& message,
                             const OutgoingTo<A>& datagram) noexcept {
    // The interface of the call is older than const.
    Point(message, const_cast<std::byte*>(datagram.bytes.data()),
          datagram.bytes.size());
    if (datagram.to.has_value()) {
      address_ = datagram.to->ToSystem();
      message.msg_name = address_.get();
      message.msg_namelen = address_.size();
    }
    if (datagram.segment_size == 0) return 0;
    return segments_.Request(message, datagram.segment_size);
  }

  void Describe(msghdr& message, std::span<std::byte> into,
                Coalescing coalescing) noexcept {
    Point(message, into.data(), into.size());
    message.msg_name = address_.get();
    message.msg_namelen = address_.size();
    if (coalescing == Coalescing::kOn) segments_.MakeRoom(message);
  }

  // Where a received one came from.
  absl::StatusOr<A> From(const msghdr& message) {
    *address_.size_to_fill() = message.msg_namelen;
    return A::FromSystem(address_);
  }

 private:
  void Point(msghdr& message, std::byte* data, std::size_t size) noexcept {
    bytes_ = {data, size};
    message.msg_iov = &bytes_;
    message.msg_iovlen = 1;
  }

  iovec bytes_;
  typename A::SystemForm address_;
  SegmentControl segments_;
};

// Receives one datagram, and leaves out from where.
//
// Borrows: `place`, which names the socket in errors.
template <SocketAddress A>
class ReceiveAttempt : public DatagramAttempt {
 public:
  ReceiveAttempt(reactor::Source& source, const A& place,
                 std::span<std::byte> into, Taking taking,
                 Coalescing coalescing) noexcept
      : DatagramAttempt(source),
        place_(place),
        into_(into),
        taking_(taking),
        coalescing_(coalescing) {}

  std::optional<absl::StatusOr<Received>> operator()() {
    MessageParts<A> parts;
    msghdr message{};
    Received got;
    std::optional<absl::Status> status = Try(parts, message, got);
    if (!status.has_value()) return std::nullopt;
    if (!status->ok()) return *std::move(status);
    return got;
  }

 protected:
  std::optional<absl::Status> Try(MessageParts<A>& parts, msghdr& message,
                                  Received& got) const {
    parts.Describe(message, into_, coalescing_);
    return DatagramAttempt::Receive(message, got, taking_,
                                    [&] { return place_.ToString(); });
  }

 private:
  const A& place_;
  const std::span<std::byte> into_;
  const Taking taking_;
  const Coalescing coalescing_;
};

// As ReceiveAttempt, and says from where.
template <SocketAddress A>
class ReceiveFromAttempt : public ReceiveAttempt<A> {
 public:
  using ReceiveAttempt<A>::ReceiveAttempt;

  std::optional<absl::StatusOr<ReceivedFrom<A>>> operator()() {
    MessageParts<A> parts;
    msghdr message{};
    ReceivedFrom<A> got;
    std::optional<absl::Status> status = this->Try(parts, message, got);
    if (!status.has_value()) return std::nullopt;
    if (!status->ok()) return *std::move(status);
    absl::StatusOr<A> from = parts.From(message);
    if (!from.ok()) return std::move(from).status();
    got.from = *std::move(from);
    return got;
  }
};

// Receives what there is, one a place, and at least one; without a place,
// nothing, and without a call.
//
// Borrows: `place` and `batch`.
template <SocketAddress A>
class ReceiveBatchAttempt : public DatagramAttempt {
 public:
  ReceiveBatchAttempt(reactor::Source& source, const A& place,
                      std::span<IncomingFrom<A>> batch,
                      Coalescing coalescing) noexcept
      : DatagramAttempt(source),
        place_(place),
        batch_(batch.first(std::min(batch.size(), kLongestBatch))),
        coalescing_(coalescing) {}

  std::optional<Count> operator()() {
    if (batch_.empty()) return std::size_t{0};
    std::array<MessageParts<A>, kLongestBatch> parts;
    std::array<reactor::CountedMessage, kLongestBatch> messages{};
    for (std::size_t i = 0; i < batch_.size(); ++i) {
      parts[i].Describe(messages[i].header, batch_[i].into, coalescing_);
    }
    std::optional<Count> count =
        Receive(std::span(messages).first(batch_.size()),
                [&] { return place_.ToString(); });
    if (!count.has_value() || !count->ok()) return count;
    for (std::size_t i = 0; i < **count; ++i) {
      absl::Status status = Take(i, parts[i], messages[i]);
      if (!status.ok()) return status;
    }
    return count;
  }

 private:
  absl::Status Take(std::size_t i, MessageParts<A>& parts,
                    reactor::CountedMessage& message) const {
    absl::StatusOr<A> from = parts.From(message.header);
    if (!from.ok()) return std::move(from).status();
    static_cast<Received&>(batch_[i].got) =
        Read(message.header, message.length);
    batch_[i].got.from = *std::move(from);
    return absl::OkStatus();
  }

  const A& place_;
  const std::span<IncomingFrom<A>> batch_;
  const Coalescing coalescing_;
};

// Sends one datagram, or what is to be cut up into several.
//
// Borrows: `peer`, which names where it goes when that is not said, and the
//          bytes.
template <SocketAddress A>
class SendAttempt : public DatagramAttempt {
 public:
  SendAttempt(reactor::Source& source, const A& peer,
              OutgoingTo<A> datagram) noexcept
      : DatagramAttempt(source), peer_(peer), datagram_(std::move(datagram)) {}

  std::optional<absl::Status> operator()() {
    MessageParts<A> parts;
    msghdr message{};
    const auto to = [&] { return datagram_.to.value_or(peer_).ToString(); };
    const int error = parts.Describe(message, datagram_);
    if (error != 0) return Refused(error, to);
    return Send(message, to);
  }

 private:
  const A& peer_;
  const OutgoingTo<A> datagram_;
};

// Sends the first ones of a batch: as many as there is room for, and
// kLongestCall bytes at most. What is wrong with one that is not the first is
// said when it is.
//
// Borrows: `peer`, `batch` and the bytes.
template <SocketAddress A>
class SendBatchAttempt : public DatagramAttempt {
 public:
  SendBatchAttempt(reactor::Source& source, const A& peer,
                   std::span<const OutgoingTo<A>> batch) noexcept
      : DatagramAttempt(source), peer_(peer), batch_(batch) {}

  std::optional<Count> operator()() {
    if (batch_.empty()) return std::size_t{0};
    std::array<MessageParts<A>, kLongestBatch> parts;
    std::array<reactor::CountedMessage, kLongestBatch> messages{};
    const auto to = [&] {
      return batch_.front().to.value_or(peer_).ToString();
    };
    std::size_t count = 0;
    std::size_t size = 0;
    while (count < std::min(batch_.size(), kLongestBatch)) {
      size += batch_[count].bytes.size();
      if (count > 0 && size > kLongestCall) break;
      const int error =
          parts[count].Describe(messages[count].header, batch_[count]);
      if (error != 0 && count == 0) return Refused(error, to);
      if (error != 0) break;
      ++count;
    }
    return Send(std::span(messages).first(count), to);
  }

 private:
  const A& peer_;
  const std::span<const OutgoingTo<A>> batch_;
};

}  // namespace weft::net

#endif  // WEFT_NET_DATAGRAM_ATTEMPTS_H_
