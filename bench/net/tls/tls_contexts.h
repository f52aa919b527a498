// The two ends of TLS in memory that the benchmarks of it have in common.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_BENCH_NET_TLS_TLS_CONTEXTS_H_
#define WEFT_BENCH_NET_TLS_TLS_CONTEXTS_H_

#include <cstddef>
#include <tuple>
#include <utility>

#include "absl/status/statusor.h"
#include "weft/bench/runtime/block_on.h"
#include "weft/net/memory_stream.h"
#include "weft/net/tls/pem.h"
#include "weft/net/tls/self_signed.h"
#include "weft/net/tls/tls_context.h"
#include "weft/net/tls/tls_stream.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/task.h"
#include "weft/runtime/when_all.h"

namespace weft::bench {

template <typename T>
T MustHave(absl::StatusOr<T> made) {
  MustBeOk(made.status());
  return *std::move(made);
}

struct TlsContexts {
  static constexpr const char* kName = "localhost";

  net::tls::TlsIdentity identity = MustHave(net::tls::MakeSelfSigned({kName}));
  net::tls::TlsContext client = MustHave(net::tls::TlsContext::Client(
      {.system_roots = false, .extra_roots = identity.certificate_chain}));
  net::tls::TlsContext server =
      MustHave(net::tls::TlsContext::Server({.identity = identity}));
};

using MemoryTls = net::tls::TlsStream<net::MemoryStream>;

struct MemoryTlsPair {
  MemoryTls client;
  MemoryTls server;
};

inline Task<absl::StatusOr<MemoryTlsPair>> ConnectInMemory(
    const TlsContexts& contexts, std::size_t capacity) {
  auto [one, other] = net::MakeMemoryPipe(capacity);
  const net::tls::TlsClientOptions options(TlsContexts::kName);
  auto both = co_await WhenAll(
      MemoryTls::Connect(std::move(one), contexts.client, options),
      MemoryTls::Accept(std::move(other), contexts.server));
  auto client = co_await OrReturn(std::get<0>(std::move(both)));
  auto server = co_await OrReturn(std::get<1>(std::move(both)));
  co_return MemoryTlsPair(std::move(client), std::move(server));
}

}  // namespace weft::bench

#endif  // WEFT_BENCH_NET_TLS_TLS_CONTEXTS_H_
