// UdpSocket: datagrams over IP, from and to anywhere, or with one peer.
//
//     auto socket = co_await OrReturn(UdpSocket::Bind("0.0.0.0:53"));
//     for (;;) {
//       Datagram query = co_await OrReturn(socket.ReceiveFrom(buffer));
//       std::span answer = Answer(std::span(buffer).first(query.size));
//       co_await OrReturn(socket.SendTo(answer, query.from));
//     }
//
// One task may receive while another sends; both use the socket, and no Split
// is needed, since neither direction has an end to tell of.
//
// What UDP promises and what it does not: a datagram comes whole, or not at
// all, or twice, or after a later one, and nobody is told. One of no bytes is a
// datagram like any other. Where there is a peer (Connect), its system may
// answer that nobody is there; the operation after that reports it, once, as
// UNAVAILABLE, having done nothing itself, and the next one works again.
//
// What is not here: TryReceive and its like. With a timeout of zero, what is
// not possible at once is not waited for. To wait and take nothing: Peek with
// an empty buffer. And SendTo by name, which would ask, or look up an answer,
// for every datagram: ask once (LookUpHost, Resolver), or Dial.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_UDP_SOCKET_H_
#define WEFT_NET_UDP_SOCKET_H_

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "weft/net/address.h"
#include "weft/net/datagram.h"
#include "weft/net/datagram_attempts.h"
#include "weft/net/multicast.h"
#include "weft/net/timed_io.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/source.h"
#include "weft/runtime/ready_awaiter.h"
#include "weft/runtime/task.h"

namespace weft::net {

class Resolver;

static_assert(SocketAddress<Address>);

using Datagram = ReceivedFrom<Address>;
using IncomingDatagram = IncomingFrom<Address>;
using OutgoingDatagram = OutgoingTo<Address>;

struct UdpOptions {
  // Whether several sockets that all say so may be bound to the address
  // (SO_REUSEADDR; on macOS only where that is a group's): what is sent to a
  // group then comes to each, what is sent to this machine to one of them, any.
  bool reuse_address = false;
  // Whether several sockets share the port and the system deals datagrams out
  // to them by where they come from (SO_REUSEPORT); on macOS as above.
  bool reuse_port = false;
  // Whether one may send to all on the link (SO_BROADCAST).
  bool broadcast = false;
};

struct UdpDialOptions {
  // The address of this machine to send from; port 0 for any. Of a host's
  // addresses only those of its family are tried. Nothing: what leads there.
  std::optional<Address> source = {};
  // Who is asked for host names, and remembers them; null: the system, every
  // time. Borrowed until the name is known.
  Resolver* resolver = nullptr;
  UdpOptions socket = {};
};

// Threads: one task receives and one sends at a time; they may be two. Close
//          may come from anywhere, and options may be set from anywhere.
//          Connecting it and moving it is for when nobody uses it.
class UdpSocket {
 public:
  // Receives at `address`, which is read as Address::Parse does; port 0 means
  // any that is free. An IPv6 socket speaks IPv6 only. Waits for nothing.
  // Requires: InsideRuntime().
  //
  // Errors: INVALID_ARGUMENT for the text of an address; FAILED_PRECONDITION
  //         where the address is in use or not of this machine,
  //         PERMISSION_DENIED for a port one may not use.
  static absl::StatusOr<UdpSocket> Bind(std::string_view address,
                                        const UdpOptions& options = {});
  static absl::StatusOr<UdpSocket> Bind(const Address& address,
                                        const UdpOptions& options = {});

  // As Bind, at an address or what names a host and a port or service:
  // "localhost:53". Of a host with several addresses it is the first, in the
  // order of the system, that can be bound: one, and not all of them.
  //
  // Suspends: until the name is known.
  // Cancel:   CANCELLED; nothing is open.
  // Borrows:  the resolver, which may be null.
  // Errors:   as Bind, of the first address with the messages of all; NOT_FOUND
  //           where there is no such host.
  static Task<absl::StatusOr<UdpSocket>> BindByName(
      std::string_view address, UdpOptions options = {},
      Resolver* resolver = nullptr);

  // A new socket with one peer, which is an address or names a host and a port
  // or service: "10.0.0.1:53", "pool.ntp.org:ntp". Of a host with several
  // addresses it is the first to which a route leads. Nobody is asked whether
  // he is there: nothing is sent.
  //
  // Suspends: until the name is known.
  // Cancel:   CANCELLED; nothing is open.
  // Errors:   INVALID_ARGUMENT for text that is neither, and where no address
  //           is of the family of options.source; NOT_FOUND where there is no
  //           such host; those of Bind and Connect.
  static Task<absl::StatusOr<UdpSocket>> Dial(std::string_view address,
                                              UdpDialOptions options = {});

  // Takes over a socket from elsewhere, connected or not: it is looked at, and
  // told not to block and not to be inherited. Requires: InsideRuntime().
  //
  // Errors: INVALID_ARGUMENT for what is no socket of datagrams over IP. It is
  //         closed then.
  static absl::StatusOr<UdpSocket> FromFd(reactor::Fd socket);

  // A moved-from socket can only be destroyed or assigned to. What is assigned
  // to is closed first, as by its destructor.
  UdpSocket(UdpSocket&&) noexcept = default;
  UdpSocket& operator=(UdpSocket&&) noexcept = default;

  // Chooses one peer: Send goes there, and only what comes from there is
  // received, but for what is in the queue already. Nothing is sent, so nothing
  // is waited for. A second Connect chooses another.
  //
  // Errors: INVALID_ARGUMENT for the text of an address; UNAVAILABLE where no
  //         route leads there.
  absl::Status Connect(std::string_view address);
  absl::Status Connect(const Address& address);

  // As Connect, to an address or what names a host and a port or service; of a
  // host with several addresses, those of the socket's own family, it is the
  // first to which a route leads. A `resolver` is asked, and remembers; null:
  // the system.
  //
  // Suspends: until the name is known.
  // Cancel:   CANCELLED; the peer is as before.
  // Borrows:  the socket, and the resolver.
  // Errors:   as Dial.
  Task<absl::Status> ConnectByName(std::string_view address,
                                   Resolver* resolver = nullptr);

  // Has no peer any more, and the port that it had before. (On macOS a socket
  // that was bound to one address of this machine receives at all of them
  // afterwards.)
  //
  // Errors: FAILED_PRECONDITION where the system had chosen the port, takes it
  //         back here, as Linux does, and has given it away in between: then
  //         the socket is bound to none.
  absl::Status Disconnect();

  // Receives one datagram, into the beginning of `into`. A longer one is cut
  // and its rest is lost: `truncated`.
  //
  // Suspends: until there is one.
  // Cancel:   CANCELLED; none has been taken.
  // Borrows:  the socket and `into`.
  // Errors:   UNAVAILABLE when an earlier datagram to the peer was refused;
  //           FAILED_PRECONDITION when the socket is closed on this side;
  //           DEADLINE_EXCEEDED after the read timeout. In each case none has
  //           been taken.
  // Cost:     one system call; no allocation.
  TimedIo<ReceiveAttempt<Address>> Receive(std::span<std::byte> into) noexcept {
    return Reading<ReceiveAttempt<Address>>(into, Taking::kTake);
  }

  // As Receive, and says from where it came.
  //
  // Suspends: until there is one.
  // Cancel:   CANCELLED; none has been taken.
  // Borrows:  the socket and `into`.
  TimedIo<ReceiveFromAttempt<Address>> ReceiveFrom(
      std::span<std::byte> into) noexcept {
    return Reading<ReceiveFromAttempt<Address>>(into, Taking::kTake);
  }

  // As Receive and ReceiveFrom, and leaves the datagram where it is, whole, for
  // the next to take.
  //
  // Suspends: until there is one.
  // Cancel:   CANCELLED; none has been taken.
  // Borrows:  the socket and `into`.
  TimedIo<ReceiveAttempt<Address>> Peek(std::span<std::byte> into) noexcept {
    return Reading<ReceiveAttempt<Address>>(into, Taking::kPeek);
  }
  // As Peek.
  //
  // Suspends: until there is one.
  // Cancel:   CANCELLED; none has been taken.
  TimedIo<ReceiveFromAttempt<Address>> PeekFrom(
      std::span<std::byte> into) noexcept {
    return Reading<ReceiveFromAttempt<Address>>(into, Taking::kPeek);
  }

  // Receives what is there into the places of `batch`, the first 64 of them,
  // and at least one datagram; says how many. The memory is the caller's, so
  // its places are the limit of bytes as well: there is no other.
  //
  // Suspends: until there is one.
  // Cancel:   CANCELLED; none has been taken.
  // Borrows:  the socket, `batch` and the buffers that it names.
  // Errors:   as Receive.
  // Cost:     one system call (one a datagram on macOS); no allocation.
  TimedIo<ReceiveBatchAttempt<Address>> ReceiveBatch(
      std::span<IncomingDatagram> batch) noexcept {
    using Attempt = ReceiveBatchAttempt<Address>;
    return TimedIo<Attempt>(*source_, reactor::Direction::kRead,
                            FirstTry::kAtOnce, read_timeout_,
                            Attempt(*source_, far_end(), batch, coalescing_));
  }

  // Sends one datagram, whole, to the peer; SendTo to anywhere.
  //
  // Suspends: while the socket's buffer is full.
  // Cancel:   CANCELLED; nothing has been sent.
  // Borrows:  the socket and `bytes`.
  // Errors:   UNAVAILABLE when an earlier datagram to the peer was refused, or
  //           no route leads there; RESOURCE_EXHAUSTED where the system's queue
  //           to the network is full (Linux drops the datagram and says
  //           nothing, as a rule): send later, and less; PERMISSION_DENIED
  //           where a firewall or a missing `broadcast` forbids it; EMSGSIZE
  //           (reactor::ErrnoOf) where it is too long; FAILED_PRECONDITION and
  //           DEADLINE_EXCEEDED as Receive. In each case it has not been sent.
  // Cost:     one system call; no allocation.
  TimedIo<SendAttempt<Address>> Send(
      std::span<const std::byte> bytes) noexcept {
    return Sending({.bytes = bytes});
  }
  // As Send.
  //
  // Suspends: while the socket's buffer is full.
  // Cancel:   CANCELLED; nothing has been sent.
  TimedIo<SendAttempt<Address>> SendTo(std::span<const std::byte> bytes,
                                       const Address& to) noexcept {
    return Sending({.bytes = bytes, .to = to});
  }

  // As Send and SendTo, but `bytes` are several datagrams of `segment_size`
  // bytes, and a last one that may be shorter: for a socket that SendsSegments.
  // 64 of them, and 65507 bytes, is as much as every system takes.
  //
  // Suspends: while the socket's buffer is full.
  // Cancel:   CANCELLED; nothing has been sent.
  // Borrows:  the socket and `bytes`.
  // Errors:   as Send; EMSGSIZE (older kernels: EINVAL) also for a segment that
  //           does not fit into one packet of the network; INVALID_ARGUMENT for
  //           too many; UNIMPLEMENTED or another code where there are none.
  TimedIo<SendAttempt<Address>> SendSegments(
      std::span<const std::byte> bytes, std::size_t segment_size) noexcept {
    return Sending({.bytes = bytes, .segment_size = segment_size});
  }
  // As SendSegments.
  //
  // Suspends: while the socket's buffer is full.
  // Cancel:   CANCELLED; nothing has been sent.
  TimedIo<SendAttempt<Address>> SendSegmentsTo(std::span<const std::byte> bytes,
                                               std::size_t segment_size,
                                               const Address& to) noexcept {
    return Sending({.bytes = bytes, .to = to, .segment_size = segment_size});
  }

  // Sends the first datagrams of `batch`, 64 or a megabyte at most, and at
  // least one; says how many. Call it again with the others.
  //
  // Suspends: while the socket's buffer is full.
  // Cancel:   CANCELLED; nothing has been sent.
  // Borrows:  the socket, `batch` and the bytes that it names.
  // Errors:   as Send, of the first datagram. One that cannot be sent ends the
  //           batch before it, and is the first of the next call. (That an
  //           earlier datagram was refused is lost where it is noticed in the
  //           middle of a batch: sendmmsg(2).)
  // Cost:     one system call (one a datagram on macOS); no allocation.
  TimedIo<SendBatchAttempt<Address>> SendBatch(
      std::span<const OutgoingDatagram> batch) noexcept {
    using Attempt = SendBatchAttempt<Address>;
    return TimedIo<Attempt>(*source_, reactor::Direction::kWrite,
                            FirstTry::kAtOnce, write_timeout_,
                            Attempt(*source_, far_end(), batch));
  }

  // Whoever waits on it gets FAILED_PRECONDITION, as does everything done with
  // it from now on. What has been sent goes out. Idempotent.
  //
  // Threads: any, while the socket is neither moved nor destroyed.
  void Close() noexcept { source_->Close(); }

  // As TcpListener's.
  reactor::Source& source() const noexcept { return *source_; }

  // How long one wait to receive, or to send, may last; infinite at first. A
  // timeout that is not positive: what is not possible at once is not waited
  // for. It counts for operations that are begun afterwards, by the task that
  // receives or sends.
  void SetReadTimeout(absl::Duration timeout) noexcept {
    read_timeout_ = timeout;
  }
  void SetWriteTimeout(absl::Duration timeout) noexcept {
    write_timeout_ = timeout;
  }

  // Whether several datagrams of one sender and one length may come as one, for
  // buffers of 64 KiB; for the task that receives. False: the system has no
  // such thing, and each comes alone.
  absl::StatusOr<bool> SetCoalescing(bool coalesce);

  // Whether the system has segments to send. Asks it.
  absl::StatusOr<bool> SendsSegments() const;

  // Whether one may send to all on the link.
  absl::Status SetBroadcast(bool broadcast);
  absl::StatusOr<bool> broadcast() const;

  // How many routers a datagram may pass, and one: 1 to 255. (For groups:
  // multicast().)
  absl::Status SetTtl(int ttl);
  absl::StatusOr<int> ttl() const;

  // What routers are asked to do with it (IP_TOS, IPV6_TCLASS): RFC 2474.
  absl::Status SetTypeOfService(int value);
  absl::StatusOr<int> type_of_service() const;

  // How much of what has come and not been received is kept; what is too much
  // is dropped. The system may give less, or more (Linux twice as much, for its
  // own use), and says what.
  absl::Status SetReceiveBufferSize(int bytes);
  absl::StatusOr<int> receive_buffer_size() const;
  // How much may be under way to the network; then Send waits.
  absl::Status SetSendBufferSize(int bytes);
  absl::StatusOr<int> send_buffer_size() const;

  // Groups: joining, leaving, and how to send to them. Borrows: the socket.
  Multicast multicast() noexcept {
    return Multicast(*source_, local_.is_ipv6());
  }

  // Where it receives, with the port that the system chose. A peer makes the
  // address of this machine that leads to it known.
  const Address& local_address() const noexcept { return local_; }
  const std::optional<Address>& peer_address() const noexcept { return peer_; }

 private:
  UdpSocket(reactor::SourceHandle source, const Address& local) noexcept
      : source_(std::move(source)), bound_(local), local_(local) {}

  template <typename Attempt>
  TimedIo<Attempt> Reading(std::span<std::byte> into, Taking taking) noexcept {
    return TimedIo<Attempt>(
        *source_, reactor::Direction::kRead, FirstTry::kAtOnce, read_timeout_,
        Attempt(*source_, far_end(), into, taking, coalescing_));
  }
  TimedIo<SendAttempt<Address>> Sending(OutgoingDatagram datagram) noexcept {
    using Attempt = SendAttempt<Address>;
    return TimedIo<Attempt>(*source_, reactor::Direction::kWrite,
                            FirstTry::kAtOnce, write_timeout_,
                            Attempt(*source_, far_end(), datagram));
  }
  // What errors name: the peer, or what would be said without one.
  const Address& far_end() const noexcept {
    return peer_.has_value() ? *peer_ : local_;
  }
  static absl::StatusOr<UdpSocket> Adopt(reactor::Fd socket);
  Task<absl::Status> ConnectToFirst(std::string text, Resolver* resolver);
  // Asks the system for both ends.
  absl::Status LearnAddresses();

  reactor::SourceHandle source_;
  Address bound_;  // As Bind left it: what Disconnect comes back to.
  Address local_;
  std::optional<Address> peer_;
  absl::Duration read_timeout_ = absl::InfiniteDuration();
  absl::Duration write_timeout_ = absl::InfiniteDuration();
  Coalescing coalescing_ = Coalescing::kOff;
};

}  // namespace weft::net

#endif  // WEFT_NET_UDP_SOCKET_H_
