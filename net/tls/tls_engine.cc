// Driving OpenSSL through buffers.
//
// SPDX-License-Identifier: MIT

#include "weft/net/tls/tls_engine.h"

#include <openssl/err.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/base/internal/raw_logging.h"
#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "weft/net/tls/record_cutter.h"
#include "weft/net/tls/tls_error.h"

namespace weft::net::tls {
namespace {

using ::absl::StatusCode;

// More than all that is around the plain text in a record.
constexpr std::size_t kAround = 256;

// What a connection holds that waits for a peer who says little, and one whose
// peer says much: two records and what is around them.
constexpr std::size_t kSmallRoom = 1024;
constexpr std::size_t kLargeRoom = 2 * (kLargestRecord + kAround);

// So much is encrypted before it is sent: one system call for four records.
constexpr std::size_t kMostAhead = 4 * kLargestRecord;

// Alerts, tickets and answers to KeyUpdate that a peer may leave untaken.
constexpr std::size_t kMostBacklog = 16384;

// How much of `parts` one Write takes.
std::size_t PlainSize(ByteParts parts) noexcept {
  std::size_t size = 0;
  for (const std::span<const std::byte> part : parts) {
    size = std::min(size + part.size(), kMostAhead);
  }
  return size;
}

// What that becomes, or a little more.
std::size_t CipherSize(std::size_t plain) noexcept {
  return plain + (plain / kLargestRecord + 1) * kAround;
}

}  // namespace

// --- The BIO ----------------------------------------------------------------

// The functions that OpenSSL calls. It holds the engine's lock then: we do.
class TlsEngine::Bio {
 public:
  static OpensslPointer<BIO> Make(TlsEngine& engine) {
    // Lives as long as the program: BIOs refer to it. (Where there is no
    // memory for it, the next one tries again.)
    static const BIO_METHOD* const method = MakeMethod();
    OpensslPointer<BIO> bio(BIO_new(method));
    if (bio == nullptr) return nullptr;
    BIO_set_data(bio.get(), &engine);
    BIO_set_init(bio.get(), 1);
    return bio;
  }

 private:
  static const BIO_METHOD* MakeMethod() {
    OpensslPointer<BIO_METHOD> method(
        BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "weft"));
    if (method == nullptr) throw std::bad_alloc();
    BIO_meth_set_read(method.get(), Read);
    BIO_meth_set_write(method.get(), Write);
    BIO_meth_set_ctrl(method.get(), Control);
    return method.release();
  }

  static TlsEngine& EngineOf(BIO* bio) noexcept {
    return *static_cast<TlsEngine*>(BIO_get_data(bio));
  }

  static int Read(BIO* bio, char* into, int size) noexcept {
    BIO_clear_retry_flags(bio);
    const auto room =
        std::as_writable_bytes(std::span(into, static_cast<std::size_t>(size)));
    const std::size_t count = EngineOf(bio).TakeInput(room);
    if (count > 0) return static_cast<int>(count);
    // Also when no more will come: whoever asked knows, and says it better.
    BIO_set_retry_read(bio);
    return -1;
  }

  static int Write(BIO* bio, const char* from, int size) noexcept {
    BIO_clear_retry_flags(bio);
    const auto bytes =
        std::as_bytes(std::span(from, static_cast<std::size_t>(size)));
    return EngineOf(bio).PutOutput(bytes) ? size : -1;
  }

  static long Control(BIO*, int command, long, void*) noexcept {
    return command == BIO_CTRL_FLUSH ? 1 : 0;
  }
};

// --- Making -----------------------------------------------------------------

TlsEngine::TlsEngine(TlsContext context, std::string server_name)
    : context_(std::move(context)),
      server_name_(std::move(server_name)),
      next_room_(kSmallRoom) {}

TlsEngine::~TlsEngine() {
  // Else OpenSSL takes a session for unusable whose connection did not end in
  // the agreed way. RFC 5246 section 7.2.1 has dropped that rule.
  if (ssl_ != nullptr && broken_.ok()) {
    SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  }
}

absl::StatusOr<std::unique_ptr<TlsEngine>> TlsEngine::ForClient(
    TlsContext context, const TlsClientOptions& options) {
  ABSL_RAW_CHECK(!context.is_server(),
                 "a client needs a context of TlsContext::Client");
  std::unique_ptr<TlsEngine> engine(
      new TlsEngine(std::move(context), options.server_name));
  absl::Status begun = engine->Begin();
  if (begun.ok()) begun = engine->NamePeer(options);
  if (!begun.ok()) return begun;
  SSL_set_connect_state(engine->ssl_.get());
  return engine;
}

absl::StatusOr<std::unique_ptr<TlsEngine>> TlsEngine::ForServer(
    TlsContext context) {
  ABSL_RAW_CHECK(context.is_server(),
                 "a server needs a context of TlsContext::Server");
  std::unique_ptr<TlsEngine> engine(new TlsEngine(std::move(context), ""));
  const absl::Status begun = engine->Begin();
  if (!begun.ok()) return begun;
  SSL_set_accept_state(engine->ssl_.get());
  return engine;
}

absl::Status TlsEngine::Begin() {
  ClearErrors();
  ssl_ = TlsContext::NewConnection(context_);
  OpensslPointer<BIO> bio = Bio::Make(*this);
  if (ssl_ == nullptr || bio == nullptr) {
    return TakeErrors(StatusCode::kResourceExhausted, Subject());
  }
  // A record, and what comes with it, by one question instead of one for its
  // header and one for the rest: each may be a system call.
  SSL_set_read_ahead(ssl_.get(), 1);
  // One for both directions, which takes over one reference.
  BIO* const both = bio.release();
  SSL_set_bio(ssl_.get(), both, both);
  return absl::OkStatus();
}

absl::Status TlsEngine::NamePeer(const TlsClientOptions& options) {
  const std::string& name = options.server_name;
  // To OpenSSL a dot in front means whoever is below.
  if (name.empty() || name.front() == '.' || name.size() > 255 ||
      name.find('\0') != std::string::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", absl::CHexEscape(name), "\" names no server"));
  }
  ClearErrors();
  X509_VERIFY_PARAM* const judged = SSL_get0_param(ssl_.get());
  if (X509_VERIFY_PARAM_set1_ip_asc(judged, name.c_str()) != 1) {
    ClearErrors();
    // Not "w*.example.com", nor, where a certificate has no name, its subject.
    // And the root's dot is not sent: RFC 6066 section 3.
    X509_VERIFY_PARAM_set_hostflags(judged,
                                    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                        X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    const std::string host = name.substr(0, name.find_last_not_of('.') + 1);
    if (SSL_set1_host(ssl_.get(), host.c_str()) != 1 ||
        SSL_set_tlsext_host_name(ssl_.get(), host.c_str()) != 1) {
      return TakeErrors(StatusCode::kInvalidArgument, Subject());
    }
  }
  if (options.session.has_value() && options.session->Fits(context_, name) &&
      SSL_set_session(ssl_.get(), options.session->get()) != 1) {
    ClearErrors();  // It does without.
  }
  return absl::OkStatus();
}

std::string TlsEngine::Subject() const {
  if (server_name_.empty()) return "TLS";
  return absl::StrCat("TLS with \"", absl::CHexEscape(server_name_), "\"");
}

// --- What the BIO does ------------------------------------------------------

std::size_t TlsEngine::TakeInput(std::span<std::byte> into) {
  if (!input_.empty()) {
    const std::size_t count = std::min(input_.contents().size(), into.size());
    std::copy_n(input_.contents().begin(), count, into.begin());
    input_.Consume(count);
    return count;
  }
  if (source_ == nullptr || may_ask_for_ == 0) return 0;
  const std::size_t most = std::min(into.size(), may_ask_for_);
  const std::size_t given = (*source_)(into.first(most));
  may_ask_for_ -= given;
  // It has what comes after a first small piece: no large one is copied.
  if (given > 0) next_room_ = kSmallRoom;
  return given;
}

bool TlsEngine::PutOutput(std::span<const std::byte> bytes) {
  if (sink_ != nullptr && output_.empty() && sending_.empty()) {
    bytes = bytes.subspan((*sink_)(bytes));
  }
  return bytes.empty() || output_.Append(bytes);
}

// --- Plain text -------------------------------------------------------------

std::optional<absl::Status> TlsEngine::Handshake() {
  const std::lock_guard lock(mutex_);
  if (!broken_.ok()) return broken_;
  ClearErrors();
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) {
    // A session that is resumed brings the verdict on its certificate along.
    if (!context_.verifies() ||
        SSL_get_verify_result(ssl_.get()) == X509_V_OK) {
      return absl::OkStatus();
    }
  } else if (SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_READ) {
    if (!input_ended_) return std::nullopt;
    return absl::UnavailableError(absl::StrCat(
        Subject(), ": the peer closed the connection in the handshake"));
  }
  broken_ = HandshakeError();
  return broken_;
}

absl::Status TlsEngine::HandshakeError() const {
  const int reason = ERR_GET_REASON(ERR_peek_error());
  const bool by_peer = PeerSentAlert();
  const long verdict = SSL_get_verify_result(ssl_.get());
  const std::string what =
      absl::StrCat(Subject(), ": handshake", by_peer ? ", the peer says" : "");
  if (by_peer) return TakeErrors(StatusCode::kUnavailable, what);
  if (context_.verifies() && verdict != X509_V_OK) {
    const absl::Status errors = TakeErrors(StatusCode::kUnauthenticated, what);
    return absl::UnauthenticatedError(absl::StrCat(
        errors.message(), ": ", X509_verify_cert_error_string(verdict)));
  }
  return TakeErrors(reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE
                        ? StatusCode::kUnauthenticated
                        : StatusCode::kUnavailable,
                    what);
}

absl::Status TlsEngine::Break(StatusCode code, const char* what) {
  const bool by_peer = PeerSentAlert();
  broken_ = TakeErrors(
      by_peer ? StatusCode::kUnavailable : code,
      absl::StrCat(Subject(), ": ", by_peer ? "the peer says" : what));
  return broken_;
}

std::optional<absl::StatusOr<std::size_t>> TlsEngine::Read(
    std::span<std::byte> into, CipherSource source) {
  const std::lock_guard lock(mutex_);
  if (!broken_.ok()) return broken_;
  ClearErrors();
  std::size_t got = 0;
  source_ = &source;
  may_ask_for_ = kLargeRoom;
  const int result = SSL_read_ex(ssl_.get(), into.data(), into.size(), &got);
  source_ = nullptr;
  if (result == 1) return got;
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_ZERO_RETURN:
      return std::size_t{0};
    case SSL_ERROR_WANT_READ:
      if (!input_ended_) return std::nullopt;
      // Anybody on the way can end a connection, but not make that look like
      // the peer's own end: RFC 8446 section 6.1. Writing may still work.
      return absl::DataLossError(absl::StrCat(
          Subject(), ": truncated: the stream ended without a close_notify"));
    default:
      return Break(StatusCode::kDataLoss, "read");
  }
}

std::optional<absl::Status> TlsEngine::EndMessage() {
  const std::lock_guard lock(mutex_);
  if (!broken_.ok()) return broken_;
  return EndMessageLocked();
}

std::optional<absl::Status> TlsEngine::EndMessageLocked() {
  if (SSL_in_init(ssl_.get()) == 0) return absl::OkStatus();
  ClearErrors();
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) return absl::OkStatus();
  if (SSL_get_error(ssl_.get(), result) != SSL_ERROR_WANT_READ) {
    return Break(StatusCode::kDataLoss, "read");
  }
  if (!input_ended_) return std::nullopt;
  return absl::UnavailableError(absl::StrCat(
      Subject(), ": the stream ended in a message of the handshake"));
}

std::optional<absl::StatusOr<std::size_t>> TlsEngine::Write(ByteParts parts,
                                                            CipherSink sink) {
  const std::lock_guard lock(mutex_);
  if (!broken_.ok()) return broken_;
  if (closed_) {
    return absl::FailedPreconditionError(
        absl::StrCat(Subject(), ": write after Shutdown"));
  }
  const std::optional<absl::Status> ended = EndMessageLocked();
  if (!ended.has_value()) return std::nullopt;
  if (!ended->ok()) return *ended;
  const std::size_t size = PlainSize(parts);
  const absl::Cleanup forget = [this] { sink_ = nullptr; };
  if (size <= kLargestRecord) {
    sink_ = &sink;
  } else {
    // At once, or what is there would be moved each time that more comes. Where
    // there is no memory, Append says so.
    static_cast<void>(output_.Room(CipherSize(size)));
  }
  absl::StatusOr<std::size_t> taken = Encrypt(parts);
  output_.Commit(0);  // Of nothing, nothing is kept.
  if (sending_.empty()) std::swap(sending_, output_);
  return taken;
}

absl::StatusOr<std::size_t> TlsEngine::Encrypt(ByteParts parts) {
  RecordCutter records(parts);
  std::size_t taken = 0;
  while (taken < kMostAhead) {
    const std::span<const std::byte> record = records.Next();
    if (record.empty()) break;
    std::size_t written = 0;
    ClearErrors();
    if (SSL_write_ex(ssl_.get(), record.data(), record.size(), &written) != 1) {
      return Break(StatusCode::kInternal, "write");
    }
    taken += written;
  }
  return taken;
}

std::optional<absl::Status> TlsEngine::Close() {
  const std::lock_guard lock(mutex_);
  if (closed_ || !broken_.ok()) return broken_;
  std::optional<absl::Status> ended = EndMessageLocked();
  if (!ended.has_value() || !ended->ok()) return ended;
  ClearErrors();
  // Once: a second call would read, and the input is another task's.
  if (SSL_shutdown(ssl_.get()) < 0) {
    return Break(StatusCode::kInternal, "shutdown");
  }
  closed_ = true;
  return absl::OkStatus();
}

// --- Cipher text ------------------------------------------------------------

std::span<std::byte> TlsEngine::InputRoom() {
  const std::lock_guard lock(mutex_);
  const std::span<std::byte> room = input_.Room(next_room_);
  lent_ = room.size();
  return room;
}

// A short read says that the peer has stopped, for now: the next may last.
void TlsEngine::AddInput(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  input_.Commit(bytes);
  input_ended_ = bytes == 0;
  next_room_ = bytes < lent_ ? kSmallRoom : kLargeRoom;
}

void TlsEngine::GiveRoomBack() {
  const std::lock_guard lock(mutex_);
  input_.Commit(0);
}

bool TlsEngine::has_output() const {
  const std::lock_guard lock(mutex_);
  return !sending_.empty() || !output_.empty();
}

bool TlsEngine::is_backlogged() const {
  const std::lock_guard lock(mutex_);
  return output_.contents().size() > kMostBacklog;
}

std::span<const std::byte> TlsEngine::Output() {
  const std::lock_guard lock(mutex_);
  if (sending_.empty()) std::swap(sending_, output_);
  return sending_.contents();
}

void TlsEngine::Sent(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  sending_.Consume(bytes);
}

// --- What was agreed on -----------------------------------------------------

TlsVersion TlsEngine::protocol() const {
  const std::lock_guard lock(mutex_);
  return SSL_version(ssl_.get()) == TLS1_2_VERSION ? TlsVersion::kTls12
                                                   : TlsVersion::kTls13;
}

std::string TlsEngine::cipher() const {
  const std::lock_guard lock(mutex_);
  return SSL_get_cipher_name(ssl_.get());
}

std::string TlsEngine::alpn() const {
  const std::lock_guard lock(mutex_);
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return std::string(reinterpret_cast<const char*>(name), size);
}

bool TlsEngine::resumed() const {
  const std::lock_guard lock(mutex_);
  return SSL_session_reused(ssl_.get()) == 1;
}

std::optional<TlsCertificate> TlsEngine::peer_certificate() const {
  const std::lock_guard lock(mutex_);
  const X509* const certificate = SSL_get0_peer_certificate(ssl_.get());
  if (certificate == nullptr) return std::nullopt;
  return DescribeCertificate(*certificate);
}

std::vector<TlsCertificate> TlsEngine::peer_chain() const {
  const std::lock_guard lock(mutex_);
  const X509* const own = SSL_get0_peer_certificate(ssl_.get());
  if (own == nullptr) return {};
  std::vector<TlsCertificate> chain = {DescribeCertificate(*own)};
  const STACK_OF(X509)* const shown = SSL_get_peer_cert_chain(ssl_.get());
  // A client's begins with the peer's own, and a server's does not.
  for (int i = is_server() ? 0 : 1; i < sk_X509_num(shown); ++i) {
    chain.push_back(DescribeCertificate(*sk_X509_value(shown, i)));
  }
  return chain;
}

std::optional<TlsSession> TlsEngine::session() const {
  const std::lock_guard lock(mutex_);
  SSL_SESSION* const session = SSL_get1_session(ssl_.get());
  if (session == nullptr) return std::nullopt;
  TlsSession taken(session, context_, server_name_);
  if (SSL_SESSION_is_resumable(session) != 1) return std::nullopt;
  return taken;
}

}  // namespace weft::net::tls
