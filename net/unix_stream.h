// UnixStream: a connection within this machine.
//
//     UnixStream stream =
//         co_await OrReturn(UnixStream::Connect("/run/weft.sock"));
//     co_await OrReturn(stream.WriteAll(request));
//
// Reading, writing, splitting and closing are every stream socket's
// (stream_socket.h). Its own are two things that only one kernel can do: to
// vouch for who is at the other end, and to pass open descriptors through.
//
//     A: SendDescriptors("log", {file.get()}) --> B: ReceiveDescriptors(...)
//                                                    an Fd for the same file
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_UNIX_STREAM_H_
#define WEFT_NET_UNIX_STREAM_H_

#include <cstddef>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "weft/net/descriptor_passing.h"
#include "weft/net/stream_socket.h"
#include "weft/net/unix_address.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/system.h"
#include "weft/runtime/task.h"

namespace weft::net {

struct UnixConnectOptions {
  // DEADLINE_EXCEEDED after this.
  absl::Duration timeout = absl::InfiniteDuration();
};

// Threads: as StreamSocket's.
class UnixStream : public StreamSocket {
 public:
  // Connects to `address`, which is read as UnixAddress::Parse does.
  //
  // Suspends: while the listener's queue is full. The system does not tell when
  //           it is not any more, so the clock has to: 1 ms, and longer and
  //           longer, up to 50 ms.
  // Cancel:   CANCELLED; the socket is closed.
  // Errors:   INVALID_ARGUMENT for the text of an address; NOT_FOUND where
  //           there is no such file, UNAVAILABLE where nobody listens,
  //           PERMISSION_DENIED where one may not; DEADLINE_EXCEEDED.
  static Task<absl::StatusOr<UnixStream>> Connect(
      std::string_view address, UnixConnectOptions options = {});
  static Task<absl::StatusOr<UnixStream>> Connect(
      const UnixAddress& address, UnixConnectOptions options = {});

  // Two ends of one connection, without a name. Requires: InsideRuntime().
  static absl::StatusOr<std::pair<UnixStream, UnixStream>> Pair();

  // Takes over a connected socket that does not block.
  // Requires: InsideRuntime().
  static UnixStream Adopt(reactor::Fd socket, const UnixAddress& peer);
  // As TcpStream::FromFd.
  static absl::StatusOr<UnixStream> FromFd(reactor::Fd socket);

  // Both ends, as the system knows them; an end that was not bound is unnamed.
  absl::StatusOr<UnixAddress> local_address() const;
  absl::StatusOr<UnixAddress> peer_address() const;

  // Who has connected, or listened, at the time of the connect. The kernel
  // vouches for it.
  absl::StatusOr<reactor::PeerCredentials> peer_credentials() const;

  // Writes some of `bytes`, at least one, and passes `descriptors` along with
  // the first: who receives them has open descriptors of his own for the same
  // files. Ours stay open. Close them when this is done.
  //
  // Suspends: while the socket's buffer is full.
  // Cancel:   CANCELLED; nothing has been written or passed.
  // Borrows:  the stream, `bytes` and the descriptors.
  // Errors:   INVALID_ARGUMENT where `bytes` are none, or `descriptors` more
  //           than kMaxDescriptors; else as Write.
  TimedIo<SendDescriptorsAttempt> SendDescriptors(
      std::span<const std::byte> bytes,
      std::span<const int> descriptors) noexcept;

  // Reads as Read does, and takes the descriptors that came with what it reads;
  // Read, Peek and the others lose them. No more are taken than one sender has
  // passed at once, and what is read ends where those were.
  //
  // Suspends: until something is there.
  // Cancel:   CANCELLED; nothing has been read or taken.
  // Borrows:  the stream and `into`, which has room for a byte.
  // Errors:   as Read.
  TimedIo<ReceiveDescriptorsAttempt> ReceiveDescriptors(
      std::span<std::byte> into) noexcept;

  // The whole again. INVALID_ARGUMENT, and both are gone, when they are not
  // halves of one UnixStream.
  static absl::StatusOr<UnixStream> Reunite(ReadHalf read, WriteHalf write);

 private:
  explicit UnixStream(StreamSocket socket) noexcept
      : StreamSocket(std::move(socket)) {
    SetShortReadsDrain(false);  // socket_ends.h says why.
  }
};

}  // namespace weft::net

#endif  // WEFT_NET_UNIX_STREAM_H_
