// The kinds of TLS stream that the conformance suites run on: over TCP, and
// over memory.
//
// What is different from their transports: an end is said, so that a close
// which nobody has announced reads as an accident (DATA_LOSS).
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_NET_TLS_TLS_KINDS_H_
#define WEFT_TESTS_NET_TLS_TLS_KINDS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weft/net/tls/tls_context.h"
#include "weft/net/tls/tls_stream.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/tests/net/conformance/stream_kinds.h"
#include "weft/tests/net/tls/certificates.h"
#include "weft/tests/net/tls/tls_pair.h"

namespace weft::net::tls {

// Over the pairs of another kind.
template <typename Below>
class TlsKind {
 public:
  using Stream = TlsStream<typename Below::Stream>;
  using Pairs = Task<absl::StatusOr<StreamPair<Stream>>>;

  static constexpr auto kWriteAfterEnd = absl::StatusCode::kFailedPrecondition;
  static constexpr auto kReadAfterClose = absl::StatusCode::kDataLoss;

  Pairs Connect() {
    PairOf<Below> below = co_await OrReturn(below_.Connect());
    auto pair = co_await OrReturn(PairOver(
        std::move(below.client), std::move(below.server), client_, server_));
    co_return StreamPair<Stream>{std::move(pair.client),
                                 std::move(pair.server)};
  }

  static Task<absl::Status> End(Stream& stream) { return stream.Shutdown(); }
  static void Close(Stream& stream) { Below::Close(stream.transport()); }

  weft::testing::SimulatedSystem& system() { return below_.system(); }
  int CountOpen() const { return below_.CountOpen(); }

 private:
  Below below_;
  const Authority authority_;
  const TlsContext client_ = ClientOf(authority_);
  const TlsContext server_ = ServerOf(authority_);
};

class KernelTcpTlsKind : public TlsKind<KernelTcpKind> {
 public:
  static constexpr char kName[] = "KernelTcpTls";
};

class MemoryTlsKind : public TlsKind<MemoryKind> {
 public:
  static constexpr char kName[] = "MemoryTls";
};

}  // namespace weft::net::tls

#endif  // WEFT_TESTS_NET_TLS_TLS_KINDS_H_
