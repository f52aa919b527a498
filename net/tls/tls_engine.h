// TlsEngine: one end of a TLS connection without the connection. It turns plain
// text into cipher text and back, never waits, and does no I/O itself.
//
//                      Write                  Output, Sent
//       plain text  ----------> [ SSL ] ----------------------> cipher text
//                   <----------  ^   |  <----------------------
//                      Read      BIO v    InputRoom, AddInput
//
// OpenSSL reads and writes through a BIO of our own, and never sees a
// descriptor: so TLS works over any ByteStream, and a task that waits does so
// in the one way that there is. The BIO has two CipherBuffers for what the
// transport gives, and takes, when somebody has waited for it. What it gives
// and takes at once does not pass through them: in an operation the BIO asks
// the transport itself, which copies from and to OpenSSL's own memory.
//
//       [ SSL ] -- BIO --+--> CipherSink                      a record
//                        '--> output_ .. Output, Sent         the rest of it
//       [ SSL ] <- BIO --+--- input_ .. InputRoom, AddInput   first
//                        '--- CipherSource                    then
//
// Invariants
//   1. OpenSSL has taken all the input there is when it asks for more. So
//      memory lent by InputRoom lies in a buffer that is otherwise empty, and
//      what a source gives comes after it.
//   2. A write to the BIO succeeds: output grows. Whoever uses the engine sends
//      it before more is written, which bounds it.
//   3. Output leaves in the order in which it was made, each byte once. So a
//      sink is offered what is made only where no other output is left.
//      `output_` becomes `sending_` when that is empty, so what is being sent
//      stays where it is while more is made.
//   4. One Read asks a source for two records at most. A peer could otherwise
//      keep it busy for ever, with what is no plain text and wants answers.
//   5. What a Write makes is in `sending_` when it is done, and `output_` holds
//      only what reading has made.
//   6. After a fatal error every operation gives that error; what was made
//      before it, and the alert that tells the peer, is still there to be sent.
//
// Kernel TLS (moving the cipher into the socket, for the sake of sendfile) is
// not offered. OpenSSL does it for its own socket BIO only, which would then
// read and write the descriptor itself, behind the back of the reactor; and it
// would serve one kind of stream, under one kernel, for some ciphers.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_TLS_TLS_ENGINE_H_
#define WEFT_NET_TLS_TLS_ENGINE_H_

#include <concepts>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weft/net/stream.h"
#include "weft/net/tls/cipher_buffer.h"
#include "weft/net/tls/openssl_pointers.h"
#include "weft/net/tls/tls_certificate.h"
#include "weft/net/tls/tls_context.h"
#include "weft/net/tls/tls_session.h"

namespace weft::net::tls {

// Whom a client connects to. (With a constructor, since g++ 12 destroys an
// aggregate twice that is made beside a co_await.)
struct TlsClientOptions {
  template <std::convertible_to<std::string_view> Name>
  TlsClientOptions(const Name& name)  // NOLINT(google-explicit-constructor)
      : server_name(std::string_view(name)) {}

  // The name that the server's certificate must be for, which the server is
  // also told; or an address, "192.0.2.1" or "2001:db8::1".
  std::string server_name;
  // One to resume, of this context and server; another is not used.
  std::optional<TlsSession> session = {};
};

// The transport, where it does something without waiting: how many bytes it
// gave, or took. Called under the engine's lock and by OpenSSL, which is C: it
// may not use the engine, nor throw.
using CipherSource = absl::FunctionRef<std::size_t(std::span<std::byte>)>;
using CipherSink = absl::FunctionRef<std::size_t(std::span<const std::byte>)>;

// Without a transport to ask.
inline std::size_t GiveNothing(std::span<std::byte>) { return 0; }
inline std::size_t TakeNothing(std::span<const std::byte>) { return 0; }

// An operation's answer, or nothing: it wants more input.
//
// Threads: any; Read and what belongs to the input are one task's at a time,
//          and so is what belongs to the output. Cost: a lock, beside the
//          cipher's.
class TlsEngine {
  class Bio;

 public:
  // Errors: INVALID_ARGUMENT for a name that cannot be a server's.
  static absl::StatusOr<std::unique_ptr<TlsEngine>> ForClient(
      TlsContext context, const TlsClientOptions& options);
  static absl::StatusOr<std::unique_ptr<TlsEngine>> ForServer(
      TlsContext context);

  TlsEngine(const TlsEngine&) = delete;
  TlsEngine& operator=(const TlsEngine&) = delete;
  ~TlsEngine();

  // --- Plain text -----------------------------------------------------------

  // Goes on with the handshake. That computes: a server signs, which is quick
  // with a key of the P-256 curve, and takes many times as long with RSA.
  //
  // Errors: UNAUTHENTICATED where the peer is not whom it has to be;
  //         UNAVAILABLE where there is no agreement, or the peer left.
  std::optional<absl::Status> Handshake();

  // At most one record; 0 when the peer has said that this is the end. Where
  // the input is not enough, it asks `source`.
  //
  // Errors: DATA_LOSS where the input is not what the peer has sent, or ended
  //         without the peer's saying so; UNAVAILABLE where the peer gave up.
  std::optional<absl::StatusOr<std::size_t>> Read(
      std::span<std::byte> into, CipherSource source = GiveNothing);

  // Encrypts the front of `parts`, at most 64 KiB, and tells how much. One
  // record is offered to `sink` first, and what that leaves is output; several
  // are output, so that they are sent by one call.
  //
  // Errors: FAILED_PRECONDITION after Close; as EndMessage.
  std::optional<absl::StatusOr<std::size_t>> Write(
      ByteParts parts, CipherSink sink = TakeNothing);

  // Says that this is the end (close_notify, RFC 8446 section 6.1).
  //
  // Errors: as EndMessage.
  std::optional<absl::Status> Close();

  // Takes the rest of a message of the handshake, such as a ticket, of which a
  // Read has met the beginning: it may come in several records (RFC 8446
  // section 5.1), and in its midst OpenSSL writes nothing.
  //
  // Errors: as Read; UNAVAILABLE where the input ended.
  std::optional<absl::Status> EndMessage();

  // --- Cipher text ----------------------------------------------------------

  // Memory for what the transport gives; empty where there is none. Small when
  // little came last time, as it will be held by a connection that is idle; and
  // where a source gives the rest.
  std::span<std::byte> InputRoom();
  // So many bytes were put there; 0: that was all that will ever come.
  void AddInput(std::size_t bytes);
  // Nothing was put there.
  void GiveRoomBack();

  bool has_output() const;
  // Whether the peer makes us answer, and does not take the answers. (What a
  // Write has made is none of them, and is being sent.)
  bool is_backlogged() const;
  // What to send next; empty when there is nothing. It stays where it is until
  // it is said to be sent.
  std::span<const std::byte> Output();
  void Sent(std::size_t bytes);

  // --- What was agreed on ---------------------------------------------------

  bool is_server() const noexcept { return server_name_.empty(); }
  TlsVersion protocol() const;
  std::string cipher() const;
  std::string alpn() const;
  bool resumed() const;
  std::optional<TlsCertificate> peer_certificate() const;
  std::vector<TlsCertificate> peer_chain() const;
  std::optional<TlsSession> session() const;

 private:
  TlsEngine(TlsContext context, std::string server_name);

  absl::Status Begin();
  absl::Status NamePeer(const TlsClientOptions& options);
  absl::Status HandshakeError() const;
  absl::Status Break(absl::StatusCode code, const char* what);
  std::string Subject() const;
  // With the lock held.
  std::optional<absl::Status> EndMessageLocked();
  absl::StatusOr<std::size_t> Encrypt(ByteParts parts);
  // What the BIO reads, and writes: 0 where there is nothing, and false where
  // there is no memory.
  std::size_t TakeInput(std::span<std::byte> into);
  bool PutOutput(std::span<const std::byte> bytes);

  mutable std::mutex mutex_;  // Guards all below, but for what is said there.
  TlsContext context_;        // Changed by the handshake only.
  const std::string server_name_;  // Empty for a server's.
  CipherBuffer input_;
  CipherBuffer output_;
  CipherBuffer sending_;  // The contents are read without the lock.
  std::size_t next_room_;
  std::size_t lent_ = 0;
  // The transport, inside of a Read or a Write; else null.
  const CipherSource* source_ = nullptr;
  const CipherSink* sink_ = nullptr;
  std::size_t may_ask_for_ = 0;
  bool input_ended_ = false;
  bool closed_ = false;
  absl::Status broken_ = absl::OkStatus();
  OpensslPointer<SSL> ssl_;
};

}  // namespace weft::net::tls

#endif  // WEFT_NET_TLS_TLS_ENGINE_H_
