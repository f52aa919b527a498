// The moving half of a TlsStream: when the engine's cipher text goes to the
// transport, and when more is taken from there. Does not move, since tasks wait
// in it.
//
//     Write, Shutdown --> engine --> Send, under `sending_` --> transport
//     Read <------------- engine <-- Receive <----------------- transport
//
// What the transport does at once, it does for the engine itself
// (tried_transport.h): a Read that finds a record there, and a Write of one
// that fits, neither Send nor Receive, and so have one frame and no copy of the
// cipher text.
//
// Invariants
//   1. Whoever holds `sending_` sends, and nobody else: cipher text is of use
//      in its order only. It is sent until there is none before more is made.
//   2. Plain text that was encrypted has been written. Where its sending is cut
//      short, the rest is kept and goes first with the next Write, Flush or
//      Shutdown, or with the next Read that has to wait; not with one that
//      waits already. So with an answer that a Read has left to a Write, which
//      is then cut short.
//   3. A Read also sends: what the peer makes the engine answer, and what is
//      left over. It never waits for that alone, or two ends that both write
//      before they read would wait for each other; but for a peer that does not
//      take a whole backlog of answers. An error that it meets in sending is
//      the next Write's, Flush's or Shutdown's.
//   4. Whoever holds `receiving_` takes cipher text from the transport, and
//      nobody else. That is a Read, from each question to the engine until it
//      has brought more; and in between, a Write or a Shutdown that needs the
//      rest of a message. They hold no `sending_` meanwhile.
//
// Rejected: that a Write which is cut short wakes the Read that waits. Every
// wait of a Read would have to be one for two things, with a place where a
// writer on another thread finds it: a fork for each, where a Read mostly waits
// for one record, to spare a Flush to who cancels.
//
// Rejected: that a cancelled Write gives CANCELLED when its cipher text is on
// its way. It could not be taken back, so the caller would write it twice.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_TLS_INTERNAL_TLS_CONNECTION_H_
#define WEFT_NET_TLS_INTERNAL_TLS_CONNECTION_H_

#include <concepts>
#include <cstddef>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <tuple>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weft/net/leased_read.h"
#include "weft/net/stream.h"
#include "weft/net/tls/internal/tried_transport.h"
#include "weft/net/tls/tls_engine.h"
#include "weft/runtime/buffer_lease.h"
#include "weft/runtime/cancellation.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/out_of_memory.h"
#include "weft/runtime/task.h"
#include "weft/runtime/when_any.h"
#include "weft/sync/mutex.h"

namespace weft::net::tls::internal {

// What is written: several pieces, or one. (Not one as the only of several:
// that would have to lie in a frame of its own as long as it is written.)
template <typename T>
concept PlainText =
    std::same_as<T, ByteParts> || std::same_as<T, std::span<const std::byte>>;

// Threads: as TlsStream's.
template <ByteStream S>
class TlsConnection {
 public:
  TlsConnection(S transport, std::unique_ptr<TlsEngine> engine)
      : transport_(std::move(transport)), engine_(std::move(engine)) {}

  S& transport() noexcept { return transport_.stream(); }
  const TlsEngine& engine() const noexcept { return *engine_; }

  Task<absl::Status> Handshake() {
    for (;;) {
      std::optional<absl::Status> done = engine_->Handshake();
      // Also the alert that tells the peer why it fails.
      absl::Status sent = co_await Flush();
      if (done.has_value() && !done->ok()) co_return *std::move(done);
      if (done.has_value() && IsDoneWithout(sent)) {
        transport_.KeepRefusal(std::move(sent));
        co_return absl::OkStatus();
      }
      if (done.has_value() || !sent.ok()) co_return sent;
      co_await OrReturn(Receive());
    }
  }

  Task<absl::StatusOr<std::size_t>> Read(std::span<std::byte> into) {
    for (;;) {
      const sync::Mutex::Guard turn = co_await OrReturn(receiving_.Lock());
      if (into.empty()) co_return std::size_t{0};
      std::optional<absl::StatusOr<std::size_t>> got = ReadNow(into);
      if (got.has_value()) co_return *std::move(got);
      co_await OrReturn(Exchange());
    }
  }

  // As Read. The buffer is taken for each question to the engine, which tells
  // whether there is plain text by giving it, and not kept where there is none.
  Task<absl::StatusOr<LeasedBytes>> ReadSome() {
    for (;;) {
      const sync::Mutex::Guard turn = co_await OrReturn(receiving_.Lock());
      std::optional<absl::StatusOr<LeasedBytes>> got = ReadSomeNow();
      if (got.has_value()) co_return *std::move(got);
      co_await OrReturn(Exchange());
    }
  }

  // `late` is told what cut the sending short of what was written.
  template <PlainText Text>
  Task<absl::StatusOr<std::size_t>> Write(Text from,
                                          absl::Status* late = nullptr) {
    for (;;) {
      sync::Mutex::Guard guard = co_await OrReturn(sending_.Lock());
      if (engine_->has_output()) co_await OrReturn(Send());
      Tried taken = WriteNow(from);
      if (!taken.has_value()) {
        guard.Unlock();
        co_await OrReturn(ReceiveRest());
        continue;
      }
      if (!taken->ok()) co_return *std::move(taken);
      absl::Status sent = absl::OkStatus();
      try {
        if (engine_->has_output()) sent = co_await Send();
        guard.Unlock();
        if (sent.ok() && engine_->has_output()) sent = co_await Flush();
      } catch (const std::bad_alloc&) {
        // Of what sends. It is written all the same.
        if (late != nullptr) *late = OutOfMemoryError();
        co_return *std::move(taken);
      }
      if (!sent.ok() && !IsOnlyLate(sent)) co_return sent;
      if (late != nullptr) *late = std::move(sent);
      co_return *std::move(taken);
    }
  }

  Task<absl::Status> WriteAll(std::span<const std::byte> from) {
    // At once: the next Write would wait as long again to find it out.
    absl::Status late = absl::OkStatus();
    while (!from.empty()) {
      const std::size_t taken = co_await OrReturn(Write(from, &late));
      if (!late.ok()) co_return late;
      from = from.subspan(taken);
    }
    if (engine_->has_output()) co_await OrReturn(Flush());
    co_return absl::OkStatus();
  }

  Task<absl::Status> Flush() {
    co_await OrReturn(CheckCancelled());
    // Again where a Read made more when nobody looked any more: it had found
    // the lock taken, and relied on us.
    while (engine_->has_output()) {
      sync::Mutex::Guard guard = co_await OrReturn(sending_.Lock());
      co_await OrReturn(Send());
    }
    co_return absl::OkStatus();
  }

  Task<absl::Status> Shutdown() {
    for (;;) {
      sync::Mutex::Guard guard = co_await OrReturn(sending_.Lock());
      if (engine_->has_output()) co_await OrReturn(Send());
      std::optional<absl::Status> closed = engine_->Close();
      guard.Unlock();
      if (closed.has_value()) {
        co_await OrReturn(*std::move(closed));
        co_return co_await Flush();
      }
      co_await OrReturn(ReceiveRest());
    }
  }

 private:
  // Whether a handshake that is done is so though its last flight was not sent.
  // A server's is, to which the client has proven all: that may have asked, and
  // gone without waiting for the tickets (RFC 8446 section 4.6.1). What it
  // asked can be read, and the next Write tells why they were not sent.
  bool IsDoneWithout(const absl::Status& sent) const {
    return engine_->is_server() && !IsOnlyLate(sent);
  }
  // That it was written, but not sent yet.
  static bool IsOnlyLate(const absl::Status& sent) {
    return absl::IsCancelled(sent) || absl::IsDeadlineExceeded(sent);
  }

  Tried ReadNow(std::span<std::byte> into) {
    Tried got = engine_->Read(into, [this](std::span<std::byte> cipher) {
      return transport_.Give(cipher);
    });
    if (got.has_value() && !got->ok()) SayFarewell();
    return got;
  }
  std::optional<absl::StatusOr<LeasedBytes>> ReadSomeNow() {
    BufferLease lease = BufferLease::TryTake();
    if (!lease) return OutOfMemoryError();
    Tried got = ReadNow(lease.bytes());
    if (!got.has_value()) return std::nullopt;
    if (!got->ok()) return std::move(*got).status();
    return LeasedBytes(std::move(lease), **got);
  }
  // Requires, as Send: the caller holds `sending_`.
  Tried WriteNow(ByteParts parts) {
    return engine_->Write(parts, [this](std::span<const std::byte> cipher) {
      return transport_.Take(cipher);
    });
  }
  Tried WriteNow(std::span<const std::byte> from) {
    return WriteNow(ByteParts(&from, 1));
  }

  Task<absl::Status> Send() {
    co_await OrReturn(transport_.TakeRefusal());
    for (;;) {
      const std::span<const std::byte> output = engine_->Output();
      if (output.empty()) co_return absl::OkStatus();
      const std::size_t sent = co_await OrReturn(transport().Write(output));
      engine_->Sent(sent);
    }
  }
  Task<absl::Status> SendHolding(sync::Mutex::Guard guard) {
    absl::Status sent = co_await Send();
    // For the next Write to tell: a Read has other things to say.
    if (!IsOnlyLate(sent)) transport_.KeepRefusal(sent);
    guard.Unlock();
    co_return sent;
  }

  // Requires: the caller holds `receiving_`.
  Task<absl::Status> Receive() {
    if (Tried untold = transport_.TakeUntold()) {
      const std::size_t none = co_await OrReturn(*std::move(untold));
      engine_->AddInput(none);
      co_return absl::OkStatus();
    }
    const std::span<std::byte> room = engine_->InputRoom();
    if (room.empty()) {
      co_return absl::ResourceExhaustedError("TLS: no memory to read into");
    }
    absl::StatusOr<std::size_t> got = co_await transport().Read(room);
    if (!got.ok()) engine_->GiveRoomBack();
    if (!got.ok()) co_return std::move(got).status();
    engine_->AddInput(*got);
    co_return absl::OkStatus();
  }

  // For the rest of a message of which a Read has met the beginning. Somebody
  // may have brought it while we waited for our turn; the engine tells, and
  // what is wrong with it as well when it is asked to write again.
  Task<absl::Status> ReceiveRest() {
    const sync::Mutex::Guard turn = co_await OrReturn(receiving_.Lock());
    if (engine_->EndMessage().has_value()) co_return absl::OkStatus();
    co_return co_await Receive();
  }

  // Receives, and sends meanwhile what is there and nobody else sends.
  Task<absl::Status> Exchange() {
    if (engine_->is_backlogged()) co_return co_await Flush();
    if (!engine_->has_output()) co_return co_await Receive();
    sync::Mutex::Guard guard = sending_.TryLock();
    if (guard && transport_.has_refusal()) guard.Unlock();
    if (!guard) co_return co_await Receive();
    auto either = co_await WhenAny(SendHolding(std::move(guard)), Receive());
    absl::Status received = std::get<1>(std::move(either.outcomes));
    // Sent first, or in vain: what has cancelled the other was that, unless
    // somebody has cancelled us.
    if (either.first == 0 && absl::IsCancelled(received)) {
      co_return co_await Receive();
    }
    co_return received;
  }

  // Lets the alert out that tells the peer why this end gives up, and what is
  // to be sent before it, as far as the transport takes it at once: what went
  // wrong is known, and whoever reads does not wait for a peer that does not.
  // The rest goes with a Flush, a Write or a Shutdown; so does all of it where
  // somebody is sending, or the transport cannot be tried.
  void SayFarewell() {
    const sync::Mutex::Guard guard = sending_.TryLock();
    if (!guard) return;
    std::size_t taken = 0;
    do {
      taken = transport_.Take(engine_->Output());
      engine_->Sent(taken);
    } while (taken > 0);
  }

  TriedTransport<S> transport_;
  const std::unique_ptr<TlsEngine> engine_;
  sync::Mutex sending_;
  sync::Mutex receiving_;
};

}  // namespace weft::net::tls::internal

#endif  // WEFT_NET_TLS_INTERNAL_TLS_CONNECTION_H_
