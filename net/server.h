// Server: accepts connections, has each of them served, and ends in good order.
//
//     auto listener = co_await OrReturn(TcpListener::Bind("127.0.0.1:7777"));
//     Server server(std::move(listener), Echo);
//     co_return co_await server.Run();      // Until it is cancelled.
//
// What happens to a connection, and what to the server:
//
//     accept --- a permit each ---> handler(stream) ---> closed
//        |                               |
//      Drain, or Run is cancelled        |  draining() is set: handlers that
//        v                               |  wait for another request can end
//     no more is accepted                v
//     drain_timeout from then on ...... the rest is cancelled, and waited for
//
// A handler's error ends its connection and not the server; an exception ends
// the server, as one that escapes from a child ends any scope.
//
// Invariants
//   1. Every connection that was accepted has a handler, and Run outlives it.
//   2. Connections that nobody has a permit for stay in the system's queue: a
//      flood costs no memory here.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_SERVER_H_
#define WEFT_NET_SERVER_H_

#include <cstddef>
#include <cstdint>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/base/internal/raw_logging.h"
#include "absl/cleanup/cleanup.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "weft/net/peer.h"
#include "weft/runtime/atomic.h"
#include "weft/runtime/awaitable.h"
#include "weft/runtime/deadline.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/shield.h"
#include "weft/runtime/task.h"
#include "weft/runtime/when_all.h"
#include "weft/runtime/when_any.h"
#include "weft/sync/event.h"
#include "weft/sync/semaphore.h"

namespace weft::net {

struct ServerOptions {
  // How many connections are served at a time.
  std::int64_t max_connections = 10'000;
  // How long the connections that there are may go on after a Drain.
  absl::Duration drain_timeout = absl::Seconds(30);
  // The timeouts of every stream, before its handler is called: who connects
  // and says nothing does not stay for ever.
  absl::Duration read_timeout = absl::InfiniteDuration();
  absl::Duration write_timeout = absl::InfiniteDuration();
  // Told of every handler's error but CANCELLED. On any thread.
  absl::AnyInvocable<void(const Peer& peer, const absl::Status& error) const>
      on_error = nullptr;
};

// A TcpListener, a UnixListener.
template <typename L>
concept Listener = requires(L& listener, std::size_t most) {
  { listener.AcceptBatch(most) };
  { listener.Close() };
};

// Threads: one task runs it. Drain and the counters from anywhere.
template <Listener L>
class Server {
 public:
  // What AcceptBatch gives several of.
  using Stream = typename decltype(std::declval<L&>().AcceptBatch(
      1))::Result::value_type::value_type;
  // Called for each connection, on any worker. It and what it has captured live
  // as long as the server.
  using Handler = absl::AnyInvocable<Task<absl::Status>(Stream) const>;

  Server(L listener, Handler handler, ServerOptions options = {})
      : listener_(std::move(listener)),
        handler_(std::move(handler)),
        options_(std::move(options)),
        permits_(options_.max_connections) {
    ABSL_RAW_CHECK(options_.max_connections > 0,
                   "a server that may serve nobody: give max_connections at "
                   "least 1");
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Serves. Once in the life of a server.
  //
  // Suspends: until Drain has been called and every connection has ended, which
  //           is within the drain timeout if handlers heed a cancellation. (A
  //           BufferedWriter in Using does so within its stream's write
  //           timeout.)
  // Cancel:   as Drain; then CANCELLED. The listener is closed, and every
  //           connection has ended.
  // Errors:   those of the listener, except where it was closed by Drain.
  //           An exception of a handler's or of on_error's is thrown when
  //           every connection has ended.
  Task<absl::Status> Run() {
    auto [served, watched] =
        co_await WhenAll(ServeShielded(), DrainWhenCancelled());
    co_return served.ok() ? watched : served;
  }

  // Accepts no more, and lets the connections that there are end. Idempotent.
  //
  // Threads: any.
  void Drain() noexcept { draining_.Set(); }

  // Set from Drain on. A handler that waits for its client's next request waits
  // for this as well.
  sync::Event& draining() noexcept { return draining_; }

  const L& listener() const noexcept { return listener_; }

  // So many are being served, and so many have been accepted.
  //
  // relaxed: numbers to look at, which order nothing.
  std::int64_t connections() const noexcept {
    return connections_.load(std::memory_order_relaxed);
  }
  std::int64_t accepted() const noexcept {
    return accepted_.load(std::memory_order_relaxed);
  }

 private:
  // How many are accepted in one turn.
  static constexpr std::int64_t kBatch = 16;

  // A cancellation from outside has the handlers drained, not cancelled: so
  // they do not see it, and who does tells them.
  Task<absl::Status> ServeShielded() {
    // Also when it throws: the other one is waited for.
    const absl::Cleanup tell = [this] { ended_.Set(); };
    absl::Status served = co_await Shield(Serve());
    co_return served;
  }
  Task<absl::Status> DrainWhenCancelled() {
    absl::Status ended = co_await ended_.Wait();
    if (!ended.ok()) Drain();
    co_return ended;
  }

  Task<absl::Status> Serve() {
    co_return co_await WithScope([&](Scope& handlers) -> Task<absl::Status> {
      auto ended = co_await WhenAny(AcceptInto(handlers), UntilDrained());
      listener_.Close();
      absl::Status accepting = std::get<0>(std::move(ended.outcomes));
      draining_.Set();  // Also where the listener has failed.
      absl::Status quiet =
          co_await WithTimeout(options_.drain_timeout, UntilNobodyIsServed());
      if (!quiet.ok()) handlers.Cancel();
      co_return absl::IsCancelled(accepting) ? absl::OkStatus() : accepting;
    });
  }

  Task<absl::Status> UntilDrained() { co_return co_await draining_.Wait(); }

  // Every permit back: nobody has one any more.
  Task<absl::Status> UntilNobodyIsServed() {
    auto all = co_await permits_.Acquire(options_.max_connections);
    co_return all.status();
  }

  Task<absl::Status> AcceptInto(Scope& handlers) {
    for (;;) {
      auto first = co_await permits_.Acquire();
      if (!first.ok()) co_return first.status();
      std::vector<sync::Semaphore::Permit> permits;
      permits.push_back(*std::move(first));
      while (std::ssize(permits) < kBatch) {
        sync::Semaphore::Permit more = permits_.TryAcquire();
        if (!more) break;
        permits.push_back(std::move(more));
      }
      auto batch = co_await listener_.AcceptBatch(permits.size());
      if (!batch.ok()) co_return batch.status();
      for (Stream& stream : *batch) {
        handlers.Spawn(&Server::Attend, this, std::move(stream),
                       std::move(permits.back()));
        permits.pop_back();
      }
    }
  }

  // The permit goes last, when the stream has been closed.
  Task<> Attend(Stream stream, sync::Semaphore::Permit) {
    // relaxed: see connections().
    accepted_.fetch_add(1, std::memory_order_relaxed);
    connections_.fetch_add(1, std::memory_order_relaxed);
    absl::Cleanup leave = [this] {  // Also when the handler throws.
      connections_.fetch_sub(1, std::memory_order_relaxed);
    };
    stream.SetReadTimeout(options_.read_timeout);
    stream.SetWriteTimeout(options_.write_timeout);
    const Peer peer = stream.peer();
    const absl::Status status = co_await handler_(std::move(stream));
    std::move(leave).Invoke();
    if (!status.ok() && !absl::IsCancelled(status) && options_.on_error) {
      options_.on_error(peer, status);
    }
  }

  L listener_;
  const Handler handler_;
  const ServerOptions options_;
  sync::Semaphore permits_;
  sync::Event draining_;
  sync::Event ended_;
  // Written by the handlers' tasks.
  Atomic<std::int64_t> connections_{0};
  Atomic<std::int64_t> accepted_{0};
};

}  // namespace weft::net

#endif  // WEFT_NET_SERVER_H_
