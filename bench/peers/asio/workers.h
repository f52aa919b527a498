// The threads that run an io_context, and the types that save Asio from erasing
// theirs.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_BENCH_PEERS_ASIO_WORKERS_H_
#define WEFT_BENCH_PEERS_ASIO_WORKERS_H_

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/error_code.hpp>
#include <asio/experimental/channel.hpp>
#include <asio/experimental/concurrent_channel.hpp>
#include <asio/io_context.hpp>
#include <asio/use_awaitable.hpp>
#include <cstdint>
#include <thread>
#include <utility>
#include <vector>

#include "benchmark/benchmark.h"

namespace weft::bench {

using Executor = asio::io_context::executor_type;

template <typename T = void>
using Awaitable = asio::awaitable<T, Executor>;

inline constexpr asio::use_awaitable_t<Executor> kAwaited;

// Channels for one thread, and those that take a lock for several.
template <typename... Signature>
using Channel = asio::experimental::basic_channel<
    Executor, asio::experimental::channel_traits<>, Signature...>;
template <typename... Signature>
using ConcurrentChannel = asio::experimental::basic_concurrent_channel<
    Executor, asio::experimental::channel_traits<>, Signature...>;

// A channel by which to wake: what is sent says nothing. Its signature has a
// value all the same, since Asio 1.22 has none for an error alone.
using Wakes = void(asio::error_code, bool);

bool Wake(auto& channel) { return channel.try_send(asio::error_code(), true); }

// As many threads as the row has workers, ours among them.
class Workers {
 public:
  explicit Workers(const benchmark::State& state)
      : Workers(static_cast<int>(state.range(0))) {}
  explicit Workers(int threads) : threads_(threads), context_(threads) {}

  asio::io_context& context() noexcept { return context_; }
  Executor executor() noexcept { return context_.get_executor(); }

  void Spawn(Awaitable<> task) {
    asio::co_spawn(executor(), std::move(task), asio::detached);
  }

  // Until nothing is left to do: that is how all that was spawned is joined.
  void Run() {
    context_.restart();
    std::vector<std::jthread> others;
    for (int i = 1; i < threads_; ++i) {
      others.emplace_back([this] { context_.run(); });
    }
    context_.run();
  }

 private:
  const int threads_;
  asio::io_context context_;
};

}  // namespace weft::bench

#endif  // WEFT_BENCH_PEERS_ASIO_WORKERS_H_
