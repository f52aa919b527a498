// TlsStream: a stream made secret and authentic by TLS, over any ByteStream.
//
//     auto stream = co_await OrReturn(TlsStream<TcpStream>::Connect(
//         std::move(socket), context, "example.com"));
//     co_await OrReturn(stream.WriteAll(request));
//     size_t n = co_await OrReturn(stream.Read(buffer));    // 0: the end.
//     co_await OrReturn(stream.Shutdown());
//
// It is a ByteStream itself: whatever works over one works over this, such as
// net::ReadExactly, net::ReadAll, CopyStream and BufferedReader. How plain
// text becomes cipher text is the engine's matter (tls_engine.h); when that
// goes out, and comes in, the connection's (internal/tls_connection.h).
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_TLS_TLS_STREAM_H_
#define WEFT_NET_TLS_TLS_STREAM_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weft/net/leased_read.h"
#include "weft/net/stream.h"
#include "weft/net/tls/internal/tls_connection.h"
#include "weft/net/tls/tls_certificate.h"
#include "weft/net/tls/tls_context.h"
#include "weft/net/tls/tls_engine.h"
#include "weft/net/tls/tls_session.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/task.h"

namespace weft::net::tls {

// Threads: one task reads at a time, and any may write; moving it is for when
//          nobody uses it.
// Cost:    a frame for each operation that awaits. An idle connection holds
//          what OpenSSL does, and 1 KiB while a Read or a ReadSome waits.
template <ByteStream S>
class TlsStream {
 public:
  // Begins as a client, over a stream that is connected to the server.
  //
  // Suspends: until the handshake is done, each time the transport does.
  // Cancel:   CANCELLED; `transport` is gone, as after every error.
  // Errors:   UNAUTHENTICATED where the server is not whom it is taken for, and
  //           why; UNAVAILABLE where the two find no agreement, or the peer
  //           vanishes; INVALID_ARGUMENT for a server_name that cannot be one;
  //           and the transport's.
  static Task<absl::StatusOr<TlsStream>> Connect(
      S transport, const TlsContext& context, const TlsClientOptions& options) {
    return Begin(std::move(transport), TlsEngine::ForClient(context, options));
  }

  // Begins as a server, over a stream that was accepted. Give it a deadline
  // (WithTimeout): a client may say nothing.
  //
  // Suspends: until the handshake is done, each time the transport does, and
  //           the tickets are sent, which the client takes when it reads. (From
  //           one that has gone meanwhile, what it said can still be read.)
  // Cancel:   CANCELLED; `transport` is gone, as after every error.
  // Errors:   as Connect. UNAUTHENTICATED where the client is to prove who it
  //           is, and does not.
  static Task<absl::StatusOr<TlsStream>> Accept(S transport,
                                                const TlsContext& context) {
    return Begin(std::move(transport), TlsEngine::ForServer(context));
  }

  // Reads what is there, at least one byte and at most one record; 0 when the
  // peer has said that it ends here. (0 also for an empty `into`.)
  //
  // Suspends: until something is there.
  // Cancel:   CANCELLED; nothing has been read. Cipher text that has come stays
  //           for the next Read.
  // Borrows:  the stream and `into`.
  // Errors:   DATA_LOSS where the transport ends and the peer has not said so,
  //           or gives what the peer has not sent: an attacker's doing, or a
  //           fault; UNAVAILABLE where the peer gave up, and why; and the
  //           transport's.
  Task<absl::StatusOr<std::size_t>> Read(std::span<std::byte> into) {
    return connection_->Read(into);
  }

  // As Read, into a buffer that is leased when there is plain text to give;
  // empty bytes at the end. A BufferedReader reads so.
  //
  // Suspends: until something is there.
  // Cancel:   CANCELLED; nothing has been read.
  // Borrows:  the stream. The bytes own their buffer: drop them, or move them
  //           on, before you wait again.
  // Errors:   as Read; RESOURCE_EXHAUSTED when there is no memory for a buffer
  //           (nothing has been read then).
  Task<absl::StatusOr<LeasedBytes>> ReadSome() {
    return connection_->ReadSome();
  }

  // Encrypts as much of `from` as goes out at once, at most 64 KiB, and sends
  // it.
  //
  // Suspends: until what was written before is sent, and then until this is.
  //           And until the peer has sent the rest of a message of the
  //           handshake, a ticket or a new key, of which half has come.
  // Cancel:   CANCELLED; nothing has been written. Cancelled in its sending, it
  //           gives how much was written, and the rest of the cipher text goes
  //           out with the next operation. A Read that waits already does not
  //           send it: where there is no other operation to come, Flush. So
  //           does a transport's timeout, which the next Write tells of where
  //           it still holds.
  // Borrows:  the stream and `from`.
  // Errors:   FAILED_PRECONDITION after Shutdown; that of a connection that has
  //           broken before; and the transport's.
  Task<absl::StatusOr<std::size_t>> Write(std::span<const std::byte> from) {
    return connection_->Write(from);
  }

  // As Write, of several pieces in turn. Small ones share a record.
  //
  // Suspends: as Write.
  // Cancel:   as Write.
  // Borrows:  the stream, `parts` and what they name.
  Task<absl::StatusOr<std::size_t>> WriteVectored(ByteParts parts) {
    return connection_->Write(parts);
  }

  // Writes all of `from`, and it has been given to the transport when this is
  // done.
  //
  // Suspends: whenever the transport does.
  // Cancel:   CANCELLED; an unknown part has been written. Close the stream.
  // Borrows:  the stream and `from`.
  // Errors:   as Write; DEADLINE_EXCEEDED after one timeout of the transport's.
  Task<absl::Status> WriteAll(std::span<const std::byte> from) {
    return connection_->WriteAll(from);
  }

  // Sends what a Write has left over that was cancelled. Until then the peer
  // may have half a record, and whoever waits for its answer waits in vain.
  //
  // Suspends: until the transport has taken it.
  // Cancel:   CANCELLED; what was not sent is still kept.
  // Borrows:  the stream.
  // Errors:   the transport's.
  Task<absl::Status> Flush() { return connection_->Flush(); }

  // Says that nothing more will be written, so that the peer can tell the end
  // from an accident. Reading goes on, to the peer's own end. The transport is
  // not shut down. Idempotent.
  //
  // Suspends: until that, and what was written before, is sent.
  // Cancel:   CANCELLED; the rest is kept for the next Shutdown or Flush.
  // Borrows:  the stream.
  // Errors:   as Write.
  Task<absl::Status> Shutdown() { return connection_->Shutdown(); }

  // --- What was agreed on ---------------------------------------------------

  TlsVersion protocol() const { return engine().protocol(); }
  // As OpenSSL calls it: "TLS_AES_256_GCM_SHA384".
  std::string cipher() const { return engine().cipher(); }
  // The protocol that both will speak; empty where none was offered.
  std::string alpn() const { return engine().alpn(); }
  // What the peer has shown, and, unless the context says otherwise, proven.
  std::optional<TlsCertificate> peer_certificate() const {
    return engine().peer_certificate();
  }
  // All that the peer has shown, its own first. The others are what it wants to
  // be believed by: not each is needed for that, nor was each judged. Empty
  // where it has shown none. A server that resumes a session knows the first
  // alone.
  std::vector<TlsCertificate> peer_chain() const {
    return engine().peer_chain();
  }
  // What a client resumes by; nothing where the server has sent no ticket. That
  // of TLS 1.3 comes after the handshake, with the first Read.
  std::optional<TlsSession> session() const { return engine().session(); }
  // Whether a session was resumed.
  bool resumed() const { return engine().resumed(); }

  // The stream below: for its timeouts, its addresses, its Close. What is read
  // from it or written to it here breaks the connection.
  //
  // Its timeouts count for each wait of the operations above, and of the
  // handshake where they are set before: DEADLINE_EXCEEDED. Who closes it
  // without a Shutdown leaves the peer with DATA_LOSS.
  S& transport() noexcept { return connection_->transport(); }

 private:
  using Connection = internal::TlsConnection<S>;

  explicit TlsStream(std::unique_ptr<Connection> connection) noexcept
      : connection_(std::move(connection)) {}

  static Task<absl::StatusOr<TlsStream>> Begin(
      S transport, absl::StatusOr<std::unique_ptr<TlsEngine>> engine) {
    if (!engine.ok()) co_return std::move(engine).status();
    auto connection =
        std::make_unique<Connection>(std::move(transport), *std::move(engine));
    co_await OrReturn(connection->Handshake());
    co_return TlsStream(std::move(connection));
  }

  const TlsEngine& engine() const noexcept { return connection_->engine(); }

  std::unique_ptr<Connection> connection_;
};

}  // namespace weft::net::tls

#endif  // WEFT_NET_TLS_TLS_STREAM_H_
