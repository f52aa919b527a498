// UnixDatagram: messages within this machine, whole and in order.
//
//     auto log = co_await OrReturn(UnixDatagram::Bind("/run/log.sock"));
//     auto got = co_await OrReturn(log.ReceiveFrom(buffer));
//
// Unlike UDP's they are not lost, not doubled and not out of order; who sends
// faster than the receiver takes waits (unix(7)). Otherwise as UdpSocket, whose
// attempts these are (datagram_attempts.h).
//
// What goes along with the bytes, as over a UnixStream: open descriptors, and
// who has sent them, for which the kernel vouches. There is no peer to ask once
// and for all: each datagram may have another sender, so each says who.
//
//     A: SendDescriptors("log", {file.get()}) --> B: ReceiveDescriptors(...)
//                                                    an Fd for the same file,
//                                                    A's user, group, process
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_UNIX_DATAGRAM_H_
#define WEFT_NET_UNIX_DATAGRAM_H_

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "weft/net/bound_path.h"
#include "weft/net/datagram.h"
#include "weft/net/datagram_attempts.h"
#include "weft/net/datagram_descriptors.h"
#include "weft/net/timed_io.h"
#include "weft/net/unix_address.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/source.h"
#include "weft/runtime/task.h"

namespace weft::net {

struct UnixDatagramOptions {
  // As UnixListenOptions'.
  bool replace_stale = false;
  // As SetPassCredentials, before the first datagram can come.
  bool pass_credentials = false;
};

// Threads: one task receives and one sends at a time; they may be two. Close
//          may come from anywhere. Connecting it and moving it is for when
//          nobody uses it.
class UnixDatagram {
 public:
  using Received = net::Received;
  using Datagram = ReceivedFrom<UnixAddress>;
  using WithDescriptors = DatagramWithDescriptors;

  // Receives at `address`, which is read as UnixAddress::Parse does. Waits for
  // nothing. Requires: InsideRuntime(), as all that make one.
  //
  // Errors: INVALID_ARGUMENT for the text of an address; FAILED_PRECONDITION
  //         where it is in use, NOT_FOUND and PERMISSION_DENIED for the folder
  //         of the path; UNIMPLEMENTED as SetPassCredentials.
  static absl::StatusOr<UnixDatagram> Bind(
      std::string_view address, const UnixDatagramOptions& options = {});
  static absl::StatusOr<UnixDatagram> Bind(
      const UnixAddress& address, const UnixDatagramOptions& options = {});

  // Without a name: to send, and to be answered by nobody.
  static absl::StatusOr<UnixDatagram> Unbound();

  // Two that are connected to each other.
  static absl::StatusOr<std::pair<UnixDatagram, UnixDatagram>> Pair();

  // Takes over a socket from elsewhere: it is looked at, and told not to block
  // and not to be inherited.
  //
  // Errors: INVALID_ARGUMENT for what is no socket of datagrams of this
  //         machine. It is closed then.
  static absl::StatusOr<UnixDatagram> FromFd(reactor::Fd socket);

  // A moved-from socket can only be destroyed or assigned to. What is assigned
  // to is closed first, as by its destructor.
  UnixDatagram(UnixDatagram&&) noexcept = default;
  UnixDatagram& operator=(UnixDatagram&& other) noexcept;

  // Chooses one peer: Send goes there, and only what comes from there is
  // received. Waits for nothing.
  //
  // Errors: NOT_FOUND where there is no such file, UNAVAILABLE where nobody has
  //         it open, PERMISSION_DENIED.
  absl::Status Connect(std::string_view address);
  absl::Status Connect(const UnixAddress& address);

  // As UdpSocket's. Descriptors that came along are closed.
  //
  // Suspends: until there is one.
  // Cancel:   CANCELLED; none has been taken.
  // Borrows:  the socket and `into`.
  TimedIo<ReceiveAttempt<UnixAddress>> Receive(
      std::span<std::byte> into) noexcept {
    return Reading<ReceiveAttempt<UnixAddress>>(into, Taking::kTake);
  }
  // As UdpSocket's; a sender without a name is unnamed.
  //
  // Suspends: until there is one.
  // Cancel:   CANCELLED; none has been taken.
  TimedIo<ReceiveFromAttempt<UnixAddress>> ReceiveFrom(
      std::span<std::byte> into) noexcept {
    return Reading<ReceiveFromAttempt<UnixAddress>>(into, Taking::kTake);
  }
  // As UdpSocket's.
  //
  // Suspends: until there is one.
  // Cancel:   CANCELLED; none has been taken.
  TimedIo<ReceiveAttempt<UnixAddress>> Peek(
      std::span<std::byte> into) noexcept {
    return Reading<ReceiveAttempt<UnixAddress>>(into, Taking::kPeek);
  }

  // As ReceiveFrom, and takes the descriptors that came along, and who has sent
  // it where SetPassCredentials has asked for that; Receive and the others lose
  // both.
  //
  // Suspends: until there is one.
  // Cancel:   CANCELLED; none has been taken.
  // Borrows:  the socket and `into`.
  // Errors:   as Receive.
  TimedIo<ReceiveDatagramDescriptorsAttempt> ReceiveDescriptors(
      std::span<std::byte> into) noexcept {
    using Attempt = ReceiveDatagramDescriptorsAttempt;
    return TimedIo<Attempt>(*source_, reactor::Direction::kRead,
                            FirstTry::kAtOnce, read_timeout_,
                            Attempt(*source_, local_, into));
  }

  // Sends one datagram, whole, to the peer that is connected.
  //
  // Suspends: while the receiver's queue is full.
  // Cancel:   CANCELLED; nothing has been sent.
  // Borrows:  the socket and `bytes`.
  // Errors:   UNAVAILABLE where the receiver is gone; EMSGSIZE
  //           (reactor::ErrnoOf) where it is too long; FAILED_PRECONDITION and
  //           DEADLINE_EXCEEDED as Receive. In each case it has not been sent.
  TimedIo<SendAttempt<UnixAddress>> Send(
      std::span<const std::byte> bytes) noexcept {
    return Sending({.bytes = bytes}, write_timeout_);
  }

  // Sends one datagram, whole, to `to`.
  //
  // Suspends: while the receiver's queue is full. That there is room again is
  //           told to nobody who is not connected, so it is looked at: after
  //           1 ms, and less and less often, up to every 20 ms. Send has an
  //           event for it: who sends much to one receiver connects.
  // Cancel:   CANCELLED; nothing has been sent.
  // Borrows:  the socket and `bytes`, but not `to`.
  // Errors:   as Send, and as Connect.
  Task<absl::Status> SendTo(std::span<const std::byte> bytes, UnixAddress to);

  // As Send, and passes `descriptors` along: who receives them has open
  // descriptors of his own for the same files. Ours stay open. Close them when
  // this is done.
  //
  // Suspends: while the receiver's queue is full.
  // Cancel:   CANCELLED; nothing has been sent or passed.
  // Borrows:  the socket, `bytes` and the descriptors.
  // Errors:   INVALID_ARGUMENT for more than kMaxDescriptors; else as Send.
  TimedIo<SendDatagramDescriptorsAttempt> SendDescriptors(
      std::span<const std::byte> bytes,
      std::span<const int> descriptors) noexcept {
    return Passing({.bytes = bytes}, descriptors, write_timeout_);
  }
  // As SendTo and SendDescriptors.
  //
  // Suspends: as SendTo.
  // Cancel:   CANCELLED; nothing has been sent or passed.
  // Borrows:  the socket, `bytes` and the descriptors, but not `to`.
  Task<absl::Status> SendDescriptorsTo(std::span<const std::byte> bytes,
                                       std::span<const int> descriptors,
                                       UnixAddress to);

  // Whoever waits on it gets FAILED_PRECONDITION, as does everything done with
  // it from now on. Its file is removed. Idempotent.
  //
  // Threads: any, while the socket is neither moved nor destroyed.
  void Close() noexcept {
    path_.Remove();
    source_->Close();
  }

  // As UnixListener's. Threads: as Close.
  void LeaveFile() noexcept { path_.Leave(); }

  // As TcpListener's.
  reactor::Source& source() const noexcept { return *source_; }

  // As UdpSocket's.
  void SetReadTimeout(absl::Duration timeout) noexcept {
    read_timeout_ = timeout;
  }
  void SetWriteTimeout(absl::Duration timeout) noexcept {
    write_timeout_ = timeout;
  }

  // Whether the kernel is to say of each datagram who has sent it, to
  // ReceiveDescriptors (SO_PASSCRED). Of one that was sent before, it knows
  // nobody and says so: a process 0, and the user that stands for no other. A
  // sender who asks for it too, and has no address, is given an abstract one.
  //
  // Errors: UNIMPLEMENTED on macOS, which does not tell who sends datagrams.
  absl::Status SetPassCredentials(bool pass);

  // As UdpSocket's. On Linux a datagram that has not been received yet takes up
  // room in its sender's buffer.
  absl::Status SetReceiveBufferSize(int bytes);
  absl::StatusOr<int> receive_buffer_size() const;
  absl::Status SetSendBufferSize(int bytes);
  absl::StatusOr<int> send_buffer_size() const;

  const UnixAddress& local_address() const noexcept { return local_; }
  // Who was connected last, where somebody was; unnamed, of a pair.
  const std::optional<UnixAddress>& peer_address() const noexcept {
    return peer_;
  }

 private:
  UnixDatagram(reactor::SourceHandle source, UnixAddress local,
               BoundPath path) noexcept
      : source_(std::move(source)),
        local_(std::move(local)),
        path_(std::move(path)) {}

  template <typename Attempt>
  TimedIo<Attempt> Reading(std::span<std::byte> into, Taking taking) noexcept {
    return TimedIo<Attempt>(
        *source_, reactor::Direction::kRead, FirstTry::kAtOnce, read_timeout_,
        Attempt(*source_, local_, into, taking, Coalescing::kOff));
  }
  // Out of line: g++ 12 with a sanitizer sees the address in an empty
  // std::optional being moved, where it can look into both.
  TimedIo<SendAttempt<UnixAddress>> Sending(OutgoingTo<UnixAddress> datagram,
                                            absl::Duration timeout) noexcept;
  TimedIo<SendDatagramDescriptorsAttempt> Passing(
      OutgoingTo<UnixAddress> datagram, std::span<const int> descriptors,
      absl::Duration timeout) noexcept;
  // What errors of sending name: the peer, or who would send.
  const UnixAddress& far_end() const noexcept {
    return peer_.has_value() ? *peer_ : local_;
  }
  // Asks the system for both ends.
  absl::Status LearnAddresses();
  static UnixDatagram Adopt(reactor::Fd socket, UnixAddress local,
                            BoundPath path);

  reactor::SourceHandle source_;
  UnixAddress local_;
  std::optional<UnixAddress> peer_;
  absl::Duration read_timeout_ = absl::InfiniteDuration();
  absl::Duration write_timeout_ = absl::InfiniteDuration();
  BoundPath path_;  // Removed before the socket is closed: see UnixListener.
};

}  // namespace weft::net

#endif  // WEFT_NET_UNIX_DATAGRAM_H_
