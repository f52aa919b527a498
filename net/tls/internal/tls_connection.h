// The moving half of a TlsStream: when the engine's cipher text goes to the
// transport, and when more is taken from there. Does not move, since tasks wait
// in it.
//
//     Write, Shutdown --> engine --> Send, under `sending_` --> transport
//     Read <------------- engine <-- Receive <----------------- transport
//
// Invariants
//   1. Whoever holds `sending_` sends, and nobody else: cipher text is of use
//      in its order only. It is sent until there is none before more is made.
//   2. Plain text that was encrypted has been written. Where its sending is cut
//      short, the rest is kept and goes first with the next Write, Flush or
//      Shutdown, or while a Read waits.
//   3. A Read also sends: what the peer makes the engine answer, and what is
//      left over. It never waits for that alone, or two ends that both write
//      before they read would wait for each other.
//
// Rejected: that a cancelled Write gives CANCELLED when its cipher text is on
// its way. It could not be taken back, so the caller would write it twice.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_TLS_INTERNAL_TLS_CONNECTION_H_
#define WEFT_NET_TLS_INTERNAL_TLS_CONNECTION_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <tuple>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weft/net/stream.h"
#include "weft/net/tls/tls_engine.h"
#include "weft/runtime/cancellation.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/task.h"
#include "weft/runtime/when_any.h"
#include "weft/sync/mutex.h"

namespace weft::net::tls::internal {

// Threads: as TlsStream's.
template <ByteStream S>
class TlsConnection {
 public:
  TlsConnection(S transport, std::unique_ptr<TlsEngine> engine)
      : transport_(std::move(transport)), engine_(std::move(engine)) {}

  S& transport() noexcept { return transport_; }
  const TlsEngine& engine() const noexcept { return *engine_; }

  Task<absl::Status> Handshake() {
    for (;;) {
      std::optional<absl::Status> done = engine_->Handshake();
      // Also the alert that tells the peer why it fails.
      absl::Status sent = co_await Flush();
      if (done.has_value() && !done->ok()) co_return *std::move(done);
      if (done.has_value() || !sent.ok()) co_return sent;
      co_await OrReturn(Receive());
    }
  }

  Task<absl::StatusOr<std::size_t>> Read(std::span<std::byte> into) {
    co_await OrReturn(CheckCancelled());
    if (into.empty()) co_return std::size_t{0};
    for (;;) {
      std::optional<absl::StatusOr<std::size_t>> got = engine_->Read(into);
      if (got.has_value() && !got->ok()) co_await SayFarewell();
      if (got.has_value()) co_return *std::move(got);
      co_await OrReturn(Exchange());
    }
  }

  // The part has to live as long as the task.
  Task<absl::StatusOr<std::size_t>> WriteOne(std::span<const std::byte> from) {
    co_return co_await Write(ByteParts(&from, 1));
  }

  Task<absl::StatusOr<std::size_t>> Write(ByteParts parts) {
    sync::Mutex::Guard guard = co_await OrReturn(sending_.Lock());
    if (engine_->has_output()) co_await OrReturn(Send());
    const std::size_t taken = co_await OrReturn(engine_->Write(parts));
    absl::Status sent = co_await Send();
    guard.Unlock();
    if (sent.ok() && engine_->has_output()) sent = co_await Flush();
    if (!sent.ok() && !IsOnlyLate(sent)) co_return sent;
    co_return taken;
  }

  Task<absl::Status> WriteAll(std::span<const std::byte> from) {
    while (!from.empty()) {
      const std::size_t taken = co_await OrReturn(WriteOne(from));
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
    sync::Mutex::Guard guard = co_await OrReturn(sending_.Lock());
    if (engine_->has_output()) co_await OrReturn(Send());
    co_await OrReturn(engine_->Close());
    guard.Unlock();
    co_return co_await Flush();
  }

 private:
  // That it was written, but not sent yet.
  static bool IsOnlyLate(const absl::Status& sent) {
    return absl::IsCancelled(sent) || absl::IsDeadlineExceeded(sent);
  }

  // Requires: the caller holds `sending_`.
  Task<absl::Status> Send() {
    for (;;) {
      const std::span<const std::byte> output = engine_->Output();
      if (output.empty()) co_return absl::OkStatus();
      const std::size_t sent = co_await OrReturn(transport_.Write(output));
      engine_->Sent(sent);
    }
  }
  Task<absl::Status> SendHolding(sync::Mutex::Guard guard) {
    absl::Status sent = co_await Send();
    guard.Unlock();
    co_return sent;
  }

  Task<absl::Status> Receive() {
    const std::span<std::byte> room = engine_->InputRoom();
    if (room.empty()) {
      co_return absl::ResourceExhaustedError("TLS: no memory to read into");
    }
    absl::StatusOr<std::size_t> got = co_await transport_.Read(room);
    if (!got.ok()) engine_->GiveRoomBack();
    if (!got.ok()) co_return std::move(got).status();
    engine_->AddInput(*got);
    co_return absl::OkStatus();
  }

  // Receives, and sends meanwhile what is there and nobody else sends.
  Task<absl::Status> Exchange() {
    if (engine_->is_backlogged()) co_return co_await Flush();
    if (!engine_->has_output()) co_return co_await Receive();
    sync::Mutex::Guard guard = sending_.TryLock();
    if (!guard) co_return co_await Receive();
    auto either = co_await WhenAny(SendHolding(std::move(guard)), Receive());
    absl::Status received = std::get<1>(std::move(either.outcomes));
    // Sent first, or in vain, which is for the next Write to tell: what has
    // cancelled the other was that, unless somebody has cancelled us.
    if (either.first == 0 && absl::IsCancelled(received)) {
      co_return co_await Receive();
    }
    co_return received;
  }

  // Lets the alert out that tells the peer why this end gives up, if it may.
  Task<> SayFarewell() {
    sync::Mutex::Guard guard = sending_.TryLock();
    if (!guard) co_return;
    absl::Status sent = co_await Send();
    sent.IgnoreError();  // What went wrong is told already.
  }

  S transport_;
  const std::unique_ptr<TlsEngine> engine_;
  sync::Mutex sending_;
};

}  // namespace weft::net::tls::internal

#endif  // WEFT_NET_TLS_INTERNAL_TLS_CONNECTION_H_
