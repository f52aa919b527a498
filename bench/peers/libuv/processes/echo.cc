// An echo server of libuv, with one loop.
//
// All connections are read into one buffer. What is read is written at once, as
// far as there is room; only what is left then is copied and waited for.
//
// SPDX-License-Identifier: MIT

#include <uv.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "weft/bench/peers/libuv/processes/work.h"
#include "weft/bench/peers/processes.h"

namespace weft::bench {
namespace {

struct Connection {
  uv_tcp_t socket;
  uv_timer_t timer;
  int open_handles;
};

struct Rest {
  uv_write_t request;
  std::vector<char> bytes;
};

std::uint64_t timeout = 0;
std::array<char, kEchoBuffer> buffer;

uv_handle_t* Handle(auto* handle) {
  return reinterpret_cast<uv_handle_t*>(handle);
}

void OnClosed(uv_handle_t* handle) {
  auto* const connection = static_cast<Connection*>(handle->data);
  if (--connection->open_handles == 0) delete connection;
}

void Close(Connection* connection) {
  if (uv_is_closing(Handle(&connection->socket))) return;
  uv_close(Handle(&connection->socket), OnClosed);
  if (timeout != 0) uv_close(Handle(&connection->timer), OnClosed);
}

void StartTimer(Connection* connection) {
  if (timeout == 0) return;
  uv_timer_start(
      &connection->timer,
      [](uv_timer_t* timer) { Close(static_cast<Connection*>(timer->data)); },
      timeout, 0);
}

void WriteRest(Connection* connection, const char* from, std::size_t size) {
  auto* const rest = new Rest{.request = {}, .bytes{from, from + size}};
  rest->request.data = rest;
  const uv_buf_t part =
      uv_buf_init(rest->bytes.data(), static_cast<unsigned>(size));
  uv_write(&rest->request, reinterpret_cast<uv_stream_t*>(&connection->socket),
           &part, 1, [](uv_write_t* request, int) {
             delete static_cast<Rest*>(request->data);
           });
}

void OnRead(uv_stream_t* stream, ssize_t size, const uv_buf_t* read) {
  auto* const connection = static_cast<Connection*>(stream->data);
  if (size < 0) return Close(connection);
  if (size == 0) return;
  StartTimer(connection);
  const uv_buf_t whole = uv_buf_init(read->base, static_cast<unsigned>(size));
  const int written = uv_try_write(stream, &whole, 1);
  if (written < 0 && written != UV_EAGAIN) return Close(connection);
  const auto taken = static_cast<std::size_t>(std::max(written, 0));
  const auto left = static_cast<std::size_t>(size) - taken;
  if (left > 0) WriteRest(connection, read->base + taken, left);
}

void OnConnection(uv_stream_t* listener, int status) {
  Must(status == 0, "no connection is accepted");
  auto* const connection = new Connection{};
  uv_tcp_init(listener->loop, &connection->socket);
  connection->socket.data = connection;
  connection->open_handles = 1;
  auto* const stream = reinterpret_cast<uv_stream_t*>(&connection->socket);
  Must(uv_accept(listener, stream) == 0, "a connection is not accepted");
  uv_tcp_nodelay(&connection->socket, 1);
  if (timeout != 0) {
    uv_timer_init(listener->loop, &connection->timer);
    connection->timer.data = connection;
    ++connection->open_handles;
  }
  StartTimer(connection);
  uv_read_start(
      stream,
      [](uv_handle_t*, std::size_t, uv_buf_t* into) {
        *into = uv_buf_init(buffer.data(), buffer.size());
      },
      OnRead);
}

}  // namespace

void ServeEcho(std::uint64_t timeout_ms) {
  timeout = timeout_ms;
  uv_loop_t* const loop = uv_default_loop();
  uv_tcp_t listener;
  sockaddr_in address;
  uv_tcp_init(loop, &listener);
  uv_ip4_addr("127.0.0.1", 0, &address);
  uv_tcp_bind(&listener, reinterpret_cast<const sockaddr*>(&address), 0);
  Must(uv_listen(reinterpret_cast<uv_stream_t*>(&listener), kBacklog,
                 OnConnection) == 0,
       "it cannot listen");
  int size = sizeof(address);
  uv_tcp_getsockname(&listener, reinterpret_cast<sockaddr*>(&address), &size);
  TellPort(ntohs(address.sin_port));
  uv_run(loop, UV_RUN_DEFAULT);
}

}  // namespace weft::bench
