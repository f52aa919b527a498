// Two ends of one TLS connection, for tests.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_NET_TLS_TLS_PAIR_H_
#define WEFT_TESTS_NET_TLS_TLS_PAIR_H_

#include <tuple>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weft/net/memory_stream.h"
#include "weft/net/tls/tls_context.h"
#include "weft/net/tls/tls_stream.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/task.h"
#include "weft/runtime/when_all.h"

namespace weft::net::tls {

using MemoryTls = TlsStream<MemoryStream>;

// How a handshake ended at either end.
template <typename S>
struct Handshaken {
  absl::StatusOr<TlsStream<S>> client;
  absl::StatusOr<TlsStream<S>> server;
};

template <typename S>
Task<Handshaken<S>> Handshake(S client, S server, TlsContext client_context,
                              TlsContext server_context,
                              TlsClientOptions options = "localhost") {
  auto both = co_await WhenAll(
      TlsStream<S>::Connect(std::move(client), client_context, options),
      TlsStream<S>::Accept(std::move(server), server_context));
  co_return Handshaken<S>(std::get<0>(std::move(both)),
                          std::get<1>(std::move(both)));
}

template <typename S>
struct TlsPair {
  TlsStream<S> client;
  TlsStream<S> server;
};

// Both ends, or the client's error, or the server's.
template <typename S>
Task<absl::StatusOr<TlsPair<S>>> PairOver(
    S client, S server, TlsContext client_context, TlsContext server_context,
    TlsClientOptions options = "localhost") {
  Handshaken<S> done =
      co_await Handshake<S>(std::move(client), std::move(server),
                            client_context, server_context, options);
  if (!done.client.ok()) co_return std::move(done.client).status();
  if (!done.server.ok()) co_return std::move(done.server).status();
  co_return TlsPair<S>(*std::move(done.client), *std::move(done.server));
}

inline Task<absl::StatusOr<TlsPair<MemoryStream>>> MemoryPair(
    TlsContext client, TlsContext server,
    TlsClientOptions options = "localhost") {
  auto [one, other] = MakeMemoryPipe();
  co_return co_await PairOver(std::move(one), std::move(other), client, server,
                              options);
}

}  // namespace weft::net::tls

#endif  // WEFT_TESTS_NET_TLS_TLS_PAIR_H_
