// An echo server of Asio's coroutines, as a process that is asked: see
// bench/net/servers.py.
//
// SPDX-License-Identifier: MIT

#include <array>
#include <asio/awaitable.hpp>
#include <asio/basic_waitable_timer.hpp>
#include <asio/buffer.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/error_code.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "weft/bench/peers/processes.h"

namespace weft::bench {
namespace {

using asio::ip::tcp;

// The types that save Asio from erasing theirs.
using Executor = asio::io_context::executor_type;
using Socket = asio::basic_stream_socket<tcp, Executor>;
using Acceptor = asio::basic_socket_acceptor<tcp, Executor>;
using Timer =
    asio::basic_waitable_timer<std::chrono::steady_clock,
                               asio::wait_traits<std::chrono::steady_clock>,
                               Executor>;
using Task = asio::awaitable<void, Executor>;

constexpr asio::use_awaitable_t<Executor> kAwaited;

// The timer's handler may run when the connection has ended already.
void Arm(Timer& timer, const std::shared_ptr<Socket>& socket,
         std::chrono::seconds timeout) {
  timer.expires_after(timeout);
  timer.async_wait([socket](asio::error_code error) {
    if (!error) socket->cancel(error);
  });
}

Task Attend(std::shared_ptr<Socket> socket, std::chrono::seconds timeout) {
  std::array<char, kEchoBuffer> buffer;
  Timer timer(socket->get_executor());
  asio::error_code error;
  auto awaited = asio::redirect_error(kAwaited, error);
  for (;;) {
    if (timeout.count() != 0) Arm(timer, socket, timeout);
    const std::size_t size =
        co_await socket->async_read_some(asio::buffer(buffer), awaited);
    if (error) co_return;
    if (timeout.count() != 0) timer.cancel();
    co_await asio::async_write(*socket, asio::buffer(buffer.data(), size),
                               awaited);
    if (error) co_return;
  }
}

Task Serve(Acceptor& acceptor, std::chrono::seconds timeout) {
  for (;;) {
    Socket socket = co_await acceptor.async_accept(kAwaited);
    socket.set_option(tcp::no_delay(true));
    asio::co_spawn(acceptor.get_executor(),
                   Attend(std::make_shared<Socket>(std::move(socket)), timeout),
                   asio::detached);
  }
}

int Main(int workers, std::chrono::seconds timeout) {
  asio::io_context context(workers);
  Acceptor acceptor(context.get_executor(), tcp::v4());
  acceptor.bind(tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  acceptor.listen(kBacklog);
  asio::co_spawn(context.get_executor(), Serve(acceptor, timeout),
                 asio::detached);
  TellPort(acceptor.local_endpoint().port());
  std::vector<std::jthread> others;
  for (int i = 1; i < workers; ++i) {
    others.emplace_back([&context] { context.run(); });
  }
  context.run();
  return 0;
}

}  // namespace
}  // namespace weft::bench

int main(int argc, char** argv) {
  weft::bench::Must(argc > 2 && std::string_view(argv[1]) == "echo",
                    "asked for something else");
  return weft::bench::Main(
      std::atoi(argv[2]),
      std::chrono::seconds(argc > 3 ? std::atoi(argv[3]) : 0));
}
