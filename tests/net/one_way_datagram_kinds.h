// The kinds of operation on datagrams that one_way_test.cc interrupts.
//
//     kind                   sends               receives
//     DatagramKind           Send                Receive
//     FullQueueKind          SendTo              ReceiveFrom
//     PassedDatagramsKind    SendDescriptorsTo   ReceiveDescriptors
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_NET_ONE_WAY_DATAGRAM_KINDS_H_
#define WEFT_TESTS_NET_ONE_WAY_DATAGRAM_KINDS_H_

#include <cstddef>
#include <span>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "weft/net/datagram.h"
#include "weft/net/unix_address.h"
#include "weft/net/unix_datagram.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/task.h"
#include "weft/tests/net/one_way_kinds.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::net {

// Nothing more comes where the sender is through, and that is the end: 0.
template <typename Got>
absl::StatusOr<std::size_t> NoneIsTheEnd(const absl::StatusOr<Got>& got) {
  if (absl::IsDeadlineExceeded(got.status())) return std::size_t{0};
  if (!got.ok()) return got.status();
  return got->size;
}

class DatagramKind : public UnixKind<UnixDatagram> {
 public:
  static constexpr char kName[] = "Datagram";

  static Moved Send(UnixDatagram& socket, Piece rest) {
    const Piece piece = First(rest, 1'500);
    co_await OrReturn(socket.Send(piece));
    co_return piece.size();
  }
  static Moved Receive(UnixDatagram& socket, std::span<std::byte> into) {
    const absl::StatusOr<Received> got = co_await socket.Receive(into);
    co_return NoneIsTheEnd(got);
  }
  static void SetPatience(UnixDatagram& receiver, const absl::Status& sending) {
    if (!sending.ok()) receiver.SetReadTimeout(absl::ZeroDuration());
  }
};

// To a socket that the sender is not connected to, so that no event tells when
// its queue has room.
class FullQueueKind : public DatagramKind {
 public:
  static constexpr char kName[] = "FullQueue";

  Task<absl::StatusOr<Ends>> Connect() {
    UnixDatagram receiver =
        co_await OrReturn(UnixDatagram::Bind(folder_ / "socket"));
    UnixDatagram sender = co_await OrReturn(UnixDatagram::Unbound());
    to_ = receiver.local_address();
    co_return Ends{std::move(sender), std::move(receiver)};
  }
  Moved Send(UnixDatagram& socket, Piece rest) {
    const Piece piece = First(rest, 1'500);
    co_await OrReturn(socket.SendTo(piece, to_));
    co_return piece.size();
  }
  static Moved Receive(UnixDatagram& socket, std::span<std::byte> into) {
    const absl::StatusOr<UnixDatagram::Datagram> got =
        co_await socket.ReceiveFrom(into);
    co_return NoneIsTheEnd(got);
  }

 protected:
  UnixAddress to_;

 private:
  weft::testing::TemporaryDirectory folder_;
};

class PassedDatagramsKind : public FullQueueKind, public Passing {
 public:
  static constexpr char kName[] = "PassedDatagrams";

  Moved Send(UnixDatagram& socket, Piece rest) {
    const Piece piece = First(rest, 1'500);
    co_await OrReturn(socket.SendDescriptorsTo(piece, kOne, to_));
    ++passed_;
    co_return piece.size();
  }
  Moved Receive(UnixDatagram& socket, std::span<std::byte> into) {
    const absl::StatusOr<UnixDatagram::WithDescriptors> got =
        co_await socket.ReceiveDescriptors(into);
    if (got.ok()) taken_ += static_cast<int>(got->descriptors.size());
    co_return NoneIsTheEnd(got);
  }
  absl::Status Check() const { return Passing::Check(); }
};

}  // namespace weft::net

#endif  // WEFT_TESTS_NET_ONE_WAY_DATAGRAM_KINDS_H_
